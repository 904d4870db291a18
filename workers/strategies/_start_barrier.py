"""Start barrier: a function is called exactly once in each of a pool's workers, threads or processes.

A pool gives a task to whoever is free, and starts its workers as tasks come in; so each worker is
held at its task until all of them have one. They are blocked, not asleep: waiting costs no CPU,
which a cold start would show.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from concurrent.futures import Executor, Future
from functools import partial
from threading import Barrier

# See errors.py: typing is not imported in a trial's interpreter.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_CAME, _FAILED = b".", b"!"


def in_each_thread(executor: Executor, threads: int, function: Callable[[], Any]) -> list[Any]:
    """Call ``function`` once in each thread of a pool of ``threads``; raises what it or the start raises."""
    barrier = Barrier(threads)

    def meet() -> Any:
        barrier.wait()
        return function()

    futures: list[Future[Any]] = []
    try:
        for _ in range(threads):
            futures.append(executor.submit(meet))  # noqa: PERF401 - those submitted are counted in the error
    except RuntimeError as error:
        barrier.abort()
        raise RuntimeError(f"thread {len(futures) + 1} of {threads}: {error}") from error
    return [future.result() for future in futures]


def in_each_worker(executor: Executor, workers: int, function: Callable[[], Any]) -> list[Any]:
    """Call ``function`` once in each of a pool's ``workers``, processes or interpreters; give its values.

    Each worker writes a byte into one named pipe when it has come and then waits for another one to
    be opened: pipes that are inherited would not reach what forkserver or spawn start, and nothing
    that waits in memory is shared between interpreters. Raises what the function raises, and
    BrokenProcessPool when a process dies meanwhile.
    """
    folder = tempfile.mkdtemp(prefix="parlab-")
    came, go = f"{folder}/came", f"{folder}/go"
    os.mkfifo(came, 0o600)
    os.mkfifo(go, 0o600)
    came_fd = os.open(came, os.O_RDWR | os.O_CLOEXEC)
    go_fd = -1
    futures: list[Future[Any]] = []
    try:
        try:
            for _ in range(workers):
                future = executor.submit(_meet, came, go, function)
                future.add_done_callback(partial(_tell_of_failure, came_fd))
                futures.append(future)
            _await_all(came_fd, workers)
        finally:
            go_fd = os.open(go, os.O_RDWR | os.O_CLOEXEC)
        return [future.result() for future in futures]
    finally:
        for future in futures:
            # Its callback writes to the pipe that is closed below.
            future.exception()
        os.close(came_fd)
        os.close(go_fd)
        shutil.rmtree(folder)


def _await_all(came_fd: int, workers: int) -> None:
    came = 0
    while came < workers:
        received = os.read(came_fd, 4096)
        if _FAILED in received:
            return
        came += len(received)


def _tell_of_failure(came_fd: int, future: Future[Any]) -> None:
    if future.exception() is not None:
        os.write(came_fd, _FAILED)


def _meet(came: str, go: str, function: Callable[[], Any]) -> Any:
    value = function()
    fd = os.open(came, os.O_WRONLY | os.O_CLOEXEC)
    os.write(fd, _CAME)
    os.close(fd)
    # Opening a named pipe for reading waits until somebody has it open for writing.
    os.close(os.open(go, os.O_RDONLY | os.O_CLOEXEC))
    return value
