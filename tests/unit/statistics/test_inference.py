"""Inference on a median: the method's check values, and what must hold for any effects."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parlab.orchestrator.statistics import inference

EFFECTS = st.lists(st.floats(-2, 2, allow_nan=False), min_size=1, max_size=80)


@pytest.mark.parametrize(
    ("below", "blocks", "expected"), [(0, 6, 14.44), (0, 7, 26.81), (3, 20, 39.04), (10, 40, 23.44)]
)
def test_evidence_has_the_stated_values(below: int, blocks: int, expected: float) -> None:
    assert math.exp(inference.log_e(below, blocks)) == pytest.approx(expected, abs=0.005)


@pytest.mark.parametrize(
    ("blocks", "rank"),
    [(6, 0), (7, 1), (8, 1), (10, 1), (12, 2), (15, 2), (20, 4), (30, 7), (40, 11), (60, 18), (100, 34)],
)
def test_the_interval_runs_between_the_stated_order_statistics(blocks: int, rank: int) -> None:
    assert inference.sequential_rank(blocks, 0.05) == rank
    effects = [float(i) for i in range(1, blocks + 1)]
    low, high = inference.interval(effects, 0.05)
    if rank == 0:
        assert (low, high) == (-math.inf, math.inf)
    else:
        assert (low, high) == (rank, blocks + 1 - rank)


def test_the_evidence_is_a_martingale_under_a_fair_coin() -> None:
    for blocks in range(1, 12):
        mean = (
            sum(math.comb(blocks, k) * math.exp(inference.log_e(k, blocks)) for k in range(blocks + 1))
            / 2**blocks
        )
        assert mean == pytest.approx(1.0)


@given(EFFECTS)
def test_swapping_the_two_sides_mirrors_the_interval(effects: list[float]) -> None:
    low, high = inference.interval(effects, 0.05)
    mirrored = inference.interval([-e for e in effects], 0.05)
    assert mirrored == (-high, -low)
    assert inference.e_value(effects) == pytest.approx(inference.e_value([-e for e in effects]))


@given(EFFECTS, st.sampled_from([0.05, 0.01, 0.2]))
def test_the_interval_excludes_what_the_evidence_refutes_and_nothing_else(
    effects: list[float], alpha: float
) -> None:
    low, high = inference.interval(effects, alpha)
    values = {*effects, 0.0, 3.0, -3.0, *(e + 1e-6 for e in effects)}
    for value in values - set(effects):
        refuted = inference.e_value(effects, value) >= 1 / alpha
        assert refuted == (not low <= value <= high)


@given(EFFECTS)
def test_a_smaller_error_rate_gives_a_wider_interval(effects: list[float]) -> None:
    low, high = inference.interval(effects, 0.05)
    wider = inference.interval(effects, 0.01)
    assert wider[0] <= low
    assert wider[1] >= high


def test_an_effect_that_equals_the_median_counts_half_to_each_side() -> None:
    assert inference.count_below([0.0, 0.0, 1.0, -1.0], 0.0) == 2.0
    assert inference.e_value([0.0] * 20) < 1


def test_a_fixed_number_of_blocks_gives_the_classical_binomial_interval() -> None:
    # Tables of the sign test: n = 10 → 2nd to 9th value, n = 20 → 6th to 15th.
    assert inference.fixed_rank(5, 0.05) == 0
    assert inference.fixed_rank(6, 0.05) == 1
    assert inference.fixed_rank(10, 0.05) == 2
    assert inference.fixed_rank(20, 0.05) == 6
    assert inference.interval([float(i) for i in range(1, 21)], 0.05, fixed=True) == (6, 15)


def test_the_sign_test_is_exact() -> None:
    assert inference.sign_test_p([1.0] * 8) == pytest.approx(2 / 256)
    assert inference.sign_test_p([1.0, -1.0]) == 1.0
    assert inference.sign_test_p([]) == 1.0
    assert inference.sign_test_p([0.0, *[1.0] * 5]) == pytest.approx(2 * (1 + 6) / 64)


@given(EFFECTS)
def test_the_sign_test_and_the_fixed_interval_agree(effects: list[float]) -> None:
    low, high = inference.interval(effects, 0.05, fixed=True)
    assert (inference.sign_test_p(effects) <= 0.05) == (not low <= 0 <= high)


def test_thousands_of_blocks_are_no_more_than_certain() -> None:
    assert inference.e_value([0.1] * 5000) > 1e300
    assert inference.fixed_rank(3000, 0.05) > 1400


def test_e_bh_declares_the_largest_that_their_number_allows() -> None:
    # K = 4, α = 5 %: one needs 80, two need 40 each, three 26.7, four 20.
    assert inference.e_bh([79, 1, 1, 1], 0.05) == set()
    assert inference.e_bh([80, 1, 1, 1], 0.05) == {0}
    assert inference.e_bh([1, 40, 40, 1], 0.05) == {1, 2}
    assert inference.e_bh([20, 20, 20, 20], 0.05) == {0, 1, 2, 3}
    assert inference.e_bh([20, 20, 20, 19], 0.05) == set()
    assert inference.e_bh([], 0.05) == set()


def test_benjamini_yekutieli_pays_for_any_dependence() -> None:
    harmonic = 1 + 1 / 2 + 1 / 3
    assert inference.benjamini_yekutieli([0.05 / 3 / harmonic, 0.9, 0.9], 0.05) == {0}
    assert inference.benjamini_yekutieli([0.05 / 3 / harmonic * 1.01, 0.9, 0.9], 0.05) == set()


def test_undefined_is_not_zero() -> None:
    assert inference.standard_deviation([1.0]) is None
    assert inference.lag1_autocorrelation([1.0] * 7) is None
    assert inference.lag1_autocorrelation([1.0] * 20) is None
    with pytest.raises(ValueError, match="nothing"):
        inference.median([])


def test_autocorrelation_is_found_with_its_error() -> None:
    draw = random.Random(5)
    effects = [0.0]
    for _ in range(400):
        effects.append(0.6 * effects[-1] + draw.gauss(0, 1))
    found = inference.lag1_autocorrelation(effects)
    assert found is not None
    assert found[0] == pytest.approx(0.6, abs=0.1)
    assert found[1] == pytest.approx(0.05, abs=0.001)


@given(st.lists(st.floats(-1e6, 1e6, allow_nan=False), min_size=1, max_size=40))
def test_quartiles_are_numpys(values: list[float]) -> None:
    import numpy as np

    for share in (0.25, 0.5, 0.75):
        assert inference.quantile(values, share) == pytest.approx(float(np.quantile(values, share)), abs=1e-6)
