"""A/A and power on this machine: the same configuration entered many times, planted slowdowns beside it.

A sitting holds twelve equal trials of integer_sum (six pairs); every eighth one, one each with 2, 5 and 10 %
more work. As often, two equal trials also sit together, and one after the other. Printed:
wrong verdicts in runs of so many blocks, watched after each, beside t tests on the same trials; the block
sd and its autocorrelation; the share found of what is planted, beside what the exact chance at that sd is.

Recording goes on where it was left; figures come from all that is in the file: ``python -m
benchmarks.method.aa --recording FILE --minutes 25``, then ``python -m benchmarks.method.aa --recording
FILE``.
"""

from __future__ import annotations

import argparse
import random
from dataclasses import replace
from pathlib import Path

from benchmarks.machine import alone, header
from benchmarks.method import aa_figures
from benchmarks.noise import recording
from benchmarks.noise.recording import STEPS
from parlab.orchestrator.experiment.model import Experiment
from parlab.workers.wire.spec import TrialSpec

#: More work of the planted trials, in per cent.
PLANTED = (2, 5, 10)
EQUAL = 12
#: Each so many sittings, the planted ones sit with the others, and the two ways are recorded.
PLANTED_EVERY = 8
WAYS_EVERY = 8


def trials_of(tasks: int) -> dict[int, TrialSpec]:
    """Give a serial trial for each slowdown, in per cent; 0: the one that is entered many times."""
    trials = {}
    for percent in (0, *PLANTED):
        trial = recording.serial(STEPS * (100 + percent) // 100, name=aa_figures.name_of(percent))
        expected = recording.calibrate(trial, tasks=tasks).expected
        trials[percent] = replace(trial, tasks=tasks, expected=expected)
    return trials


def record(
    path: Path, minutes: float, round_seconds: float, trial_seconds: float, *, ways_only: bool
) -> None:
    """Record sittings until so many minutes are over."""
    draw = random.Random()
    with alone():
        calibration = recording.calibrate(recording.serial(), round_seconds=round_seconds)
        trials = trials_of(calibration.tasks)
        # By what a round takes, as parlab does it.
        turns = max(round(trial_seconds / (calibration.tasks * calibration.task_seconds)), 1)
    print(
        f"{turns} rounds of {calibration.tasks} tasks, {calibration.task_seconds * 1000:.2f} ms each",
        flush=True,
    )
    whole = (trials[0],) * EQUAL + tuple(trials[percent] for percent in PLANTED)
    single, pair = (trials[0],), (trials[0],) * 2
    for count, _ in enumerate(recording.slices(minutes * 60)):
        if not ways_only:
            block = whole if count % PLANTED_EVERY == 0 else whole[:EQUAL]
            recording.append(path, recording.sit("block", block, turns, draw.getrandbits(31)))
            if count % WAYS_EVERY:
                continue
        for way in draw.sample(("alternating", "apart"), 2):
            if way == "alternating":
                recording.append(path, recording.sit(way, pair, turns, draw.getrandbits(31)))
            else:
                for part in ("first", "second"):
                    recording.append(path, recording.sit(part, single, turns, draw.getrandbits(31)))


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
    parser.add_argument("--round-seconds", type=float, default=Experiment.round_seconds)
    parser.add_argument("--trial-seconds", type=float, default=Experiment.trial_seconds)
    parser.add_argument("--ways-only", action="store_true", help="record only two trials, in the two ways")
    parser.add_argument("--blocks", type=int, default=20, help="of an A/A run")
    given = parser.parse_args()
    print(header("A/A and power: integer_sum, twelve times the same and 2, 5 and 10 % more work"), flush=True)
    if given.minutes:
        recording.as_guardian(
            lambda: record(
                given.recording[-1],
                given.minutes,
                given.round_seconds,
                given.trial_seconds,
                ways_only=given.ways_only,
            )
        )
    recorded = [sitting for path in given.recording for sitting in recording.read(path)]
    aa_figures.report(recorded, given.blocks)


if __name__ == "__main__":
    main()
