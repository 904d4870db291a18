"""Runs as their pages show them: live views, reports, pictures."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from parlab.orchestrator.serve.components import LabParts
from parlab.orchestrator.serve.pages.background import Background
from parlab.orchestrator.serve.pages.drawing import DrawingProcess
from parlab.orchestrator.serve.pages.runs.live_run import LiveRun
from parlab.orchestrator.serve.pages.runs.pictures import LivePictures
from parlab.orchestrator.serve.pages.runs.reports import PendingReport, Reports
from parlab.orchestrator.serve.pages.site import Site
from parlab.orchestrator.store.records import RunRecord
from parlab.workers.errors import BadInput

#: Such a run is worked on, or will be.
_OPEN = ("planned", "running")


@dataclass(frozen=True)
class FoundRun:
    """A run as its page shows it: one of the two, or neither while nobody works on it (yet)."""

    record: RunRecord
    live: LiveRun | None
    report: PendingReport | None


class ShownRuns:
    """Finds what a run's page shows. May be used from any thread."""

    def __init__(self, parts: LabParts, site: Site, drawing: DrawingProcess) -> None:
        """Begin with nothing made; ``drawing`` draws the pictures."""
        self._parts = parts
        self._site = site
        self._background = Background("pictures")
        self.pictures = LivePictures(self._background, drawing, parts.service.store)
        self.reports = Reports(self._background, drawing, parts.service.store)
        self._lock = threading.Lock()
        self._live: dict[str, LiveRun] = {}

    def find(self, run: str) -> FoundRun:
        """Find a run by its id or the start of it.

        Raises:
            UnknownName: there is none.
            EnvironmentFault: too many reports are to be made already.
        """
        with self._parts.stored(run) as (store, name):
            record = store.run(name)
            live = self.live(name)
            if live is not None or record.state in _OPEN:
                return FoundRun(record, live, None)
            return FoundRun(record, None, self.reports.of(store, name))

    def live(self, run: str) -> LiveRun | None:
        """Give what shows a run that this process works on; None: it does not."""
        active = self._parts.service.active.get(run)
        with self._lock:
            for name, live in list(self._live.items()):
                if not live.active.alive and not live.feed.followers:
                    del self._live[name]
                    self.pictures.forget(name)
            if active is None or not active.alive:
                return None
            kept = self._live.get(run)
            if kept is None or kept.active is not active:
                kept = self._live[run] = LiveRun(active, self._parts, self._site, self.pictures)
            return kept

    def ending(self, run: str) -> str:
        """Say how a run ended: its state, "removed" where it is not there, "" while it goes on."""
        with self._parts.service.store() as store:
            try:
                state = store.run(run).state
            except BadInput:
                return "removed"
        return "" if state in _OPEN else state

    def close(self) -> None:
        """Make nothing more."""
        self.reports.close()
        self._background.close()
