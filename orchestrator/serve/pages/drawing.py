"""A process that draws charts: the engine holds Python's lock from beginning to end, seconds the first time.

In the server's own process all other threads would answer nobody meanwhile, and its runs would wait.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from concurrent.futures import BrokenExecutor, CancelledError, ProcessPoolExecutor

from parlab.orchestrator.show.charts.base import Chart
from parlab.workers.errors import LabError

#: Beyond this, something is wrong with the engine or the machine; a first picture takes some seconds.
LIMIT_SECONDS = 60.0
#: Without a chart for so long the process ends by itself: it takes some 100 MB.
IDLE_SECONDS = 300
#: What is measured comes first.
_NICENESS = 10


class NotDrawn(LabError):
    """A chart could not be drawn."""


class DrawingProcess:
    """One process that draws, begun when it is needed. May be used from any thread: charts take turns."""

    def __init__(self) -> None:
        """Begin without a process."""
        self._turn = threading.Lock()
        self._lock = threading.Lock()
        self._pool: ProcessPoolExecutor | None = None
        self._closed = False

    def svg(self, chart: Chart) -> str:
        """Draw a chart as SVG; raises NotDrawn where that fails."""
        try:
            with self._turn:
                try:
                    return self._drawn(chart)
                except BrokenExecutor:
                    # It had ended, since nothing was asked for a while.
                    self._end()
                    return self._drawn(chart)
        except (BrokenExecutor, CancelledError, TimeoutError) as error:
            self._end()
            raise NotDrawn(
                f"chart {chart.name}: the drawing process died", "See the server's log."
            ) from error
        except Exception as error:
            raise NotDrawn(
                f"chart {chart.name}: {type(error).__name__}: {error}", "Please report it."
            ) from error

    def close(self) -> None:
        """End the process, and begin no other: who waits for a picture hears that there is none."""
        self._closed = True
        self._end()

    def _drawn(self, chart: Chart) -> str:
        with self._lock:
            if self._closed:
                raise CancelledError
            if self._pool is None:
                # Spawned: a fork of a process with threads may find their locks held.
                context = multiprocessing.get_context("spawn")
                self._pool = ProcessPoolExecutor(1, mp_context=context, initializer=_begin)
            future = self._pool.submit(_draw, chart)
        return future.result(LIMIT_SECONDS)

    def _end(self) -> None:
        with self._lock:
            pool, self._pool = self._pool, None
        if pool is not None:
            # Killed, not waited for: a picture may take long. Python has a method for it from 3.14 on.
            for process in list((pool._processes or {}).values()):  # noqa: SLF001 - see above
                process.kill()
            pool.shutdown(wait=False, cancel_futures=True)


def _begin() -> None:
    os.nice(_NICENESS)
    # Ctrl-C in a terminal is for the server; this ends with it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_the_server, daemon=True).start()
    signal.alarm(IDLE_SECONDS)


def _end_with_the_server() -> None:
    server = multiprocessing.parent_process()
    if server is not None:
        # A server that was killed cannot end it.
        server.join()
        os._exit(1)


def _draw(chart: Chart) -> str:
    from parlab.orchestrator.show.charts._kit.drawing import svg

    signal.alarm(0)
    try:
        return svg(chart)
    finally:
        signal.alarm(IDLE_SECONDS)
