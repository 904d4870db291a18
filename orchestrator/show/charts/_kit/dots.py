"""Names beside dots, so that no name lies on another, on a dot, or outside of the plot."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from parlab.orchestrator.show.charts._kit.axes import Domain
from parlab.orchestrator.show.charts._kit.rowed import CHARACTER_WIDTH

#: Longer names are cut: one name is not to take the room of all others.
_MOST_CHARACTERS = 34
_HEIGHT, _RADIUS, _GAP = 15, 7, 11
#: How far above or below its dot a name may stand, in the order in which places are tried.
_OFFSETS = (0, -14, 14, -26, 26, -38, 38)

Align = Literal["left", "right", "center"]
#: Left, top, right and bottom edges, in CSS pixels.
Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Dot:
    """A dot's place, in CSS pixels from the plot's left upper corner."""

    x: float
    y: float


@dataclass(frozen=True)
class Label:
    """A name and where it begins (left), ends (right) or has its middle; ``y`` is its middle's."""

    text: str
    x: float
    y: float
    align: Align
    #: What it names.
    dot: Dot

    @property
    def far(self) -> bool:
        """Tell whether it stands so far from its dot that a line has to lead there."""
        return abs(self.y - self.dot.y) > _HEIGHT

    @property
    def box(self) -> Box:
        """Return its left, top, right and bottom edges, about."""
        # Bold letters are wider.
        width = len(self.text) * CHARACTER_WIDTH * 1.06
        left = {"left": self.x, "right": self.x - width, "center": self.x - width / 2}[self.align]
        return left, self.y - _HEIGHT / 2, left + width, self.y + _HEIGHT / 2


def share(domain: Domain, value: float, *, log: bool) -> float:
    """Return where a value lies on an axis: 0 at its low end, 1 at its high one."""
    if log:
        return math.log(value / domain.low) / math.log(domain.high / domain.low)
    return (value - domain.low) / (domain.high - domain.low)


def labels_beside(
    named: Sequence[tuple[Dot, str]],
    dots: Sequence[Dot],
    width: float,
    height: float,
    lines: Sequence[tuple[Dot, Dot]] = (),
) -> list[Label]:
    """Place names beside their dots; one that has no room anywhere is left out.

    Args:
        named: dots with their names, the most important ones first.
        dots: all dots, which no name may cover.
        width: of the plot, in CSS pixels.
        height: of the plot, in CSS pixels.
        lines: level or upright ones, which no name crosses if there is any other place for it.
    """
    boxes = [(dot.x - _RADIUS, dot.y - _RADIUS, dot.x + _RADIUS, dot.y + _RADIUS) for dot in dots]
    crossed = [(min(a.x, b.x) - 1, min(a.y, b.y) - 1, max(a.x, b.x) + 1, max(a.y, b.y) + 1) for a, b in lines]
    placed: list[Label] = []
    for dot, name in named:
        text = name if len(name) <= _MOST_CHARACTERS else f"{name[: _MOST_CHARACTERS - 1]}…"
        inside = [label for label in _places(dot, text) if _within(label.box, width, height)]
        free = [label for label in inside if not any(_overlap(label.box, box) for box in boxes)]
        clear = [label for label in free if not any(_overlap(label.box, box) for box in crossed)]
        for label in (clear or free)[:1]:
            placed.append(label)
            boxes.append(label.box)
    return placed


def _within(box: Box, width: float, height: float) -> bool:
    return box[0] >= 0 and box[1] >= 0 and box[2] <= width and box[3] <= height


def _overlap(box: Box, other: Box) -> bool:
    return box[0] < other[2] and other[0] < box[2] and box[1] < other[3] and other[1] < box[3]


def _places(dot: Dot, text: str) -> Iterator[Label]:
    for offset in _OFFSETS:
        yield Label(text, dot.x + _GAP, dot.y + offset, "left", dot)
        yield Label(text, dot.x - _GAP, dot.y + offset, "right", dot)
        if abs(offset) > _RADIUS + _HEIGHT / 2:
            yield Label(text, dot.x, dot.y + offset, "center", dot)
