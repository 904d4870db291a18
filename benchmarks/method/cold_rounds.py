"""Bias of short rounds: cold caches after a switch of trials, and what every round pays once.

Each trial does two rounds in a row; the second one finds warm caches. Printed by length of rounds, strategy
and workload: the first round's seconds over the second's, what that does to a ratio between strategies (its
bias where only first rounds count, as parlab does it), and the speed-ups themselves.
``integer_sum`` needs next to no cache; ``look_up`` reads all over a table of 10 MB. Sittings of the
workloads and lengths take turns at random; intervals are a bootstrap's over sittings (95 %).
``python -m benchmarks.method.cold_rounds --recording FILE --minutes 4``.
"""

from __future__ import annotations

import argparse
import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.machine import alone, header
from benchmarks.noise import recording
from benchmarks.noise.recording import Recorded, RecordedTrial
from parlab.orchestrator.statistics import inference
from parlab.workers.wire.spec import OwnFunction, Scalar, TrialSpec

#: Tasks of a round, of about a millisecond each; the workers divide each of them.
LENGTHS = (4, 10, 20, 40, 100, 200, 400)
#: Beyond so many, reloading caches does not show.
LONGEST_FOR_CACHES = 100
LOOK_UP = OwnFunction("table:look_up", inputs="table:inputs")
WORKLOADS: dict[str, OwnFunction | None] = {"integer_sum": None, "look_up": LOOK_UP}
STRATEGIES: tuple[tuple[str, int, dict[str, Scalar]], ...] = (
    ("serial", 1, {}),
    ("threads", 2, {}),
    ("processes", 2, {"start_method": "forkserver"}),
)


@dataclass(frozen=True)
class RoundsCell:
    """Sittings of one workload at one length of rounds."""

    workload: str
    tasks: int

    @property
    def name(self) -> str:
        """Name it in the recording."""
        return f"{self.workload} {self.tasks}"


CELLS = tuple(
    RoundsCell(workload, tasks)
    for workload, function in WORKLOADS.items()
    for tasks in LENGTHS
    if function is None or tasks <= LONGEST_FOR_CACHES
)


def trials_of(cell: RoundsCell) -> list[TrialSpec]:
    """Give the trials of a sitting, without their results yet."""
    trials = []
    for strategy, workers, options in STRATEGIES:
        trial = recording.made(strategy, options, workers, recording.STEPS, cell.tasks, strategy)
        if WORKLOADS[cell.workload] is not None:
            trial = replace(trial, workload=cell.workload, parameters={})
        trials.append(trial)
    return trials


def record(path: Path, minutes: float) -> None:
    """Record sittings of all cells, in a new random order again and again."""
    draw = random.Random()
    with alone():
        right = {}
        for cell in CELLS:
            serial = replace(trials_of(cell)[0], tasks=0)
            right[cell] = recording.calibrate(
                serial, tasks=cell.tasks, function=WORKLOADS[cell.workload]
            ).expected
    cells: list[RoundsCell] = []
    for _ in recording.slices(minutes * 60):
        cells = cells or draw.sample(CELLS, len(CELLS))
        cell = cells.pop()
        trials = tuple(replace(trial, expected=right[cell]) for trial in trials_of(cell))
        # About a second and a half of rounds.
        turns = max(round(250 / cell.tasks), 4)
        with recording.orders_changed(recording.doubled):
            sitting = recording.sit(
                cell.name, trials, turns, draw.getrandbits(31), function=WORKLOADS[cell.workload]
            )
        recording.append(path, sitting)


def firsts(trial: RecordedTrial) -> Sequence[float]:
    """Give the seconds of the rounds after another trial's."""
    return trial.seconds[::2]


def seconds(trial: RecordedTrial) -> Sequence[float]:
    """Give the seconds of the rounds after its own."""
    return trial.seconds[1::2]


def slower_at_first(sitting: Recorded, strategy: str) -> float:
    """Give log(first round / second) of a trial: the median of its turns, since bursts hit some of them."""
    (trial,) = (t for t in sitting.trials if t.name == strategy)
    return inference.median([math.log(a / b) for a, b in zip(firsts(trial), seconds(trial), strict=True)])


def figure(values: Sequence[float], middle: Callable[[Sequence[float]], float] = inference.median) -> str:
    """Write a change in percent with the interval of its median over resampled sittings."""
    draw = random.Random(1)
    again = [middle(draw.choices(values, k=len(values))) for _ in range(2000)]
    low, high = inference.quantile(again, 0.025), inference.quantile(again, 0.975)
    return f"{math.expm1(middle(values)):+6.1%} [{math.expm1(low):+.1%}, {math.expm1(high):+.1%}]"


def report(recorded: Sequence[Recorded]) -> None:
    """Print a line per workload and length."""
    print("first round after a switch against the second, medians over turns and sittings")
    print("workload, tasks  serial round, sittings: serial, threads, processes; bias of serial/threads and")
    print("  serial/processes; speed-up of threads and processes by first rounds")
    for cell in CELLS:
        sittings = [
            s for s in recorded if s.setting == cell.name and all(t.outcome == "measured" for t in s.trials)
        ]
        if len(sittings) < 2:
            continue
        by = {name: [slower_at_first(s, name) for s in sittings] for name, _, _ in STRATEGIES}
        serial_seconds = inference.median([inference.median(seconds(s.trials[0])) for s in sittings])
        bias = [
            [a - b for a, b in zip(by["serial"], by[name], strict=True)] for name in ("threads", "processes")
        ]
        print(
            f"{cell.name:16} {serial_seconds * 1000:5.1f} ms {len(sittings):6}  "
            + "  ".join(figure(values) for values in (*by.values(), *bias))
            + "; "
            + ", ".join(speed_up(sittings, name) for name in ("threads", "processes")),
            flush=True,
        )


def speed_up(sittings: Sequence[Recorded], strategy: str) -> str:
    """Write the median speed-up over sittings, of first rounds."""
    effects = []
    for sitting in sittings:
        total = {t.name: math.fsum(firsts(t)) for t in sitting.trials}
        effects.append(math.log(total["serial"] / total[strategy]))
    draw = random.Random(1)
    again = [inference.median(draw.choices(effects, k=len(effects))) for _ in range(2000)]
    low, high = inference.quantile(again, 0.025), inference.quantile(again, 0.975)
    return f"{math.exp(inference.median(effects)):.2f} [{math.exp(low):.2f}, {math.exp(high):.2f}]"


def main() -> None:
    """Record, or print the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--recording", type=Path, required=True, help="JSON lines file")
    parser.add_argument("--minutes", type=float, default=0.0, help="record for so long before")
    given = parser.parse_args()
    print(header("Cold caches: rounds right after another trial's, against rounds after the trial's own"))
    if given.minutes:
        recording.as_guardian(lambda: record(given.recording, given.minutes))
    report(recording.read(given.recording))


if __name__ == "__main__":
    main()
