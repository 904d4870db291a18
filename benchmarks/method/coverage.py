"""Rates of wrong intervals and verdicts, by simulation: the method's promises, checked.

Prints the table of docs/method.md. ``python benchmarks/method/coverage.py --runs 4000`` takes about a
minute; the tests call the same functions with fewer runs.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from parlab.orchestrator.statistics import inference

Array = NDArray[np.float64]
Noise = Callable[[np.random.Generator, int, int], Array]

FIRST, LAST = 3, 60


def normal(draw: np.random.Generator, runs: int, blocks: int) -> Array:
    """Effects with normal noise."""
    return draw.normal(size=(runs, blocks))


def student(draw: np.random.Generator, runs: int, blocks: int) -> Array:
    """Effects with Student's t noise, 3 degrees of freedom."""
    return draw.standard_t(3, size=(runs, blocks))


def exponential(draw: np.random.Generator, runs: int, blocks: int) -> Array:
    """Skewed effects: exponential, median 0."""
    return draw.exponential(size=(runs, blocks)) - math.log(2)


def outliers_in_one_arm(draw: np.random.Generator, runs: int, blocks: int) -> Array:
    """Normal noise; in 10 % of the blocks one arm is slower by 3 standard deviations.

    The true median of that mixture is subtracted, so that 0 is right.
    """
    effects = draw.normal(size=(runs, blocks)) + 3.0 * (draw.random((runs, blocks)) < 0.1)
    return effects - _median_of_mixture(0.1, 3.0)


def outliers_in_both_arms(draw: np.random.Generator, runs: int, blocks: int) -> Array:
    """Normal noise; 10 % of the trials of either arm are slower by 5 standard deviations."""
    slow = 5.0 * (draw.random((2, runs, blocks)) < 0.1)
    return np.asarray(draw.normal(size=(runs, blocks)) + slow[0] - slow[1])


def drifting_level(draw: np.random.Generator, runs: int, blocks: int) -> Array:
    """Independent effects although the machine's level drifts (AR 0.97): the level cancels in a block."""
    level = np.zeros(runs)
    effects = np.empty((runs, blocks))
    for block in range(blocks):
        level = 0.97 * level + draw.normal(size=runs)
        first = level + draw.normal(0, math.sqrt(0.5), size=runs)
        second = level + draw.normal(0, math.sqrt(0.5), size=runs)
        effects[:, block] = first - second
    return effects


def _median_of_mixture(share: float, shift: float) -> float:
    low, high = -1.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        below = (1 - share) * _normal_cdf(middle) + share * _normal_cdf(middle - shift)
        low, high = (middle, high) if below < 0.5 else (low, middle)
    return low


def _normal_cdf(x: float) -> float:
    return (1 + math.erf(x / math.sqrt(2))) / 2


NOISES: dict[str, Noise] = {
    "normal": normal,
    "Student t(3)": student,
    "exponential": exponential,
    "10 % outliers in one arm": outliers_in_one_arm,
    "10 % large outliers in both": outliers_in_both_arms,
    "level with AR 0.97": drifting_level,
}


def missed_by_sequential(effects: Array, alpha: float = 0.05) -> float:
    """Share of runs whose interval misses 0 at some look, one after every block from 3 to 60."""
    below = np.cumsum(effects < 0, axis=1)
    limit = -math.log(alpha)
    missed = np.zeros(len(effects), dtype=bool)
    for blocks in range(FIRST, effects.shape[1] + 1):
        refuting = [inference.log_e(k, blocks) >= limit for k in range(blocks + 1)]
        missed |= np.asarray(refuting)[below[:, blocks - 1]]
    return float(missed.mean())


def missed_by_repeated_t(effects: Array, alpha: float = 0.05) -> float:
    """The same for a t interval that is looked at after every block: what most tools do.

    It is about the mean, so that the noise's mean is what it has to contain.
    """
    from scipy import stats

    effects = effects - effects.mean()
    missed = np.zeros(len(effects), dtype=bool)
    for blocks in range(FIRST, effects.shape[1] + 1):
        seen = effects[:, :blocks]
        error = seen.std(axis=1, ddof=1) / math.sqrt(blocks)
        reach = float(stats.t.ppf(1 - alpha / 2, blocks - 1)) * error
        missed |= np.abs(seen.mean(axis=1)) > reach
    return float(missed.mean())


def missed_by_fixed(effects: Array, blocks: int, alpha: float = 0.05) -> float:
    """Share of runs whose one interval at ``blocks`` blocks misses 0 (the rule "fixed")."""
    rank = inference.fixed_rank(blocks, alpha)
    ordered = np.sort(effects[:, :blocks], axis=1)
    return float(((ordered[:, rank - 1] > 0) | (ordered[:, -rank] < 0)).mean())


def half_width(effects: Array, blocks: int, alpha: float = 0.05) -> float:
    """Mean half-width of the interval at ``blocks`` blocks, in the unit of the noise."""
    rank = inference.sequential_rank(blocks, alpha)
    ordered = np.sort(effects[:, :blocks], axis=1)
    return float((ordered[:, -rank] - ordered[:, rank - 1]).mean() / 2)


@dataclass(frozen=True)
class Discoveries:
    """What e-BH declared, over simulated runs."""

    #: Mean share of false ones among the declared (0 where none was), at the worst look.
    false_share: float
    #: Share of the real differences that were declared at the last look.
    found: float


def false_discoveries(
    draw: np.random.Generator, runs: int, configurations: int = 12, real: int = 4, effect: float = 1.0
) -> Discoveries:
    """Simulate runs of several configurations against one baseline, looked at after every block.

    All comparisons share the baseline's noise, so that they depend on each other. ``real`` of them
    differ by ``effect`` standard deviations of an arm.
    """
    shift = np.where(np.arange(configurations) < real, effect, 0.0)
    baseline = draw.normal(size=(runs, LAST, 1))
    effects = baseline - draw.normal(size=(runs, LAST, configurations)) + shift
    below = np.cumsum(effects < 0, axis=1)
    worst, share_found = 0.0, 0.0
    for blocks in range(FIRST, LAST + 1):
        table = np.exp([inference.log_e(k, blocks) for k in range(blocks + 1)])
        e_values = table[below[:, blocks - 1, :]]
        shares, hits = [], []
        for row in e_values:
            declared = inference.e_bh(list(row), 0.05)
            wrong = sum(index >= real for index in declared)
            shares.append(wrong / len(declared) if declared else 0.0)
            hits.append((len(declared) - wrong) / real if real else 0.0)
        worst = max(worst, float(np.mean(shares)))
        share_found = float(np.mean(hits))
    return Discoveries(worst, share_found)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="Error rates of parlab's verdicts, by simulation.")
    parser.add_argument("--runs", type=int, default=4000, help="simulated runs per line")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    draw = np.random.default_rng(given.seed)
    heads = f"{'sequential':>11}{'fixed, 20':>11}{'repeated t':>12}{'hw n=20':>9}{'hw n=40':>9}"
    print(f"{'noise of an effect':29}{heads}")
    for name, noise in NOISES.items():
        effects = noise(draw, given.runs, LAST)
        print(
            f"{name:29}{missed_by_sequential(effects):>11.1%}{missed_by_fixed(effects, 20):>11.1%}"
            f"{missed_by_repeated_t(effects):>12.1%}"
            f"{half_width(effects, 20):>9.2f}{half_width(effects, 40):>9.2f}"
        )
    for real in (0, 4):
        rates = false_discoveries(draw, max(given.runs // 20, 50), real=real)
        print(
            f"e-BH, 12 configurations, {real} differ: "
            f"false discoveries {rates.false_share:.1%} at worst, found {rates.found:.0%} after {LAST} blocks"
        )


if __name__ == "__main__":
    main()
