"""A ratio with its interval as a small picture: where each mark lies, on a scale that a table shares.

The drawing itself is the template's. Positions are in per cent of the width, so that a bar fits any.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from parlab.orchestrator.figures import number
from parlab.orchestrator.show.text.interval_bar import Ratio

#: What the ends of a scale can stand for. Few, so that a scale seldom changes while it is looked at.
_LOWS = (1 / 2, 1 / 4, 1 / 10, 1 / 30, 1 / 100, 1 / 1000)
_HIGHS = (2, 4, 8, 16, 32, 64, 128, 1024)
#: An estimate this close to an end, in shares of the width, has too little room for its interval.
_ROOM = 0.06
WIDTH = 100.0


@dataclass(frozen=True)
class BarScale:
    """What the left and the right end of a table's bars stand for."""

    low: float = 0.5
    high: float = 2.0
    #: Ratios within 1 ± margin count as equal.
    margin: float = 0.0

    def place(self, ratio: float) -> float:
        """Return where a ratio lies, from 0 at the left end to 100 at the right; beyond them, the end."""
        low, high = math.log(self.low), math.log(self.high)
        where = (math.log(ratio) - low) / (high - low) if ratio > 0 else 0.0
        return round(WIDTH * min(1.0, max(0.0, where)), 2)

    @property
    def one(self) -> float:
        """Where 1 lies."""
        return self.place(1.0)

    @property
    def band(self) -> tuple[float, float]:
        """Return left end and width of what counts as equal to 1."""
        left, right = self.place(1 / (1 + self.margin)), self.place(1 + self.margin)
        return left, round(right - left, 2)

    @property
    def marks(self) -> tuple[tuple[float, str, str], ...]:
        """Return what is written under the bars: place, text, and where the text is anchored."""
        return (
            (0.0, f"{number(self.low, 1)}×", "start"),
            (self.one, "1×", "middle"),
            (WIDTH, f"{number(self.high, 1)}×", "end"),
        )

    def including(self, ratios: Iterable[Ratio]) -> BarScale:
        """Return a scale that has room for estimates, too. It never shrinks: marks would wander."""
        scale = self
        for ratio in ratios:
            while scale.place(ratio.ratio) < WIDTH * _ROOM and (
                wider := next((low for low in _LOWS if low < scale.low), None)
            ):
                scale = BarScale(wider, scale.high, self.margin)
            while scale.place(ratio.ratio) > WIDTH * (1 - _ROOM) and (
                wider := next((low for low in _HIGHS if low > scale.high), None)
            ):
                scale = BarScale(scale.low, wider, self.margin)
        return scale


@dataclass(frozen=True)
class RatioBar:
    """One ratio's marks."""

    #: Of the estimate.
    point: float
    #: Of the interval's ends.
    low: float
    high: float
    #: Whether the interval goes on beyond an end of the scale, or is not known on that side.
    cut_low: bool
    cut_high: bool
    #: Whether at least one of its ends is known.
    has_interval: bool


def bar(ratio: Ratio | None, scale: BarScale) -> RatioBar | None:
    """Place a ratio on a scale; None where there is nothing to be drawn."""
    if ratio is None or not (math.isfinite(ratio.ratio) and ratio.ratio > 0):
        return None
    low, high = ratio.low, ratio.high
    return RatioBar(
        point=scale.place(ratio.ratio),
        low=0.0 if low is None else scale.place(low),
        high=WIDTH if high is None else scale.place(high),
        cut_low=low is None or low < scale.low,
        cut_high=high is None or high > scale.high,
        has_interval=low is not None or high is not None,
    )
