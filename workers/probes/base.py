"""Base of the probes: one thing about a trial that is measured, and the meter that does it."""

from __future__ import annotations

import os
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Sequence

from ..errors import NotReadable

# See errors.py: typing is not imported in a trial's interpreter.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Literal

    from ..host.tree import Tree
    from ..strategies.base import Pool, Strategy

    #: A task's begin and end (perf_counter_ns), process, thread, and its result.
    Note = tuple[int, int, int, int, Any]


class Quantity:
    """One value that a probe gives."""

    __slots__ = ("better", "name", "summary", "unit")

    def __init__(
        self, name: str, unit: str, summary: str, better: Literal["lower", "higher", "neither"] = "lower"
    ) -> None:
        #: ``Reading.probe`` of its readings; unique over all probes.
        self.name = name
        #: Base unit: "seconds", "bytes", "ratio", "count".
        self.unit = unit
        self.summary = summary
        self.better = better


class Meter(ABC):
    """A probe at work in one trial. It sees the timed rounds and nothing else.

    ``begin`` and ``end`` are called around each round, outside of what is timed; both may raise
    :class:`NotReadable` or :class:`OSError`, which ends the meter and becomes the reason shown.
    """

    def opened(self) -> None:  # noqa: B027 - most meters have no use for it
        """Note where things stand when the pool has opened and answered, before any task."""

    @abstractmethod
    def begin(self) -> None:
        """Note where things stand before a round."""

    @abstractmethod
    def end(self, seconds: float) -> None:
        """Add what the round did; ``seconds`` is how long it took."""

    @abstractmethod
    def values(self) -> list[float | str]:
        """Give the sums over all rounds, one per quantity; a string is the reason why there is none."""


class CountersMeter(Meter):
    """Adds up by how much the counters of the trial's processes, or of their threads, go up in the rounds."""

    #: Whether one that began within a round counts from 0 on; otherwise it is left out.
    counts_new = False

    def __init__(self, tree: Tree, proc: str = "/proc") -> None:
        self._tree = tree
        self._proc = proc
        self._before: dict[int, tuple[int, ...]] = {}
        self._sums: list[int] = []

    @abstractmethod
    def now(self) -> dict[int, tuple[int, ...]]:
        """Read the counters, one per quantity, by process or thread; raises :class:`NotReadable`."""

    def begin(self) -> None:
        """Note every counter."""
        self._before = self._read()

    def end(self, seconds: float) -> None:
        """Add what they went up by."""
        del seconds
        for key, counts in self._read().items():
            before = self._before.get(key, (0,) * len(counts) if self.counts_new else counts)
            gained = [late - early for early, late in zip(before, counts, strict=True)]
            self._sums = [sum(pair) for pair in zip(self._sums or [0] * len(counts), gained, strict=True)]

    def values(self) -> list[float | str]:
        """Give the sums."""
        return [float(total) for total in self._sums]

    def _read(self) -> dict[int, tuple[int, ...]]:
        if self._tree.unreadable is not None:
            raise NotReadable(self._tree.unreadable)
        return self.now()


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


class Probe:
    """One measured thing. A file of this folder holds one, as its constant ``PROBE``.

    A probe of scope "round" has ``open``; its meter runs inside the trial's interpreter. One of
    scope "pass" has ``sample``; the guardian calls it from outside, again and again during an
    untimed round, and keeps the greatest values: what it costs would show in a timed one. One of
    scope "tasks" has ``evaluate``; the trial calls it after another untimed round, in which it noted
    when and where each task ran.
    """

    __slots__ = ("evaluate", "name", "open", "quantities", "sample", "scope", "summary")

    def __init__(
        self,
        *,
        name: str,
        summary: str,
        quantities: tuple[Quantity, ...],
        open: Callable[[Tree], Meter] | None = None,  # noqa: A002 - the counterpart of Strategy.open
        sample: Callable[[Sequence[int], Collection[int]], list[float | str]] | None = None,
        evaluate: Callable[[TaskPass], list[float | str]] | None = None,
    ) -> None:
        #: The file's name without ``.py``.
        self.name = name
        self.summary = summary
        #: Each of the three that follow gives one value per quantity, in this order; a string is the
        #: reason why there is none.
        self.quantities = quantities
        self.scope: Literal["round", "pass", "tasks"] = "round"
        if open is None:
            self.scope = "pass" if sample is not None else "tasks"
        #: (tree of the trial) → its meter; raises :class:`NotReadable` with the reason.
        self.open = open
        #: (processes of the trial, those that are its pool's own workers) → the values for them now;
        #: raises :class:`NotReadable`.
        self.sample = sample
        #: (the untimed round with its notes) → the values; raises :class:`NotReadable`.
        self.evaluate = evaluate


def check_proc(proc: str) -> None:
    """Raise :class:`NotReadable` where there is no /proc."""
    if not os.path.isdir(proc):  # noqa: PTH112 - pathlib costs a trial's interpreter 5 ms
        raise NotReadable(f"no {proc} on {sys.platform}")


def plain_readings(probe: Probe, values: list[float | str]) -> list[dict[str, Any]]:
    """Give a probe's values as ``wire.result.Reading`` has them, as plain data."""
    return [
        {
            "probe": quantity.name,
            "unit": quantity.unit,
            "value": None if isinstance(value, str) else float(value),
            "reason": value if isinstance(value, str) else None,
        }
        for quantity, value in zip(probe.quantities, values, strict=True)
    ]
