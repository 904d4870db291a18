"""A ratio with what is known of its bounds."""

from __future__ import annotations

import math
from dataclasses import dataclass


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
