"""Side effects of a call: threads and processes that it starts, memory, and whom it stops."""

from __future__ import annotations

import os
from threading import Barrier, Event, Thread
from time import perf_counter, process_time

from ..errors import NotReadable
from ..host.tree import GONE, processes_below, read_file, stat_fields

# See errors.py: typing is not imported in a trial's interpreter.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

#: How often a call is looked at from beside it.
_LOOK_SECONDS = 0.002


class Watched:
    """What was seen of one call; None is what cannot be seen here."""

    __slots__ = ("memory_bytes", "processes", "threads")

    def __init__(self, threads: int | None, processes: int | None, memory_bytes: int | None) -> None:
        #: Threads and processes beyond those that were there before the very first call, at the most.
        self.threads = threads
        self.processes = processes
        #: Peak of the resident memory above what it was before.
        self.memory_bytes = memory_bytes


def watched(function: Callable[[Any], Any], item: Any) -> Watched:
    """Call ``function`` and look at this process meanwhile."""
    most = [0, 0]
    seen = True
    done = Event()

    def look() -> None:
        nonlocal seen
        while True:
            try:
                # Not this thread, nor the one that calls.
                most[0] = max(most[0], int(stat_fields(os.getpid())[17]) - 2)
                most[1] = max(most[1], len(processes_below(os.getpid())))
            except (NotReadable, OSError, ValueError):
                seen = False
                return
            if done.wait(_LOOK_SECONDS):
                return

    before = _reset_peak()
    watcher = Thread(target=look, daemon=True)
    watcher.start()
    try:
        function(item)
    finally:
        done.set()
        watcher.join()
    peak = _status_bytes(b"\nVmHWM:") if before is not None else None
    memory = None if peak is None or before is None else max(0, peak - before)
    return Watched(most[0] if seen else None, most[1] if seen else None, memory)


def _reset_peak() -> int | None:
    """Have the kernel count this process's peak anew; give what is resident now, None where it cannot."""
    try:
        fd = os.open("/proc/self/clear_refs", os.O_WRONLY | os.O_CLOEXEC)
        try:
            os.write(fd, b"5")
        finally:
            os.close(fd)
    except OSError:
        return None
    return _status_bytes(b"\nVmRSS:")


def _status_bytes(key: bytes) -> int | None:
    try:
        status = read_file("/proc/self/status")
    except GONE:
        return None
    start = status.find(key)
    return None if start < 0 else int(status[start + len(key) :].split(maxsplit=1)[0]) * 1024


def speed_of_two(
    function: Callable[[Any], Any],
    item: Any,
    calls: int,
    repeats: int,
    setup: Callable[[], object] | None = None,
) -> float:
    """Give how many times as fast two threads do twice ``calls`` calls as one does; the median of a few.

    ``setup`` is called in each of the two before the clock runs. Raises what it or the function raises.
    """
    ratios = []
    for _ in range(repeats):
        begin = perf_counter()
        for _ in range(2 * calls):
            function(item)
        alone = perf_counter() - begin
        ratios.append(alone / _together(function, item, calls, setup))
    ratios.sort()
    return ratios[len(ratios) // 2]


def _together(
    function: Callable[[Any], Any], item: Any, calls: int, setup: Callable[[], object] | None
) -> float:
    errors: list[BaseException] = []
    ready = Barrier(3)

    def work() -> None:
        try:
            try:
                if setup is not None:
                    setup()
            finally:
                ready.wait()
            for _ in range(calls):
                function(item)
        except BaseException as error:  # noqa: BLE001 - raised below, in the thread that asked
            errors.append(error)

    threads = [Thread(target=work, daemon=True) for _ in range(2)]
    for thread in threads:
        thread.start()
    ready.wait()
    begin = perf_counter()
    for thread in threads:
        thread.join()
    seconds = perf_counter() - begin
    if errors:
        raise errors[0]
    return seconds


def cost_of(function: Callable[[Any], Any], item: Any, calls: int) -> tuple[float, float]:
    """Give the seconds of a call, over so many, and its share that is on the CPU (above 1: on several).

    Time in which other programs had the CPU that it wanted is neither.
    """
    cpu, queued, begin = _cpu_seconds(), _queued_seconds(), perf_counter()
    for _ in range(calls):
        function(item)
    wall, used = perf_counter() - begin, _cpu_seconds() - cpu
    seconds = max(wall - (_queued_seconds() - queued), used if used <= wall else 0.0) / calls
    return seconds, used / calls / seconds if seconds > 0 else 0.0


def _queued_seconds() -> float:
    """Time that this thread was ready and waited for a CPU; 0 where the kernel does not say."""
    try:
        return int(read_file("/proc/thread-self/schedstat").split()[1]) / 1e9
    except (*GONE, OSError, IndexError, ValueError):
        return 0.0


def _cpu_seconds() -> float:
    from resource import RUSAGE_CHILDREN, getrusage

    children = getrusage(RUSAGE_CHILDREN)
    return process_time() + children.ru_utime + children.ru_stime
