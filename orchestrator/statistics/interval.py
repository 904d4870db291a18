"""Ratios and fitted figures with what is known of their bounds."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from parlab.orchestrator.statistics.usl import Floats


@dataclass(frozen=True)
class Interval:
    """A ratio with its bounds; a bound is None where the data do not give a finite one yet."""

    #: Median ratio; above 1: faster than what it is compared with.
    ratio: float
    low: float | None
    high: float | None
    #: Level of the interval, for example 0.95.
    level: float
    #: Blocks in it.
    blocks: int

    @classmethod
    def of_logs(cls, middle: float, bounds: tuple[float, float], alpha: float, blocks: int) -> Interval:
        """Make it of an effect (a logarithm) and its bounds at level 1 − ``alpha``; they may be infinite."""
        low, high = (math.exp(bound) if math.isfinite(bound) else None for bound in bounds)
        return cls(math.exp(middle), low, high, 1 - alpha, blocks)


@dataclass(frozen=True)
class Estimate:
    """A fitted figure with the bounds that resampled blocks give it; None: not finite."""

    value: float | None
    low: float | None
    high: float | None

    @classmethod
    def of(cls, values: Floats, level: float) -> Estimate:
        """Take the first value, and the quantiles of the others as its bounds."""
        import numpy as np

        tail = (1 - level) / 2
        # Not interpolated: between a number and an infinity there is nothing.
        bounds = np.nanquantile(values[1:], [tail, 1 - tail], method="inverted_cdf")
        value, low, high = (float(v) if np.isfinite(v) else None for v in (values[0], *bounds))
        return cls(value, low, high)
