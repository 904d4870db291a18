"""What a sitting costs beyond cold starts and rounds, the whole way: queue, guardian, stream, commit.

Each sitting is sent as the controller sends it, and timed until its result is committed and
acknowledged. Wanted: one trial at most 100 ms (median) and 150 ms (p90); each further trial at most
50 ms more; and at trials of one second at least 90 % of a sitting within cold starts and rounds.
"""

from __future__ import annotations

import argparse
import math
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.machine import CLOCK, header
from orchestrator.analysis import inference
from orchestrator.experiment import Experiment, StrategyChoice, WorkloadChoice
from orchestrator.lab import EMBEDDED_NODE, Lab, embedded_lab
from orchestrator.records import RunRecord
from orchestrator.settings import from_environment
from orchestrator.store import Store
from workers.result import SittingResult
from workers.spec import CalibrationSpec, SittingSpec, TrialSpec

RUN = "be7c"


@dataclass
class Way:
    """A lab, a store, and the sending of one sitting after another through both."""

    lab: Lab
    store: Store
    boot_id: str
    python: str
    sent: int = 0
    fence: int = 0

    def sit(self, spec: SittingSpec) -> tuple[SittingResult, float]:
        """Send a sitting and give its result with the seconds until it was acknowledged."""
        self.sent += 1
        spec = replace(spec, sitting=f"s{self.sent}", fence=self.fence)
        spec = replace(spec, trials=tuple(replace(t, trial=f"{spec.sitting}-{t.trial}") for t in spec.trials))
        block = None if spec.calibration else self.sent
        begin = time.perf_counter()
        self.store.dispatched(
            RUN,
            spec.sitting,
            1,
            group="g",
            block=block,
            node=spec.node,
            job_id=self.lab.queue.job_id(spec),
            unix_seconds=CLOCK.unix_seconds(),
        )
        self.lab.queue.dispatch(spec)
        while True:
            deliveries = self.lab.queue.collect(5.0)
            results = [d.result for d in deliveries if d.result is not None]
            for result in results:
                self.store.record(result)
            self.lab.queue.acknowledge(deliveries)
            if results:
                return results[0], time.perf_counter() - begin
            assert not any(d.lost or d.refused for d in deliveries), deliveries


@contextmanager
def whole_way() -> Iterator[Way]:
    """Start an embedded lab and a store, both in a folder of their own."""
    with tempfile.TemporaryDirectory(prefix="pl-") as home:
        settings = from_environment({"PARLAB_HOME": home})
        with (
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
            yield Way(lab, store, node.host.boot_id, node.builds[0].id, fence=slot.fence)
            assert Path(home).exists()


def beyond(result: SittingResult, seconds: float) -> float:
    """Give what of a sitting's time was neither cold start nor warm-up nor round."""
    return seconds - within(result)


def within(result: SittingResult) -> float:
    """Give a sitting's time in cold starts, warm-ups and rounds."""
    return math.fsum(
        (t.start_up_seconds or 0) + (t.warm_up_seconds or 0) + math.fsum(r.seconds for r in t.rounds)
        for t in result.trials
    )


def spec(way: Way, strategy: str, trials: int, turns: int, steps: int = 2000, tasks: int = 4) -> SittingSpec:
    """Make a sitting of equal trials; the right results come from a calibration."""
    options = {} if strategy == "serial" else {"start_method": "forkserver"}
    workers = 1 if strategy == "serial" else 2
    one = TrialSpec("t", "c", "integer_sum", {"steps": steps}, tasks, "serial", {}, 1, way.python)
    calibration, _ = way.sit(
        SittingSpec(
            RUN,
            "",
            1,
            EMBEDDED_NODE,
            "calibrate",
            (replace(one, tasks=0),),
            0,
            1,
            calibration=CalibrationSpec(0.01, tasks),
        )
    )
    assert calibration.calibration is not None, calibration
    measured = replace(
        one,
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


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sittings", type=int, default=60)
    given = parser.parse_args()
    print(header("Overhead: a sitting's time beyond cold starts and rounds"))
    with whole_way() as way:
        for strategy in ("serial", "processes"):
            medians = {}
            for trials in (1, 2, 4, 8):
                wanted = spec(way, strategy, trials, turns=2)
                costs = [
                    beyond(*way.sit(wanted))
                    for _ in range(given.sittings if trials == 1 else given.sittings // 3)
                ]
                medians[trials] = inference.median(costs)
                if trials == 1:
                    p90 = inference.quantile(costs, 0.9)
                    print(
                        f"{strategy:9} 1 trial: {medians[1] * 1000:.0f} ms median, {p90 * 1000:.0f} ms p90 "
                        f"({len(costs)} sittings)"
                    )
                sys.stdout.flush()
            further = ", ".join(
                f"{(medians[n] - medians[1]) / (n - 1) * 1000:.0f} ms ({n} trials)" for n in (2, 4, 8)
            )
            print(f"{strategy:9} each further trial: {further}")
        shares = []
        for strategy in ("serial", "processes"):
            # Rounds of about 30 ms, about a second of them in each of 4 trials.
            wanted = spec(way, strategy, 4, turns=30, steps=100_000, tasks=6)
            for _ in range(4):
                result, seconds = way.sit(wanted)
                shares.append(within(result) / seconds)
        print(
            f"share of node time in cold starts and rounds, 4 trials of about a second: "
            f"{inference.median(shares):.1%} median, {min(shares):.1%} least"
        )


if __name__ == "__main__":
    main()
