"""A run's rule: what it declares, at which level, and when there is enough."""

from __future__ import annotations

import math
from collections.abc import Sequence

from parlab.orchestrator.analysis.effects import ratio_interval, within_margin
from parlab.orchestrator.analysis.findings.run import JudgedWord
from parlab.orchestrator.experiment.model import Stop
from parlab.orchestrator.statistics import inference
from parlab.orchestrator.statistics.interval import Interval

#: Beyond this ratio a settled verdict needs no precision: the choice is clear.
CLEAR_RATIO = 1.5
#: Looking further ahead than this is no estimate any more.
_MOST_BLOCKS = 10_000


def bounds(effects: Sequence[float], alpha: float, stop: Stop) -> tuple[float, float]:
    """Interval of the median effect by the run's rule; infinite where that rule allows no look yet."""
    if stop.rule == "fixed":
        if len(effects) < (stop.blocks or 0):
            return -math.inf, math.inf
        return inference.interval(effects, alpha, fixed=True)
    return inference.interval(effects, alpha)


def interval(effects: Sequence[float], alpha: float, stop: Stop) -> Interval | None:
    """Give the median ratio within these bounds; None without effects."""
    return ratio_interval(effects, *bounds(effects, alpha, stop), alpha)


def declared(effects: Sequence[Sequence[float]], stop: Stop) -> set[int]:
    """Give the indices of the comparisons that are declared faster or slower; effects by comparison."""
    if stop.rule == "fixed":
        wanted = stop.blocks or 0
        # One look, at the end: what has not all its blocks yet has no p value.
        p_values = [inference.sign_test_p(e) if len(e) >= wanted else 1.0 for e in effects]
        return inference.benjamini_yekutieli(p_values, stop.alpha)
    return inference.e_bh([inference.e_value(e) for e in effects], stop.alpha)


def shared_alpha(declared_count: int, total: int, stop: Stop) -> float:
    """Give the error rate of each interval, where so many of ``total`` comparisons are declared."""
    alpha = stop.alpha * max(declared_count, 1) / max(total, 1)
    if stop.rule == "fixed":
        # What its procedure pays for any dependence, so that interval and verdict agree here, too.
        alpha /= inference.harmonic(max(total, 1))
    return alpha


def verdict_of(
    effects: Sequence[float],
    low: float,
    high: float,
    is_declared: bool,  # noqa: FBT001 - a word of the method's
    margin: float,
) -> JudgedWord:
    """Give the word. Declared comes first: a difference can be certain and still within the margin."""
    if is_declared:
        return "faster" if inference.median(effects) > 0 else "slower"
    return "tied" if within_margin(low, high, margin) else "unresolved"


def half_width(low: float, high: float) -> float:
    """Relative half-width of a ratio's interval [exp(low), exp(high)]: symmetric in the logarithm."""
    return math.expm1((high - low) / 2) if math.isfinite(high - low) else math.inf


def done(effects: Sequence[float], low: float, high: float, *, declared: bool, stop: Stop) -> bool:
    """Whether a comparison needs no more blocks.

    Sequential: its interval is as narrow as wanted, or its verdict is settled and the ratio is so
    far from 1 that precision would change nothing, or there are as many blocks as allowed. Fixed:
    there are exactly so many. ``low`` and ``high`` bound the median effect (a logarithm).
    """
    if stop.blocks is not None and len(effects) >= stop.blocks:
        return True
    if stop.rule == "fixed" or not effects:
        return False
    if half_width(low, high) <= stop.precision:
        return True
    return declared and abs(inference.median(effects)) > math.log(CLEAR_RATIO)


def blocks_left(effects: Sequence[float], alpha: float, stop: Stop) -> int | None:
    """Blocks until a comparison is :func:`done`, probably; None where that cannot be told."""
    most = _MOST_BLOCKS if stop.blocks is None else max(stop.blocks - len(effects), 0)
    if stop.rule == "fixed":
        return most
    if len(effects) < 3:
        return None
    middle = abs(inference.median(effects))
    wanted = math.log1p(stop.precision)
    if middle > math.log(CLEAR_RATIO):
        wanted = max(wanted, middle)
    left = _blocks_until(effects, alpha, wanted)
    return None if left is None else min(left, most)


def blocks_to_a_verdict(effects: Sequence[float], alpha: float, stop: Stop) -> int | None:
    """Blocks until a comparison has a verdict, probably: until 1 is excluded, or all but a tie is.

    None where that cannot be told. Precision may be reached long before.
    """
    if len(effects) < 3:
        return None
    middle = abs(inference.median(effects))
    return _blocks_until(effects, alpha, max(middle, math.log1p(stop.margin) - middle))


def _blocks_until(effects: Sequence[float], alpha: float, wanted: float) -> int | None:
    """Look up how many blocks more bring the interval's half-width (of the logarithm) to ``wanted``.

    The interval of n blocks runs between order statistics r and n − r + 1; for effects that spread
    like a normal distribution its half-width is about sd · z(1 − r/n). Checked by simulation to be
    right within a factor of about two.
    """
    from statistics import NormalDist

    n, sd = len(effects), inference.standard_deviation(effects)
    if sd is None:
        return None
    total = max(n, 7)
    while total <= _MOST_BLOCKS:
        rank = inference.sequential_rank(total, alpha)
        if rank >= 1 and sd * NormalDist().inv_cdf(1 - (rank - 0.5) / total) <= wanted:
            return max(total - n, 1)
        total += max(1, total // 20)
    return None
