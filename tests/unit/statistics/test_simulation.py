"""The error rates that the method promises, by simulation with fixed seeds: a look after every block."""

from __future__ import annotations

import math

import numpy as np
import pytest

from benchmarks.method import coverage

RUNS = 3000
ALPHA = 0.05


def above(rate: float, runs: int) -> float:
    """Rate plus three standard errors of the simulation: what chance alone explains."""
    return rate + 3 * math.sqrt(rate * (1 - rate) / runs)


@pytest.mark.parametrize("name", coverage.NOISES)
def test_the_sequential_interval_misses_at_most_at_its_rate_whenever_one_looks(name: str) -> None:
    effects = coverage.NOISES[name](np.random.default_rng(7), RUNS, coverage.LAST)
    # The method was measured at 2.7 to 3.2 %; its promise is 5 %.
    assert coverage.missed_by_sequential(effects) <= above(0.033, RUNS) < ALPHA


@pytest.mark.parametrize("name", coverage.NOISES)
def test_the_fixed_interval_misses_at_most_at_its_rate(name: str) -> None:
    effects = coverage.NOISES[name](np.random.default_rng(8), RUNS, 40)
    for blocks in (10, 20, 40):
        assert coverage.missed_by_fixed(effects, blocks) <= above(ALPHA, RUNS)


@pytest.mark.parametrize(
    ("name", "at_20", "at_40"),
    [("normal", 0.91, 0.62), ("Student t(3)", 1.09, 0.71), ("exponential", 0.75, 0.51)],
)
def test_the_interval_is_as_narrow_as_stated(name: str, at_20: float, at_40: float) -> None:
    effects = coverage.NOISES[name](np.random.default_rng(9), RUNS, 40)
    assert coverage.half_width(effects, 20) == pytest.approx(at_20, rel=0.05)
    assert coverage.half_width(effects, 40) == pytest.approx(at_40, rel=0.05)


def test_a_repeated_t_interval_misses_six_times_as_often_which_shows_that_this_can_fail() -> None:
    effects = coverage.normal(np.random.default_rng(10), RUNS, coverage.LAST)
    assert 0.27 <= coverage.missed_by_repeated_t(effects) <= 0.37


def test_effects_that_depend_on_each_other_break_the_promise_which_is_why_order_is_random() -> None:
    draw = np.random.default_rng(11)
    effects = np.empty((RUNS, coverage.LAST))
    last = np.zeros(RUNS)
    for block in range(coverage.LAST):
        last = 0.6 * last + draw.normal(size=RUNS)
        effects[:, block] = last
    assert coverage.missed_by_sequential(effects) > 2 * ALPHA


@pytest.mark.parametrize("real", [0, 3, 9])
def test_false_discoveries_among_twelve_configurations_stay_within_the_rate(real: int) -> None:
    runs = 150
    found = coverage.false_discoveries(np.random.default_rng(12 + real), runs, real=real, effect=1.5)
    assert found.false_share <= above(ALPHA, runs)
    if real:
        assert found.found > 0.9
