"""Faults that are real: what one task of a pool does to itself, and the tasks beside it."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable

# See errors.py: typing is not imported in a trial's interpreter.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

#: What a victim may take besides what it has, before its limit stops it; bytes.
_HEADROOM_BYTES = 64 << 20
#: From so much at a time down to so little: in the end there is really nothing left.
_LARGEST_BYTES, _SMALLEST_BYTES = 16 << 20, 64 << 10
#: An allocator may fill what it gives: so much is asked for at most of what it has reserved.
_RESERVED_BYTES = 128 << 20
#: What is asked for in the end.
_REFUSED_BYTES = 4 << 30

#: As a scenario's parameter names them.
FAULTS = ("exception", "exit", "kill", "segfault", "memory")

#: How long a task that nothing is wrong with waits, and what it takes and fills while it works.
_TASK_SECONDS = 0.01
_TASK_BYTES = 1 << 20


class WantedFault(Exception):
    """The exception that a task was to raise."""


def sound(number: int) -> int:
    """Be one of the other tasks: wait a little, then take some memory and fill it."""
    time.sleep(_TASK_SECONDS)
    block = bytearray(_TASK_BYTES)
    block[::4096] = b"\1" * (_TASK_BYTES // 4096)
    return number if sum(block) else -1


def cause(fault: str, path: str) -> None:
    """Note the moment in the file, then cause the fault in this process, which may not return."""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    os.write(fd, str(time.monotonic_ns()).encode())
    os.close(fd)
    if fault == "exit":
        os._exit(1)
    if fault == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if fault == "segfault":
        import ctypes

        ctypes.string_at(0)
    if fault == "memory":
        _exhaust_memory()
    raise WantedFault("this task was to fail")


def check(fault: str, error: BaseException | None) -> None:
    """Raise :class:`RuntimeError` where what a task ended with is not what its fault ends it with."""
    from concurrent.futures import BrokenExecutor

    wanted = {"exception": WantedFault, "memory": MemoryError}.get(fault, BrokenExecutor)
    if not isinstance(error, wanted):
        raise RuntimeError(f"the fault {fault} ended its task with {error!r}")  # noqa: TRY004 - it is no argument


def caused_ns(path: str) -> int | None:
    """Read when the fault was caused, of the monotonic clock; None: it was not."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        return int(os.read(fd, 32) or 0) or None
    finally:
        os.close(fd)


def _exhaust_memory() -> None:
    """Take memory until the limit of this process, which is set a little above what it has, refuses it."""
    from mmap import mmap
    from resource import RLIMIT_AS, getrlimit, setrlimit

    with open("/proc/self/statm", "rb") as statm:  # noqa: PTH123 - pathlib costs a trial's interpreter 5 ms
        pages = int(statm.read().split()[0])
    limit = pages * os.sysconf("SC_PAGE_SIZE") + _HEADROOM_BYTES
    setrlimit(RLIMIT_AS, (limit, getrlimit(RLIMIT_AS)[1]))
    # Mapped and never filled: what is exhausted is this process's limit, not the machine's memory.
    hoard: list[Any] = []
    _fill(hoard, lambda size: mmap(-1, size))
    # What the allocator had mapped for this thread beforehand, as far as that is not very much.
    _fill(hoard, bytes, _RESERVED_BYTES)
    # More than any allocator has left: a MemoryError as Python raises it.
    hoard.append(bytes(_REFUSED_BYTES))
    raise WantedFault("the limit on the address space did not hold")


def _fill(hoard: list[Any], take: Callable[[int], object], most_bytes: int | None = None) -> None:
    size, taken = _LARGEST_BYTES, 0
    while size >= _SMALLEST_BYTES and (most_bytes is None or taken < most_bytes):
        try:
            hoard.append(take(size))
            taken += size
        except (MemoryError, OSError):
            size //= 2
