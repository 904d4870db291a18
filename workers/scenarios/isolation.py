"""Effect of one task's fault on the others, on its pool, and on the process that has the pool.

A pool of four workers gets eight tasks. The first one is the fault: it strikes while three others are
at work, each of which takes 10 ms, and four wait. The pool belongs to a process of its own (the caller),
so that its death can be watched: "the victim" of a thread's or an interpreter's fault is that process.
What a fault of memory does depends on who else has to live with the limit: it is one on the address
space of the victim, a little above what it has.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from importlib.util import find_spec
from threading import Semaphore

from ..errors import NotReadable
from ..strategies.base import nothing
from . import _faults
from ._caller import Caller, CallerEnded, CallerSilent, TrialLine
from .base import Bench, Measure, Parameter, Scenario, Variant

# See errors.py: typing is not imported in a trial's interpreter.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from concurrent.futures import Executor, Future
    from typing import Any


_WORKERS, _TASKS = 4, 8
_START_SECONDS = 20.0
#: A caller that says nothing more for so long is as good as dead.
_SILENT_SECONDS = 5.0


def serve(line: TrialLine, arguments: Sequence[str]) -> None:
    """Be the caller: have the tasks done, say which gave a result, and try to be served again."""
    variant, fault, path = arguments
    pool = _pool(variant)
    if not fault:
        # A new caller, in the place of one that died.
        pool.submit(nothing).result()
        line.say(f"served {time.monotonic_ns()}")
        _leave(pool)
        return
    _start_all(variant, pool)
    line.say("ready")
    faulty = pool.submit(_faults.cause, fault, path)
    reported = Semaphore(0)
    others = [_submitted(pool, number, partial(_say_of, line, reported)) for number in range(1, _TASKS)]
    error = faulty.exception(_SILENT_SECONDS)
    if error is None and variant == "interpreters":
        # Python 3.14 loses a MemoryError on its way from one interpreter to another: the task counts as done.
        line.say("unsaid")
    else:
        _faults.check(fault, error)
    broken = False
    try:
        pool.submit(nothing).result(_SILENT_SECONDS)
    except RuntimeError:
        # BrokenExecutor is one; that a pool cannot start a thread any more is another.
        broken = True
        pool = _pool(variant)
        pool.submit(nothing).result(_SILENT_SECONDS)
    line.say(f"served {time.monotonic_ns()}")
    line.say(f"broken {int(broken)}")
    for _ in filter(None, others):
        # Not the futures themselves: they are done before it is said what they gave.
        reported.acquire(timeout=_SILENT_SECONDS)
    line.say("over")
    _leave(pool)


def _submitted(pool: Executor, number: int, then: Callable[[Future[int]], None]) -> bool:
    try:
        pool.submit(_faults.sound, number).add_done_callback(then)
    except RuntimeError:
        # The fault was faster: the pool takes no more.
        return False
    return True


def _say_of(line: TrialLine, reported: Semaphore, future: Future[int]) -> None:
    try:
        if not future.cancelled() and future.exception() is None:
            line.say(f"result {future.result()}")
    finally:
        reported.release()


def _leave(pool: Executor) -> None:
    # As a user leaves it; whatever that takes is none of what is measured.
    pool.shutdown(wait=False, cancel_futures=True)


def _start_all(variant: str, pool: Executor) -> None:
    """Have all workers there: the fault strikes a pool that is at work, not one that starts."""
    from ..strategies._start_barrier import in_each_thread, in_each_worker

    (in_each_thread if variant == "threads" else in_each_worker)(pool, _WORKERS, nothing)


def _pool(variant: str) -> Executor:
    from concurrent import futures

    if variant == "threads":
        return futures.ThreadPoolExecutor(_WORKERS)
    if variant == "processes":
        from multiprocessing import get_context

        return futures.ProcessPoolExecutor(_WORKERS, mp_context=get_context("forkserver"))
    make: Any = getattr(futures, "InterpreterPoolExecutor")  # noqa: B009 - not before Python 3.14
    # An interpreter does not inherit it, and would find nothing of this package.
    find_all = f"import sys; sys.path[:] = {sys.path!r}"
    executor: Executor = make(_WORKERS, initializer=exec, initargs=(find_all,))
    return executor


class _Seen:
    """What the trial has seen of one caller."""

    def __init__(self) -> None:
        self.results = 0
        self.broken = False
        #: Whether the task that failed came back without its error.
        self.unsaid = False
        self.served_ns: int | None = None

    def take(self, text: str) -> bool:
        """Take what the caller said; False where that was its last word."""
        word, _, value = text.partition(" ")
        if word == "result":
            self.results += 1
        elif word == "served":
            self.served_ns = int(value)
        elif word == "broken":
            self.broken = value == "1"
        elif word == "unsaid":
            self.unsaid = True
        return word != "over"


class IsolationBench(Bench):
    """A caller with a pool, anew in each round, one of whose tasks is the fault."""

    def __init__(self, variant: str, fault: str) -> None:
        from tempfile import mkdtemp

        self._variant = variant
        self._fault = fault
        self._folder = mkdtemp(prefix="parlab-")
        self._unsaid = 0

    def round(self) -> Sequence[float | str]:
        """Cause the fault, see what becomes of the rest, and wait until tasks are done again."""
        path = f"{self._folder}/moment"
        caller = Caller("isolation", self._variant, self._fault, path)
        seen = _Seen()
        died = False
        try:
            caller.hear(_START_SECONDS)
            try:
                while seen.take(caller.hear(_SILENT_SECONDS * 2)):
                    pass
            except (CallerEnded, CallerSilent):
                died = True
        finally:
            caller.end()
        self._unsaid += seen.unsaid
        caused = _faults.caused_ns(path)
        if caused is None:
            raise RuntimeError("the fault was not caused")
        os.unlink(path)  # noqa: PTH108 - pathlib costs a trial's interpreter 5 ms
        served = self._served_by_another() if died else seen.served_ns
        assert served is not None
        others = _TASKS - 1
        return (
            (others - seen.results) / others,
            float(died or seen.broken),
            float(died),
            (served - caused) / 1e9,
        )

    def close(self) -> None:
        """Remove the folder."""
        os.rmdir(self._folder)  # noqa: PTH106 - the same

    def notes(self) -> str | None:
        """Tell of errors that nobody was told of."""
        if not self._unsaid:
            return None
        rounds = f"{self._unsaid} round{'s' * (self._unsaid != 1)}"
        return f"In {rounds}, the failed task was reported as done, with None and no error."

    def _served_by_another(self) -> int:
        caller = Caller("isolation", self._variant, "", "")
        try:
            return int(caller.hear(_START_SECONDS).partition(" ")[2])
        finally:
            caller.end()


def open_bench(variant: str, parameters: Mapping[str, Any]) -> Bench:
    """Make the bench; each round starts its own caller."""
    fault = parameters["fault"]
    if fault == "memory" and not os.path.exists("/proc/self/statm"):  # noqa: PTH110 - the same
        raise NotReadable(f"how much a process has, for a limit above it: no /proc on {sys.platform}")
    if fault == "segfault" and find_spec("_ctypes") is None:
        raise NotImplementedError("this Python build has no ctypes, by which a task could cause a segfault")
    return IsolationBench(variant, fault)


SCENARIO = Scenario(
    name="isolation",
    summary="One task of a pool really fails: which other tasks are lost, and when the pool serves again.",
    measures=(
        Measure("tasks_lost", "ratio", "Share of the other tasks that gave no result.", over_rounds="mean"),
        Measure(
            "pool_broken",
            "ratio",
            "Share of faults after which the pool took no more tasks, or was gone with its process.",
            over_rounds="mean",
        ),
        Measure(
            "caller_died",
            "ratio",
            "Share of faults that ended the process which has the pool, or made it hang.",
            over_rounds="mean",
        ),
        Measure(
            "serves_again",
            "seconds",
            "From the fault until a task that was submitted afterwards is done: by the same pool, where "
            "tasks of 10 ms are before it, a new one, or a new process's where the caller died.",
        ),
    ),
    variants=(
        Variant("threads", "A ThreadPoolExecutor."),
        Variant("processes", "A ProcessPoolExecutor.", start_method="forkserver"),
        Variant("interpreters", "An InterpreterPoolExecutor (3.14+).", subinterpreters=True),
    ),
    parameters={
        "fault": Parameter(
            str,
            "exception",
            choices=_faults.FAULTS,
            summary="An exception; os._exit(1); SIGKILL to itself; a read of address 0; "
            "memory exhausted against RLIMIT_AS.",
        ),
    },
    open=open_bench,
    rounds=3,
)
