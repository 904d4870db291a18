"""Lost updates of a counter that several workers raise at the same time, without a lock and with one."""

from __future__ import annotations

import sys
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from itertools import repeat
from time import perf_counter_ns

from ..parameter import Parameter
from ._partner import START_METHOD, ProcessPartner, ThreadPartner
from .base import Bench, Measure, Scenario, Variant, repetitions

# See errors.py: typing is not imported in a trial's interpreter.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ._partner import Partner

#: Length of a round where the number of updates is not given: many times the interval (5 ms) at which
#: a build with a GIL has its threads take turns.
_ROUND_SECONDS = 0.08

#: The counter that threads share.
_counter = 0


def _plus_one(value: int) -> int:
    return value + 1


def _add(lock: Any, updates: int) -> None:
    global _counter  # noqa: PLW0603 - this is what is measured
    del lock
    for _ in repeat(None, updates):
        _counter += 1


def _add_by_call(lock: Any, updates: int) -> None:
    global _counter  # noqa: PLW0603 - the same
    del lock
    for _ in repeat(None, updates):
        _counter = _plus_one(_counter)


def _add_locked(lock: Any, updates: int) -> None:
    global _counter  # noqa: PLW0603 - the same
    for _ in repeat(None, updates):
        with lock:
            _counter += 1


def _add_by_call_locked(lock: Any, updates: int) -> None:
    global _counter  # noqa: PLW0603 - the same
    for _ in repeat(None, updates):
        with lock:
            _counter = _plus_one(_counter)


def _add_to_value(value: Any, updates: int) -> None:
    for _ in repeat(None, updates):
        value.value += 1


def _add_to_value_by_call(value: Any, updates: int) -> None:
    for _ in repeat(None, updates):
        value.value = _plus_one(value.value)


def _add_to_value_locked(value: Any, updates: int) -> None:
    for _ in repeat(None, updates):
        with value.get_lock():
            value.value += 1


def _add_to_value_by_call_locked(value: Any, updates: int) -> None:
    for _ in repeat(None, updates):
        with value.get_lock():
            value.value = _plus_one(value.value)


#: (variant, form) → the loop.
_LOOPS: dict[tuple[str, str], Callable[[Any, int], None]] = {
    ("thread", "augmented"): _add,
    ("thread", "call"): _add_by_call,
    ("thread-lock", "augmented"): _add_locked,
    ("thread-lock", "call"): _add_by_call_locked,
    ("value", "augmented"): _add_to_value,
    ("value", "call"): _add_to_value_by_call,
    ("value-lock", "augmented"): _add_to_value_locked,
    ("value-lock", "call"): _add_to_value_by_call_locked,
}


def _count(add: Callable[[Any, int], None], shared: Any, start: Any, updates: int) -> tuple[int, int]:
    """Do one worker's updates, once all workers are there; give when it began and ended."""
    start.wait()
    begin = perf_counter_ns()
    add(shared, updates)
    return begin, perf_counter_ns()


def _count_at(interval_seconds: float, *arguments: Any) -> tuple[int, int]:
    """Do the same in a process of its own, which has a switch interval of its own."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(interval_seconds or before)
    try:
        return _count(*arguments)
    finally:
        sys.setswitchinterval(before)


class _Counting(Bench):
    """Workers that count together, each as far as the others."""

    def __init__(self, start: Any, workers: Sequence[Partner], updates: int) -> None:
        self._start = start
        self._workers = workers
        self._updates = updates or repetitions(self._timed, _ROUND_SECONDS)

    def _timed(self, updates: int) -> float:
        for worker in self._workers:
            worker.begin(updates)
        stamps: list[tuple[int, int]] = [worker.end() for worker in self._workers]
        return (max(end for _, end in stamps) - min(begin for begin, _ in stamps)) / 1e9

    def round(self) -> Sequence[float | str]:
        """Give the share that is missing, and the seconds of an update."""
        expected = len(self._workers) * self._updates
        self._reset()
        seconds = self._timed(self._updates)
        return [1 - self._read() / expected, seconds / expected]

    @abstractmethod
    def _reset(self) -> None:
        """Set the counter to 0."""

    @abstractmethod
    def _read(self) -> int:
        """Give the counter."""

    def close(self) -> None:
        """End the workers."""
        # Those that wait for one that did not come.
        self._start.abort()
        for worker in self._workers:
            worker.close()

    def pids(self) -> list[int]:
        """Give the workers' processes."""
        return [pid for worker in self._workers for pid in worker.pids()]


class _ThreadsCounting(_Counting):
    """Threads, and a global variable."""

    def __init__(
        self, add: Callable[[Any, int], None], interval_seconds: float, workers: int, updates: int
    ) -> None:
        from threading import Barrier, Lock

        self._interval_before = sys.getswitchinterval()
        sys.setswitchinterval(interval_seconds or self._interval_before)
        start, lock = Barrier(workers), Lock()
        counting = [ThreadPartner(_count, add, lock, start) for _ in range(workers)]
        super().__init__(start, counting, updates)

    def _reset(self) -> None:
        global _counter  # noqa: PLW0603 - see _add
        _counter = 0

    def _read(self) -> int:
        return _counter

    def close(self) -> None:
        """End the workers; threads take turns as before."""
        super().close()
        sys.setswitchinterval(self._interval_before)


class _ProcessesCounting(_Counting):
    """Processes, and a ``multiprocessing.Value``."""

    def __init__(
        self, add: Callable[[Any, int], None], interval_seconds: float, workers: int, updates: int
    ) -> None:
        from multiprocessing import get_context

        context = get_context(START_METHOD)
        # Large enough for any number of updates. With its lock, as most people make it: reading it takes
        # the lock, and so does writing it; raising it is both, and nothing holds the lock in between.
        self._value = context.Value("q", 0)
        start = context.Barrier(workers)
        counting: list[Partner] = []
        try:
            for _ in range(workers):
                counting.append(ProcessPartner(_count_at, interval_seconds, add, self._value, start))  # noqa: PERF401 - those that were started are ended
            super().__init__(start, counting, updates)
        except BaseException:
            for worker in counting:
                worker.close()
            raise

    def _reset(self) -> None:
        self._value.value = 0

    def _read(self) -> int:
        return int(self._value.value)


def open_bench(variant: str, parameters: Mapping[str, Any]) -> Bench:
    """Start the workers; find how many updates fill a round, where that is not given."""
    form, interval_seconds = parameters["form"], parameters["switch_interval"]
    workers, updates = parameters["workers"], parameters["updates"]
    kind = _ThreadsCounting if variant in ("thread", "thread-lock") else _ProcessesCounting
    return kind(_LOOPS[variant, form], interval_seconds, workers, updates)


SCENARIO = Scenario(
    name="counter",
    summary="Share of updates of a shared counter that are lost, without a lock and with one.",
    measures=(
        Measure(
            "lost_updates", "ratio", "Share of the updates that are missing at the end.", over_rounds="mean"
        ),
        Measure("increment", "seconds", "Per update, of all workers together."),
    ),
    variants=(
        Variant("thread", "Threads and a global variable, no lock."),
        Variant("thread-lock", "Threads and a global variable, a threading.Lock held for each update."),
        Variant(
            "value",
            "Processes and a multiprocessing.Value, whose lock nobody holds between reading and writing.",
            start_method=START_METHOD,
        ),
        Variant(
            "value-lock",
            "Processes and a multiprocessing.Value, its get_lock() held for each update.",
            start_method=START_METHOD,
        ),
    ),
    open=open_bench,
    parameters={
        "form": Parameter(
            str,
            "augmented",
            choices=("augmented", "call"),
            summary="counter += 1, or: read it, call a Python function with it, write what that returns.",
        ),
        "switch_interval": Parameter(
            float,
            0.0,
            minimum=0,
            maximum=1,
            unit="seconds",
            summary="sys.setswitchinterval() of the counting threads; 0: the build's default.",
        ),
        "workers": Parameter(int, 4, minimum=1, maximum=256, summary="Threads or processes that count."),
        "updates": Parameter(
            int,
            0,
            minimum=0,
            maximum=1_000_000_000,
            summary="Updates of each worker in a round; 0: as many as fill 80 ms.",
        ),
    },
)
