"""Each host's trials over the time of a run, and what was taken from it meanwhile: steal and throttling.

The trials of a sitting are alive together and their rounds alternate, so that each has its sitting's time.
A run of thousands of trials is drawn with neighbours joined: a picture has no more room than so many bars.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import altair as alt

from parlab.orchestrator.analysis.view import RunView
from parlab.orchestrator.figures import counted, duration, percent, printable, waiting
from parlab.orchestrator.show.charts._kit.palette import GRID, INK, QUIET
from parlab.orchestrator.show.charts._kit.plot import (
    Row,
    Spec,
    beside,
    data,
    headed,
    layered,
    pixels,
    specification,
    unchecked,
)
from parlab.orchestrator.show.charts._kit.rowed import Layout, RowLine, layout, names_and_words
from parlab.orchestrator.show.charts.base import Chart, ChartKind, slug
from parlab.orchestrator.show.charts.timeline.lanes import Lane, Stretch, TimeAxis, lanes_of, stretches_of
from parlab.orchestrator.show.charts.timeline.sittings import HostSittings, hosts_of

#: More of a host's trials, or sittings, than these are drawn with neighbours joined.
_MOST_BARS, _MOST_STRETCHES = 1500, 240
_MOST_MARKS = 400
_PANEL_HEIGHT = 54
#: What trials that do not count are marked by, the most frequent cause first.
_SHAPES = ("triangle-up", "square", "diamond", "cross", "triangle-down", "circle")


def make(run: RunView) -> list[Chart]:
    """Draw each host of a run whose trials are there; nothing where none is."""
    hosts = hosts_of(run)
    with unchecked():
        return [_chart(host, several=len(hosts) > 1) for host in hosts]


def _chart(host: HostSittings, *, several: bool) -> Chart:
    axis = TimeAxis.of(host)
    lanes = lanes_of(host, axis, _MOST_BARS)
    place = layout([RowLine(lane.label) for lane in lanes], ())
    steal = stretches_of(host, axis, "steal", _MOST_STRETCHES)
    throttled = stretches_of(host, axis, "throttled", _MOST_STRETCHES)
    rows = [_lanes(lanes, place, axis, last=not steal and not throttled)]
    if steal:
        rows.append(_panel(steal, place, axis, ("steal (%)", 0.01), last=not throttled))
    if throttled:
        unit = ("throttled (s)", 1.0) if max(s.value for s in throttled) >= 1 else ("throttled (ms)", 1e-3)
        rows.append(_panel(throttled, place, axis, unit, last=True))
    title = "Trials over time" + (f" · host {printable(host.name)}" if several else "")
    answer = _answer(host, axis, lanes)
    return Chart(
        name=f"timeline-{slug(host.name)}-{host.number}",
        title=title,
        finding=f"{title}. {answer} {_lost(host)}",
        spec=specification(beside("vconcat", rows, spacing=10, title=headed(title, answer))),
    )


def _x(axis: TimeAxis, field: str, *, last: bool) -> alt.X:
    shown = alt.Axis(title=f"time since the first sitting ({axis.unit})", format=".3~g", tickCount=8)
    quiet = alt.Axis(title=None, labels=False, ticks=False, tickCount=8)
    return alt.X(
        f"{field}:Q",
        scale=alt.Scale(domain=[0, axis.length], nice=False),
        axis=shown if last else quiet,
    )


def _lanes(lanes: Sequence[Lane], place: Layout, axis: TimeAxis, *, last: bool) -> Spec:
    bars: list[Row] = [
        {"row": i, "from": bar.start, "to": bar.end, "colour": lane.colour, "trials": bar.trials}
        for i, lane in enumerate(lanes)
        for bar in lane.bars
    ]
    x = _x(axis, "from", last=last)
    mark = alt.Chart(data(bars)).mark_bar(height={"band": 0.62}, minBandSize=1)
    colour = alt.Color("colour:N", scale=None)
    layers = [mark.encode(x=x, x2=alt.X2("to"), y=place.y(), color=colour), *_cuts(axis, place.height, x)]
    layers += [*_marks(lanes, place, axis, last=last), *names_and_words(place)]
    return layered(layers, place.plot_width, place.height)


def _cuts(axis: TimeAxis, height: int, x: alt.X) -> list[alt.Chart]:
    """Draw a line where nothing was measured for long, and the time is left out."""
    rows: list[Row] = [{"from": at} for at in axis.cuts]
    if not rows:
        return []
    rule = alt.Chart(data(rows)).mark_rule(color=QUIET.light, strokeDash=[2, 3])
    return [rule.encode(x=x, y=pixels("y", 0), y2=pixels("y2", height))]


def _marks(lanes: Sequence[Lane], place: Layout, axis: TimeAxis, *, last: bool) -> list[alt.Chart]:
    """Mark trials that do not count by their cause."""
    lost = [(i, mark) for i, lane in enumerate(lanes) for mark in lane.lost]
    if not lost:
        return []
    causes = [cause for cause, _ in Counter(mark.cause for _, mark in lost).most_common()]
    named = causes[: len(_SHAPES) - 1]
    rows: list[Row] = [
        {
            "row": i,
            "at": mark.at,
            "trials": mark.trials,
            "cause": mark.cause if mark.cause in named else "other",
        }
        for i, mark in lost[:_MOST_MARKS]
    ]
    domain = [*named, *(["other"] if len(causes) > len(named) else [])]
    shape = alt.Shape(
        "cause:N",
        scale=alt.Scale(domain=domain, range=list(_SHAPES[: len(domain)])),
        legend=alt.Legend(title="does not count", symbolFillColor=INK.light, columns=6),
    )
    points = alt.Chart(data(rows)).mark_point(size=46, filled=True, color=INK.light, opacity=1)
    return [points.encode(x=_x(axis, "at", last=last), y=place.y(), shape=shape)]


def _panel(
    stretches: Sequence[Stretch], place: Layout, axis: TimeAxis, unit: tuple[str, float], *, last: bool
) -> Spec:
    title, size = unit
    rows: list[Row] = [{"from": s.start, "to": s.end, "value": s.value / size} for s in stretches]
    # All 0: an axis still has two ends, and what is 0 was read, and is shown as a line.
    most = max(max(s.value for s in stretches) / size, 1.0)
    y = alt.Y(
        "value:Q",
        scale=alt.Scale(domain=[0, most * 1.05], nice=False),
        axis=alt.Axis(title=title, tickCount=3, format=".3~g"),
    )
    x = _x(axis, "from", last=last)
    ground = alt.Chart(data(rows)).mark_rect(color=QUIET.light, opacity=0.35)
    line = alt.Chart(data(rows)).mark_rule(color=QUIET.light, strokeWidth=1.5)
    floor = alt.Chart(data([{"value": 0}])).mark_rule(color=GRID.light)
    layers = [
        floor.encode(y=y),
        ground.encode(x=x, x2=alt.X2("to"), y=y, y2=alt.Y2Datum(0)),
        line.encode(x=x, x2=alt.X2("to"), y=y),
        *_cuts(axis, _PANEL_HEIGHT, x),
    ]
    return layered(layers, place.plot_width, _PANEL_HEIGHT)


def _answer(host: HostSittings, axis: TimeAxis, lanes: Sequence[Lane]) -> str:
    trials = sum(len(sitting.trials) for sitting in host.sittings)
    what = f"{counted(trials, 'trial')} in {counted(len(host.sittings), 'sitting')}"
    parts = [f"{what} over {waiting(axis.whole_seconds)}"]
    if axis.cuts:
        count = len(axis.cuts)
        parts.append(
            "1 long pause (dotted) is cut out" if count == 1 else f"{count} long pauses (dotted) are cut out"
        )
    for probe, unit in (("steal", "ratio"), ("throttled", "seconds")):
        parts.append(_greatest(host, probe, unit))
    if sum(len(lane.bars) for lane in lanes) < trials:
        parts.append("trials that lie together in a row are drawn as one bar")
    return f"{'; '.join(parts)}."


def _greatest(host: HostSittings, probe: str, unit: str) -> str:
    values = [value for sitting in host.sittings for value in sitting.values(probe)]
    if not values:
        why = next(iter(sitting.why(probe) for sitting in host.sittings if sitting.why(probe)), None)
        return f"{probe} is not known" + (f" ({printable(why)})" if why else "")
    if not max(values):
        return f"{probe}: none in any trial"
    most = percent(max(values)) if unit == "ratio" else duration(max(values))
    return f"{probe}: at most {most} in a trial"


def _lost(host: HostSittings) -> str:
    """Count what does not count, by cause."""
    causes = Counter(
        f"{trial.result.outcome}: {printable(trial.result.cause or 'no cause')}"
        for sitting in host.sittings
        for trial in sitting.trials
        if trial.result.outcome != "measured"
    )
    if not causes:
        return "All trials count."
    listed = ", ".join(f"{count} {cause}" for cause, count in causes.most_common(8))
    count = causes.total()
    return f"{count} {'does' if count == 1 else 'do'} not count ({listed})."


CHART = ChartKind("timeline", "each host's trials over time, with steal and throttling", make, 90)
