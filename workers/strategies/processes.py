"""Processes, each with its own memory and its own GIL: ``ProcessPoolExecutor.map``."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import process as process_pools
from concurrent.futures.process import BrokenProcessPool, ProcessPoolExecutor
from multiprocessing import get_context
from threading import Thread

from ._start_barrier import in_each_worker
from .base import BuildFacts, Option, Pool, Strategy, nothing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from multiprocessing.process import BaseProcess
    from typing import Any


#: How long a pool's processes and servers may take to end before it goes on without them.
_END_SECONDS = 1.0

START_METHOD = Option(
    str,
    # The default of Python 3.14: fork copies locks that threads may hold, spawn loads all anew.
    "forkserver",
    choices=("fork", "forkserver", "spawn"),
    summary="How multiprocessing starts its processes.",
)


class ProcessesPool(Pool):
    """A ProcessPoolExecutor."""

    def __init__(
        self, max_workers: int, options: Mapping[str, Any], initializer: Callable[[], object] | None
    ) -> None:
        most = options["max_tasks_per_child"]
        # What the mending added; there is nothing public that shows it.
        mended = hasattr(process_pools._ExecutorManagerThread, "_replace_dead_worker")  # noqa: SLF001
        if most is not None and most > 1 and not mended:
            raise NotImplementedError(
                "on this Python, a pool with max_tasks_per_child above 1 hangs once its processes have "
                "ended (python/cpython issue 115634): use a newer patch release, or 1"
            )
        self._max_workers = max_workers
        self._chunksize = options["chunksize"]
        self._executor = ProcessPoolExecutor(
            max_workers,
            mp_context=get_context(options["start_method"]),
            initializer=initializer,
            max_tasks_per_child=most,
        )
        self.renews_processes = most is not None
        self._processes: Mapping[int, BaseProcess] = {}

    def ping(self) -> None:
        """Return when every process has run something."""
        self._each(nothing)

    def map(self, function: Callable[[Any], Any], items: Sequence[Any]) -> list[Any]:
        """Do what people write."""
        return list(self._executor.map(function, items, chunksize=self._chunksize))

    def survey(self, function: Callable[[], Any]) -> list[Any]:
        """Call ``function`` once in each process; in one of them where processes come and go."""
        if self.renews_processes:
            # Waiting for all of them at once could wait for ever: the executor starts another only when
            # it counts no idle one, and may count one that has ended.
            return [self._executor.submit(function).result()]
        return self._each(function)

    def _each(self, function: Callable[[], Any]) -> list[Any]:
        try:
            return in_each_worker(self._executor, self._max_workers, function)
        finally:
            # The executor's own table: how a process ended is known to nobody else, and a broken
            # executor that is shut down forgets it.
            self._processes = dict(getattr(self._executor, "_processes", None) or {})

    def close(self) -> None:
        """Shut the executor down and join its processes."""
        self._executor.shutdown(wait=True)

    def pids(self) -> list[int]:
        """Give the processes of the executor."""
        if self.renews_processes:
            return list(getattr(self._executor, "_processes", None) or {})
        return list(self._processes)

    def breakage(self, error: BaseException) -> str | None:
        """Say which process died and how."""
        if not isinstance(error, BrokenProcessPool):
            return None
        if error.__cause__ is not None:
            # Not a death: the last line of the other side's traceback says what came back.
            last_line = str(error.__cause__).strip("'\"\n").rpartition("\n")[2]
            return f"the pool broke: a result could not be read back: {last_line}"
        codes = self._exit_codes()
        # The executor ends the others by SIGTERM once one is gone.
        culprits = {pid: code for pid, code in codes.items() if code != -signal.SIGTERM} or codes
        ends = ", ".join(f"process {pid} {_how_it_ended(code)}" for pid, code in culprits.items())
        return f"the pool broke: {ends or error}"

    def _exit_codes(self) -> dict[int, int]:
        # Its manager thread collects them; asking a process at the same time would take a code away
        # from it. In a thread of our own, because some versions hang in this.
        thread = Thread(target=self._executor.shutdown, daemon=True)
        thread.start()
        thread.join(_END_SECONDS)
        if thread.is_alive():
            return {}
        codes = {pid: process.exitcode for pid, process in self._processes.items()}
        return {pid: code for pid, code in codes.items() if code is not None}

    def tidy(self) -> None:
        """Release multiprocessing's semaphores and end its servers."""
        tidy_multiprocessing()


def tidy_multiprocessing() -> None:
    """Release multiprocessing's semaphores and end its servers, within a second.

    They would end by themselves after the trial's interpreter, but would be seen for a moment as
    processes that were left behind.
    """
    # In a thread, because a server ends when nobody holds its pipe any more, and a process that the
    # workload forked and left running does.
    thread = Thread(target=_end_servers, daemon=True)
    thread.start()
    thread.join(_END_SECONDS)


def _end_servers() -> None:
    finish = getattr(sys.modules.get("multiprocessing.util"), "_run_finalizers", nothing)
    # Semaphores first: unlinking one later would start the resource tracker again.
    finish(0)
    server = getattr(sys.modules.get("multiprocessing.forkserver"), "_forkserver", None)
    pid = getattr(server, "_forkserver_pid", None)
    if pid is not None:
        # Its processes have ended; ending itself as it likes would take an interpreter's 10 ms.
        os.kill(pid, signal.SIGKILL)
    getattr(server, "_stop", nothing)()
    # Never killed: it removes what a workload has left in shared memory.
    tracker = getattr(sys.modules.get("multiprocessing.resource_tracker"), "_resource_tracker", None)
    getattr(tracker, "_stop", nothing)()
    # At last the folder of the forkserver's socket.
    finish()


def _how_it_ended(code: int) -> str:
    if code >= 0:
        return f"ended by itself with exit code {code}"
    from ..host.processes import signal_name

    return f"was killed by {signal_name(-code)}" + (" (out of memory?)" if -code == signal.SIGKILL else "")


def impossible(max_workers: int, options: Mapping[str, Any]) -> str | None:
    """Refuse processes that are forked and replaced: the standard library does, for safety's sake."""
    del max_workers
    if options["max_tasks_per_child"] is not None and options["start_method"] == "fork":
        return "processes: max_tasks_per_child cannot be used with start_method fork"
    return None


def unavailable(facts: BuildFacts, options: Mapping[str, Any]) -> str | None:
    """Say what this build lacks for processes to be started so."""
    if "_multiprocessing" in facts.lacks:
        return "this Python build has no multiprocessing (it lacks _multiprocessing)"
    if options["start_method"] not in facts.start_methods:
        return f"this Python build cannot start processes by {options['start_method']}"
    return None


STRATEGY = Strategy(
    name="processes",
    summary="A ProcessPoolExecutor: processes, each with its own memory and its own GIL.",
    simplicity=4,
    options={
        "start_method": START_METHOD,
        "chunksize": Option(int, 1, minimum=1, unit="tasks", summary="Tasks handed to a process at a time."),
        "max_tasks_per_child": Option(
            int,
            None,
            minimum=1,
            unit="calls",
            summary="Replace a process after this many chunks of tasks; by default, never.",
        ),
    },
    open=ProcessesPool,
    isolation="process",
    unavailable=unavailable,
    impossible=impossible,
)
