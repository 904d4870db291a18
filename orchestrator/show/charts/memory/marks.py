"""The marks of memory against speed-up: points, intervals, the frontier as steps, names at its points."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import altair as alt

from parlab.orchestrator.figures import interval, size
from parlab.orchestrator.show.charts._kit.axes import (
    Domain,
    linear_domain,
    linear_y,
    log_domain,
    log_ticks,
    log_x,
    log_y,
    ratio_domain,
)
from parlab.orchestrator.show.charts._kit.dots import Dot, Label, labels_beside, share
from parlab.orchestrator.show.charts._kit.palette import INK, PAPER, QUIET, strategy_colour
from parlab.orchestrator.show.charts._kit.plot import Row, Spec, data, layered, pixels, shortened

_WIDTH, _HEIGHT = 560, 320
MB = 1e6
#: From such a ratio of the greatest to the least on, memory is on a log scale.
_WIDE_RATIO = 12
#: An axis's title is as long as its axis at most.
_MOST_AGAINST = 32
#: By how it stands to the fastest; each with its shape, so that colours are not needed to tell them.
_SHAPES = {
    "fastest": "diamond",
    "tied with the fastest": "square",
    "not distinguished from the fastest": "triangle-up",
    "behind, or open": "circle",
}


@dataclass(frozen=True)
class MemoryPoint:
    """One configuration."""

    configuration: str
    strategy: str
    #: For people: with its build where the picture has several.
    name: str
    #: 1 of the baseline.
    speed_up: float
    low: float | None
    high: float | None
    memory_mb: float
    standing: str
    #: Whether the others are compared with it.
    reference: bool = False

    @property
    def speed_text(self) -> str:
        """Write its speed-up and memory."""
        speed = "1" if self.reference else interval(self.speed_up, self.low, self.high)
        return f"{speed}, {size(self.memory_mb * MB)}"


def drawn(points: Sequence[MemoryPoint], frontier: Sequence[MemoryPoint], against: str, title: Spec) -> Spec:
    """Draw points, and the frontier that some of them make; ``against`` is what 1 is."""
    bounds = [bound for p in points for bound in (p.low, p.high) if bound is not None]
    x = ratio_domain([p.speed_up for p in points], bounds)
    y, log = _memory_domain(p.memory_mb for p in points)
    baseline = shortened(against, _MOST_AGAINST)
    place = _Axes(x, y, log, f"← slower · speed-up against {baseline} (times, log scale) · faster →")
    layers = [*_line(frontier, place), *_intervals(points, place), *_marks(points, place)]
    layers += [mark for label in _labels(points, frontier, place) for mark in _written(label)]
    return layered(layers, _WIDTH, _HEIGHT, title)


@dataclass(frozen=True)
class _Axes:
    x: Domain
    y: Domain
    #: Whether memory is on a log scale.
    log: bool
    title: str

    def across(self, field: str) -> alt.X:
        return log_x(self.x, log_ticks(self.x), self.title, field)

    def up(self, field: str) -> alt.Y:
        if self.log:
            return log_y(self.y, log_ticks(self.y), "greatest memory (MB, log scale)", field)
        return linear_y(self.y, "greatest memory (MB)", field)


def _memory_domain(memory_mb: Iterable[float]) -> tuple[Domain, bool]:
    figures = list(memory_mb)
    if min(figures) > 0 and max(figures) / min(figures) >= _WIDE_RATIO:
        return log_domain(figures), True
    return linear_domain(figures), False


def _line(frontier: Sequence[MemoryPoint], place: _Axes) -> list[alt.Chart]:
    """Draw the frontier as steps: with a little more memory nothing is faster until the next point."""
    rows: list[Row] = [{"speed_up": p.speed_up, "memory_mb": p.memory_mb} for p in frontier]
    if len(rows) < 2:
        return []
    line = alt.Chart(data(rows)).mark_line(
        color=QUIET.light, strokeDash=[5, 4], strokeWidth=1.5, interpolate="step-before"
    )
    return [line.encode(x=place.across("speed_up"), y=place.up("memory_mb"))]


def _intervals(points: Sequence[MemoryPoint], place: _Axes) -> list[alt.Chart]:
    rows: list[Row] = [
        {"low": p.low, "high": p.high, "memory_mb": p.memory_mb, "colour": strategy_colour(p.strategy)}
        for p in points
        if p.low is not None and p.high is not None
    ]
    if not rows:
        return []
    rule = alt.Chart(data(rows)).mark_rule(strokeWidth=2, opacity=0.55, clip=True)
    colour = alt.Color("colour:N", scale=None)
    return [rule.encode(x=place.across("low"), x2=alt.X2("high"), y=place.up("memory_mb"), color=colour)]


def _marks(points: Sequence[MemoryPoint], place: _Axes) -> list[alt.Chart]:
    rows: list[Row] = [
        {
            "configuration": p.configuration,
            "strategy": p.strategy,
            "speed_up": p.speed_up,
            "memory_mb": p.memory_mb,
            "standing": p.standing,
        }
        for p in points
    ]
    strategies = list(dict.fromkeys(p.strategy for p in points))
    standings = [standing for standing in _SHAPES if any(p.standing == standing for p in points)]
    colours = alt.Scale(domain=strategies, range=[strategy_colour(name) for name in strategies])
    shapes = alt.Scale(domain=standings, range=[_SHAPES[name] for name in standings])
    mark = alt.Chart(data(rows)).mark_point(
        filled=True, size=130, opacity=1, stroke=PAPER.light, strokeWidth=1
    )
    return [
        mark.encode(
            x=place.across("speed_up"),
            y=place.up("memory_mb"),
            fill=alt.Fill("strategy:N", scale=colours, legend=alt.Legend(title="strategy", columns=6)),
            shape=alt.Shape(
                "standing:N",
                scale=shapes,
                legend=alt.Legend(title="standing", symbolFillColor=QUIET.light, columns=4),
            ),
        )
    ]


def _labels(points: Sequence[MemoryPoint], frontier: Sequence[MemoryPoint], place: _Axes) -> list[Label]:
    """Name the frontier's points where there is room; the others are told by colour and shape."""
    dots = [_dot(point, place) for point in points]
    named = [(_dot(point, place), point.name) for point in frontier]
    lines = [*_steps(frontier, place), *_spans(points, place)]
    return labels_beside(named, dots, _WIDTH, _HEIGHT, lines)


def _steps(frontier: Sequence[MemoryPoint], place: _Axes) -> Iterator[tuple[Dot, Dot]]:
    for dot, after in pairwise(_dot(point, place) for point in frontier):
        corner = Dot(dot.x, after.y)
        yield from ((dot, corner), (corner, after))


def _spans(points: Sequence[MemoryPoint], place: _Axes) -> Iterator[tuple[Dot, Dot]]:
    for point in points:
        ends = [
            _dot(replace(point, speed_up=bound), place)
            for bound in (point.low, point.high)
            if bound is not None
        ]
        yield from pairwise(ends)


def _dot(point: MemoryPoint, place: _Axes) -> Dot:
    return Dot(
        _WIDTH * share(place.x, point.speed_up, log=True),
        _HEIGHT * (1 - share(place.y, point.memory_mb, log=place.log)),
    )


def _written(label: Label) -> list[alt.Chart]:
    """Write a name, with a line to its dot where that is not next to it."""
    text: list[Row] = [{"label": label.text}]
    x, y = pixels("x", label.x), pixels("y", label.y)
    name = alt.Chart(data(text)).mark_text(
        align=label.align, baseline="middle", color=INK.light, fontWeight=600
    )
    written = [name.encode(x=x, y=y, text=alt.Text("label:N"))]
    if label.far:
        edge = label.y + (7 if label.y < label.dot.y else -7)
        lead = alt.Chart(data(text)).mark_rule(color=QUIET.light, strokeWidth=1)
        dot_x, dot_y = pixels("x", label.dot.x), pixels("y", label.dot.y)
        written.append(lead.encode(x=dot_x, y=dot_y, x2=pixels("x2", label.x), y2=pixels("y2", edge)))
    return written
