"""Pictures of break-evens: from which work on, and up to which payload, each strategy pays.

One picture against the length of a task, with a panel for each payload; where payloads were varied, one
against the payload, with a panel for each length of tasks that something is told of.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from parlab.orchestrator.analysis.findings.breakeven import BreakEvenFinding, StrategyBreakEven
from parlab.orchestrator.analysis.view import RunView
from parlab.orchestrator.figures import printable, round_bytes, round_seconds, time_unit
from parlab.orchestrator.show.charts._kit.axes import log_steps
from parlab.orchestrator.show.charts._kit.palette import StrategyLook, looks_of
from parlab.orchestrator.show.charts._kit.plot import headed, specification, unchecked
from parlab.orchestrator.show.charts.base import Chart, ChartKind
from parlab.orchestrator.show.charts.break_even.cells import Spot, by_payload, near, of_length, spots_of
from parlab.orchestrator.show.charts.break_even.marks import (
    AxisQuantity,
    Crossing,
    DrawnCurve,
    Panel,
    drawn,
)
from parlab.orchestrator.show.text.breakeven import breakeven_sections
from parlab.orchestrator.show.text.builds import build_names, host_text
from parlab.orchestrator.show.text.claims import claimed_groups

_STEPS = 30


def make(run: RunView) -> list[Chart]:
    """Draw each break-even of a run; none of what claims are about."""
    if claimed_groups(run):
        return []
    charts: list[Chart] = []
    builds = build_names(run)
    for number, finding in enumerate(run.finding.break_evens, 1):
        spots = spots_of(run, finding)
        if spots:
            with unchecked():
                charts += _charts(run, number, finding, spots, builds)
    return charts


def _charts(
    run: RunView,
    number: int,
    finding: BreakEvenFinding,
    spots: Sequence[Spot],
    builds: Mapping[str, str],
) -> list[Chart]:
    (section,) = breakeven_sections([finding], builds)
    title = printable(section.title.partition(" · host ")[0].removeprefix("Where it starts to pay · "))
    title += host_text(run, finding.host)
    looks = _looks(finding, spots)
    # The table's notes explain its columns; what was left out is a part of what was found.
    words = [
        printable(sentence) for sentence in (*section.sentences, *(f"{why}." for why in finding.left_out))
    ]
    charts = []
    pictures = [("tasks", "length of a task", 4, _task_panels(finding, spots))]
    if finding.payload_bytes is not None:
        pictures.append(("payload", "payload of a task", 5, _payload_panels(finding, spots)))
    for name, what, column, panels in pictures:
        if not panels:
            continue
        head = section.headers[column]
        cells = [f"{row.cells[0]}: {row.cells[column]}" for row in section.rows]
        answer = printable(
            f"{head[0].upper()}{head[1:]}: {'; '.join(cells)}." if cells else section.sentences[0]
        )
        full = f"Where it starts to pay, by the {what} · {title}"
        charts.append(
            Chart(
                name=f"break-even-{number}-{name}",
                title=full,
                finding=" ".join([f"{full}.", answer, *words]),
                spec=specification(drawn(panels, looks, headed(full, answer))),
            )
        )
    return charts


def _looks(finding: BreakEvenFinding, spots: Sequence[Spot]) -> dict[str, StrategyLook]:
    """Give each strategy its colour; several of one kind differ in shape and dashes."""
    kinds = {way.label: way.strategy for way in finding.strategies}
    labels = dict.fromkeys([*kinds, *(spot.label for spot in spots)])
    # Of what could not be fitted the label is all there is; it begins with the strategy.
    curves = [(label, kinds.get(label, label.partition(" ")[0])) for label in labels]
    return dict(zip(labels, looks_of(curves), strict=True))


def _task_panels(finding: BreakEvenFinding, spots: Sequence[Spot]) -> list[Panel]:
    panels = []
    for payload, row in by_payload(spots, finding):
        curves, crossings = [], []
        for way in _told(finding):
            limit = next((own for own in way.task_limits if near(own.payload_bytes, payload)), None)
            if limit is None:
                continue
            lengths = log_steps(*limit.measured_seconds, _STEPS)
            curve = [(s, speed_up(way, s, limit.payload_bytes)) for s in lengths]
            curves.append(DrawnCurve(way.label, _known(curve)))
            crossings.append(Crossing(way.label, limit.seconds))
        size, sign = time_unit(math.sqrt(finding.task_seconds[0] * finding.task_seconds[1]))
        panels.append(
            Panel(
                title="" if payload is None else f"{round_bytes(payload)} there and back",
                quantity=AxisQuantity(f"a task, run serially ({sign}, log scale)", size),
                spots=tuple((spot, spot.task_seconds) for spot in row),
                curves=tuple(curves),
                crossings=tuple(crossings),
                reach=finding.task_seconds,
            )
        )
    return panels


def _payload_panels(finding: BreakEvenFinding, spots: Sequence[Spot]) -> list[Panel]:
    assert finding.payload_bytes is not None
    least, most = finding.payload_bytes
    lengths = sorted({limit.task_seconds for way in _told(finding) for limit in way.payload_limits})
    panels = []
    for seconds in lengths:
        curves, crossings = [], []
        for way in _told(finding):
            limit = next((own for own in way.payload_limits if own.task_seconds == seconds), None)
            if limit is not None:
                curve = [
                    (size, speed_up(way, seconds, size)) for size in log_steps(max(least, 1.0), most, _STEPS)
                ]
                curves.append(DrawnCurve(way.label, _known(curve)))
                crossings.append(Crossing(way.label, limit.payload_bytes))
        outside = "" if finding.task_seconds[0] <= seconds <= finding.task_seconds[1] else ", not measured"
        around = [spot for spot in of_length(spots, seconds) if spot.payload_bytes]
        panels.append(
            Panel(
                title=f"tasks of {round_seconds(seconds)}{outside}",
                quantity=AxisQuantity("payload (bytes, log scale)", 1.0, "~s"),
                spots=tuple((spot, spot.payload_bytes or 0.0) for spot in around),
                curves=tuple(curves),
                crossings=tuple(crossings),
                reach=(max(least, 1.0), most),
            )
        )
    return panels


def _told(finding: BreakEvenFinding) -> list[StrategyBreakEven]:
    return [way for way in finding.strategies if way.refused is None]


def speed_up(way: StrategyBreakEven, task_seconds: float, payload_bytes: float | None) -> float | None:
    """Give what the model foretells, by the figures that were found; None where one is missing."""
    dispatch, share = way.dispatch_seconds.value, way.work_share.value
    per_byte = 0.0 if way.seconds_per_byte is None else way.seconds_per_byte.value
    if dispatch is None or share is None or per_byte is None:
        return None
    handing, working = dispatch + per_byte * (payload_bytes or 0.0), share * task_seconds
    taken = max(handing, working) if way.overlapping else handing + working
    return task_seconds / taken if taken > 0 else None


def _known(curve: Sequence[tuple[float, float | None]]) -> tuple[tuple[float, float], ...]:
    return tuple((at, value) for at, value in curve if value is not None)


CHART = ChartKind("break_even", "from which task on, up to which payload, each strategy pays", make, 40)
