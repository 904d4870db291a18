"""Charts of a run, drawn for its page: images under addresses of their own, named by their content."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from parlab.orchestrator.analysis.view import RunView
from parlab.orchestrator.serve.pages.drawing import Drawer, NotDrawn
from parlab.orchestrator.serve.snapshot import RunSnapshot
from parlab.orchestrator.show.charts.base import Chart
from parlab.orchestrator.show.report.extras import missing_for_report
from parlab.orchestrator.show.report.pictures import (
    MOST_BYTES,
    MOST_OF_A_KIND,
    Fault,
    Picture,
    Pictures,
    charts_by_kind,
    data_uri,
    picture,
)

#: What an image is put into an address for does not need its chart.
_NO_CHART = Chart("", "", "", {})


@dataclass(frozen=True)
class DrawnCharts:
    """Pictures as a page has them, and their images."""

    pictures: Pictures = field(default_factory=Pictures)
    #: SVG by the chart's name.
    images: Mapping[str, str] = field(default_factory=dict)

    def inlined(self) -> Pictures:
        """Give the pictures with their images inside, as many as a report in one file has room for."""
        taken: list[Picture] = []
        left = MOST_BYTES
        for one in self.pictures.shown:
            inside = replace(one, src=data_uri(_NO_CHART, self.images[one.name]))
            if len(inside.src) <= left:
                left -= len(inside.src)
                taken.append(inside)
        out = len(self.pictures.shown) - len(taken)
        notes = (f"{out} more are on the run's page of the lab.",) if out else ()
        return Pictures(tuple(taken), (*self.pictures.notes, *notes))


def draw_charts(run: RunView, drawer: Drawer, kinds: Sequence[str] | None = None) -> DrawnCharts:
    """Draw a run's charts; a fault in one costs none of the others.

    Args:
        run: whose.
        drawer: draws them.
        kinds: names of the kinds that are wanted, None: all.
    """
    if (missing := missing_for_report()) is not None:
        return DrawnCharts(Pictures(notes=(f"There are no pictures: {missing.message}. {missing.hint}",)))
    shown: list[Picture] = []
    notes: list[str] = []
    images: dict[str, str] = {}
    left_out = 0
    for found in charts_by_kind(run, kinds):
        if isinstance(found, Fault):
            notes.append(found.text)
            continue
        left_out += max(0, len(found) - MOST_OF_A_KIND)
        for chart, drawn in _drawn(found[:MOST_OF_A_KIND], drawer, notes.append):
            images[chart.name] = drawn
            shown.append(picture(chart, drawn, address(run.run, chart.name, drawn)))
    if left_out:
        more = f"{left_out} more chart{'s' * (left_out != 1)}"
        notes.append(f"{more}, as files: parlab report {run.run} --format svg -o DIR --lab URL")
    return DrawnCharts(Pictures(tuple(shown), tuple(notes)), images)


def _drawn(
    charts: Sequence[Chart], drawer: Drawer, tell: Callable[[str], None]
) -> Iterator[tuple[Chart, str]]:
    for chart in charts:
        try:
            yield chart, drawer.svg(chart)
        except NotDrawn as fault:
            tell(fault.message)


def address(run: str, name: str, image: str) -> str:
    """Return where a run's image is: with a mark of its content, so that a browser may keep it."""
    return f"/runs/{run}/charts/{name}.svg?v={digest(image)}"


def digest(image: str) -> str:
    """Mark an image's content."""
    return hashlib.sha256(image.encode()).hexdigest()[:12]


def view_of(snapshot: RunSnapshot) -> RunView | None:
    """Give a run as outputs see it, without its trials; None: the snapshot knows no finding."""
    if snapshot.plan is None or snapshot.finding is None:
        return None
    record = snapshot.record
    return RunView(
        run=record.id,
        experiment=record.experiment,
        plan=snapshot.plan,
        registrations=snapshot.registrations,
        state=record.state,
        started_unix_seconds=record.created_unix_seconds,
        ended_unix_seconds=None if snapshot.active else snapshot.changed_unix_seconds,
        finding=snapshot.finding,
        calibrations={},
        trials=(),
        running_seconds=record.running_seconds,
        reason=record.reason,
        parlab_version=record.parlab_version,
        command=record.command,
    )
