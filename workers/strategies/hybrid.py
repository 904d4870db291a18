"""Threads inside processes: a ProcessPoolExecutor whose processes each keep a ThreadPoolExecutor."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures.thread import ThreadPoolExecutor
from functools import partial

from ._start_barrier import in_each_thread
from .base import Option, Strategy, nothing
from .processes import START_METHOD, ProcessesPool, unavailable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


#: In a pool's process: its threads, made when it starts and kept for all its tasks.
_threads_here: ThreadPoolExecutor | None = None


class HybridPool(ProcessesPool):
    """Processes × threads."""

    def __init__(
        self, max_workers: int, options: Mapping[str, Any], initializer: Callable[[], object] | None
    ) -> None:
        split_up = split(max_workers, options)
        assert split_up is not None
        self._processes_wanted, self._threads = split_up
        self._part_size = options["chunksize"]
        super().__init__(
            self._processes_wanted,
            {"start_method": options["start_method"], "chunksize": 1, "max_tasks_per_child": None},
            partial(_open_here, self._threads, initializer),
        )

    def ping(self) -> None:
        """Return when every thread of every process has run something."""
        self._each(partial(_survey_here, self._threads, nothing))

    def map(self, function: Callable[[Any], Any], items: Sequence[Any]) -> list[Any]:
        """Give each process a part of the items, and each part's items to that process's threads."""
        parts = _parts(items, self._processes_wanted, self._part_size)
        run = partial(_run_part, function)
        return [result for part in self._executor.map(run, parts) for result in part]

    def survey(self, function: Callable[[], Any]) -> list[Any]:
        """Call ``function`` once in each thread of each process."""
        surveyed = self._each(partial(_survey_here, self._threads, function))
        return [value for values in surveyed for value in values]


def _parts(items: Sequence[Any], processes: int, size: int | None) -> list[Sequence[Any]]:
    """Cut the items into parts of ``size``; None: one part per process, as equal as can be."""
    if size is not None:
        return [items[start : start + size] for start in range(0, len(items), size)]
    count = min(processes, len(items))
    return [items[i * len(items) // count : (i + 1) * len(items) // count] for i in range(count)]


def _open_here(threads: int, initializer: Callable[[], object] | None) -> None:
    global _threads_here  # noqa: PLW0603 - a pool's process has no other place that outlives a task
    _threads_here = ThreadPoolExecutor(threads, initializer=initializer)


def _run_part(function: Callable[[Any], Any], part: Sequence[Any]) -> list[Any]:
    assert _threads_here is not None
    return list(_threads_here.map(function, part))


def _survey_here(threads: int, function: Callable[[], Any]) -> list[Any]:
    assert _threads_here is not None
    return in_each_thread(_threads_here, threads, function)


def split(max_workers: int, options: Mapping[str, Any]) -> tuple[int, int] | None:
    """Divide ``max_workers`` into processes × threads; None when the options do not multiply to it.

    What is not given is worked out: the other factor, or both as near to a square as they can be,
    the processes being the greater number (8 → 4 × 2, 5 → 5 × 1).
    """
    processes, threads = options["processes"], options["threads"]
    if isinstance(processes, int):
        split_up = processes, threads if isinstance(threads, int) else max_workers // processes
    elif isinstance(threads, int):
        split_up = max_workers // threads, threads
    else:
        fewer = next(n for n in range(math.isqrt(max_workers), 0, -1) if max_workers % n == 0)
        split_up = max_workers // fewer, fewer
    return split_up if split_up[0] * split_up[1] == max_workers else None


def impossible(max_workers: int, options: Mapping[str, Any]) -> str | None:
    """Refuse numbers of processes and threads that do not multiply to ``max_workers``."""
    if split(max_workers, options) is not None:
        return None
    asked = " × ".join(f"{options[name]} {name}" for name in ("processes", "threads") if options[name])
    return f"hybrid: {asked} do not multiply to max_workers {max_workers}"


STRATEGY = Strategy(
    name="hybrid",
    summary="Threads inside processes: each process of a pool keeps a pool of threads.",
    simplicity=5,
    options={
        "processes": Option(int, None, minimum=1, summary="Processes; processes × threads is max_workers."),
        "threads": Option(int, None, minimum=1, summary="Threads in each process."),
        "start_method": START_METHOD,
        "chunksize": Option(
            int,
            None,
            minimum=1,
            unit="tasks",
            summary="Tasks handed to a process at a time; by default each process gets one equal part.",
        ),
    },
    open=HybridPool,
    isolation="process",
    unavailable=unavailable,
    impossible=impossible,
)
