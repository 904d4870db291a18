"""Cache of what was worked out of runs: kept while they stay as they were."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import Any, Generic, TypeVar

from parlab.orchestrator.experiment.model import Experiment
from parlab.orchestrator.store.facade import Store
from parlab.orchestrator.store.records import RunRecord
from parlab.workers.errors import BadInput

T = TypeVar("T")


def has_failed(future: Future[Any]) -> bool:
    """Tell whether something is to be tried again when it is asked for the next time."""
    return future.cancelled() or (future.done() and future.exception() is not None)


def is_there(future: Future[Any]) -> bool:
    """Tell whether something has been made."""
    return future.done() and not has_failed(future)


class RunCache(Generic[T]):
    """Keeps the values of the latest keys, each for one version: of a run, or of several.

    May be used from any thread. What takes long is begun here and done elsewhere: its value is a future.
    """

    def __init__(self, most: int, failed: Callable[[T], bool] = lambda _: False) -> None:
        """Keep so many; one that has ``failed`` is made again."""
        self._most = most
        self._failed = failed
        self._lock = threading.Lock()
        self._kept: OrderedDict[Hashable, tuple[object, T]] = OrderedDict()

    def get(self, key: Hashable, version: object, make: Callable[[], T]) -> T:
        """Give a key's value, as it was made for this version (:meth:`Store.version`) or is made now."""
        with self._lock:
            kept = self._kept.get(key)
            if kept is None or kept[0] != version or self._failed(kept[1]):
                kept = self._kept[key] = (version, make())
            self._kept.move_to_end(key)
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)
            return kept[1]

    def latest(self, key: Hashable) -> T | None:
        """Give a key's value for whatever version; None where there is none."""
        with self._lock:
            kept = self._kept.get(key)
            return kept[1] if kept is not None else None


class RunsOfAKind:
    """Finds the newest runs of a kind; what is not of it is read once. Used by one thread."""

    def __init__(self, belongs: Callable[[Experiment], bool], *, looked_at: int, most: int) -> None:
        """Look at the newest ``looked_at`` runs for at most so many whose experiment ``belongs``."""
        self._belongs = belongs
        self._looked_at = looked_at
        self._most = most
        self._others: set[str] = set()

    def find(self, store: Store) -> list[RunRecord]:
        """Give them, newest first; one that is pruned while this reads is left out."""
        there = store.run_ids()[-self._looked_at :]
        self._others.intersection_update(there)
        records: list[RunRecord] = []
        for name in reversed(there):
            if name in self._others or len(records) == self._most:
                continue
            try:
                record = store.run(name)
            except BadInput:
                continue
            if self._belongs(record.experiment):
                records.append(record)
            else:
                self._others.add(name)
        return records
