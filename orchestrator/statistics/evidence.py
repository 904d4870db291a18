"""Evidence on the ratio of two configurations: paired in the same blocks, or each in its own.

Both kinds answer the same questions, at any time and whatever the noise: how strong the evidence
against a ratio is, and which ratios cannot be excluded.
"""

from __future__ import annotations

import itertools
import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from parlab.orchestrator.statistics import inference


@dataclass(frozen=True)
class Pairs:
    """Effects of two configurations in the same blocks."""

    effects: tuple[float, ...]

    @property
    def estimate(self) -> float:
        """The median effect."""
        return inference.median(self.effects)

    def log_e(self, effect: float) -> float:
        """Logarithm of the evidence against a median of ``effect`` (STATISTICS: E_n)."""
        return inference.log_e(inference.count_below(self.effects, effect), len(self.effects))

    def bounds(self, alpha: float) -> tuple[float, float]:
        """Interval at level 1 − ``alpha``, between order statistics; infinite for too few blocks."""
        return inference.interval(self.effects, alpha)


@dataclass(frozen=True)
class TwoSamples:
    """Effects of two configurations against their own baselines, in blocks of their own.

    The effect is the difference of the medians, the second's less the first's. Were that d, then
    some m would be the median of the first sample and m + d that of the second, and
    E_first(m) · E_second(m + d) a test martingale: each block is a coin toss given all that came
    before it, in whichever order the blocks of both came. Which m is not known, so the least over
    all m counts: an e-value under "the difference is d", at any time (an e-process; Ramdas, Ruf,
    Larsson and Koolen, 2022). It takes no pairs, no equal noise and no equal number of blocks; what it
    does take is that effects are independent within each sample, which levels are not.
    """

    first: tuple[float, ...]
    second: tuple[float, ...]

    @property
    def estimate(self) -> float:
        """The difference of the medians."""
        return inference.median(self.second) - inference.median(self.first)

    def log_e(self, effect: float) -> float:
        """Logarithm of the evidence against a difference of ``effect``: the least over all medians."""
        first = sorted(self.first)
        second = sorted(value - effect for value in self.second)
        places = sorted([*first, *second])
        # In each gap between two values; at one that several share, each counts half to each side.
        between = [(a + b) / 2 for a, b in itertools.pairwise(places)]
        return min(_log_e_at(first, m) + _log_e_at(second, m) for m in (-math.inf, *between, math.inf))

    def bounds(self, alpha: float) -> tuple[float, float]:
        """All differences whose evidence stays below 1/``alpha``: an interval.

        For each place of m among the first sample, the values of m + d that are kept lie between two
        order statistics of the second; as m moves on, these spans overlap, so their union has no gap.
        """
        first, second = ([-math.inf, *sorted(values), math.inf] for values in (self.first, self.second))
        of_first, of_second = len(self.first), len(self.second)
        # The evidence falls towards the middle, so that the first rank that is kept is found by bisection.
        rising = [-inference.log_e(rank, of_second) for rank in range(of_second // 2 + 1)]
        low, high = math.inf, -math.inf
        for below in range(of_first + 1):
            limit = -math.log(alpha) - inference.log_e(below, of_first)
            rank = bisect_right(rising, -limit)
            if rank < len(rising):
                low = min(low, second[rank] - first[below + 1])
                high = max(high, second[of_second + 1 - rank] - first[below])
        return low, high


#: Evidence on one effect, the logarithm of a ratio.
RatioEvidence = Pairs | TwoSamples


def log_e_below(evidence: RatioEvidence, bound: float) -> float:
    """Logarithm of the evidence that an effect is below ``bound``: against all that are not.

    The least of the evidence against each of them. It falls towards the estimate and rises from there
    on, so it is that at the bound, or, where the estimate is no lower, that at the estimate.
    """
    return evidence.log_e(max(bound, evidence.estimate))


def log_e_above(evidence: RatioEvidence, bound: float) -> float:
    """Logarithm of the evidence that an effect is above ``bound``: as :func:`log_e_below`."""
    return evidence.log_e(min(bound, evidence.estimate))


def _log_e_at(ordered: Sequence[float], m: float) -> float:
    below = (bisect_left(ordered, m) + bisect_right(ordered, m)) / 2
    return inference.log_e(below, len(ordered))
