"""Time by phase, from nothing to a closed pool: start-up, handing over, pickling, work, tear-down.

Start-up, a round and tear-down follow one another. Within the round, what handing over and pickling take was
read by itself; what is left of the round is work, and waiting for it. No probe reads collecting results by
itself: a task that does nothing is handed over and its result taken back.
"""

from __future__ import annotations

from dataclasses import dataclass

import altair as alt

from parlab.orchestrator.analysis.view import RunView
from parlab.orchestrator.figures import duration, listing, time_unit
from parlab.orchestrator.show.charts._kit.axes import Domain, linear_domain, linear_x
from parlab.orchestrator.show.charts._kit.groups import Member, ShownGroup, shown_groups
from parlab.orchestrator.show.charts._kit.palette import strategy_colour
from parlab.orchestrator.show.charts._kit.plot import (
    Row,
    data,
    headed,
    layered,
    pixels,
    specification,
    unchecked,
)
from parlab.orchestrator.show.charts._kit.rowed import (
    Layout,
    LegendNote,
    RowLine,
    layout,
    names_and_words,
    notes,
)
from parlab.orchestrator.show.charts.base import Chart, ChartKind

#: Phases in their order, with how strongly each is filled: its place and its strength tell it, its colour is
#: the strategy's.
PHASES = {
    "start-up": 0.1,
    "dispatch and collection": 0.35,
    "pickling": 0.6,
    "work": 1.0,
    "tear-down": 0.2,
}
#: What the guardian says of probes that it does not run in every sitting: a trial's own reason says more.
_NOT_READ = "not read in this sitting"
_MOST_TOLD = 10
#: From the plot's lower edge to what stands below the axis and its title.
_BELOW_AXIS = 56


@dataclass(frozen=True)
class PhaseBar:
    """One configuration's phases."""

    member: Member
    #: Seconds by phase, of those that are known and can be told apart.
    seconds: dict[str, float]
    #: Phases that are not there, with the reason.
    missing: tuple[tuple[str, str], ...]

    @property
    def total_seconds(self) -> float:
        """From nothing to a closed pool, with one round."""
        return sum(self.seconds.values())


def make(run: RunView) -> list[Chart]:
    """Draw each group of tasks that was measured; a scenario has no such phases."""
    with unchecked():
        return [
            _chart(shown, bars)
            for shown in shown_groups(run)
            if not shown.group.workload.scenario and (bars := bars_of(shown, run))
        ]


def bars_of(shown: ShownGroup, run: RunView) -> list[PhaseBar]:
    """Give the phases of each configuration that has measured rounds."""
    return [
        _bar(member, shown.finding.tasks, run)
        for member in shown.members
        if member.row is not None and member.row.seconds is not None
    ]


def _bar(member: Member, tasks: int | None, run: RunView) -> PhaseBar:
    row = member.row
    assert row is not None
    assert row.seconds is not None
    seconds: dict[str, float] = {}
    missing: list[tuple[str, str]] = []
    pooled = member.configuration.strategy != "serial"
    for phase, value in (("start-up", row.start_up_seconds), ("tear-down", row.tear_down_seconds)):
        if value is not None and pooled:
            seconds[phase] = value
        else:
            missing.append((phase, "not read" if pooled else "there is no pool"))
    handing = row.readings.get("dispatch")
    handing = None if handing is None or tasks is None else handing * tasks
    pickling = row.readings.get("pickling")
    round_seconds = row.seconds.median
    if (handing or 0.0) + (pickling or 0.0) > round_seconds:
        # They go on beside the work then: a part of the round that is more than it all is no part.
        overlap = "it happens during the work, and is included in it"
        missing += [("dispatch and collection", overlap), ("pickling", overlap)]
        handing = pickling = None
    else:
        for probe, phase, value in (
            ("dispatch", "dispatch and collection", handing),
            ("pickling", "pickling", pickling),
        ):
            if value is None:
                missing.append((phase, _why(member, probe, run)))
            else:
                seconds[phase] = value
    seconds["work"] = round_seconds - (handing or 0.0) - (pickling or 0.0)
    return PhaseBar(member, {phase: seconds[phase] for phase in PHASES if phase in seconds}, tuple(missing))


def _why(member: Member, probe: str, run: RunView) -> str:
    """Say why a probe has no value: what any trial says of it, rather than that others did not try."""
    own = (t.result.readings for t in run.trials if t.result.configuration == member.configuration.id)
    reasons = [r.reason for readings in own for r in readings if r.probe == probe and r.reason is not None]
    better = next((reason for reason in reasons if reason != _NOT_READ), None)
    return better or (member.row.unread.get(probe) if member.row is not None else None) or "not read"


def _chart(shown: ShownGroup, bars: list[PhaseBar]) -> Chart:
    by_id = {bar.member.configuration.id: bar for bar in bars}
    size, sign = time_unit(max(bar.total_seconds for bar in bars))
    lines: list[RowLine] = []
    rows: list[Row] = []
    texts: list[Row] = []
    for build, members in shown.builds.items():
        if len(shown.builds) > 1:
            lines.append(RowLine(build, heading=True))
        for member in members:
            bar = by_id.get(member.configuration.id)
            if bar is None:
                why = member.verdict if member.problem is not None else "not measured yet"
                texts.append({"row": len(lines), "why": why})
            else:
                rows += _rows(len(lines), bar, size)
            lines.append(RowLine(member.label, ("" if bar is None else duration(bar.total_seconds),)))
    place = layout(lines, ("in all",))
    title = f"Time by phase · {shown.title}"
    heading = "From no pool to a closed pool, with one round in between: medians of the trials."
    domain = linear_domain(bar.total_seconds / size for bar in bars)
    layers = _marks(place, rows, texts, domain, sign, _missing(bars))
    picture = layered(layers, place.plot_width, place.height, headed(title, heading))
    return Chart(
        name=f"phases-{shown.number}",
        title=title,
        finding=_finding(title, bars),
        spec=specification(picture),
        group=shown.finding.group,
    )


def _rows(row: int, bar: PhaseBar, size: float) -> list[Row]:
    return [
        {
            "row": row,
            "phase": phase,
            "place": list(PHASES).index(phase),
            "strength": PHASES[phase],
            "time": seconds / size,
            "colour": strategy_colour(bar.member.configuration.strategy),
            "configuration": bar.member.configuration.id,
        }
        for phase, seconds in bar.seconds.items()
    ]


def _marks(
    place: Layout, rows: list[Row], texts: list[Row], domain: Domain, sign: str, missing: list[str]
) -> list[alt.Chart]:
    x = linear_x(domain, f"time ({sign})", "time", stack="zero")
    legend = [
        LegendNote(
            "work: the rest of the round" if phase == "work" else phase, shape="square", strength=strength
        )
        for phase, strength in PHASES.items()
        if any(row["phase"] == phase for row in rows)
    ]
    layers: list[alt.Chart] = [
        alt.Chart(data(rows))
        .mark_bar(strokeWidth=1, height=place.row_height - 10)
        .encode(
            x=x,
            y=place.y(),
            fill=alt.Fill("colour:N", scale=None),
            stroke=alt.Stroke("colour:N", scale=None),
            fillOpacity=alt.FillOpacity("strength:Q", scale=None),
            order=alt.Order("place:Q"),
        ),
        *names_and_words(place),
        *notes(place, [legend, *([LegendNote(line)] for line in missing)], _BELOW_AXIS),
    ]
    if texts:
        layers.append(
            alt.Chart(data(texts))
            .mark_text(align="left", baseline="middle", fontStyle="italic")
            .encode(x=pixels("x", 6), y=place.y(), text=alt.Text("why:N"))
        )
    return layers


def _missing(bars: list[PhaseBar]) -> list[str]:
    """Say which phases are not drawn, of what, and why: one line for each reason."""
    names: dict[tuple[str, str], list[str]] = {}
    for bar in bars:
        for phase, why in bar.missing:
            names.setdefault((phase, why), []).append(bar.member.name)
    phases: dict[tuple[str, str], list[str]] = {}
    for (phase, why), of in names.items():
        some = ", ".join(of[:3]) + (f" and {len(of) - 3} more" if len(of) > 3 else "")
        phases.setdefault(("all" if len(of) == len(bars) > 1 else some, why), []).append(phase)
    return [f"Not drawn: {' and '.join(what)} of {of}: {why}" for (of, why), what in phases.items()]


def _finding(title: str, bars: list[PhaseBar]) -> str:
    sentences = [
        f"{bar.member.name} {duration(bar.total_seconds)} in all ("
        + ", ".join(f"{phase} {duration(seconds)}" for phase, seconds in bar.seconds.items())
        + ")"
        for bar in bars
    ]
    missing = (f"{line}." for line in _missing(bars))
    return " ".join([f"{title}.", f"{listing(sentences, _MOST_TOLD)}.", *missing])


CHART = ChartKind("phases", "time by phase: start-up, handing over, pickling, work, tear-down", make, 30)
