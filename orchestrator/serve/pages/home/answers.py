"""What runs found, in a line each, for lists: worked out beside everything else, and kept."""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from parlab.orchestrator.analysis.view import finding_of
from parlab.orchestrator.control.progress_state import ProgressState
from parlab.orchestrator.serve.pages.background import Workshop
from parlab.orchestrator.serve.pages.runs.drawn import view_of
from parlab.orchestrator.serve.snapshot import RunSnapshot
from parlab.orchestrator.show.report.answers import answers
from parlab.orchestrator.show.report.group_answer import Answer
from parlab.orchestrator.store.facade import Store
from parlab.orchestrator.store.records import RunRecord
from parlab.workers.errors import LabError

log = logging.getLogger("parlab.pages")

_KEPT = 1000


@dataclass(frozen=True)
class ShortAnswer:
    """A run's answer in a line."""

    headline: str
    certainty: str
    #: Of what is to be used, by which it is coloured; "" where nothing is.
    strategy: str
    #: Work that it is about where the run has several, and how many further answers it has.
    about: str
    further: int


class AnswerShelf:
    """Gives answers that it has, and works out those it has not. May be used from any thread."""

    def __init__(self, store: Callable[[], Store]) -> None:
        """Take runs from ``store``."""
        self._store = store
        self._workshop = Workshop("answers")
        self._lock = threading.Lock()
        #: By run and its state: one that is taken further has another answer. None: it has none.
        self._kept: OrderedDict[tuple[object, ...], ShortAnswer | None] = OrderedDict()
        self._begun: set[tuple[object, ...]] = set()

    def of(self, record: RunRecord) -> ShortAnswer | None:
        """Give a run's answer; None: it has none, or it is being worked out."""
        key = (record.id, record.state, record.reason, record.running_seconds)
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
            if key in self._begun:
                return None
            try:
                self._workshop.do(lambda: self._work(record, key))
                self._begun.add(key)
            except LabError:
                # Others are before it; the next look asks again.
                return None
        return None

    def close(self) -> None:
        """Work nothing out any more."""
        self._workshop.close()

    def _work(self, record: RunRecord, key: tuple[object, ...]) -> None:
        found: ShortAnswer | None = None
        try:
            found = self._answer(record)
        except LabError as fault:
            log.warning("run %s: no answer: %s", record.id, fault.message)
        except Exception:
            log.exception("run %s: a fault of parlab's own in its answer", record.id)
        with self._lock:
            self._begun.discard(key)
            self._kept[key] = found
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)

    def _answer(self, record: RunRecord) -> ShortAnswer | None:
        with self._store() as store:
            plan = store.plan(record.id)
            if plan is None:
                return None
            finding = finding_of(store, plan)
            seen = {one.registration.node: one.registration for one in store.registrations(record.id)}
        snapshot = RunSnapshot(record, plan, tuple(seen.values()), finding, ProgressState(), active=False)
        view = view_of(snapshot)
        return None if view is None else _short(answers(view))


def _short(found: tuple[Answer, ...]) -> ShortAnswer:
    first = found[0]
    about = first.about if len(found) > 1 else ""
    return ShortAnswer(first.line, first.certainty, first.strategy, about, len(found) - 1)
