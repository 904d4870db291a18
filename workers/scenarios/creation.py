"""Cost of a worker that is made for one thing and ended again, by its kind."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import repeat
from time import perf_counter_ns

from .base import Bench, Measure, Scenario, Variant, repetitions

# See errors.py: typing is not imported in a trial's interpreter.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from asyncio import Future
    from typing import Any


_METHODS = {"process-fork": "fork", "process-forkserver": "forkserver", "process-spawn": "spawn"}

#: Nanoseconds until workers had answered, and from then until they were joined.
_Sums = tuple[int, int]


class _Creation(Bench):
    """Makes workers one after the other; each answers once and ends, and is joined."""

    def __init__(self) -> None:
        self._count = repetitions(lambda count: sum(self._create(count)) / 1e9)

    def round(self) -> Sequence[float | str]:
        """Make and end as many workers as fill a round; give the seconds of one."""
        started, ended = (sum_ / 1e9 / self._count for sum_ in self._create(self._count))
        return [started + ended, started, ended]

    @abstractmethod
    def _create(self, count: int) -> _Sums:
        """Make and end ``count`` workers."""


class _Threads(_Creation):
    """``Thread``: it answers by letting go of a lock, and has nothing else to do."""

    def _create(self, count: int) -> _Sums:
        from threading import Lock

        answered = Lock()
        answered.acquire()
        return _create_threads(count, answered.release, answered.acquire)


class _Interpreters(_Creation):
    """A thread with an interpreter of its own, as an InterpreterPoolExecutor makes and ends its workers."""

    def _create(self, count: int) -> _Sums:
        from threading import Lock

        answered = Lock()
        answered.acquire()
        return _create_threads(count, partial(_in_interpreter, answered.release), answered.acquire)


def _in_interpreter(answer: Callable[[], object]) -> None:
    from concurrent import interpreters  # type: ignore[attr-defined]

    interpreter = interpreters.create()
    # It has come up when it has run something.
    interpreter.exec("")
    answer()
    interpreter.close()


def _create_threads(count: int, work: Callable[[], object], await_answer: Callable[[], object]) -> _Sums:
    from threading import Thread

    started = ended = 0
    before = perf_counter_ns()
    for _ in repeat(None, count):
        thread = Thread(target=work)
        thread.start()
        await_answer()
        answered = perf_counter_ns()
        thread.join()
        joined = perf_counter_ns()
        started += answered - before
        ended += joined - answered
        before = joined
    return started, ended


class _Processes(_Creation):
    """``multiprocessing.Process``: it answers by a byte through a pipe. It loads no module of parlab's."""

    def __init__(self, method: str) -> None:
        from multiprocessing import get_context

        self._context = get_context(method)
        self._answers, self._answering = self._context.Pipe(duplex=False)
        super().__init__()

    def _create(self, count: int) -> _Sums:
        make = self._context.Process  # type: ignore[attr-defined]  # typeshed: not of the base class
        started = ended = 0
        before = perf_counter_ns()
        for _ in repeat(None, count):
            process = make(target=self._answering.send_bytes, args=(b".",))
            process.start()
            self._answers.recv_bytes()
            answered = perf_counter_ns()
            process.join()
            joined = perf_counter_ns()
            process.close()
            started += answered - before
            ended += joined - answered
            before = perf_counter_ns()
        return started, ended

    def close(self) -> None:
        """Close the pipe."""
        self._answers.close()
        self._answering.close()


class _Tasks(_Creation):
    """``create_task``: it answers by a future. The event loop is kept, as a server keeps its own."""

    def __init__(self) -> None:
        from asyncio import Runner

        self._runner = Runner()
        super().__init__()

    def _create(self, count: int) -> _Sums:
        return self._runner.run(_create_tasks(count))

    def close(self) -> None:
        """Close the loop."""
        self._runner.close()


async def _create_tasks(count: int) -> _Sums:
    from asyncio import get_running_loop

    loop = get_running_loop()
    started = ended = 0
    before = perf_counter_ns()
    for _ in repeat(None, count):
        answer = loop.create_future()
        task = loop.create_task(_answer(answer))
        await answer
        answered = perf_counter_ns()
        await task
        joined = perf_counter_ns()
        started += answered - before
        ended += joined - answered
        before = joined
    return started, ended


async def _answer(answer: Future[Any]) -> None:
    answer.set_result(None)


_KINDS: dict[str, Callable[[], Bench]] = {"thread": _Threads, "interpreter": _Interpreters, "task": _Tasks}


def open_bench(variant: str, parameters: Mapping[str, Any]) -> Bench:
    """Make the first workers of the kind, so that what all later ones share is there."""
    del parameters
    if variant in _METHODS:
        return _Processes(_METHODS[variant])
    return _KINDS[variant]()


SCENARIO = Scenario(
    name="creation",
    summary="Seconds to make a worker and end it again: thread, process, interpreter, asyncio task.",
    measures=(
        Measure(
            "creation", "seconds", "Per worker: from its start until it has answered and until it is joined."
        ),
        Measure("creation_start", "seconds", "Per worker: from its start until it has answered."),
        Measure("creation_end", "seconds", "Per worker: from its answer, after which it ends, until joined."),
    ),
    variants=(
        Variant("thread", "A threading.Thread."),
        Variant("process-fork", "A multiprocessing.Process, forked.", start_method="fork"),
        Variant(
            "process-forkserver",
            "A multiprocessing.Process, by a server that is there already.",
            start_method="forkserver",
        ),
        Variant("process-spawn", "A multiprocessing.Process, from a new interpreter.", start_method="spawn"),
        Variant(
            "interpreter", "A thread with a subinterpreter of its own (Python 3.14).", subinterpreters=True
        ),
        Variant("task", "An asyncio task in a loop that runs."),
    ),
    open=open_bench,
)
