"""Reports of runs that nobody works on: made once, and again only when such a run has changed."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, replace

from parlab.orchestrator.analysis.view import RunView, view
from parlab.orchestrator.serve.cache import RunCache, has_failed, is_there
from parlab.orchestrator.serve.pages.background import Background
from parlab.orchestrator.serve.pages.drawing import DrawingProcess
from parlab.orchestrator.serve.pages.runs.pictures import DrawnCharts, draw_charts
from parlab.orchestrator.show.report.document import RunReport, run_report
from parlab.orchestrator.store.facade import Store

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
class PendingReport:
    """A run's report, whose words come first."""

    words: Future[RunReport]
    whole: Future[DrawnReport]

    @property
    def is_faulty(self) -> bool:
        """Whether it could not be made."""
        return has_failed(self.words) or has_failed(self.whole)


class Reports:
    """Makes and keeps reports. May be used from any thread."""

    def __init__(self, pictures: Background, drawing: DrawingProcess, store: Callable[[], Store]) -> None:
        """Have ``drawing`` draw in ``pictures`` what is in ``store``."""
        self._words = Background("reports")
        self._pictures = pictures
        self._drawing = drawing
        self._store = store
        self._kept: RunCache[PendingReport] = RunCache(_KEPT, lambda report: report.is_faulty)

    def of(self, store: Store, run: str) -> PendingReport:
        """Give a run's report, or begin to make it; raises EnvironmentFault where too many are to be made."""
        return self._kept.get(run, store.version(run), lambda: self._begun(run))

    def image(self, run: str, name: str) -> str | None:
        """Give a chart's SVG of a report that is made; None where it has none of that name."""
        kept = self._kept.latest(run)
        if kept is None or not is_there(kept.whole):
            return None
        return kept.whole.result().charts.images.get(name)

    def close(self) -> None:
        """Make nothing more."""
        self._words.close()

    def _begun(self, run: str) -> PendingReport:
        # Handed on, and not kept with the report: it has every trial.
        seen: list[RunView] = []

        def words() -> RunReport:
            with self._store() as store:
                seen.append(view(store, run))
            return run_report(seen[0])

        def whole() -> DrawnReport:
            report = made.result()
            charts = draw_charts(seen.pop(), self._drawing)
            return DrawnReport(replace(report, pictures=charts.pictures), charts)

        made = self._words.do(words)
        return PendingReport(made, self._pictures.do(whole))
