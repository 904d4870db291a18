"""The marks of the picture of scaling: points with intervals, the ideal line, laws, knees, the CPUs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt

from parlab.orchestrator.analysis.findings.scaling import LawFit, ScalingFinding
from parlab.orchestrator.figures import counted
from parlab.orchestrator.show.charts._kit.axes import (
    Domain,
    log_domain,
    log_steps,
    log_ticks,
    log_x,
    log_y,
    ratio_domain,
)
from parlab.orchestrator.show.charts._kit.palette import INK, QUIET, StrategyLook, looks_of
from parlab.orchestrator.show.charts._kit.plot import (
    Row,
    Spec,
    data,
    layered,
    pixels,
    shortened,
    symbol_at,
    text_at,
)

#: With the names at its right it is as wide as other pictures.
_WIDTH, _HEIGHT = 450, 300
#: A law's curve is drawn through so many points.
_STEPS = 40
#: Curves stand so many pixels beside one another, as their points often have the same count.
_APART = 7
#: Above the highest point there is room for so much of the ideal line.
_IDEAL_ROOM = 1.25


@dataclass(frozen=True)
class Curves:
    """What one picture shows."""

    curves: tuple[ScalingFinding, ...]
    #: What speed-ups are against, for people.
    reference: str

    @property
    def counts(self) -> list[int]:
        """All counts, ascending."""
        return sorted({point.max_workers for curve in self.curves for point in curve.points})


@dataclass(frozen=True)
class _Axes:
    x: Domain
    y: Domain
    counts: list[int]
    reference: str

    def at(self, field: str) -> alt.X:
        ticks = self.counts if len(self.counts) <= 9 else log_ticks(self.x)
        return log_x(self.x, ticks, "max_workers (workers, log scale)", field)

    def up(self, field: str) -> alt.Y:
        title = f"speed-up against {shortened(self.reference)} (times, log scale)"
        return log_y(self.y, log_ticks(self.y), title, field)


def drawn(shown: Curves, title: Spec) -> Spec:
    """Draw it, under a title."""
    axes = _axes(shown)
    layers = [*_ideal(shown, axes), *_cpus(shown, axes)]
    looks = looks_of((curve.label, curve.strategy) for curve in shown.curves)
    for place, (curve, look) in enumerate(zip(shown.curves, looks, strict=True)):
        mark = {"color": look.colour, "xOffset": _APART * (place - (len(shown.curves) - 1) / 2)}
        layers += [*_law(curve, axes, look, mark), *_points(curve, axes, look, mark)]
        layers += _knee(curve, axes, mark)
    layers += _legend(shown.curves, looks)
    return layered(layers, _WIDTH, _HEIGHT, title)


def drawn_law(curve: ScalingFinding) -> LawFit | None:
    """Choose the law that is drawn of a curve: of those that hold, the one that is off least.

    Amdahl's against another count than serial's tells a shape only, which cannot be drawn as a speed-up.
    """
    fits = [
        law
        for law in curve.laws
        if law.refused is None and law.counts and (law.law == "USL" or curve.against_serial)
    ]
    return min(fits, key=lambda law: abs(law.miss.error_ratio) if law.miss else 0.0, default=None)


def _axes(shown: Curves) -> _Axes:
    points = [point for curve in shown.curves for point in curve.points]
    ratios = [point.speed_up for point in points]
    intervals = [point.interval for point in points if point.interval is not None]
    bounds = [bound for seen in intervals for bound in (seen.low, seen.high) if bound is not None]
    most = max(ratios)
    ideal = max(shown.counts) / _unit(shown)
    if ideal > most:
        bounds.append(min(ideal, most * _IDEAL_ROOM))
    x = log_domain([*shown.counts, shown.curves[0].cpus], free_ratio=0.07)
    return _Axes(x, ratio_domain([1.0, *ratios], bounds), shown.counts, shown.reference)


def _unit(shown: Curves) -> int:
    """Give the count that has a speed-up of 1 by definition: a serial run's, or the smallest."""
    return 1 if shown.curves[0].against_serial else shown.counts[0]


def _ideal(shown: Curves, axes: _Axes) -> list[alt.Chart]:
    unit, low, high = _unit(shown), shown.counts[0], shown.counts[-1]
    ends: list[Row] = [{"workers": count, "ideal": count / unit} for count in (low, high)]
    # In the middle of what is seen of the line, which may leave the picture.
    middle = math.sqrt(low * min(high, axes.y.high * unit))
    label: list[Row] = [{"workers": middle, "ideal": middle / unit, "text": "ideal"}]
    base = alt.Chart(data(ends)).encode(x=axes.at("workers"), y=axes.up("ideal"))
    name = alt.Chart(data(label)).encode(x=axes.at("workers"), y=axes.up("ideal"), text=alt.Text("text:N"))
    line = alt.Chart(data([{"one": 1}])).mark_rule(color=QUIET.light, strokeWidth=1)
    return [
        line.encode(y=axes.up("one")),
        base.mark_line(color=QUIET.light, strokeDash=[4, 3], strokeWidth=1.5, clip=True),
        name.mark_text(align="right", baseline="bottom", dx=-8, dy=-4, color=QUIET.light, fontStyle="italic"),
    ]


def _cpus(shown: Curves, axes: _Axes) -> list[alt.Chart]:
    cpus = shown.curves[0].cpus
    text = counted(cpus, "effective CPU")
    base = alt.Chart(data([{"cpus": cpus, "text": text}])).encode(x=axes.at("cpus"))
    return [
        base.mark_rule(color=QUIET.light, strokeDash=[1, 3], strokeWidth=2),
        base.mark_text(align="center", baseline="bottom", dy=-4, color=QUIET.light).encode(
            y=pixels("y", 0), text=alt.Text("text:N")
        ),
    ]


def _law(curve: ScalingFinding, axes: _Axes, look: StrategyLook, mark: dict[str, Any]) -> list[alt.Chart]:
    """Draw the law over the counts that it was fitted to, and not beyond."""
    law = drawn_law(curve)
    if law is None:
        return []
    low, high = law.counts[0], law.counts[-1]
    rows: list[Row] = [
        {"workers": count, "fitted": value}
        for count in log_steps(low, high, _STEPS)
        if (value := _fitted(law, count)) is not None
    ]
    if not rows:
        return []
    return [
        alt.Chart(data(rows))
        .mark_line(strokeDash=look.dash, clip=True, **mark)
        .encode(x=axes.at("workers"), y=axes.up("fitted"))
    ]


def _fitted(law: LawFit, count: float) -> float | None:
    """Give what a law foretells for a count of workers, by the figures that were found."""
    if law.parallel_share is not None and law.parallel_share.value is not None:
        share = law.parallel_share.value
        return 1 / ((1 - share) + share / count)
    values = [None if e is None else e.value for e in (law.scale, law.sigma, law.kappa)]
    scale, sigma, kappa = values
    if scale is None or sigma is None or kappa is None:
        return None
    return scale * count / (1 + sigma * (count - 1) + kappa * count * (count - 1))


def _points(curve: ScalingFinding, axes: _Axes, look: StrategyLook, mark: dict[str, Any]) -> list[alt.Chart]:
    rows: list[Row] = [
        {
            "workers": point.max_workers,
            "speed_up": point.speed_up,
            "configuration": point.configuration,
            "strategy": look.label,
        }
        for point in curve.points
    ]
    bars: list[Row] = [
        {
            "workers": point.max_workers,
            # A bound that is not known is drawn to the edge.
            "low": axes.y.low if seen.low is None else seen.low,
            "high": axes.y.high if seen.high is None else seen.high,
            "configuration": point.configuration,
        }
        for point in curve.points
        if (seen := point.interval) is not None and (seen.low is not None or seen.high is not None)
    ]
    drawn = []
    if bars:
        x, y = axes.at("workers"), axes.up("low")
        rule = alt.Chart(data(bars)).mark_rule(clip=True, strokeWidth=2.5, x2Offset=mark["xOffset"], **mark)
        drawn.append(rule.encode(x=x, y=y, y2=alt.Y2("high")))
    points = alt.Chart(data(rows)).mark_point(shape=look.shape, size=80, **mark)
    return [*drawn, points.encode(x=axes.at("workers"), y=axes.up("speed_up"))]


def _knee(curve: ScalingFinding, axes: _Axes, mark: dict[str, Any]) -> list[alt.Chart]:
    """Ring the knee; the legend says which count that is."""
    knee = next((p for p in curve.points if p.max_workers == curve.knee.max_workers), None)
    if knee is None:
        return []
    rows: list[Row] = [{"workers": knee.max_workers, "speed_up": knee.speed_up, "knee": True}]
    ring = alt.Chart(data(rows)).mark_point(
        shape="circle", xOffset=mark["xOffset"], filled=False, stroke=mark["color"], strokeWidth=2, size=260
    )
    return [ring.encode(x=axes.at("workers"), y=axes.up("speed_up"))]


def _legend(curves: Sequence[ScalingFinding], looks: Sequence[StrategyLook]) -> list[alt.Chart]:
    """Name the curves at the right of the plot, each after its mark, with its knee after a ring."""
    drawn = []
    y = 10
    for curve, look in zip(curves, looks, strict=True):
        law = drawn_law(curve)
        own: dict[str, Any] = {"shape": look.shape, "color": look.colour, "size": 80}
        lines = [(look.label, own, INK)]
        if curve.knee.max_workers is None:
            lines.append(("knee not known yet", {}, QUIET))
        else:
            doubt = ", not certain" if curve.knee.relation == "not distinguished" else ""
            ring = {"filled": False, "stroke": look.colour, "strokeWidth": 2, "size": 150}
            lines.append((f"knee at {curve.knee.max_workers}{doubt}", ring, QUIET))
        if law is not None:
            lines.append((f"line: {'Amdahl’s law' if law.law == 'Amdahl' else 'USL'}", {}, QUIET))
        for text, symbol, ink in lines:
            if symbol:
                drawn.append(symbol_at(text, _WIDTH + 22, y, **symbol))
            drawn.append(text_at(text, _WIDTH + 38, y, limit=220, color=ink.light))
            y += 20
        y += 8
    return drawn
