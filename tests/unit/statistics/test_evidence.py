"""Ratios of what ran in blocks of its own: error rates by simulation; interval and evidence agree."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest
from numpy.typing import NDArray

from parlab.orchestrator.statistics import inference
from parlab.orchestrator.statistics.evidence import Pairs, TwoSamples, log_e_above, log_e_below

Array = NDArray[np.float64]
ALPHA = 0.05
RUNS, LAST = 1500, 40
LIMIT = -math.log(ALPHA)


def speed_ups(draw: np.random.Generator, noise: str, runs: int = RUNS) -> Array:
    """Log speed-ups of simulated runs, median 0, of levels that wander (AR 0.97) far more than that."""
    level = np.zeros(runs)
    effects = np.empty((runs, LAST))
    for block in range(LAST):
        level = 0.97 * level + draw.normal(size=runs)
        if noise == "normal":
            own = draw.normal(0, 0.05, size=(2, runs))
        elif noise == "outliers":
            own = draw.normal(0, 0.05, size=(2, runs)) + 0.5 * (draw.random((2, runs)) < 0.1)
        else:
            own = 0.05 * draw.standard_t(3, size=(2, runs))
        baseline, configuration = level + own[0], level + own[1]
        effects[:, block] = baseline - configuration
    return effects


def least_log_e(first: Array, second: Array) -> Array:
    """What TwoSamples.log_e(0) is, for many runs at once whose values are all different."""
    n, k = first.shape[1], second.shape[1]
    joint = np.concatenate([first, second], axis=1)
    is_first = np.argsort(joint, axis=1) < n
    of_first = np.cumsum(is_first, axis=1)
    of_second = np.cumsum(~is_first, axis=1)
    table_n = np.array([inference.log_e(i, n) for i in range(n + 1)])
    table_k = np.array([inference.log_e(i, k) for i in range(k + 1)])
    inside = (table_n[of_first] + table_k[of_second]).min(axis=1)
    return np.asarray(np.minimum(inside, table_n[0] + table_k[0]))


def ever_declared(first: Array, second: Array, ratio_of_blocks: int = 1) -> float:
    """Share of pairs of runs that are declared different at some look, one after each block of the second."""
    declared = np.zeros(len(first), dtype=bool)
    for blocks in range(3, LAST + 1):
        other = max(3, blocks // ratio_of_blocks)
        declared |= least_log_e(first[:, :other], second[:, :blocks]) >= LIMIT
    return float(declared.mean())


@pytest.mark.parametrize("noise", ["normal", "outliers", "heavy"])
@pytest.mark.parametrize("ratio_of_blocks", [1, 3])
def test_two_runs_of_equal_speed_ups_are_told_apart_at_most_at_the_rate(
    noise: str, ratio_of_blocks: int
) -> None:
    draw = np.random.default_rng(31)
    rate = ever_declared(speed_ups(draw, noise), speed_ups(draw, noise), ratio_of_blocks)
    # An infimum over the medians is careful: seen here 0 to 0.1 %.
    assert rate <= ALPHA / 2


def test_runs_of_unequal_speed_ups_are_told_apart() -> None:
    draw = np.random.default_rng(32)
    first, second = speed_ups(draw, "normal"), speed_ups(draw, "normal") + math.log(1.2)
    found = least_log_e(first[:, :20], second[:, :20]) >= LIMIT
    assert found.mean() > 0.9
    assert (np.median(second, axis=1) > np.median(first, axis=1))[found].all()


def test_levels_of_the_same_code_would_be_told_apart_far_too_often_which_is_why_seconds_are_not() -> None:
    draw = np.random.default_rng(33)
    levels = []
    for _ in range(2):
        level, rows = draw.normal(0, 4, size=RUNS), np.empty((RUNS, LAST))
        for block in range(LAST):
            level = 0.97 * level + draw.normal(size=RUNS)
            rows[:, block] = level
        levels.append(rows)
    assert ever_declared(levels[0], levels[1]) > 0.5


def test_the_evidence_of_the_code_is_that_of_the_simulation() -> None:
    draw = np.random.default_rng(34)
    first, second = speed_ups(draw, "heavy", 20), speed_ups(draw, "heavy", 20) + 0.05
    for blocks in (3, 11, 24):
        expected = least_log_e(first[:, :blocks], second[:, :LAST])
        for i in range(20):
            both = TwoSamples(tuple(first[i, :blocks]), tuple(second[i]))
            assert both.log_e(0.0) == pytest.approx(expected[i])


@pytest.mark.parametrize("alpha", [0.05, 0.01])
def test_an_effect_is_outside_the_interval_exactly_when_it_is_refuted(
    alpha: float,
) -> None:
    draw = random.Random(35)
    for first_blocks, second_blocks in ((9, 9), (12, 30), (31, 10), (25, 24)):
        both = TwoSamples(
            tuple(draw.gauss(0.5, 0.1) for _ in range(first_blocks)),
            tuple(draw.gauss(0.8, 0.2) for _ in range(second_blocks)),
        )
        low, high = both.bounds(alpha)
        assert low < both.estimate < high
        for _ in range(200):
            effect = draw.uniform(-0.5, 1.2)
            assert (low <= effect <= high) == (both.log_e(effect) < -math.log(alpha)), effect


def test_few_blocks_exclude_nothing() -> None:
    assert TwoSamples((1.0,) * 4, (9.0,) * 4).bounds(ALPHA) == (-math.inf, math.inf)
    assert TwoSamples((1.0,) * 4, (9.0,) * 4).log_e(0.0) < LIMIT
    assert Pairs((1.0,) * 6).bounds(ALPHA) == (-math.inf, math.inf)


def test_ties_count_half_to_each_side() -> None:
    equal = TwoSamples((1.0,) * 20, (1.0,) * 20)
    assert equal.log_e(0.0) < 0
    assert equal.bounds(ALPHA) == (0.0, 0.0)


def test_evidence_of_a_side_is_evidence_against_all_of_the_other() -> None:
    draw = random.Random(36)
    both = TwoSamples(
        tuple(draw.gauss(0.5, 0.05) for _ in range(20)), tuple(draw.gauss(0.4, 0.05) for _ in range(20))
    )
    pairs = Pairs(tuple(draw.gauss(-0.1, 0.05) for _ in range(20)))
    for evidence in (both, pairs):
        for bound in (-0.3, -0.1, -0.05, 0.0, 0.2):
            others = [evidence.log_e(bound + step / 100) for step in range(100)]
            assert log_e_below(evidence, bound) == pytest.approx(min(others), abs=0.5)
            assert log_e_below(evidence, bound) <= min(others) + 1e-9
            others = [evidence.log_e(bound - step / 100) for step in range(100)]
            assert log_e_above(evidence, bound) <= min(others) + 1e-9
        # Never both.
        assert log_e_below(evidence, 0.2) > LIMIT
        assert log_e_above(evidence, 0.2) < 0


def test_a_difference_that_is_smaller_than_the_bound_fails_no_gate_more_often_than_stated() -> None:
    # At the bound itself, the worst case: watched after each block, as long as anybody likes.
    draw = np.random.default_rng(37)
    bound = -math.log(1.05)
    failed = 0
    for effects in draw.normal(bound, 0.05, size=(400, LAST)):
        failed += any(
            log_e_below(Pairs(tuple(effects[:blocks])), bound) >= LIMIT for blocks in range(3, LAST + 1, 2)
        )
    assert failed / 400 <= ALPHA
