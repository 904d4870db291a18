"""Rates of a self-test: their intervals, the t test beside them, and tries that neither flatter nor hide."""

from __future__ import annotations

import math
import random
import statistics

import pytest
from scipy import special

from parlab.orchestrator.analysis.selftest import rates as selftest_rates
from parlab.orchestrator.analysis.selftest.rates import (
    expected,
    median_blocks,
    rate,
    t_test_p,
    tries,
    wrong_verdicts,
)

ALPHA = 0.05


def normal(draw: random.Random, count: int, middle: float = 0.0, sd: float = 1.0) -> list[float]:
    return [draw.gauss(middle, sd) for _ in range(count)]


@pytest.mark.parametrize(
    ("count", "tried"), [(0, 1), (1, 1), (0, 16), (3, 20), (29, 91), (200, 200), (7, 1000)]
)
def test_a_rates_interval_is_clopper_and_pearsons(count: int, tried: int) -> None:
    found = rate(count, tried)
    assert found is not None
    low = special.betaincinv(count, tried - count + 1, 0.025) if count else 0.0
    high = special.betaincinv(count + 1, tried - count, 0.975) if count < tried else 1.0
    assert found.low == pytest.approx(low, abs=1e-9)
    assert found.high == pytest.approx(high, abs=1e-9)
    assert found.ratio == count / tried


def test_of_nothing_there_is_no_rate() -> None:
    assert rate(0, 0) is None


@pytest.mark.parametrize("n", [2, 3, 20, 60])
def test_the_t_test_is_students(n: int) -> None:
    draw = random.Random(n)
    ones, others = normal(draw, n), normal(draw, n, 0.5)
    squares = statistics.variance(ones) + statistics.variance(others)
    t = (math.fsum(ones) - math.fsum(others)) / n / math.sqrt(squares / n)
    assert t_test_p(ones, others) == pytest.approx(2 * special.stdtr(2 * n - 2, -abs(t)), abs=1e-12)
    assert t_test_p(ones, ones) == 1


def test_what_is_equal_is_called_different_at_most_at_the_promised_rate() -> None:
    draw = random.Random(3)
    effects = normal(draw, 20 * 2000)
    wrong, tried = wrong_verdicts(effects, 20, ALPHA)
    assert tried == 2000
    # Measured at about 2 %: a look after each of 20 blocks.
    assert 0.005 < wrong / tried < 0.035


def test_a_t_test_of_levels_that_drift_is_wrong_far_more_often_than_it_says() -> None:
    draw = random.Random(4)
    levels, one = [], [0.0, 0.0]
    for _ in range(20 * 300):
        # Each goes its own way: what other tools compare are runs at different times.
        one = [0.95 * value + draw.gauss(0, 1) for value in one]
        levels.append((one[0], one[1]))
    wrong, tried = selftest_rates.significant_t_tests(levels, 20, ALPHA)
    assert wrong / tried > 0.4
    independent = [(draw.gauss(0, 1), draw.gauss(0, 1)) for _ in range(20 * 1000)]
    wrong, tried = selftest_rates.significant_t_tests(independent, 20, ALPHA)
    assert 0.03 < wrong / tried < 0.07


def test_a_run_that_is_too_short_has_no_try() -> None:
    assert wrong_verdicts([0.1] * 19, 20, ALPHA) == (0, 0)
    assert wrong_verdicts([0.1] * 45, 20, ALPHA) == (2, 2)


def test_the_next_try_begins_where_the_one_before_it_ended() -> None:
    # Seven on one side are the least that settles it.
    assert tries([0.1] * 30, 9, ALPHA) == [(7, True)] * 4
    assert tries([-0.1] * 30, 9, ALPHA) == [(7, False)] * 4
    even = [0.1, -0.1] * 15
    assert tries(even, 10, ALPHA) == [(None, False)] * 3


def test_a_try_that_could_not_have_had_all_its_blocks_is_not_counted() -> None:
    # It would be one that was quick, and make the rate look better than it is.
    assert tries([0.1] * 15, 10, ALPHA) == [(7, True)]
    assert tries([0.1] * 9, 10, ALPHA) == []


def test_the_share_that_is_found_is_the_one_that_is_to_be_expected() -> None:
    draw, limit = random.Random(5), 40
    above = 0.75
    effects = [1.0 if draw.random() < above else -1.0 for _ in range(40_000)]
    found = tries(effects, limit, ALPHA)
    share, half = expected(above, limit, ALPHA)
    seen = sum(right for _, right in found) / len(found)
    assert seen == pytest.approx(share, abs=4 * math.sqrt(share * (1 - share) / len(found)))
    assert median_blocks(found) == pytest.approx(half, abs=2)


def test_blocks_that_half_of_the_tries_took_are_not_those_of_the_quick_ones() -> None:
    assert median_blocks([(7, True), (None, False), (None, False)]) is None
    assert median_blocks([(7, True), (9, True), (None, False)]) == 9
    # What was found on the wrong side was not found.
    assert median_blocks([(7, True), (8, False), (9, False)]) is None
    assert median_blocks([]) is None


def test_what_can_hardly_be_seen_is_expected_hardly_ever() -> None:
    low, none = expected(0.55, 40, ALPHA)
    high, half = expected(0.95, 40, ALPHA)
    assert low < 0.2
    assert high > 0.999
    assert none is None
    assert half is not None
    assert half < 12
    # A verdict on the wrong side is none that found it.
    assert expected(0.3, 40, ALPHA)[0] < 0.001
