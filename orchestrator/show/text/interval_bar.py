"""A ratio with its interval as a few characters on a log scale: "  ├──●──┤  │   ".

Drawn where lines are aligned, one under another, on one scale: what is right of the mark at 1 is above 1,
what does not reach it is told apart from 1, and what overlaps is seen to overlap.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TextIO

from parlab.orchestrator.figures import number

if TYPE_CHECKING:
    from rich.console import Console

#: Estimates that lie closer together are not spread over the whole width, as if they were far apart.
_LEAST_SPREAD = math.log(1.25)
#: Share of the width that each side of 1 has at least: what is below it, or above, must be seen to be.
_LEAST_SIDE = 0.15
#: How much of a scale is left free at its ends, so that a cap does not look as if it were cut.
_FREE = 0.04


class Ratio(Protocol):
    """A ratio above 0 with its bounds, as findings and estimates have it."""

    @property
    def ratio(self) -> float:
        """The estimate."""
        ...

    @property
    def low(self) -> float | None:
        """Its lower bound; None: not known yet."""
        ...

    @property
    def high(self) -> float | None:
        """Its upper bound; None: not known yet."""
        ...


@dataclass(frozen=True)
class Bounded:
    """A ratio with its bounds."""

    ratio: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Scale:
    """What a bar's left and right edge stand for, and what is drawn behind the interval."""

    #: Ratios at the edges, below and above 1.
    low: float
    high: float
    #: Ratios within 1 ± margin count as equal; None: nothing is said of that.
    margin: float | None = None


@dataclass(frozen=True)
class Signs:
    """What a bar is drawn with; each is one column wide."""

    line: str
    point: str
    low_cap: str
    high_cap: str
    #: Where an interval goes on beyond the edge, or its bound is not known.
    low_arrow: str
    high_arrow: str
    #: At 1: alone, and where an interval goes over it.
    one: str
    crossed: str
    #: Where ratios count as equal to 1.
    band: str

    @property
    def behind(self) -> frozenset[str]:
        """What is no part of the interval itself."""
        return frozenset((self.one, self.band))


UNICODE = Signs(
    line="─", point="●", low_cap="├", high_cap="┤",
    low_arrow="←", high_arrow="→", one="│", crossed="┼", band="░",
)  # fmt: skip
ASCII = Signs(
    line="-", point="o", low_cap="[", high_cap="]",
    low_arrow="<", high_arrow=">", one="|", crossed="+", band=".",
)  # fmt: skip


def signs_for(encoding: str | None) -> Signs:
    """Give the signs that an encoding has: lines, or what looks like them in ASCII."""
    try:
        "".join(vars(UNICODE).values()).encode(encoding or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return ASCII
    return UNICODE


def scale_of(ratios: Iterable[Ratio], margin: float | None = None) -> Scale | None:
    """Choose the scale that several bars share; None where there is nothing to be drawn.

    It holds every estimate, 1 and the margin. Bounds are held as far as they leave the estimates room: after
    few blocks one of them can be so far away that all else would be in one place.
    """
    shown = [ratio for ratio in ratios if _drawable(ratio.ratio)]
    if not shown:
        return None
    near = 2 * math.log1p(margin) if margin else 0.0
    points = [0.0, -near, near, *(math.log(ratio.ratio) for ratio in shown)]
    low, high = min(points), max(points)
    spread = max(high - low, _LEAST_SPREAD)
    bounds = [
        math.log(b) for ratio in shown for b in (ratio.low, ratio.high) if b is not None and _drawable(b)
    ]
    low = max(min([low, *bounds]), low - spread)
    high = min(max([high, *bounds]), high + spread)
    free = (high - low) * _FREE
    low, high = low - free, high + free
    side = max(high - low, _LEAST_SPREAD) * _LEAST_SIDE
    return Scale(math.exp(min(low, -side)), math.exp(max(high, side)), margin)


def bar(shown: Ratio | None, scale: Scale, width: int, signs: Signs = UNICODE) -> str:
    """Draw a ratio with its interval, ``width`` columns wide (at least 12); None: the mark at 1 alone.

    A bound that is not known, or lies outside the scale, is an arrow at the edge.
    """
    grid = _Grid(scale, width)
    cells = [" "] * width
    for column in range(grid.one - grid.margin, grid.one + grid.margin + 1):
        cells[column] = signs.band
    cells[grid.one] = signs.one
    if shown is None or not _drawable(shown.ratio):
        return "".join(cells)
    low, low_sign = _end(shown.low, 0, signs.low_cap, grid, signs)
    high, high_sign = _end(shown.high, width - 1, signs.high_cap, grid, signs)
    for column in range(low, high + 1):
        cells[column] = signs.crossed if cells[column] == signs.one else signs.line
    cells[low], cells[high] = low_sign, high_sign
    if low == high and low_sign == signs.low_arrow:
        cells[low] = low_sign
    if scale.low <= shown.ratio <= scale.high:
        point = grid.column(shown.ratio)
        # An arrow stays: that there is more beyond the edge is what must not be lost.
        first, last = (int(cells[0] == signs.low_arrow), width - 1 - (cells[-1] == signs.high_arrow))
        cells[min(last, max(first, point))] = signs.point
    return "".join(cells)


def ruler(scale: Scale, width: int) -> str:
    """Head bars by what their edges stand for, and 1 over its mark where there is room: "0.5  1   2"."""
    low, high = number(scale.low, 2), number(scale.high, 2)
    cells = list(low + " " * (width - len(low) - len(high)) + high)
    one = _Grid(scale, width).one
    if len(low) < one < width - len(high) - 1:
        cells[one] = "1"
    return "".join(cells)


class _Grid:
    """The columns of a scale, counted from the one that stands for 1."""

    def __init__(self, scale: Scale, width: int) -> None:
        low, high = math.log(scale.low), math.log(scale.high)
        self.low, self.high, self.width = scale.low, scale.high, width
        self._step = (high - low) / width
        #: The column of 1.
        self.one = min(width - 2, max(1, math.floor(-low / self._step)))
        #: Columns on each side of it that the margin fills.
        self.margin = min(
            round(math.log1p(scale.margin or 0.0) / self._step - 0.5), self.one, width - 1 - self.one
        )

    def column(self, ratio: float) -> int:
        """Return where a ratio is drawn; never at 1, nor beyond it, where it is not 1 itself."""
        steps = math.log(ratio) / self._step
        away = max(1, round(abs(steps))) if ratio != 1 else 0
        return min(self.width - 1, max(0, self.one + (away if ratio > 1 else -away)))


def _end(bound: float | None, edge: int, cap: str, grid: _Grid, signs: Signs) -> tuple[int, str]:
    """Return the column at which an interval ends, and the sign there; ``edge``: where it ends if unknown."""
    if bound is None or math.isinf(bound):
        return edge, signs.high_arrow if edge else signs.low_arrow
    if bound < grid.low:
        return 0, signs.low_arrow
    if bound > grid.high:
        return grid.width - 1, signs.high_arrow
    return grid.column(bound), cap


def _drawable(ratio: float) -> bool:
    return math.isfinite(ratio) and ratio > 0


def bar_signs(stream: TextIO, console: Console) -> Signs | None:
    """Return what bars are drawn with on a terminal; None where lines of signs would be no picture.

    That is a pipe, a file, and a terminal that says it is dumb (or whose words are read aloud). Colours
    are not needed: NO_COLOR takes them away and leaves the bars.
    """
    if not stream.isatty() or console.is_dumb_terminal:
        return None
    return signs_for(getattr(stream, "encoding", None))
