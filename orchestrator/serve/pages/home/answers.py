"""Answers of runs in a line each, for lists: worked out beside everything else, and kept."""

from __future__ import annotations

import logging
from concurrent.futures import Future
from dataclasses import dataclass

from parlab.orchestrator.serve.cache import RunCache, is_there
from parlab.orchestrator.serve.components import LabParts
from parlab.orchestrator.serve.pages.background import Background
from parlab.orchestrator.serve.pages.runs.pictures import view_of
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
    #: Of what is to be used, by which it is coloured; "" where nothing is.
    strategy: str
    #: Work that it is about where the run has several, and how many further answers it has.
    about: str
    further: int


class ShortAnswers:
    """Gives answers that it has, and works out those it has not. May be used from any thread."""

    def __init__(self, parts: LabParts) -> None:
        """Take runs from ``parts``."""
        self._parts = parts
        self._work = Background("answers")
        self._kept: RunCache[Future[ShortAnswer | None]] = RunCache(_KEPT)

    def of(self, store: Store, record: RunRecord) -> ShortAnswer | None:
        """Give a run's answer; None: it has none, or it is being worked out."""
        try:
            kept = self._kept.get(
                record.id,
                store.version(record.id),
                lambda: self._work.do(lambda: self._worked_out(record)),
            )
        except LabError:
            # Others are before it, or it was just removed; the next look asks again.
            return None
        return kept.result() if is_there(kept) else None

    def close(self) -> None:
        """Work nothing out any more."""
        self._work.close()

    def _worked_out(self, record: RunRecord) -> ShortAnswer | None:
        try:
            return self._answer(record)
        except LabError as fault:
            log.warning("run %s: no answer: %s", record.id, fault.message)
        except Exception:
            log.exception("run %s: a fault of parlab's own in its answer", record.id)
        return None

    def _answer(self, record: RunRecord) -> ShortAnswer | None:
        with self._parts.service.store() as store:
            view = view_of(self._parts.catalogue.snapshot(store, record.id))
        return None if view is None else _short(answers(view))


def _short(answers: tuple[Answer, ...]) -> ShortAnswer:
    first = answers[0]
    about = first.about if len(answers) > 1 else ""
    return ShortAnswer(first.line, first.strategy, about, len(answers) - 1)
