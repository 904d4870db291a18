"""Interruption of work from outside: what a request does, how soon, and what is still there afterwards.

The work is a loop in pure Python of a fixed length; it looks whether it is to stop only where the
request is an event. It runs in a process of its own, which does what its user would write; the
request comes when the work has begun. The work notes in shared memory that it goes on, so that its
end is known whoever died.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence

from ..host.processes import is_ending
from ._caller import Caller, TrialLine
from ._pulse import Pulse, work, work_in_steps
from .base import Bench, BuildFacts, Measure, Parameter, Scenario, Variant

# See errors.py: typing is not imported in a trial's interpreter.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


#: The work's own length, and how long it is let alone before the request.
WORK_SECONDS = 0.35
_ALONE_SECONDS = 0.03
#: What worked for less than this share of its length has stopped before its own end.
_WELL_BEFORE = 0.8
#: What is gone so long after the request was not left behind. Work that goes on is not over by then.
_AFTERWARDS_SECONDS = 0.15
_START_SECONDS = 20.0
#: What is late because the machine is busy is waited for so long beyond the work's length.
_LATE_SECONDS = 10.0
_LOOK_SECONDS = 0.002
_REQUESTS = ("event", "cancel", "shutdown", "terminate", "kill", "ctrl-c")
#: What there is no way to ask for, and why.
_IMPOSSIBLE = {
    ("threads", "terminate"): "a thread cannot be terminated from outside: Python has no call for it",
    ("threads", "kill"): "a thread cannot be killed from outside: a signal kills its whole process",
    ("tasks", "shutdown"): "asyncio tasks are in no executor that could be shut down",
    ("tasks", "terminate"): "an asyncio task is not a process that a signal could end",
    ("tasks", "kill"): "an asyncio task is not a process that a signal could end",
}


def serve(line: TrialLine, arguments: Sequence[str]) -> None:
    """Start the work, wait for a word, make the request, and finish as a user would."""
    variant, request, path = arguments
    user = Pulse(path)
    if variant == "tasks":
        import asyncio

        asyncio.run(_in_tasks(line, request, path, user))
    elif request == "ctrl-c":
        with _pool(variant) as pool:
            # The signal comes while this waits, and leaves by the end of the block.
            pool.submit(work, path, WORK_SECONDS).result()
    elif request in ("cancel", "shutdown"):
        pool = _pool(variant)
        future = pool.submit(work, path, WORK_SECONDS)
        line.hear()
        user.ask()
        if request == "cancel":
            future.cancel()
            pool.shutdown(wait=False)
        else:
            pool.shutdown(wait=False, cancel_futures=True)
    else:
        _with_one(variant, request, path, line, user)


def _with_one(variant: str, request: str, path: str, line: TrialLine, user: Pulse) -> None:
    context = _context(variant)
    start: Any = context.Thread if variant == "threads" else context.Process
    stop = context.Event()
    worker = start(target=work, args=(path, WORK_SECONDS, stop.is_set if request == "event" else None))
    worker.start()
    line.hear()
    user.ask()
    if request == "event":
        stop.set()
    elif request == "terminate":
        worker.terminate()
    else:
        worker.kill()
    worker.join()


async def _in_tasks(line: TrialLine, request: str, path: str, user: Pulse) -> None:
    import asyncio

    stop, requested = asyncio.Event(), asyncio.Event()
    task = asyncio.create_task(_work_letting_go(path, stop.is_set if request == "event" else None))
    asyncio.get_running_loop().add_reader(line.fileno(), requested.set)
    if request != "ctrl-c":
        await requested.wait()
        user.ask()
        if request == "event":
            stop.set()
        else:
            task.cancel()
    try:
        await task
    except asyncio.CancelledError:
        if request == "ctrl-c":
            raise


async def _work_letting_go(path: str, asked: Callable[[], bool] | None) -> None:
    import asyncio

    for _ in work_in_steps(path, WORK_SECONDS, asked):
        await asyncio.sleep(0)


def _pool(variant: str) -> Any:
    from concurrent import futures

    if variant == "threads":
        return futures.ThreadPoolExecutor(1)
    return futures.ProcessPoolExecutor(1, mp_context=_context(variant))


def _context(variant: str) -> Any:
    if variant == "threads":
        import threading

        return threading
    from multiprocessing import get_context

    return get_context("forkserver")


class InterruptBench(Bench):
    """One piece of work at a time, begun and asked to stop."""

    def __init__(self, variant: str, request: str) -> None:
        from tempfile import mkdtemp

        self._variant = variant
        self._request = request
        self._folder = mkdtemp(prefix="parlab-")
        self._rounds = 0

    def round(self) -> Sequence[float | str]:
        """Begin the work, ask it to stop, and look until it has stopped or come to its own end."""
        self._rounds += 1
        path = f"{self._folder}/{self._rounds}"
        pulse = Pulse(path)
        caller = Caller("interrupt", self._variant, self._request, path)
        try:
            _until(lambda: pulse.begun, caller, _START_SECONDS)
            time.sleep(_ALONE_SECONDS)
            if self._request == "ctrl-c":
                pulse.ask()
                os.killpg(caller.pid, signal.SIGINT)
            else:
                caller.tell("go")
                _until(lambda: pulse.asked, caller, _START_SECONDS)
            asked = time.monotonic()
            # What is gone does not come back: it is not waited for any longer.
            while (
                left := self._left_behind(caller, pulse)
            ) and time.monotonic() < asked + _AFTERWARDS_SECONDS:
                time.sleep(_LOOK_SECONDS)
            # What may still work is waited for: that it stops early, or does not, is what is asked.
            while not pulse.ended and _may_work(caller, pulse) and time.monotonic() < asked + _LATE_SECONDS:
                time.sleep(_LOOK_SECONDS)
            caller.check()
            stopped = not pulse.ended and pulse.worked_seconds < _WELL_BEFORE * WORK_SECONDS
            return (float(stopped), pulse.stopped_seconds, left)
        finally:
            caller.end()
            pulse.close()
            os.unlink(path)  # noqa: PTH108 - pathlib costs a trial's interpreter 5 ms

    def close(self) -> None:
        """Remove the folder."""
        os.rmdir(self._folder)  # noqa: PTH106 - the same

    def _left_behind(self, caller: Caller, pulse: Pulse) -> float | str:
        """Count from outside: nobody who was interrupted needs to help."""
        if not os.path.isdir("/proc"):  # noqa: PTH112 - the same
            return f"no /proc on {sys.platform}"
        if self._variant == "processes":
            return float(not is_ending(pulse.pid))
        # Its main thread is the user's own.
        return float(0 if caller.ended() else caller.threads() - 1)


def _may_work(caller: Caller, pulse: Pulse) -> bool:
    return not caller.ended() or not is_ending(pulse.pid)


def _until(condition: Callable[[], bool], caller: Caller, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        caller.check()
        if (caller.ended() and not condition()) or time.monotonic() > deadline:
            raise RuntimeError("the process that should work, or ask it to stop, did not get that far")
        time.sleep(_LOOK_SECONDS)


def unavailable(variant: str, parameters: Mapping[str, Any], build: BuildFacts) -> str | None:
    """Say why there is no such request for a variant."""
    del build
    return _IMPOSSIBLE.get((variant, str(parameters["request"])))


SCENARIO = Scenario(
    name="interrupt",
    summary="Work that is asked to stop: whether and when it does, and what is left behind.",
    measures=(
        Measure(
            "stopped",
            "ratio",
            "Share of requests after which the work stopped well before it would have ended.",
            "higher",
            over_rounds="mean",
        ),
        Measure(
            "stops_after",
            "seconds",
            "From the request until the work has stopped, by itself if nothing else stops it.",
        ),
        Measure(
            "left_behind",
            "count",
            f"Threads or processes that are still there {_AFTERWARDS_SECONDS:g} s after the request.",
            over_rounds="mean",
        ),
    ),
    variants=(
        Variant("threads", "A thread; for cancel, shutdown and ctrl-c one of a ThreadPoolExecutor."),
        Variant(
            "processes",
            "A process; for cancel, shutdown and ctrl-c one of a ProcessPoolExecutor.",
            start_method="forkserver",
        ),
        Variant("tasks", "An asyncio task that lets go at every step."),
    ),
    parameters={
        "request": Parameter(
            str,
            "event",
            choices=_REQUESTS,
            summary="An event that the work looks at; future.cancel or task.cancel; "
            "shutdown(wait=False, cancel_futures=True); terminate; kill; SIGINT to the process group.",
        ),
    },
    open=lambda variant, parameters: InterruptBench(variant, parameters["request"]),
    rounds=3,
    unavailable=unavailable,
)
