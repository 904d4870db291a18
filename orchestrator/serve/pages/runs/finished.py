"""Reports of runs that nobody works on: made once, and again only when such a run has changed."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, replace

from parlab.orchestrator.analysis.view import RunView, view
from parlab.orchestrator.serve.pages.background import Workshop
from parlab.orchestrator.serve.pages.drawing import Drawer
from parlab.orchestrator.serve.pages.runs.drawn import DrawnCharts, draw_charts
from parlab.orchestrator.show.report.document import RunReport, run_report
from parlab.orchestrator.store.facade import Store
from parlab.orchestrator.store.records import RunRecord

#: So many runs' reports are kept, with their images: some 300 kB each.
_KEPT = 16


@dataclass(frozen=True)
class DrawnReport:
    """A report with its pictures."""

    report: RunReport
    charts: DrawnCharts

    def inlined(self) -> RunReport:
        """Give the report with its images inside."""
        return replace(self.report, pictures=self.charts.inlined())


@dataclass(frozen=True)
class FinishedRun:
    """A run's report in the making: its words come first."""

    #: Which state of the run it is of.
    version: tuple[object, ...]
    words: Future[RunReport]
    whole: Future[DrawnReport]

    @property
    def is_faulty(self) -> bool:
        """Whether it could not be made."""
        return any(one.done() and one.exception() is not None for one in (self.words, self.whole))


class FinishedRuns:
    """Makes and keeps reports. May be used from any thread."""

    def __init__(
        self, words: Workshop, pictures: Workshop, drawer: Drawer, store: Callable[[], Store]
    ) -> None:
        """Work out what there is to say in ``words`` and draw with ``drawer`` in ``pictures``."""
        self._words = words
        self._pictures = pictures
        self._drawer = drawer
        self._store = store
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, FinishedRun] = OrderedDict()

    def of(self, store: Store, record: RunRecord) -> FinishedRun:
        """Give a run's report, or begin to make it; raises EnvironmentFault where too many are to be made."""
        version = (
            record.state,
            record.reason,
            record.running_seconds,
            len(store.sittings.accepted(record.id)),
        )
        with self._lock:
            kept = self._kept.get(record.id)
            if kept is None or kept.version != version or kept.is_faulty:
                kept = self._begun(record.id, version)
                self._kept[record.id] = kept
            self._kept.move_to_end(record.id)
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
            return kept

    def image(self, run: str, name: str) -> str | None:
        """Give a chart's SVG of a report that is made; None where it has none of that name."""
        with self._lock:
            kept = self._kept.get(run)
        if kept is None or not kept.whole.done() or kept.is_faulty:
            return None
        return kept.whole.result().charts.images.get(name)

    def _begun(self, run: str, version: tuple[object, ...]) -> FinishedRun:
        whole: Future[DrawnReport] = Future()
        words = self._words.do(lambda: self._said(run))

        def drawn(said: Future[tuple[RunView, RunReport]]) -> None:
            try:
                seen, report = said.result()
                done = self._pictures.do(lambda: draw_charts(seen, self._drawer))
            except BaseException as error:  # noqa: BLE001 - handed on to whoever waits for it
                whole.set_exception(error)
                return
            done.add_done_callback(lambda charts: _combine(whole, report, charts))

        words.add_done_callback(drawn)
        return FinishedRun(version, _report_of(words), whole)

    def _said(self, run: str) -> tuple[RunView, RunReport]:
        with self._store() as store:
            seen = view(store, run)
        return seen, run_report(seen)


def _report_of(words: Future[tuple[RunView, RunReport]]) -> Future[RunReport]:
    """Give the report alone: what it was made of (every trial) is not to be kept."""
    report: Future[RunReport] = Future()

    def take(said: Future[tuple[RunView, RunReport]]) -> None:
        try:
            report.set_result(said.result()[1])
        except BaseException as error:  # noqa: BLE001 - as above
            report.set_exception(error)

    words.add_done_callback(take)
    return report


def _combine(whole: Future[DrawnReport], report: RunReport, charts: Future[DrawnCharts]) -> None:
    try:
        drawn = charts.result()
        whole.set_result(DrawnReport(replace(report, pictures=drawn.pictures), drawn))
    except BaseException as error:  # noqa: BLE001 - as above
        whole.set_exception(error)
