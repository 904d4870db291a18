"""Comparisons of runs, worked out once: a page and its pictures are made of the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass

from parlab.orchestrator.analysis.across.compare import compare
from parlab.orchestrator.analysis.across.measured_run import MeasuredRun
from parlab.orchestrator.analysis.findings.across import Axis, CompareFinding
from parlab.orchestrator.control.sources import load_runs
from parlab.orchestrator.serve.cache import RunCache, has_failed
from parlab.orchestrator.serve.components import LabParts
from parlab.orchestrator.serve.pages.background import Background
from parlab.orchestrator.serve.pages.drawing import DrawingProcess
from parlab.orchestrator.serve.pages.links import shortened
from parlab.orchestrator.serve.pages.optional_charts import Charts, comparison_charts
from parlab.orchestrator.serve.problem import UnknownName
from parlab.orchestrator.store.facade import Store
from parlab.orchestrator.store.records import RunRecord
from parlab.workers.errors import BadInput

#: So many runs are compared at once: all their trials are in memory together, and nobody reads a wider table.
MOST_RUNS = 8
#: Comparisons that are kept: what was found, not the trials that it was found in.
_KEPT = 32


@dataclass(frozen=True)
class Asked:
    """What is to be compared."""

    #: Ids, or their first characters, each once.
    runs: tuple[str, ...]
    by: Axis | None = None
    #: Value or name of the column that the others are compared with; None: the first.
    baseline: str | None = None


@dataclass(frozen=True)
class ComparedRuns:
    """What a comparison found, and its charts."""

    finding: CompareFinding
    #: Name of each run's experiment, by run, in the order in which they were asked for.
    experiments: Mapping[str, str]
    charts: Charts


@dataclass(frozen=True)
class PendingComparison:
    """A comparison whose words come first."""

    compared: Future[ComparedRuns]
    #: SVG by the chart's name.
    images: Future[Mapping[str, str]]


class Comparisons:
    """Works comparisons out and keeps them. May be used from any thread."""

    def __init__(self, parts: LabParts, drawing: DrawingProcess) -> None:
        """Compare runs of ``parts``; ``drawing`` draws the charts."""
        self._parts = parts
        self._drawing = drawing
        self._work, self._pictures = Background("comparisons"), Background("pictures of comparisons")
        self._found: RunCache[Future[ComparedRuns]] = RunCache(_KEPT, has_failed)
        self._images: RunCache[Future[Mapping[str, str]]] = RunCache(_KEPT, has_failed)

    def find(self, asked: Asked) -> PendingComparison:
        """Compare runs of the lab as they are now, or begin to.

        Raises:
            UnknownName: one of the runs is not there, or not any more.
            BadInput: they are too many.
            EnvironmentFault: many are asked for already, or the store cannot be read.
        """
        with self._parts.service.store() as store:
            records = _records(store, asked.runs)
            version = tuple(store.version(record.id) for record in records)
        key = (tuple(record.id for record in records), asked.by, asked.baseline)
        compared = self._found.get(
            key, version, lambda: self._work.do(lambda: _compared(self._parts, asked, records))
        )
        # One that is worked out anew has pictures of its own.
        images = self._images.get(
            key, (version, compared), lambda: self._pictures.do(lambda: self._drawn(compared))
        )
        return PendingComparison(compared, images)

    def close(self) -> None:
        """Make nothing more."""
        self._work.close()
        self._pictures.close()

    def _drawn(self, compared: Future[ComparedRuns]) -> Mapping[str, str]:
        return {chart.name: self._drawing.svg(chart) for chart in compared.result().charts.there}


def _compared(parts: LabParts, asked: Asked, records: Sequence[RunRecord]) -> ComparedRuns:
    finding = compare(_loaded(parts, records), asked.by, asked.baseline)
    experiments = {record.id: record.experiment.name for record in records}
    return ComparedRuns(finding, experiments, comparison_charts(finding))


def _loaded(parts: LabParts, records: Sequence[RunRecord]) -> list[MeasuredRun]:
    names = [record.id for record in records]
    try:
        return load_runs(parts.settings.settings, names, None)
    except BadInput as error:
        with parts.service.store() as store:
            there = store.run_ids()
        gone = next((name for name in names if name not in there), None)
        if gone is None:
            raise
        raise UnknownName(f"run {gone} has just been removed", "Choose another.") from error


def _records(store: Store, names: Sequence[str]) -> list[RunRecord]:
    if len(names) > MOST_RUNS:
        raise BadInput(
            f"{len(names)} runs are too many to compare at once", f"Choose at most {MOST_RUNS} of them."
        )
    records = {}
    for name in names:
        try:
            record = store.run(name)
        except BadInput as error:
            known = store.run_ids()
            if any(key.startswith(name.lower()) for key in known):
                raise UnknownName(error.message, error.hint) from error
            # The store's own words name its file, which is nothing to a reader of the page.
            cure = f"The newest are: {', '.join(known[-3:])}." if known else "There are none yet."
            raise UnknownName(f"there is no run {shortened(name)!r} in this lab", cure) from error
        records[record.id] = record
    return list(records.values())
