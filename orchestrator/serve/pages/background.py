"""Threads for what takes a while: reports, comparisons, pictures."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from parlab.workers.errors import EnvironmentFault

T = TypeVar("T")

#: Who asks for more hears that there is much to do: nothing here may pile up.
MOST_WAITING = 32
#: What is measured, and who only reads a page, come first.
_NICENESS = 10


class Background:
    """A thread that does one piece of work after another, at low priority."""

    def __init__(self, name: str) -> None:
        """Open it; its thread begins with the first piece of work."""
        self._executor = ThreadPoolExecutor(1, thread_name_prefix=name, initializer=_be_nice)
        self._lock = threading.Lock()
        self._waiting = 0

    def do(self, work: Callable[[], T]) -> Future[T]:
        """Have something done; raises EnvironmentFault where too much waits already."""
        with self._lock:
            if self._waiting >= MOST_WAITING:
                raise EnvironmentFault(
                    f"{self._waiting} reports and pictures are already waiting to be made",
                    "Ask again in a minute.",
                )
            self._waiting += 1
        try:
            future = self._executor.submit(work)
        except RuntimeError as error:
            self._less(None)
            raise _shutting_down() from error
        future.add_done_callback(self._less)
        return future

    def close(self) -> None:
        """Begin nothing more; what is being done ends by itself."""
        self._executor.shutdown(wait=False, cancel_futures=True)

    def _less(self, future: object) -> None:
        del future
        with self._lock:
            self._waiting -= 1


def _shutting_down() -> EnvironmentFault:
    return EnvironmentFault("the orchestrator is shutting down", "Ask again when it is back.")


def _be_nice() -> None:
    # On Linux a thread has a priority of its own; elsewhere this would be the whole process's.
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)


async def awaited(future: Future[T], seconds: float | None = None) -> T:
    """Wait for a future; what it makes is made all the same if nobody waits any more.

    Raises:
        TimeoutError: it takes longer than ``seconds``.
        EnvironmentFault: the orchestrator is shutting down.
    """
    try:
        # Shielded: others may wait for the same.
        return await asyncio.wait_for(asyncio.shield(asyncio.wrap_future(future)), seconds)
    except asyncio.CancelledError:
        if future.cancelled():
            raise _shutting_down() from None
        raise
