"""A ratio with what is known of its bounds."""

from __future__ import annotations

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
