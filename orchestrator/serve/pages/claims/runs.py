"""Runs that have claims, and what they found of them."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import dataclass

from parlab.orchestrator.analysis.findings.claims import ClaimFinding
from parlab.orchestrator.serve.cache import RunCache, RunsOfAKind, has_failed
from parlab.orchestrator.serve.components import LabParts
from parlab.orchestrator.serve.pages.background import Background
from parlab.orchestrator.serve.pages.drawing import DrawingProcess
from parlab.orchestrator.show.charts.base import Chart
from parlab.orchestrator.store.records import RunRecord
from parlab.workers.errors import BadInput

#: Of so many runs, the newest, it is looked whether they have claims.
_LOOKED_AT = 300
#: Runs whose claims are shown.
MOST_RUNS = 12


@dataclass(frozen=True)
class ClaimRun:
    """One run's claims."""

    record: RunRecord
    #: Whether it is measured now.
    active: bool
    claims: tuple[ClaimFinding, ...]


class ClaimRuns:
    """Reads what runs found of claims. May be used from any thread: those of its own do all work."""

    def __init__(self, parts: LabParts, drawing: DrawingProcess) -> None:
        """Read from ``parts``; ``drawing`` draws the matrix."""
        self._parts = parts
        self._drawing = drawing
        self._work, self._pictures = Background("claims"), Background("pictures of claims")
        self._runs = RunsOfAKind(lambda asked: bool(asked.claims), looked_at=_LOOKED_AT, most=MOST_RUNS)
        self._images: RunCache[Future[str]] = RunCache(1, has_failed)

    def read(self) -> Future[list[ClaimRun]]:
        """Give the newest runs that have claims, newest first; raises EnvironmentFault where many ask."""
        return self._work.do(self._read)

    def image(self, chart: Chart) -> Future[str]:
        """Draw the matrix, once while it stays the same; raises EnvironmentFault where many ask."""
        return self._images.get("matrix", chart, lambda: self._pictures.do(lambda: self._drawing.svg(chart)))

    def close(self) -> None:
        """Make nothing more."""
        self._work.close()
        self._pictures.close()

    def _read(self) -> list[ClaimRun]:
        claimed = []
        with self._parts.service.store() as store:
            for record in self._runs.find(store):
                try:
                    seen = self._parts.catalogue.snapshot(store, record.id)
                except BadInput:
                    # It was pruned while this was read.
                    continue
                claims = seen.finding.claims if seen.finding is not None else ()
                claimed.append(ClaimRun(seen.record, seen.active, claims))
        return claimed
