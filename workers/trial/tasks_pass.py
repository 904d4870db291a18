"""An untimed round in which each task notes when and where it ran, and what is evaluated of it."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from threading import get_ident
from time import perf_counter_ns

from .. import catalog
from ..errors import NotReadable, named
from ..probes.base import TaskPass, plain_readings

# See errors.py: typing is not imported in a trial's interpreter.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..probes.base import Note
    from ..strategies.base import Strategy


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


def readings(done: TaskPass, further: Sequence[str] = ()) -> list[dict[str, Any]]:
    """Have every probe of scope "tasks" evaluate the round; one that cannot says why."""
    plain: list[dict[str, Any]] = []
    for probe in catalog.probes(further).values():
        if probe.evaluate is None:
            continue
        try:
            values = probe.evaluate(done)
        except NotReadable as reason:
            values = [reason.message] * len(probe.quantities)
        except Exception as error:  # noqa: BLE001 - what was measured before must not be lost over it
            values = [named(error)] * len(probe.quantities)
        plain += plain_readings(probe, values)
    return plain
