"""The claims of the newest runs, each run's worked out once while nothing in it changes."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import dataclass

from parlab.orchestrator.analysis.findings.claims import ClaimFinding
from parlab.orchestrator.serve.components import LabParts
from parlab.orchestrator.serve.pages.background import Workshop
from parlab.orchestrator.serve.pages.drawing import Drawer
from parlab.orchestrator.show.charts.base import Chart
from parlab.orchestrator.store.facade import Store
from parlab.orchestrator.store.records import RunRecord
from parlab.workers.errors import BadInput

#: Of so many runs, the newest, it is looked whether they have claims: each of them is read once.
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


class ClaimShelf:
    """Keeps what runs found of claims. May be used from any thread: one of its own does all work."""

    def __init__(self, drawer: Drawer) -> None:
        """Begin with none; ``drawer`` draws the matrix."""
        self._drawer = drawer
        self._work, self._drawings = Workshop("claims"), Workshop("pictures of claims")
        self._without: set[str] = set()
        self._kept: dict[str, tuple[tuple[object, ...], ClaimRun]] = {}
        self._image: tuple[Chart, str] | None = None

    def read(self, parts: LabParts) -> Future[list[ClaimRun]]:
        """Give the newest runs that have claims, newest first; raises EnvironmentFault where many ask."""
        return self._work.do(lambda: self._read(parts))

    def image(self, chart: Chart) -> Future[str]:
        """Draw the matrix, once while it stays the same."""
        return self._drawings.do(lambda: self._drawn(chart))

    def close(self) -> None:
        """Make nothing more."""
        self._work.close()
        self._drawings.close()

    def _drawn(self, chart: Chart) -> str:
        if self._image is None or self._image[0] != chart:
            self._image = (chart, self._drawer.svg(chart))
        return self._image[1]

    def _read(self, parts: LabParts) -> list[ClaimRun]:
        with parts.service.store() as store:
            there = store.run_ids()[-_LOOKED_AT:]
            self._without.intersection_update(there)
            found: list[ClaimRun] = []
            for name in reversed(there):
                if name in self._without or len(found) == MOST_RUNS:
                    continue
                one = self._of(parts, store, name)
                if one is not None:
                    found.append(one)
        shown = {one.record.id for one in found}
        self._kept = {name: kept for name, kept in self._kept.items() if name in shown}
        return found

    def _of(self, parts: LabParts, store: Store, name: str) -> ClaimRun | None:
        try:
            record = store.run(name)
            if not record.experiment.claims:
                self._without.add(name)
                return None
            active = parts.service.active.get(name)
            at_work = active is not None and active.alive
            version = (record.state, record.reason, record.running_seconds)
            kept = self._kept.get(name)
            if not at_work and kept is not None and kept[0] == version:
                return kept[1]
            finding = parts.catalogue.snapshot(store, name).finding
        except BadInput:
            # It was pruned while this was read.
            return None
        one = ClaimRun(record, at_work, finding.claims if finding is not None else ())
        if not at_work:
            self._kept[name] = (version, one)
        return one
