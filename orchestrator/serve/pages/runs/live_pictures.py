"""Pictures of runs that are measured: drawn now and then, where somebody looks and something came in.

While rounds are timed the orchestrator keeps off the CPU as well as it can: not more often than every ten
seconds, at low priority, in another process, and nothing at all while no page is open.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field, replace

from parlab.orchestrator.analysis.measurements import Measurements
from parlab.orchestrator.analysis.narrowing import narrowing_of
from parlab.orchestrator.analysis.view import RunView
from parlab.orchestrator.serve.active_run import ActiveRun
from parlab.orchestrator.serve.pages.background import Workshop
from parlab.orchestrator.serve.pages.drawing import Drawer
from parlab.orchestrator.serve.pages.runs.drawn import DrawnCharts, draw_charts, view_of
from parlab.orchestrator.serve.snapshot import RunSnapshot
from parlab.orchestrator.store.facade import Store
from parlab.workers.errors import LabError

log = logging.getLogger("parlab.pages")

#: A run's pictures are drawn at most so often.
EVERY_SECONDS = 10.0
#: What can be seen of a run that is not at its end.
KINDS = ("claims", "narrowing")


@dataclass
class _Kept:
    """What there is of one run."""

    charts: DrawnCharts = field(default_factory=DrawnCharts)
    #: Blocks that were in it, by the groups' order; None: it was never drawn.
    blocks: tuple[int, ...] | None = None
    at_seconds: float = float("-inf")
    drawing: Future[None] | None = None


class LivePictures:
    """Keeps the pictures of the runs that are worked on. May be used from any thread."""

    def __init__(self, workshop: Workshop, drawer: Drawer, store: Callable[[], Store]) -> None:
        """Draw with ``drawer`` in ``workshop`` what is in ``store``."""
        self._workshop = workshop
        self._drawer = drawer
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
                kept.drawing = self._workshop.do(lambda: self._draw(active, snapshot, kept))
            except LabError:
                # Much to do: later, then.
                kept.blocks = None

    def forget(self, run: str) -> None:
        """Drop a run's pictures: it has ended, and its report has others."""
        with self._lock:
            self._kept.pop(run, None)

    def _draw(self, active: ActiveRun, snapshot: RunSnapshot, kept: _Kept) -> None:
        try:
            charts = draw_charts(self._view(snapshot), self._drawer, KINDS)
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
