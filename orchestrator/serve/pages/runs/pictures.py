"""Pictures of runs for their pages: images under addresses of their own, named by their content."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace

from parlab.orchestrator.analysis.measurements import Measurements
from parlab.orchestrator.analysis.narrowing import narrowing_of
from parlab.orchestrator.analysis.view import RunView
from parlab.orchestrator.serve.active_run import ActiveRun
from parlab.orchestrator.serve.pages.background import Background
from parlab.orchestrator.serve.pages.drawing import DrawingProcess
from parlab.orchestrator.serve.pages.static import digest
from parlab.orchestrator.serve.snapshot import RunSnapshot
from parlab.orchestrator.show.charts.base import Chart
from parlab.orchestrator.show.report.extras import missing_for_report
from parlab.orchestrator.show.report.pictures import (
    MOST_BYTES,
    Picture,
    Pictures,
    data_uri,
    draw_each,
    picture,
)
from parlab.orchestrator.store.facade import Store
from parlab.workers.errors import LabError

log = logging.getLogger("parlab.pages")

#: A run's pictures are drawn at most so often while it is measured.
EVERY_SECONDS = 10.0
#: What can be seen of a run that is not at its end.
KINDS = ("claims", "narrowing")


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
        for drawn in self.pictures.shown:
            inside = replace(drawn, src=data_uri(self.images[drawn.name]))
            if len(inside.src) <= left:
                left -= len(inside.src)
                taken.append(inside)
        out = len(self.pictures.shown) - len(taken)
        notes = (f"{out} more are on the run's page of the lab.",) if out else ()
        return Pictures(tuple(taken), (*self.pictures.notes, *notes))


def draw_charts(run: RunView, drawing: DrawingProcess, kinds: Sequence[str] | None = None) -> DrawnCharts:
    """Draw a run's charts; a fault in one costs none of the others.

    Args:
        run: whose.
        drawing: draws them.
        kinds: names of the kinds that are wanted, None: all.
    """
    if (missing := missing_for_report()) is not None:
        return DrawnCharts(Pictures(notes=(f"There are no pictures: {missing.message}. {missing.hint}",)))
    shown: list[Picture] = []
    images: dict[str, str] = {}

    def take(chart: Chart, drawn: str) -> bool:
        images[chart.name] = drawn
        shown.append(picture(chart, drawn, address(run.run, chart.name, drawn)))
        return True

    notes = draw_each(run, kinds, drawing.svg, take, "-o DIR --lab URL")
    return DrawnCharts(Pictures(tuple(shown), notes), images)


def address(run: str, name: str, image: str) -> str:
    """Return where a run's image is: with a mark of its content, so that a browser may keep it."""
    return f"/runs/{run}/charts/{name}.svg?v={digest(image.encode())}"


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


@dataclass
class _Kept:
    """What there is of one run."""

    charts: DrawnCharts = field(default_factory=DrawnCharts)
    #: Blocks that were in it, by the groups' order; None: it was never drawn.
    blocks: tuple[int, ...] | None = None
    at_seconds: float = float("-inf")
    drawing: Future[None] | None = None


class LivePictures:
    """Keeps the pictures of the runs that are measured. May be used from any thread.

    While rounds are timed the orchestrator keeps off the CPU as well as it can: they are drawn at most every
    ten seconds, at low priority, in another process, and not at all while no page is open.
    """

    def __init__(self, background: Background, drawing: DrawingProcess, store: Callable[[], Store]) -> None:
        """Draw with ``drawing`` in ``background`` what is in ``store``."""
        self._background = background
        self._drawing = drawing
        self._store = store
        self._lock = threading.Lock()
        self._kept: dict[str, _Kept] = {}

    def of(self, run: str) -> DrawnCharts:
        """Give what has been drawn of a run so far; that may be nothing."""
        with self._lock:
            kept = self._kept.get(run)
            return kept.charts if kept is not None else DrawnCharts()

    def refresh(self, active: ActiveRun, snapshot: RunSnapshot) -> None:
        """Have a run's pictures drawn anew where blocks came in since, and it was not done just now."""
        blocks = tuple(group.blocks for group in snapshot.finding.groups) if snapshot.finding else ()
        now = time.monotonic()
        with self._lock:
            kept = self._kept.setdefault(active.run, _Kept())
            drawing = kept.drawing is not None and not kept.drawing.done()
            if drawing or not any(blocks) or blocks == kept.blocks or now - kept.at_seconds < EVERY_SECONDS:
                return
            kept.blocks, kept.at_seconds = blocks, now
            try:
                kept.drawing = self._background.do(lambda: self._draw(active, snapshot, kept))
            except LabError:
                # Much to do: later, then.
                kept.blocks = None

    def forget(self, run: str) -> None:
        """Drop a run's pictures: it has ended, and its report has others."""
        with self._lock:
            self._kept.pop(run, None)

    def _draw(self, active: ActiveRun, snapshot: RunSnapshot, kept: _Kept) -> None:
        try:
            charts = draw_charts(self._view(snapshot), self._drawing, KINDS)
        except LabError as fault:
            log.warning("run %s: no pictures: %s", active.run, fault.message)
            return
        except Exception:
            log.exception("run %s: a fault of parlab's own in its pictures", active.run)
            return
        with self._lock:
            kept.charts = charts
        active.channel.touch()

    def _view(self, snapshot: RunSnapshot) -> RunView:
        view = view_of(snapshot)
        assert view is not None, "a run without a plan is not worked on"
        with self._store() as store:
            narrowing = narrowing_of(Measurements.of(store, view.plan))
        return replace(view, finding=replace(view.finding, narrowing=narrowing))
