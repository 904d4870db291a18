"""Designs that lower the noise at equal cost: figures of A/A sittings at several settings, in random turn.

A block costs what its sitting takes, start and end of the interpreters included, shared among its
comparisons with the baseline. Blocks needed grow with the square of the block sd, so that a setting is as
good as sd² × seconds is small; printed relative to the first setting with a bootstrap interval over
sittings. Recording goes on where it was left; figures come from all that is in the file:

``python -m benchmarks.noise.run.design --recording FILE --minutes 9`` (again, as often as wanted), then
``python -m benchmarks.noise.run.design --recording FILE``.
"""

from __future__ import annotations

import argparse
import os
import random
import time
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.machine import alone, header
from benchmarks.noise import recording
from benchmarks.noise.figures import report
from benchmarks.noise.recording import STEPS, PlacingPrctl, Recorded
from parlab.workers.wire.result import Calibration
from parlab.workers.wire.spec import Scalar, TrialSpec


@dataclass(frozen=True)
class Setting:
    """How a sitting is laid out."""

    name: str
    #: Tasks of a serial round: each takes about a millisecond.
    tasks: int = 20
    trial_seconds: float = 0.5
    trials: int = 4
    #: Workers of the pools that sit; 0: all trials are serial.
    workers: int = 0
    #: "free": wherever the kernel puts them. "apart": the last CPU is the trials', the guardian has the
    #: others. "together": both on the last CPU.
    cpus: str = "free"
    mirrored: bool = False
    #: Of the trials' processes; the guardian keeps its own.
    niceness: int = 0
    #: How often in a cycle: sittings of few trials tell little each.
    times: int = 1


SETTINGS = (
    Setting("base"),
    Setting("round 2 ms", tasks=2),
    Setting("round 5 ms", tasks=5),
    Setting("round 10 ms", tasks=10),
    Setting("round 50 ms", tasks=50),
    Setting("trial 0.1 s", trial_seconds=0.1, times=2),
    Setting("trial 0.2 s", trial_seconds=0.2),
    Setting("trial 1 s", trial_seconds=1.0),
    Setting("2 ms, 0.2 s", tasks=2, trial_seconds=0.2),
    Setting("5 ms, 0.1 s", tasks=5, trial_seconds=0.1, times=2),
    Setting("5 ms, 0.2 s", tasks=5, trial_seconds=0.2),
    Setting("10 ms, 0.2 s", tasks=10, trial_seconds=0.2),
    Setting("2 trials", trials=2, times=2),
    Setting("8 trials", trials=8),
    Setting("12 trials", trials=12),
    Setting("12 trials, 0.2 s", trials=12, trial_seconds=0.2),
    Setting("12 trials, 5 ms", trials=12, tasks=5),
    Setting("12, 2 ms, 0.2 s", trials=12, tasks=2, trial_seconds=0.2),
    Setting("12, 5 ms, 0.2 s", trials=12, tasks=5, trial_seconds=0.2),
    Setting("12, 10 ms, 0.2 s", trials=12, tasks=10, trial_seconds=0.2),
    Setting("pinned apart", cpus="apart"),
    Setting("pinned together", cpus="together"),
    Setting("pinned apart, 5 ms", tasks=5, cpus="apart"),
    Setting("mirrored turns", mirrored=True),
    Setting("mirrored, 5 ms", tasks=5, mirrored=True),
    Setting("nice -10", niceness=-10),
    Setting("nice -10, 5 ms", niceness=-10, tasks=5),
    Setting("nice -10, 2 ms", niceness=-10, tasks=2),
    Setting("nice -20, 5 ms", niceness=-20, tasks=5),
    Setting("pools of 2", workers=2),
    Setting("pools of 2, 5 ms", workers=2, tasks=5),
    Setting("pools of 2, 10 ms", workers=2, tasks=10),
    Setting("pools of 2, nice -10", workers=2, niceness=-10),
    Setting("pools of 2, 50 ms", workers=2, tasks=50),
    Setting("pools of 1", workers=1),
)  # fmt: skip


def trials_of(setting: Setting, calibration: Calibration) -> tuple[TrialSpec, ...]:
    """Give a sitting's trials: all equal, or half of them threads and half of them processes."""
    kinds: list[tuple[str, dict[str, Scalar]]] = [("serial", {})]
    if setting.workers:
        kinds = [("threads", {}), ("processes", {"start_method": "forkserver"})]
    found_trials = []
    for index in range(setting.trials):
        strategy, options = kinds[index % len(kinds)]
        trial = recording.made(*(strategy, options, setting.workers or 1, STEPS, calibration.tasks, strategy))
        found_trials.append(replace(trial, expected=calibration.expected))
    return tuple(found_trials)


def record(path: Path, minutes: float, seed: int, chosen: Sequence[Setting]) -> None:
    """Record cycles of all settings, each in a new random order, until the time is over."""
    draw = random.Random(f"{seed} {time.time_ns()}")
    counts = sorted({tasks_of(setting) for setting in chosen})
    with alone():
        calibrations = {count: recording.calibrate(recording.serial(), tasks=count) for count in counts}
    whole = os.sched_getaffinity(0)
    cycle: list[Setting] = []
    for _ in recording.slices(minutes * 60):
        if not cycle:
            cycle = [setting for setting in chosen for _ in range(setting.times)]
            draw.shuffle(cycle)
        setting = cycle.pop()
        recording.append(path, sit(setting, calibrations[tasks_of(setting)], whole, draw))


def tasks_of(setting: Setting) -> int:
    """Give the tasks of a round: as many more as workers run at once, as parlab does it."""
    return setting.tasks * max(setting.workers, 1)


def sit(setting: Setting, calibration: Calibration, whole: set[int], draw: random.Random) -> Recorded:
    """Do one sitting."""
    last = frozenset({max(whole)})
    if setting.cpus != "free":
        os.sched_setaffinity(0, last if setting.cpus == "together" else whole - last or whole)
    turns = max(round(setting.trial_seconds * 1000 / setting.tasks), 1)
    try:
        with recording.orders_changed(recording.mirrored) if setting.mirrored else nullcontext():
            return recording.sit(
                setting.name,
                trials_of(setting, calibration),
                turns,
                draw.getrandbits(31),
                prctl=PlacingPrctl(None if setting.cpus == "free" else last, setting.niceness),
            )
    finally:
        os.sched_setaffinity(0, whole)


def main() -> None:
    """Record, or print the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--recording",
        type=Path,
        required=True,
        nargs="+",
        help="JSON lines files; the last one is recorded to",
    )
    parser.add_argument("--minutes", type=float, default=0.0, help="record for so long before")
    parser.add_argument("--seed", type=int, default=1)
    names = [setting.name for setting in SETTINGS]
    parser.add_argument("--only", nargs="+", choices=names, default=names, help="record these settings only")
    parser.add_argument(
        "--path-seconds",
        type=float,
        default=0.03,
        help="added to each sitting: its way through queue, node and controller (benchmarks.cost.overhead)",
    )
    given = parser.parse_args()
    print(header("Noise at equal cost: A/A of integer_sum at different settings"), flush=True)
    if given.minutes:
        chosen = [setting for setting in SETTINGS if setting.name in given.only]
        recording.as_guardian(lambda: record(given.recording[-1], given.minutes, given.seed, chosen))
    usual = {
        setting.name: f"{setting.tasks:2} ms"
        for setting in SETTINGS
        if not setting.workers and not setting.mirrored and not setting.niceness and setting.cpus == "free"
    }
    recorded = [sitting for path in given.recording for sitting in recording.read(path)]
    report(recorded, names, usual, given.path_seconds)


if __name__ == "__main__":
    main()
