"""Comparisons of runs, worked out once: a page and its pictures are made of the same."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from threading import Lock
from typing import Any

from parlab.orchestrator.analysis.across.compare import compare
from parlab.orchestrator.analysis.across.measured_run import MeasuredRun
from parlab.orchestrator.analysis.findings.across import Axis, CompareFinding
from parlab.orchestrator.control.sources import load_runs
from parlab.orchestrator.serve.components import LabParts
from parlab.orchestrator.serve.pages.background import Workshop
from parlab.orchestrator.serve.pages.drawing import Drawer
from parlab.orchestrator.serve.pages.links import shortened
from parlab.orchestrator.serve.pages.optional_charts import Charts, comparison_charts, drawn
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

    #: Ids, or the starts of them, each once.
    runs: tuple[str, ...]
    by: Axis | None = None
    #: Value or name of the column that the others are held against; None: the first.
    baseline: str | None = None


@dataclass(frozen=True)
class Comparison:
    """What a comparison found, and its charts."""

    finding: CompareFinding
    #: Name of each run's experiment, by run, in the order in which they were asked for.
    experiments: Mapping[str, str]
    charts: Charts


@dataclass(frozen=True)
class ComparisonInTheMaking:
    """A comparison whose words come first."""

    found: Future[Comparison]
    #: SVG by the chart's name.
    images: Future[Mapping[str, str]]


#: A run as it was when it was looked at: one that measures on, or is taken further, has another.
_Version = tuple[object, ...]
_Key = tuple[tuple[_Version, ...], Axis | None, str | None]


class ComparisonShelf:
    """Works comparisons out and keeps them. May be used from any thread."""

    def __init__(self, drawer: Drawer) -> None:
        """Begin with none; ``drawer`` draws their charts."""
        self._drawer = drawer
        self._work, self._drawings = Workshop("comparisons"), Workshop("pictures of comparisons")
        self._lock = Lock()
        self._kept: OrderedDict[_Key, ComparisonInTheMaking] = OrderedDict()

    def find(self, parts: LabParts, asked: Asked) -> ComparisonInTheMaking:
        """Compare runs of the lab as they are now, or begin to.

        Raises:
            UnknownName: one of the runs is not there, or not any more.
            BadInput: they are too many.
            EnvironmentFault: many are asked for already, or the store cannot be read.
        """
        with parts.service.store() as store:
            records = _records(store, asked.runs)
            last_used = store.last_used()
        key = (tuple(_version(record, last_used) for record in records), asked.by, asked.baseline)
        with self._lock:
            kept = self._kept.get(key)
            if kept is None or _failed(kept.found):
                found = self._work.do(lambda: _compared(parts, asked, records))
                kept = ComparisonInTheMaking(found, self._begin_to_draw(found))
            elif _failed(kept.images):
                kept = ComparisonInTheMaking(kept.found, self._begin_to_draw(kept.found))
            self._kept[key] = kept
            self._kept.move_to_end(key)
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
            return kept

    def close(self) -> None:
        """Make nothing more."""
        self._work.close()
        self._drawings.close()

    def _begin_to_draw(self, found: Future[Comparison]) -> Future[Mapping[str, str]]:
        return self._drawings.do(lambda: drawn(found.result().charts, self._drawer))


def _failed(future: Future[Any]) -> bool:
    """Tell whether something is to be tried again when it is asked for the next time."""
    return future.cancelled() or (future.done() and future.exception() is not None)


def _compared(parts: LabParts, asked: Asked, records: Sequence[RunRecord]) -> Comparison:
    finding = compare(_loaded(parts, records), asked.by, asked.baseline)
    experiments = {record.id: record.experiment.name for record in records}
    return Comparison(finding, experiments, comparison_charts(finding))


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
            f"{len(names)} runs are too many to be compared at once", f"Choose at most {MOST_RUNS} of them."
        )
    found = {}
    for name in names:
        try:
            record = store.run(name)
        except BadInput as error:
            known = store.run_ids()
            if any(one.startswith(name.lower()) for one in known):
                raise UnknownName(error.message, error.hint) from error
            # The store's own words name its file, which is nothing to a reader of the page.
            cure = f"The newest are: {', '.join(known[-3:])}." if known else "There are none yet."
            raise UnknownName(f"there is no run {shortened(name)!r} in this lab", cure) from error
        found[record.id] = record
    return list(found.values())


def _version(record: RunRecord, last_used: Mapping[str, float]) -> _Version:
    return record.id, record.state, record.reason, record.running_seconds, last_used.get(record.id)
