"""Threads of one process, sharing its memory: ``ThreadPoolExecutor.map``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures.thread import ThreadPoolExecutor

from ._start_barrier import in_each_thread
from .base import Pool, Strategy, nothing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class ThreadsPool(Pool):
    """A ThreadPoolExecutor."""

    def __init__(
        self, max_workers: int, options: Mapping[str, Any], initializer: Callable[[], object] | None
    ) -> None:
        del options
        self._max_workers = max_workers
        self._executor = ThreadPoolExecutor(max_workers, initializer=initializer)

    def ping(self) -> None:
        """Return when every thread has run something; the executor starts them as tasks come in."""
        in_each_thread(self._executor, self._max_workers, nothing)

    def map(self, function: Callable[[Any], Any], items: Sequence[Any]) -> list[Any]:
        """Do what people write."""
        return list(self._executor.map(function, items))

    def survey(self, function: Callable[[], Any]) -> list[Any]:
        """Call ``function`` once in each thread."""
        return in_each_thread(self._executor, self._max_workers, function)

    def close(self) -> None:
        """Shut the executor down and join its threads."""
        self._executor.shutdown(wait=True)


STRATEGY = Strategy(
    name="threads",
    summary="A ThreadPoolExecutor: threads of one process, sharing its memory.",
    simplicity=1,
    open=ThreadsPool,
)
