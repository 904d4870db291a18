"""When there is enough, and how much more it would take."""

from __future__ import annotations

import math
import random

import pytest

from orchestrator.analysis import inference, stopping
from orchestrator.experiment import Stop


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
        guess = stopping.more_blocks(effects, 0.05, stop)
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
    assert stopping.more_blocks([0.1, 0.2], 0.05, Stop()) is None
    assert stopping.more_blocks([0.1] * 4, 0.05, Stop(rule="fixed", blocks=12)) == 8
