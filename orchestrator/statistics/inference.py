"""Inference on a median, without assumptions on the noise, valid whenever one looks.

If A and B were equal, each block would be a coin toss. The evidence against a median μ is a Beta
mixture of likelihood ratios of a coin against a fair one: a test martingale under "the median is
μ", so that by Ville's inequality it exceeds 1/α with probability α at most, at any time, under any
stopping rule. Sources: Robbins (1970) and Darling and Robbins (1967) on sequential tests and
confidence sequences for the median; Howard and Ramdas (2022) on quantile confidence sequences;
Wang and Ramdas (2022) on e-BH; Xu, Wang and Ramdas (2022) on intervals after e-BH selection.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from functools import lru_cache

#: Jeffreys' mixture, a = b = 1/2.
_A = 0.5


def _log_beta(a: float, b: float) -> float:
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)


def log_e(below: float, blocks: int) -> float:
    """Logarithm of E_n = 2ⁿ · B(k + ½, n − k + ½) / B(½, ½).

    Args:
        below: k, the number of effects below the median that is tested (ties count half).
        blocks: n.
    """
    return blocks * math.log(2) + _log_beta(below + _A, blocks - below + _A) - _log_beta(_A, _A)


def e_value(effects: Sequence[float], median: float = 0.0) -> float:
    """Evidence against "the median effect is ``median``"; 1 without effects, large against."""
    return e_of(log_e(count_below(effects, median), len(effects)))


def e_of(logarithm: float) -> float:
    """Return the evidence of this logarithm, as far as floats go."""
    # Beyond e⁷⁰⁰ (some thousand blocks all on one side) there is no float, and nothing to tell apart.
    return math.exp(min(logarithm, 700.0))


def count_below(effects: Sequence[float], median: float) -> float:
    """Number of effects below ``median``; one that equals it counts half to each side."""
    return sum(1.0 if effect < median else 0.5 if effect == median else 0.0 for effect in effects)


@lru_cache(maxsize=4096)
def sequential_rank(blocks: int, alpha: float) -> int:
    """Rank r of the sequential interval: from the r-th smallest effect to the r-th largest; 0: none.

    With k of n effects below μ the value μ is kept while E_n(k) < 1/α. That holds from the smallest
    such k on, so the interval begins at the effect that makes k that large.
    """
    limit = -math.log(alpha)
    for below in range(blocks // 2 + 1):
        if log_e(below, blocks) < limit:
            return below
    return blocks // 2


@lru_cache(maxsize=4096)
def fixed_rank(blocks: int, alpha: float) -> int:
    """Rank r of the classical binomial interval of the median (one look, at the end); 0: none.

    P(fewer than r effects below the median) ≤ α/2, each side.
    """
    tail = 0
    for rank in range(blocks // 2 + 1):
        tail += math.comb(blocks, rank)
        # Whole numbers divided at the end: 2ⁿ is no float from 1024 blocks on.
        if 2 * tail / (1 << blocks) > alpha:
            return rank
    return blocks // 2


def interval(effects: Sequence[float], alpha: float, *, fixed: bool = False) -> tuple[float, float]:
    """Interval of the median effect at level 1 − α; infinite where there are too few blocks.

    Args:
        effects: one per block, in any order.
        alpha: error rate; the sequential interval needs 7 blocks at 5 %.
        fixed: whether the number of blocks was fixed beforehand and this is the one look.
    """
    rank = (fixed_rank if fixed else sequential_rank)(len(effects), alpha)
    if rank < 1:
        return -math.inf, math.inf
    ordered = sorted(effects)
    return ordered[rank - 1], ordered[-rank]


def sign_test_p(effects: Sequence[float], median: float = 0.0) -> float:
    """Two-sided p value of the sign test; 1 without effects.

    A tie counts to both sides, so that p ≤ α exactly when the interval at level 1 − α excludes
    ``median``.
    """
    below = sum(effect <= median for effect in effects)
    above = sum(effect >= median for effect in effects)
    tail = sum(math.comb(len(effects), k) for k in range(min(below, above) + 1))
    return min(1.0, 2 * tail / (1 << len(effects)))


def e_bh(e_values: Sequence[float], alpha: float) -> set[int]:
    """Indices declared by e-BH: the R largest, R = max{k : e₍ₖ₎ ≥ K/(kα)}.

    It bounds the false discovery rate by α under any dependence between the e-values.
    """
    total = len(e_values)
    order = sorted(range(total), key=lambda i: -e_values[i])
    declared = 0
    for rank, index in enumerate(order, start=1):
        if e_values[index] >= total / (rank * alpha):
            declared = rank
    return set(order[:declared])


def benjamini_yekutieli(p_values: Sequence[float], alpha: float) -> set[int]:
    """Indices declared by Benjamini and Yekutieli (2001): false discovery rate α, any dependence."""
    total = len(p_values)
    price = harmonic(total)
    order = sorted(range(total), key=lambda i: p_values[i])
    declared = 0
    for rank, index in enumerate(order, start=1):
        if p_values[index] <= rank * alpha / (total * price):
            declared = rank
    return set(order[:declared])


def harmonic(total: int) -> float:
    """Sum of 1/k for k to ``total``: what any dependence costs Benjamini and Yekutieli's procedure."""
    return math.fsum(1 / k for k in range(1, total + 1))


def median(values: Sequence[float]) -> float:
    """Middle value; the mean of the middle two. Raises ``ValueError`` without values."""
    if not values:
        raise ValueError("no median of nothing")
    ordered = sorted(values)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def quantile(values: Sequence[float], share: float) -> float:
    """Quantile by linear interpolation (Hyndman and Fan's type 7, numpy's default)."""
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    lower = math.floor(place)
    upper = min(lower + 1, len(ordered) - 1)
    return ordered[lower] + (place - lower) * (ordered[upper] - ordered[lower])


def standard_deviation(values: Sequence[float]) -> float | None:
    """Sample standard deviation; None below 2 values (undefined is not 0)."""
    if len(values) < 2:
        return None
    mean = math.fsum(values) / len(values)
    return math.sqrt(math.fsum((v - mean) ** 2 for v in values) / (len(values) - 1))


def lag1_autocorrelation(effects: Sequence[float]) -> tuple[float, float] | None:
    """Lag-1 autocorrelation in block order with its standard error 1/√n; None below 8 blocks.

    The interval needs independent blocks: an autocorrelation far outside its error breaks it.
    """
    n = len(effects)
    if n < 8:
        return None
    mean = math.fsum(effects) / n
    variance = math.fsum((e - mean) ** 2 for e in effects)
    if variance == 0:
        return None
    covariance = math.fsum((a - mean) * (b - mean) for a, b in itertools.pairwise(effects))
    return covariance / variance, 1 / math.sqrt(n)
