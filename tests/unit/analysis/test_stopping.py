"""Blocks enough to stop, and how many more it would take."""

from __future__ import annotations

import math
import random

import pytest

from parlab.orchestrator.analysis import stopping
from parlab.orchestrator.analysis.effects import within_margin
from parlab.orchestrator.experiment.model import Stop
from parlab.orchestrator.statistics import inference


def test_a_comparison_is_done_when_its_interval_is_as_narrow_as_wanted() -> None:
    assert stopping.done([0.1] * 9, 0.05, 0.15, declared=False, stop=Stop(precision=0.10))
    assert not stopping.done([0.1] * 9, -0.05, 0.25, declared=True, stop=Stop(precision=0.10))


def test_a_clear_ratio_with_a_settled_verdict_needs_no_precision() -> None:
    effects = [0.7] * 9
    assert stopping.done(effects, 0.4, 1.0, declared=True, stop=Stop(precision=0.01))
    assert not stopping.done(effects, 0.4, 1.0, declared=False, stop=Stop(precision=0.01))
    assert not stopping.done([0.3] * 9, 0.1, 0.5, declared=True, stop=Stop(precision=0.01))


def test_the_number_of_blocks_asked_for_ends_it_in_any_case() -> None:
    assert stopping.done([0.0] * 20, -math.inf, math.inf, declared=False, stop=Stop(blocks=20))
    assert not stopping.done([0.0] * 19, -0.001, 0.001, declared=True, stop=Stop(rule="fixed", blocks=20))


def test_half_widths_are_symmetric_in_the_logarithm() -> None:
    assert stopping.half_width(-math.log(1.1), math.log(1.1)) == pytest.approx(0.1)
    assert stopping.half_width(-math.inf, math.inf) == math.inf


@pytest.mark.parametrize(("sd", "middle"), [(0.05, 0.0), (0.1, 0.2), (0.3, 0.9)])
def test_the_estimate_of_more_blocks_is_right_within_a_factor_of_about_two(sd: float, middle: float) -> None:
    draw = random.Random(4)
    stop = Stop(precision=0.05)
    needed, estimated = [], []
    for _ in range(40):
        effects = [draw.gauss(middle, sd) for _ in range(8)]
        guess = stopping.blocks_left(effects, 0.05, stop)
        assert guess is not None
        while True:
            low, high = inference.interval(effects, 0.05)
            settled = not low <= 0 <= high
            if stopping.done(effects, low, high, declared=settled, stop=stop):
                break
            effects.append(draw.gauss(middle, sd))
        needed.append(len(effects))
        estimated.append(8 + guess)
    ratio = inference.median(estimated) / inference.median(needed)
    assert 0.4 <= ratio <= 2.5


def test_no_estimate_is_made_of_too_little() -> None:
    assert stopping.blocks_left([0.1, 0.2], 0.05, Stop()) is None
    assert stopping.blocks_to_a_verdict([0.1, 0.2], 0.05, Stop()) is None
    assert stopping.blocks_left([0.1] * 4, 0.05, Stop(rule="fixed", blocks=12)) == 8


@pytest.mark.parametrize("middle", [0.0, 0.06, 0.15])
def test_a_verdict_comes_after_about_as_many_blocks_as_estimated(middle: float) -> None:
    draw = random.Random(6)
    needed, estimated = [], []
    for _ in range(30):
        effects = [draw.gauss(middle, 0.1) for _ in range(20)]
        guess = stopping.blocks_to_a_verdict(effects, 0.05, Stop(margin=0.05))
        assert guess is not None
        estimated.append(20 + guess)
        while True:
            low, high = inference.interval(effects, 0.05)
            if not low <= 0 <= high or within_margin(low, high, 0.05) or len(effects) > 3000:
                break
            effects.append(draw.gauss(middle, 0.1))
        needed.append(len(effects))
    assert 0.3 <= inference.median(estimated) / inference.median(needed) <= 3


def test_the_fixed_rule_allows_no_look_before_its_end() -> None:
    stop = Stop(rule="fixed", blocks=12)
    assert stopping.bounds([0.1] * 11, 0.05, stop) == (-math.inf, math.inf)
    assert stopping.bounds([0.1] * 12, 0.05, stop) == (0.1, 0.1)
