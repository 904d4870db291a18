"""Speed-up by configuration with intervals, the margin in which things count as tied, and the best set.

One picture per group. What its variants are compared by that is a share or a count has values in their unit
instead: ratios of these mean nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from parlab.orchestrator.analysis.findings.run import ConfigurationFinding
from parlab.orchestrator.analysis.view import RunView
from parlab.orchestrator.figures import interval, listing, number, unit_of
from parlab.orchestrator.show.charts._kit.axes import Domain, linear_domain, ratio_domain
from parlab.orchestrator.show.charts._kit.groups import Member, ShownGroup, shown_groups
from parlab.orchestrator.show.charts._kit.palette import strategy_colour
from parlab.orchestrator.show.charts._kit.plot import headed, shortened, specification, unchecked
from parlab.orchestrator.show.charts._kit.rowed import RowLine, layout
from parlab.orchestrator.show.charts.base import Chart, ChartKind
from parlab.orchestrator.show.charts.speed_up.marks import Point, Shape, SpeedUpPicture, drawn
from parlab.orchestrator.show.text.columns import baselines
from parlab.orchestrator.show.text.columns import level as level_of
from parlab.orchestrator.show.text.tables import NOT_DISTINGUISHED, RECOMMENDED
from parlab.orchestrator.statistics.interval import Interval

if TYPE_CHECKING:
    from parlab.orchestrator.analysis.findings.run import ValueInterval

#: So many rows are told in the text alternative; the table has all of them.
_MOST_TOLD = 10


@dataclass(frozen=True)
class _Shown:
    """What a row shows: a ratio, or a value in the axis's unit, with what is known of its bounds."""

    value: float
    low: float | None
    high: float | None
    #: Whether it is what others are compared with: 1, by definition.
    reference: bool = False


def make(run: RunView) -> list[Chart]:
    """Draw each group in which something was compared, or that has values."""
    margin = run.experiment.stop.margin
    with unchecked():
        return [chart for shown in shown_groups(run) if (chart := _chart(shown, margin)) is not None]


def _chart(shown: ShownGroup, margin: float) -> Chart | None:
    ratios = shown.finding.measure.compared
    seen = {m.configuration.id: mark for m in shown.members if (mark := _seen(m, shown)) is not None}
    # A baseline alone is compared with nothing.
    if all(mark.reference for mark in seen.values()):
        return None
    lines: list[RowLine] = []
    points: list[Point] = []
    texts: list[tuple[int, str]] = []
    frame = None
    size, sign = _unit(shown)
    for build, members in shown.builds.items():
        if len(shown.builds) > 1:
            lines.append(RowLine(build, heading=True))
        for member in members:
            mark, row = seen.get(member.configuration.id), len(lines)
            recommended = member.row is not None and member.row.recommended
            words = (_figures(mark, size, ratios=ratios), _words(member, shown), _sign(member))
            lines.append(RowLine(member.label, words, bold=recommended))
            if recommended:
                frame = row
            if mark is not None:
                points.append(_point(row, member, mark, size))
            else:
                why = "not measured yet" if member.problem is None else f"{member.verdict}: {member.problem}"
                texts.append((row, why))
    place = layout(lines, (_head(shown, sign), "verdict", ""))
    picture = SpeedUpPicture(
        place=place,
        points=tuple(points),
        texts=tuple(texts),
        frame=frame,
        domain=_domain(points, margin, ratios=ratios),
        margin=margin if ratios else None,
        title=_axis_title(shown, sign),
    )
    what = "What was measured" if shown.group.workload.scenario else "Speed-up by strategy"
    title = f"{what} · {shown.title}"
    answer = " ".join(shown.finding.sentences)
    spec = drawn(picture, headed(title, answer))
    return Chart(
        name=f"speed-up-{shown.number}",
        title=title,
        finding=_finding(title, answer, shown, seen, size, sign),
        spec=specification(spec),
        group=shown.finding.group,
    )


def _seen(member: Member, shown: ShownGroup) -> _Shown | None:
    row = member.row
    if row is None or row.verdict in ("failed", "skipped"):
        return None
    if not shown.finding.measure.compared:
        value: ValueInterval | None = row.value
        return None if value is None else _Shown(value.value, value.low, value.high)
    if row.comparison is None:
        return _Shown(1.0, None, None, reference=True) if row.level is not None else None
    effect: Interval | None = row.comparison.speed_up
    return None if effect is None else _Shown(effect.ratio, effect.low, effect.high)


def _unit(shown: ShownGroup) -> tuple[float, str]:
    """Return the unit of values, as its size and sign; of ratios, 1 and their sign."""
    measure = shown.finding.measure
    if measure.compared:
        return 1.0, "×"
    values = [abs(row.value.value) for row in shown.finding.configurations if row.value is not None]
    size, sign = unit_of(measure.unit, max(values, default=0.0))
    return size, sign or "count"


def _point(row: int, member: Member, mark: _Shown, size: float) -> Point:
    best = member.row.best if member.row is not None else None
    shapes: dict[str | None, Shape] = {
        "fastest": "diamond", "tied": "square", "not distinguished": "ring", None: "circle",
    }  # fmt: skip
    return Point(
        row=row,
        configuration=member.configuration.id,
        value=mark.value / size,
        low=None if mark.low is None else mark.low / size,
        high=None if mark.high is None else mark.high / size,
        shape=shapes[best],
        colour=strategy_colour(member.configuration.strategy),
        reference=mark.reference,
    )


def _domain(points: Sequence[Point], margin: float, *, ratios: bool) -> Domain:
    if not ratios:
        return linear_domain(v for p in points for v in (p.value, p.low, p.high) if v is not None)
    bounds = [bound for p in points for bound in (p.low, p.high) if bound is not None]
    return ratio_domain([1 / (1 + margin), 1 + margin, *(p.value for p in points)], bounds)


def _figures(mark: _Shown | None, size: float, *, ratios: bool) -> str:
    if mark is None:
        return ""
    if mark.reference:
        return "1"
    if ratios:
        return interval(mark.value, mark.low, mark.high)
    if mark.low is None or mark.high is None:
        return f"{number(mark.value / size)} [none yet]"
    return f"{number(mark.value / size)} [{number(mark.low / size)}, {number(mark.high / size)}]"


def _words(member: Member, shown: ShownGroup) -> str:
    words = member.verdict
    if shown.group.workload.scenario and shown.finding.measure.unit != "seconds":
        # Of what is no time, something is not faster but takes less.
        words = {"faster": "less", "slower": "more"}.get(words, words)
    best = member.row.best if member.row is not None else None
    return f"{words}, tied" if best == "tied" and words != "tied" else words


def _sign(member: Member) -> str:
    if member.row is None:
        return ""
    if member.row.recommended:
        return RECOMMENDED
    return NOT_DISTINGUISHED if member.row.best == "not distinguished" else ""


def _head(shown: ShownGroup, sign: str) -> str:
    what = "times" if shown.finding.measure.compared else sign
    return f"{what}{level_of(shown.finding)}"


def _axis_title(shown: ShownGroup, sign: str) -> list[str]:
    measure, rows = shown.finding.measure, shown.finding.configurations
    name = measure.name.replace("_", " ")
    if not measure.compared:
        return [f"{name} ({sign})"]
    against = {row.label for row in rows if row.configuration in baselines(rows)}
    what = f"against {shortened(against.pop())}" if len(against) == 1 else "against its baseline"
    if len(shown.builds) > 1:
        what += " of the same build"
    if not shown.group.workload.scenario:
        return [f"← slower · speed-up {what} (times, log scale) · faster →"]
    if measure.unit == "seconds":
        return [f"← slower · {name} {what} (times as fast, log scale) · faster →"]
    return [f"← more · {name} {what} (times less, log scale) · less →"]


def _finding(
    title: str, answer: str, shown: ShownGroup, seen: dict[str, _Shown], size: float, sign: str
) -> str:
    """Say what the picture shows: the answer, then the rows, what may be the best of them first."""
    ratios = shown.finding.measure.compared
    # The sort is stable: those of a rank stay in the tables' order.
    shown_first = sorted((m for m in shown.members if m.configuration.id in seen), key=lambda m: _rank(m.row))
    unit = "" if ratios else f" {sign}"
    rows = [
        f"{m.name} {_figures(seen[m.configuration.id], size, ratios=ratios)}{unit}, {_said(m, shown)}"
        for m in shown_first
    ]
    gone = [f"{m.name}: {m.verdict}" for m in shown.members if m.problem is not None]
    parts = [f"{title}.", answer or "Nothing can be told apart yet.", f"{listing(rows, _MOST_TOLD)}."]
    if gone:
        parts.append(f"Without figures: {', '.join(gone[:_MOST_TOLD])}.")
    return " ".join(parts)


def _rank(row: ConfigurationFinding | None) -> int:
    if row is None or row.best is None:
        return 3
    return 0 if row.recommended else 1


def _said(member: Member, shown: ShownGroup) -> str:
    words = [_words(member, shown)]
    if member.row is not None:
        if member.row.best == "fastest":
            words.append("the fastest")
        if member.row.recommended:
            words.append("recommended")
        elif member.row.best == "not distinguished":
            words.append("not distinguished from the fastest")
    return ", ".join(words)


CHART = ChartKind("speed_up", "speed-up by strategy, with intervals and the best set", make, 10)
