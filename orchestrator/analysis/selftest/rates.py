"""Rates of wrong verdicts, and of effects that are found: tries over effects in block order."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache

from parlab.orchestrator.analysis.findings.selftest import Rate
from parlab.orchestrator.statistics import inference

#: Level of all intervals of a self-test.
LEVEL = 0.95


def rate(count: int, tried: int) -> Rate | None:
    """Give ``count`` of ``tried`` with Clopper and Pearson's interval (1934); None of nothing."""
    if tried == 0:
        return None
    tail = (1 - LEVEL) / 2
    low = 0.0 if count == 0 else _solved(lambda p: 1 - _at_most(count - 1, tried, p), tail)
    high = 1.0 if count == tried else _solved(lambda p: -_at_most(count, tried, p), -tail)
    return Rate(count, tried, low, high)


def _at_most(count: int, tried: int, share: float) -> float:
    """P(at most ``count`` of ``tried``) where each has the chance ``share``, strictly between 0 and 1."""
    log_hit, log_miss = math.log(share), math.log1p(-share)
    return math.fsum(
        math.exp(
            math.lgamma(tried + 1)
            - math.lgamma(k + 1)
            - math.lgamma(tried - k + 1)
            + k * log_hit
            + (tried - k) * log_miss
        )
        for k in range(count + 1)
    )


def _solved(grows: Callable[[float], float], wanted: float) -> float:
    """Find where a function of a share that grows with it has a value, by halving."""
    low, high = 0.0, 1.0
    for _ in range(50):
        middle = (low + high) / 2
        if grows(middle) < wanted:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def verdict_after(effects: Sequence[float], alpha: float) -> int | None:
    """Number of blocks after which a look at every one of them first sees a verdict; None: it never does."""
    for blocks in range(1, len(effects) + 1):
        if inference.e_value(effects[:blocks]) >= 1 / alpha:
            return blocks
    return None


def wrong_verdicts(effects: Sequence[float], try_blocks: int, alpha: float) -> tuple[int, int]:
    """Count tries with a verdict, and tries: what was entered twice, in runs of so many blocks each."""
    starts = range(0, len(effects) - try_blocks + 1, try_blocks)
    wrong = sum(verdict_after(effects[s : s + try_blocks], alpha) is not None for s in starts)
    return wrong, len(starts)


def significant_t_tests(
    levels: Sequence[tuple[float, float]], try_blocks: int, alpha: float
) -> tuple[int, int]:
    """Count tries that a two-sample t test calls significant, and tries: the levels of the same blocks."""
    starts = range(0, len(levels) - try_blocks + 1, try_blocks)
    runs = [levels[s : s + try_blocks] for s in starts]
    significant = sum(t_test_p([a for a, _ in run], [b for _, b in run]) <= alpha for run in runs)
    return significant, len(starts)


def t_test_p(ones: Sequence[float], others: Sequence[float]) -> float:
    """Two-sided p value of Student's two-sample t test, of as many values on both sides (2 at least)."""
    n = len(ones)
    assert n == len(others) >= 2, "as many on both sides"
    mean_a, mean_b = math.fsum(ones) / n, math.fsum(others) / n
    squares = math.fsum((v - mean_a) ** 2 for v in ones) + math.fsum((v - mean_b) ** 2 for v in others)
    freedom = 2 * n - 2
    if squares == 0:
        return 1.0 if mean_a == mean_b else 0.0
    return _t_tails(abs(mean_a - mean_b) / math.sqrt(squares / freedom * 2 / n), freedom)


def _t_tails(t: float, freedom: int) -> float:
    """P(|T| > t) for an even number of degrees of freedom (Abramowitz and Stegun, 26.7.4)."""
    angle = math.atan(t / math.sqrt(freedom))
    square = math.cos(angle) ** 2
    term = total = 1.0
    for k in range(1, freedom // 2):
        term *= square * (2 * k - 1) / (2 * k)
        total += term
    return 1 - math.sin(angle) * total


def tries(effects: Sequence[float], limit_blocks: int, alpha: float) -> list[tuple[int | None, bool]]:
    """Look for a slowdown, again and again: (blocks that it took or None, whether the sign is right) each.

    A try begins at the block after the one before it ended: with a verdict, or after ``limit_blocks``. Only
    such count as could have had all of these: of others those would be left that were quick.
    """
    ended: list[tuple[int | None, bool]] = []
    start = 0
    while start + limit_blocks <= len(effects):
        own = effects[start : start + limit_blocks]
        after = verdict_after(own, alpha)
        ended.append((after, after is not None and inference.median(own[:after]) > 0))
        start += after or limit_blocks
    return ended


def median_blocks(tried: Sequence[tuple[int | None, bool]]) -> float | None:
    """Blocks that half of the tries took at most to find it; None where fewer than half did."""
    if not tried:
        return None
    taken = [float(after) if after is not None and right else math.inf for after, right in tried]
    middle = inference.median(taken)
    return middle if math.isfinite(middle) else None


@lru_cache(maxsize=64)
def expected(above_ratio: float, limit_blocks: int, alpha: float) -> tuple[float, int | None]:
    """Share of tries that find it, and the blocks that half of them take, where effects are independent.

    ``above_ratio`` is the chance of a block's effect to be above 0. Exact: the number of effects below 0 is
    followed from block to block, and what has a verdict is taken out.
    """
    limit = -math.log(alpha)
    going, declared, half = {0: 1.0}, 0.0, None
    for blocks in range(1, limit_blocks + 1):
        ahead: dict[int, float] = {}
        for below, chance in going.items():
            ahead[below] = ahead.get(below, 0.0) + chance * above_ratio
            ahead[below + 1] = ahead.get(below + 1, 0.0) + chance * (1 - above_ratio)
        going = {}
        for below, chance in ahead.items():
            if inference.log_e(below, blocks) < limit:
                going[below] = chance
            elif 2 * below < blocks:
                declared += chance
        if half is None and declared >= 0.5:
            half = blocks
    return declared, half
