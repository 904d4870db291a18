"""Noise that alternating rounds save: A/A of integer_sum, two ways, at equal time, in turn.

Alternating: one sitting holds the configuration twice, rounds in random order. One after the other: two
sittings of one trial each. The figure is the sd between blocks of the log ratio of the two equal trials.
Wanted: alternating at most 0.7 times the other. ``python -m benchmarks.noise.run``, three minutes.
"""

from __future__ import annotations

import argparse
import math
import os
import random
import sys

from benchmarks.machine import CLOCK, alone, header, this_node
from parlab.orchestrator.statistics import inference
from parlab.workers.host.processes import Prctl, guard
from parlab.workers.sitting.loop import run_sitting
from parlab.workers.wire.result import Calibration, SittingResult
from parlab.workers.wire.spec import CalibrationSpec, SittingSpec, TrialSpec

NODE = this_node()
PRCTL = Prctl()


def sit(
    trials: tuple[TrialSpec, ...], turns: int, seed: int, calibration: CalibrationSpec | None = None
) -> SittingResult:
    """Run one sitting in this process."""
    spec = SittingSpec(
        "noise", f"s{seed}", 1, "bench", "calibrate" if calibration else "measure", trials, turns, seed,
        calibration=calibration,
    )  # fmt: skip
    return run_sitting(spec, NODE, CLOCK, prctl=PRCTL)


def trial(name: str, steps: int, calibration: Calibration | None) -> TrialSpec:
    """Make one serial trial."""
    return TrialSpec(
        name,
        "c",
        "integer_sum",
        {"steps": steps},
        calibration.tasks if calibration else 0,
        "serial",
        {},
        1,
        NODE.builds[0].id,
        expected=calibration.expected if calibration else None,
    )


def seconds(result: SittingResult, index: int) -> float:
    """Give the total of a trial's rounds; disturbed ones count here, since both ways meet them alike."""
    return math.fsum(r.seconds for r in result.trials[index].rounds)


def bootstrap(effects: list[float], others: list[float], draw: random.Random) -> tuple[float, float]:
    """Interval of the ratio of two standard deviations, by resampling blocks (percentiles, 95 %)."""
    ratios = []
    for _ in range(2000):
        a = inference.standard_deviation(draw.choices(effects, k=len(effects))) or math.nan
        b = inference.standard_deviation(draw.choices(others, k=len(others))) or math.nan
        ratios.append(a / b)
    return inference.quantile(ratios, 0.025), inference.quantile(ratios, 0.975)


def both_ways(
    blocks: int, turns: int, steps: int, calibration: Calibration, draw: random.Random
) -> tuple[list[float], list[float]]:
    """Give a log ratio per block of the two equal trials: alternating, and one after the other."""
    pair = trial("a", steps, calibration), trial("b", steps, calibration)
    alternating, apart = [], []
    for block in range(blocks):
        for way in draw.sample(("alternating", "apart"), 2):
            if way == "alternating":
                result = sit(pair, turns, block)
                alternating.append(math.log(seconds(result, 0) / seconds(result, 1)))
            else:
                first, second = (sit((single,), turns, block) for single in pair)
                apart.append(math.log(seconds(first, 0) / seconds(second, 0)))
    return alternating, apart


def main() -> None:
    """Print both standard deviations and their ratio."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--blocks", type=int, default=60)
    parser.add_argument("--trial-seconds", type=float, default=0.5)
    parser.add_argument("--round-seconds", type=float, default=0.02)
    parser.add_argument("--steps", type=int, default=50_000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    guard(PRCTL, os.getppid())
    draw = random.Random(given.seed)
    print(header("Noise: A/A of integer_sum, alternating against one after the other, at equal time"))
    sys.stdout.flush()
    calibration = sit(
        (trial("cal", given.steps, None),), 0, 1, CalibrationSpec(given.round_seconds)
    ).calibration
    assert calibration is not None
    round_seconds = calibration.tasks * calibration.task_seconds
    turns = math.ceil(given.trial_seconds / round_seconds)
    with alone():
        alternating, apart = both_ways(given.blocks, turns, given.steps, calibration, draw)
    sds = [inference.standard_deviation(effects) or math.nan for effects in (alternating, apart)]
    low, high = bootstrap(alternating, apart, draw)
    print(
        f"block sd of the log ratio: alternating {sds[0]:.3f}, one after the other {sds[1]:.3f}; "
        f"ratio {sds[0] / sds[1]:.2f} [{low:.2f}, {high:.2f}] at 95 % (bootstrap), "
        f"{given.blocks} blocks, {turns} rounds of {round_seconds * 1000:.0f} ms per trial"
    )


if __name__ == "__main__":
    main()
