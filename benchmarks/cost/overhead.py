"""Cost of a sitting beyond cold starts and rounds, the whole way: queue, guardian, stream, commit.

Each sitting is sent as the controller sends it, and timed until its result is committed and
acknowledged. Wanted: one trial at most 100 ms (median) and 150 ms (p90); each further trial at most
50 ms more; and in a run with trials of one second at least 90 % of the time within cold starts and
rounds. ``python -m benchmarks.cost.overhead``, about two minutes.
"""

from __future__ import annotations

import argparse
import math
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks.machine import CLOCK, alone, header, run_experiment
from parlab.orchestrator.experiment.model import Experiment, StrategyChoice, WorkloadChoice
from parlab.orchestrator.lab.backend import EMBEDDED_NODE, Lab, embedded_lab
from parlab.orchestrator.settings import from_environment
from parlab.orchestrator.statistics import inference
from parlab.orchestrator.store.facade import Store
from parlab.orchestrator.store.records import RunRecord
from parlab.workers.wire import keys as rediskeys
from parlab.workers.wire.result import SittingResult
from parlab.workers.wire.spec import CalibrationSpec, SittingSpec, TrialSpec

RUN = "be7c"
#: How many trials a sitting has; a sitting of one is looked at three times as often.
SIZES = (1, 1, 1, 2, 4, 8)

ONE_SECOND_TRIALS = """
[experiment]
name = "share"
trial_seconds = 1.0
[[workload]]
name = "integer_sum"
steps = 100_000
[[strategy]]
name = "serial"
[[strategy]]
name = "threads"
max_workers = 2
[[strategy]]
name = "processes"
max_workers = 2
[stop]
precision = "0.1%"
budget = "3m"
"""


@dataclass(frozen=True)
class Cost:
    """Where one sitting's time beyond cold starts and rounds went, in seconds."""

    #: From dispatch until the guardian began; a host that another sitting holds is waited for here.
    before: float
    #: In the guardian: interpreters, preparation, tear-down, looking for orphans.
    within: float
    #: Until the result was committed and acknowledged.
    after: float

    @property
    def total(self) -> float:
        """All of it."""
        return self.before + self.within + self.after


@dataclass
class WholeWay:
    """A lab, a store, and the sending of one sitting after another through both."""

    lab: Lab
    store: Store
    boot_id: str
    python: str
    sent: int = 0
    fence: int = 0

    def sit(self, spec: SittingSpec) -> tuple[SittingResult, Cost]:
        """Send a sitting and give its result and what it cost until it was acknowledged."""
        self.sent += 1
        spec = replace(spec, sitting=f"s{self.sent}", fence=self.fence)
        spec = replace(spec, trials=tuple(replace(t, trial=f"{spec.sitting}-{t.trial}") for t in spec.trials))
        block = None if spec.calibration else self.sent
        sent_unix_seconds = CLOCK.unix_seconds()
        begin = time.perf_counter()
        self.store.sittings.dispatched(
            RUN,
            spec.sitting,
            1,
            group="g",
            block=block,
            node=spec.node,
            job_id=rediskeys.job_id(spec),
            unix_seconds=sent_unix_seconds,
        )
        self.lab.queue.dispatch(spec)
        while True:
            entries = self.lab.queue.collect(5.0)
            results = [d.result for d in entries if d.result is not None]
            for result in results:
                self.store.sittings.record(result)
            self.lab.queue.acknowledge(entries)
            if results:
                seconds = time.perf_counter() - begin
                before = results[0].started_unix_seconds - sent_unix_seconds
                cost = Cost(
                    before, results[0].seconds - within(results[0]), seconds - before - results[0].seconds
                )
                return results[0], cost
            assert not any(d.lost or d.refused for d in entries), entries


@contextmanager
def whole_way() -> Iterator[WholeWay]:
    """Start an embedded lab and a store, both in a folder of their own."""
    with tempfile.TemporaryDirectory(prefix="pl-") as home:
        settings = from_environment({"PARLAB_HOME": home})
        with (
            alone(),
            Store.open(settings.store_path, CLOCK) as store,
            embedded_lab(settings, RUN, [sys.executable]) as lab,
        ):
            experiment = Experiment(
                "bench", "", (WorkloadChoice("integer_sum", {}),), (StrategyChoice("serial"),)
            )
            store.create_run(RunRecord(RUN, experiment, 1, CLOCK.unix_seconds()))
            (node,) = lab.registrations()
            slot = lab.queue.acquire_slot(node.host.boot_id, RUN, 3600)
            assert slot.fence is not None
            yield WholeWay(lab, store, node.host.boot_id, node.builds[0].id, fence=slot.fence)


def within(result: SittingResult) -> float:
    """Give a sitting's time in cold starts, warm-ups and rounds."""
    return math.fsum(
        (t.start_up_seconds or 0) + (t.warm_up_seconds or 0) + math.fsum(r.seconds for r in t.rounds)
        for t in result.trials
    )


def spec(
    way: WholeWay, strategy: str, trials: int, turns: int, steps: int = 2000, tasks: int = 4
) -> SittingSpec:
    """Make a sitting of equal trials; the right results come from a calibration."""
    options = {} if strategy == "serial" else {"start_method": "forkserver"}
    workers = 1 if strategy == "serial" else 2
    trial = TrialSpec("t", "c", "integer_sum", {"steps": steps}, tasks, "serial", {}, 1, way.python)
    calibration, _ = way.sit(
        SittingSpec(
            RUN,
            "",
            1,
            EMBEDDED_NODE,
            "calibrate",
            (replace(trial, tasks=0),),
            0,
            1,
            calibration=CalibrationSpec(0.01, tasks),
        )
    )
    assert calibration.calibration is not None, calibration
    measured = replace(
        trial,
        strategy=strategy,
        options=options,
        max_workers=workers,
        expected=calibration.calibration.expected,
        warm_up_rounds=0,
    )
    return SittingSpec(
        RUN,
        "",
        1,
        EMBEDDED_NODE,
        "measure",
        tuple(replace(measured, trial=f"t{i}", configuration=f"c{i}") for i in range(trials)),
        turns,
        7,
    )


def print_costs(way: WholeWay, strategy: str, sittings: int, draw: random.Random) -> None:
    """Print what a sitting of one trial costs, and each further trial. Sizes take turns."""
    wanted = {size: spec(way, strategy, size, turns=2) for size in sorted(set(SIZES))}
    costs: dict[int, list[Cost]] = {size: [] for size in wanted}
    for _ in range(math.ceil(sittings / SIZES.count(1))):
        for size in draw.sample(SIZES, len(SIZES)):
            costs[size].append(way.sit(wanted[size])[1])
    totals = [cost.total for cost in costs[1]]
    parts = ", ".join(
        f"{milliseconds(values)} {name}"
        for name, values in {
            "until the guardian began": [cost.before for cost in costs[1]],
            "in it": [cost.within for cost in costs[1]],
            "until acknowledged": [cost.after for cost in costs[1]],
        }.items()
    )
    print(
        f"{strategy:9} 1 trial: {milliseconds(totals)} median, "
        f"{inference.quantile(totals, 0.9) * 1000:.0f} ms p90 ({len(totals)} sittings; {parts})"
    )
    medians = {size: inference.median([cost.total for cost in costs[size]]) for size in costs}
    further = ", ".join(
        f"{(medians[size] - medians[1]) / (size - 1) * 1000:.0f} ms ({size} trials)"
        for size in medians
        if size > 1
    )
    print(f"{strategy:9} each further trial: {further}; {len(costs[2])} sittings each", flush=True)


def milliseconds(values: list[float]) -> str:
    """Write the median of some seconds."""
    return f"{inference.median(values) * 1000:.0f} ms"


def share(blocks: int) -> str:
    """Run blocks of trials of a second, and say how much of the time was rounds and cold starts.

    The time is from the first block's dispatch until the last one's result was stored: what the
    controller does between two sittings is in it.
    """
    with tempfile.TemporaryDirectory(prefix="pl-") as home:
        file = Path(home, "share.toml")
        file.write_text(ONE_SECOND_TRIALS, encoding="utf-8")
        document = run_experiment(str(file), home, "--blocks", str(blocks))
    used = math.fsum(_used(trial) for trial in document["trials"] if trial["block"] is not None)
    sittings = [sitting for sitting in document["sittings"] if sitting["block"] is not None]
    elapsed = max(s["ended_unix_seconds"] for s in sittings) - min(
        s["dispatched_unix_seconds"] for s in sittings
    )
    return (
        f"{used / elapsed:.1%} of the time within cold starts and rounds: {len(sittings)} blocks of serial, "
        f"threads and processes, trials of a second"
    )


def _used(trial: dict[str, Any]) -> float:
    starts = (trial["start_up_seconds"] or 0.0) + (trial["warm_up_seconds"] or 0.0)
    return starts + math.fsum(timed["seconds"] for timed in trial["rounds"])


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sittings", type=int, default=60, help="of one trial, for each strategy")
    parser.add_argument("--blocks", type=int, default=8, help="of trials of a second (7 at least)")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    print(header("Overhead: a sitting's time beyond cold starts and rounds"))
    with whole_way() as way:
        for strategy in ("serial", "processes"):
            print_costs(way, strategy, given.sittings, random.Random(given.seed))
    print(share(given.blocks))


if __name__ == "__main__":
    main()
