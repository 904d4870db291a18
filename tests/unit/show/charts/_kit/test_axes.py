"""Ends of axes, and the figures at them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parlab.orchestrator.show.charts._kit.axes import (
    Domain,
    linear_domain,
    log_domain,
    log_ticks,
    ratio_domain,
)

above_zero = st.floats(1e-9, 1e9)


@given(st.lists(above_zero, min_size=1, max_size=20))
def test_a_log_axis_holds_all_values_and_has_round_figures_within_it(values: list[float]) -> None:
    domain = log_domain(values)
    assert all(domain.holds(value) for value in values)
    assert domain.high >= 1.25 * domain.low * (1 - 1e-9)
    ticks = log_ticks(domain)
    assert 3 <= len(ticks) <= 12
    assert ticks == sorted(set(ticks))
    assert all(domain.holds(tick) for tick in ticks)


@given(st.lists(above_zero, min_size=1, max_size=20))
def test_one_stands_at_every_axis_that_has_it(values: list[float]) -> None:
    assert 1.0 in log_ticks(log_domain([1.0, *values]))


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (0.85, 2.1, [0.9, 1, 1.2, 1.5, 2]),
        (0.9, 9, [1, 1.5, 2, 3, 5, 7]),
        (0.8, 40, [1, 3, 10, 30]),
        (0.004, 1.2, [0.01, 0.03, 0.1, 0.3, 1]),
        (0.98, 1.06, [0.98, 0.99, 1, 1.01, 1.02, 1.03, 1.04, 1.05, 1.06]),
    ],
)
def test_figures_are_those_that_a_person_would_choose(low: float, high: float, ticks: list[float]) -> None:
    found = log_ticks(Domain(low, high))
    assert found == ticks


def test_bounds_stretch_an_axis_no_further_than_points_can_still_be_told_apart() -> None:
    near = ratio_domain([1.0, 2.0], [0.9, 2.5])
    assert near.holds(0.9)
    assert near.holds(2.5)
    far = ratio_domain([1.0, 2.0], [1e-9, 1e9, 0.0])
    assert not far.holds(1e-9)
    assert far.high / far.low < 2**5


def test_a_linear_axis_begins_at_zero_and_has_two_ends_also_where_all_is_zero() -> None:
    assert linear_domain([3.0, 5.0]).low == 0
    assert linear_domain([3.0, 5.0]).high > 5
    assert linear_domain([0.0, 0.0]).high > 0
    assert linear_domain([-2.0]).low < -2
