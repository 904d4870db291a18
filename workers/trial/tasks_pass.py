"""An untimed round in which each task notes when and where it ran, and what is evaluated of it."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from threading import get_ident
from time import perf_counter_ns

from .. import catalog
from ..errors import NotReadable
from ..fault import named
from .meters import plain_readings

# See errors.py: typing is not imported in a trial's interpreter.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..strategies.base import Pool, Strategy

    #: A task's begin and end (perf_counter_ns), process, thread, and its result.
    Note = tuple[int, int, int, int, Any]


class Noting:
    """Calls a function and gives its result together with when and where that was.

    It has a module that every worker can load, and says what it wraps: it crosses to them as the
    function itself would.
    """

    def __init__(self, function: Callable[[Any], Any]) -> None:
        self.wrapped = function

    def __call__(self, item: Any) -> Note:
        """Call it."""
        begin = perf_counter_ns()
        result = self.wrapped(item)
        return begin, perf_counter_ns(), os.getpid(), get_ident(), result


class NotingAsync:
    """The same for a coroutine function."""

    def __init__(self, function: Callable[[Any], Any]) -> None:
        self.wrapped = function

    async def __call__(self, item: Any) -> Note:
        """Await it."""
        begin = perf_counter_ns()
        result = await self.wrapped(item)
        return begin, perf_counter_ns(), os.getpid(), get_ident(), result


def noting(function: Callable[[Any], Any], strategy: Strategy) -> Callable[[Any], Any]:
    """Wrap the form of the workload that the strategy runs."""
    return NotingAsync(function) if strategy.form == "async" else Noting(function)


class TaskPass:
    """The round when it is over, and the pool that it was done with, which is still warm."""

    __slots__ = (
        "function", "items", "limit_seconds", "max_workers", "notes", "pool", "results", "started_ns",
        "strategy",
    )  # fmt: skip

    def __init__(
        self,
        strategy: Strategy,
        max_workers: int,
        pool: Pool,
        function: Callable[[Any], Any],
        items: Sequence[Any],
        notes: Sequence[Note],
        started_ns: int,
        limit_seconds: float,
    ) -> None:
        self.strategy = strategy
        self.max_workers = max_workers
        self.pool = pool
        #: What was called for each item, without its wrapper.
        self.function = function
        self.items = items
        self.notes = notes
        #: When the pool was given the tasks, by perf_counter_ns: one clock for all processes of a system.
        self.started_ns = started_ns
        #: How long a probe may take for what it does besides.
        self.limit_seconds = limit_seconds
        self.results = [note[4] for note in notes]


def readings(done: TaskPass, further: Sequence[str] = ()) -> list[dict[str, Any]]:
    """Have every probe of scope "tasks" evaluate the round; one that cannot says why."""
    found: list[dict[str, Any]] = []
    for probe in catalog.probes(further).values():
        if probe.evaluate is None:
            continue
        try:
            values = probe.evaluate(done)
        except NotReadable as reason:
            values = [reason.message] * len(probe.quantities)
        except Exception as error:  # noqa: BLE001 - what was measured before must not be lost over it
            values = [named(error)] * len(probe.quantities)
        found += plain_readings(probe, values)
    return found
