"""The marks of the pictures of break-evens: cells, the model's curve, where it crosses 1, and how surely."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt

from parlab.orchestrator.analysis.findings.breakeven import Limit
from parlab.orchestrator.show.charts._kit.axes import (
    FIGURES,
    Domain,
    log_domain,
    log_ticks,
    log_x,
    log_y,
    ratio_domain,
)
from parlab.orchestrator.show.charts._kit.palette import INK, PAPER, QUIET, StrategyLook
from parlab.orchestrator.show.charts._kit.plot import (
    Row,
    Spec,
    beside,
    data,
    layered,
    pixels,
    symbol_at,
    text_at,
)
from parlab.orchestrator.show.charts.break_even.cells import Spot

#: Panels of a line, and widths of one by how many there are in it, in CSS pixels.
_COLUMNS = 3
_WIDTHS = {1: 480, 2: 306, 3: 186}
_HEIGHT = 220
#: Between plot and x axis the crossings of the strategies lie one under another, so many pixels apart.
_APART = 12
#: A crossing that is not within so many times of what was measured is an arrow at the edge.
_FARTHEST = 5.0


@dataclass(frozen=True)
class AxisQuantity:
    """What a panel's x axis is of."""

    title: str
    #: Base units in the unit that is shown.
    size: float
    #: How figures at it are written; empty: as everywhere.
    format: str = ""


@dataclass(frozen=True)
class DrawnCurve:
    """What the model foretells for one strategy: speed-ups at places on the x axis, in base units."""

    label: str
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Crossing:
    """Where one strategy starts or stops paying."""

    label: str
    limit: Limit


@dataclass(frozen=True)
class Panel:
    """One of the plots side by side."""

    title: str
    quantity: AxisQuantity
    #: Cells with their place on the x axis, in base units.
    spots: tuple[tuple[Spot, float], ...]
    curves: tuple[DrawnCurve, ...]
    crossings: tuple[Crossing, ...]
    #: Least and greatest that was measured, in base units.
    reach: tuple[float, float]


@dataclass(frozen=True)
class _Axes:
    quantity: AxisQuantity
    x: Domain
    y: Domain

    #: Height of what lies between plot and x axis.
    strip: int

    def at(self, field: str) -> alt.X:
        axis = alt.Axis(
            title=self.quantity.title,
            values=log_ticks(self.x),
            format=self.quantity.format or FIGURES,
            labelOverlap=True,
            offset=self.strip,
        )
        return log_x(self.x, [], "", field).axis(axis)

    def up(self, field: str) -> alt.Y:
        return log_y(self.y, log_ticks(self.y), "speed-up (times, log scale)", field)


def drawn(panels: Sequence[Panel], looks: Mapping[str, StrategyLook], title: Spec) -> Spec:
    """Draw panels side by side on the same axes, the strategies named under them."""
    x = _reach(panels)
    ratios = [spot.speed_up for panel in panels for spot, _ in panel.spots]
    # A curve is cut where it leaves what was measured by far.
    curves = [value for panel in panels for curve in panel.curves for _, value in curve.points]
    strip = _APART * len(looks) + 8 if any(panel.crossings for panel in panels) else 0
    axes = _Axes(panels[0].quantity, x, ratio_domain([1.0, *ratios], curves), strip)
    width = _WIDTHS[min(len(panels), _COLUMNS)]
    plots = [_panel(panel, looks, axes, width) for panel in panels]
    checked = any(spot.checked for panel in panels for spot, _ in panel.spots)
    legend = _legend(list(looks.values()), checked=checked)
    # The legend has a line of its own: in a panel it would push the others away.
    lines = beside("concat", plots, spacing=14, columns=_COLUMNS)
    return beside("vconcat", [lines, legend], spacing=8, title=title)


def _reach(panels: Sequence[Panel]) -> Domain:
    """Give the x axis of all panels: what was measured, and the crossings that are not far off."""
    size = panels[0].quantity.size
    low = min(panel.reach[0] for panel in panels)
    high = max(panel.reach[1] for panel in panels)
    values = [crossing.limit.estimate.value for panel in panels for crossing in panel.crossings]
    close = [value for value in values if value and low / _FARTHEST <= value <= high * _FARTHEST]
    return log_domain([value / size for value in (low, high, *close)])


def _panel(panel: Panel, looks: Mapping[str, StrategyLook], axes: _Axes, width: int) -> Spec:
    line = alt.Chart(data([{"one": 1}])).mark_rule(color=QUIET.light, strokeDash=[4, 3])
    layers = [line.encode(y=axes.up("one"))]
    for curve in panel.curves:
        layers += _curve(curve, looks[curve.label], axes)
    for label, look in looks.items():
        layers += _spots([(spot, at) for spot, at in panel.spots if spot.label == label], look, axes)
    places = list(looks)
    for crossing in panel.crossings:
        row = _HEIGHT + _APART * (places.index(crossing.label) + 1)
        layers += _crossing(crossing, looks[crossing.label], axes, row)
    head: Spec = {"text": panel.title, "fontSize": 12, "fontWeight": "normal", "frame": "group", "offset": 6}
    return layered(layers, width, _HEIGHT, head)


def _curve(curve: DrawnCurve, look: StrategyLook, axes: _Axes) -> list[alt.Chart]:
    rows: list[Row] = [
        {"x": at / axes.quantity.size, "foretold": value, "strategy": look.label}
        for at, value in curve.points
    ]
    if not rows:
        return []
    line = alt.Chart(data(rows)).mark_line(color=look.colour, strokeDash=look.dash, clip=True)
    return [line.encode(x=axes.at("x"), y=axes.up("foretold"))]


def _spots(spots: Sequence[tuple[Spot, float]], look: StrategyLook, axes: _Axes) -> list[alt.Chart]:
    drawn = []
    for checked in (False, True):
        rows: list[Row] = [
            {
                "x": at / axes.quantity.size,
                "speed_up": spot.speed_up,
                "strategy": look.label,
                "group": spot.group,
            }
            for spot, at in spots
            if spot.checked == checked
        ]
        ring = {"fill": PAPER.light, "stroke": look.colour, "strokeWidth": 1.5}
        style: dict[str, Any] = ring if checked else {"color": look.colour}
        if rows:
            mark = alt.Chart(data(rows)).mark_point(shape=look.shape, size=45, **style)
            drawn.append(mark.encode(x=axes.at("x"), y=axes.up("speed_up")))
    return drawn


def _crossing(crossing: Crossing, look: StrategyLook, axes: _Axes, row: float) -> list[alt.Chart]:
    """Mark a crossing on the line at 1, and under the plot with its interval; arrows where that goes on."""
    estimate, size = crossing.limit.estimate, axes.quantity.size
    y = pixels("y", row)
    # 0 has no place on a log axis, and what is not finite none on any.
    start, end = (
        axes.x.high if bound is None else max(axes.x.low, min(axes.x.high, bound / size))
        for bound in (estimate.low, estimate.high)
    )
    rows: list[Row] = [{"low": start, "high": end, "strategy": look.label}]
    rule = alt.Chart(data(rows)).mark_rule(strokeWidth=3, color=look.colour)
    drawn = [rule.encode(x=axes.at("low"), x2=alt.X2("high"), y=y)]
    # An interval that lies beyond the edge as a whole is the arrow alone.
    for angle, edge, there in ((270, axes.x.low, start), (90, axes.x.high, end)):
        if edge == there:
            arrow = alt.Chart(data([{"edge": edge}]))
            mark = arrow.mark_point(shape="triangle", angle=angle, size=40, color=look.colour)
            drawn.append(mark.encode(x=axes.at("edge"), y=y))
    value = None if estimate.value is None else estimate.value / size
    if value is not None and axes.x.holds(value):
        point: list[Row] = [{"one": 1, "crossing": value, "strategy": look.label}]
        mark = alt.Chart(data(point)).mark_point(
            shape="diamond", size=100, color=look.colour, stroke=INK.light, strokeWidth=1.5
        )
        at = axes.at("crossing")
        drawn += [mark.encode(x=at, y=axes.up("one")), mark.encode(x=at, y=y)]
    return drawn


def _legend(looks: Sequence[StrategyLook], *, checked: bool) -> Spec:
    """Name the strategies, and say what marks mean."""
    drawn = []
    for index, look in enumerate(looks):
        y = 10 + 20 * index
        drawn += [
            symbol_at(look.label, 8, y, color=look.colour, shape=look.shape, size=60),
            text_at(look.label, 20, y, limit=700, color=INK.light),
        ]
    lines = [
        "curves: the model" + (" · hollow: cells used to check the model, not to fit it" if checked else "")
    ]
    lines.append("diamonds: where it starts or stops paying, with the interval below the plot")
    for index, line in enumerate(lines, len(looks)):
        drawn.append(text_at(line, 2, 10 + 20 * index))
    return layered(drawn, 700, 20 * (len(looks) + len(lines)))
