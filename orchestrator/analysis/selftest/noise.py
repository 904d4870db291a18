"""Noise of ratios from block to block, and the precision that it allows in a time."""

from __future__ import annotations

import math
from collections.abc import Sequence

from parlab.orchestrator.analysis.findings.selftest import PrecisionFinding, Spread
from parlab.orchestrator.analysis.stopping import half_width
from parlab.orchestrator.statistics import inference

#: Fewer blocks say next to nothing of their middle and of how they spread.
LEAST_BLOCKS = 10
#: Fewer effects of a pair say too little of the ends of their distribution.
LEAST_EFFECTS = 20
#: Of the normal distribution, at 95 %.
_Z = 1.959964


def spread(effects: Sequence[float]) -> Spread | None:
    """Give the sd with Bonett's interval (2006), which holds for effects that are not normal, too.

    None below LEAST_BLOCKS.

    ln of the variance is spread like the normal distribution, by the kurtosis about a trimmed mean. It holds
    95 % of what is normal and 85 % where one effect in ten is three times as far out (60 blocks, by
    simulation); the chi-square interval holds 70 % there.
    """
    n, sd = len(effects), inference.standard_deviation(effects)
    if sd is None or n < LEAST_BLOCKS:
        return None
    if sd == 0:
        return Spread(sd, None, None)
    ordered = sorted(effects)
    cut = math.floor(n / (2 * math.sqrt(n - 4)))
    kept = ordered[cut : n - cut]
    trimmed, mean = math.fsum(kept) / len(kept), math.fsum(effects) / n
    squares = math.fsum((e - mean) ** 2 for e in effects)
    kurtosis = n * math.fsum((e - trimmed) ** 4 for e in effects) / squares**2
    error = math.sqrt(max(kurtosis - (n - 3) / n, 0.0) / (n - 1))
    factor = n / (n - _Z)
    low, high = (math.sqrt(factor * sd**2 * math.exp(sign * _Z * factor * error)) for sign in (-1, 1))
    return Spread(sd, min(low, sd), high)


def precision(
    pairs: Sequence[Sequence[float]],
    block_seconds: float,
    seconds: Sequence[float],
    alpha: float,
) -> tuple[PrecisionFinding, ...]:
    """Say what half-width an interval would probably have after each of ``seconds``.

    Args:
        pairs: effects of what was entered twice; the middle of each is taken out. A pair with fewer than
            LEAST_EFFECTS is left out.
        block_seconds: of an experiment.
        seconds: how long it runs.
        alpha: error rate of one interval of it.

    Nothing where no pair has enough. The interval of n blocks runs from the r-th smallest effect to
    the r-th largest; where those lie is read from the effects as they are, whatever their distribution.
    """
    enough = [effects for effects in pairs if len(effects) >= LEAST_EFFECTS]
    centred = [e - inference.median(effects) for effects in enough for e in effects]
    if not centred or block_seconds <= 0:
        return ()
    ordered = sorted(centred)
    findings = []
    for length in seconds:
        blocks = math.floor(length / block_seconds)
        rank = inference.sequential_rank(blocks, alpha)
        width = None
        if rank >= 1:
            share = (rank - 0.5) / blocks
            low, high = (inference.quantile(ordered, at) for at in (share, 1 - share))
            width = half_width(low, high)
        findings.append(PrecisionFinding(length, blocks, width))
    return tuple(findings)
