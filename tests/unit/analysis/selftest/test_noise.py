"""The block sd's interval and the precision that is told of it, against what simulation shows."""

from __future__ import annotations

import math
import random
import statistics
from collections.abc import Callable

import pytest
from scipy import special

from parlab.orchestrator.analysis.selftest.noise import precision, spread
from parlab.orchestrator.statistics import inference

ALPHA = 0.05 / 3


def heavy(draw: random.Random) -> float:
    """Of unit variance: one in ten is three times as far out."""
    return draw.gauss(0, 1) * (3 if draw.random() < 0.1 else 1) / math.sqrt(1.8)


def held(noise: Callable[[random.Random], float], blocks: int = 60, runs: int = 600) -> tuple[float, float]:
    """How often the interval holds the sd, which is 1, and how often the chi-square interval does."""
    draw, of_ours, of_chi_square = random.Random(6), 0, 0
    for _ in range(runs):
        found = spread([noise(draw) for _ in range(blocks)])
        assert found is not None
        assert found.low is not None
        assert found.high is not None
        assert found.low <= found.sd <= found.high
        of_ours += found.low <= 1 <= found.high
        squares = (blocks - 1) * found.sd**2
        least, most = (float(special.chdtri(blocks - 1, tail)) for tail in (0.975, 0.025))
        of_chi_square += least <= squares <= most
    return of_ours / runs, of_chi_square / runs


def test_the_sds_interval_holds_it_as_often_as_it_says() -> None:
    ours, chi_square = held(lambda draw: draw.gauss(0, 1))
    assert 0.92 < ours < 0.98
    assert 0.92 < chi_square < 0.98


def test_the_sds_interval_of_disturbed_blocks_holds_it_far_more_often_than_the_chi_square_one() -> None:
    ours, chi_square = held(heavy)
    # The kurtosis is known little better than the sd itself: no interval from 60 blocks holds all of 95 %.
    assert ours > 0.83
    assert chi_square < ours - 0.1


def test_few_blocks_have_no_sd_and_equal_ones_no_interval() -> None:
    assert spread([]) is None
    assert spread([0.1, 0.2, 0.3] * 3) is None
    assert spread([0.1, 0.2, 0.3] * 4) is not None
    same = spread([0.1] * 30)
    assert same is not None
    assert (same.sd, same.low) == (0, None)


@pytest.mark.parametrize("noise", [lambda draw: draw.gauss(0, 1), heavy], ids=["normal", "disturbed"])
def test_intervals_become_as_narrow_as_was_told(noise: Callable[[random.Random], float]) -> None:
    draw, sd = random.Random(8), 0.05
    seen = [[0.3 + sd * noise(draw) for _ in range(90)] for _ in range(3)]
    for told in precision(seen, 2.0, (60.0, 300.0), ALPHA):
        assert told.blocks == told.seconds / 2
        assert told.half_width_ratio is not None
        widths = []
        for _ in range(200):
            low, high = inference.interval([sd * noise(draw) for _ in range(told.blocks)], ALPHA)
            widths.append(math.expm1((high - low) / 2))
        assert told.half_width_ratio == pytest.approx(statistics.median(widths), rel=0.25)


def test_more_time_gives_more_precision() -> None:
    draw = random.Random(9)
    seen = [[draw.gauss(0, 0.05) for _ in range(200)]]
    widths = [told.half_width_ratio for told in precision(seen, 2.0, (60.0, 300.0, 900.0), ALPHA)]
    assert None not in widths
    assert widths == sorted(widths, reverse=True)  # type: ignore[type-var]
    assert widths[0] > 3 * widths[2]  # type: ignore[operator]


def test_too_few_blocks_in_a_time_have_no_interval_and_too_few_effects_no_figure_at_all() -> None:
    seen = [[0.01, -0.02] * 20]
    short, long = precision(seen, 10.0, (60.0, 300.0), ALPHA)
    assert (short.blocks, short.half_width_ratio) == (6, None)
    assert long.half_width_ratio is not None
    assert precision([[0.1] * 19], 1.0, (60.0,), ALPHA) == ()
    assert precision([], 1.0, (60.0,), ALPHA) == ()
