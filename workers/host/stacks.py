"""The stacks of a trial that hangs: its processes write them when they get SIGUSR1, the guardian reads them.

``faulthandler`` does it in C, whatever Python code waits for and whoever holds the GIL. Where it writes
to is a file without a name, in memory; who has it open has the handler, too: fork hands both on, exec
neither. So no process is signalled that would be killed by it.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from .tree import GONE, below, read_file, stat_fields

#: For all processes of a trial together. One that is stopped, or that the kernel holds, says nothing.
LIMIT_SECONDS = 0.5
#: For one process, of that.
_ONE_SECONDS = 0.2
#: A text that has not grown between so many looks is whole.
_LOOKS = 3
_LOOK_SECONDS = 0.002
#: What is kept of one process and of all: a pool's workers mostly hang in the same place.
_ONE_CHARACTERS = 6_000
_ALL_CHARACTERS = 16_000
_SIGNAL_BIT = 1 << (signal.SIGUSR1 - 1)


def register() -> int | None:
    """Have SIGUSR1 write the stacks of all threads of this process, and of those that it forks.

    Returns the file descriptor that it is written to; None where the system has no files in memory
    (other systems than Linux), on which nothing is registered.
    """
    if not hasattr(os, "memfd_create"):
        return None
    anonymous = os.memfd_create(_name(os.getpid()))
    try:
        # Opened once more: only so each of several processes writes behind what there is.
        return _write_to(f"/proc/self/fd/{anonymous}")
    except OSError:
        # No /proc: nobody could read it, either.
        return None
    finally:
        os.close(anonymous)


def join(root: int, descriptor: int, then: Callable[[], object] | None = None) -> None:
    """Have this process write its stacks where ``root`` writes them, and go on with ``then``.

    For what a pool starts without a fork of ``root``: spawn and forkserver hand nothing on. What was
    forked has it already.
    """
    if _descriptor_of(os.getpid(), root) is None:
        # Where ``root`` has ended nobody will ask.
        with suppress(OSError):
            _write_to(f"/proc/{root}/fd/{descriptor}")
    if then is not None:
        then()


def joining(descriptor: int | None, then: Callable[[], object] | None) -> Callable[[], object] | None:
    """Give the initializer of a pool of processes: :func:`join`, then ``then``."""
    return then if descriptor is None else partial(join, os.getpid(), descriptor, then)


def collected(root: int, limit_seconds: float = LIMIT_SECONDS) -> str | None:
    """Ask a process and those below it for their stacks, one after another; None: none has said any.

    Called from outside, when ``root`` is to be ended anyway. Processes that have no handler are left
    alone.
    """
    deadline = time.monotonic() + limit_seconds
    try:
        descriptor = _descriptor_of(root, root)
        if descriptor is None:
            return None
        text = os.open(f"/proc/{root}/fd/{descriptor}", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        parts = []
        for pid in (root, *below(root)):
            stack = _ask(pid, root, text, min(deadline, time.monotonic() + _ONE_SECONDS))
            if stack:
                where = "" if pid == root else f", below {root}"
                parts.append(f"Process {pid}{where}:\n{_shortened(stack.strip(), _ONE_CHARACTERS)}\n")
    finally:
        os.close(text)
    return _shortened("\n".join(parts), _ALL_CHARACTERS) or None


def _write_to(path: str) -> int:
    import faulthandler

    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
    faulthandler.register(signal.SIGUSR1, file=descriptor, all_threads=True)
    return descriptor


def _name(root: int) -> str:
    return f"parlab-stacks-{root}"


def _descriptor_of(pid: int, root: int) -> int | None:
    """Find the file descriptor by which ``pid`` writes to the file of ``root``."""
    wanted = f"/memfd:{_name(root)} (deleted)"
    try:
        for entry in os.listdir(f"/proc/{pid}/fd"):  # noqa: PTH208 - pathlib costs a trial's interpreter 5 ms
            try:
                if os.readlink(f"/proc/{pid}/fd/{entry}") == wanted:  # noqa: PTH115 - the same
                    return int(entry)
            except FileNotFoundError:
                continue
    except OSError:
        return None
    return None


def _ask(pid: int, root: int, text: int, deadline: float) -> str:
    begin = size = os.fstat(text).st_size
    if not _would_answer(pid, root):
        return ""
    try:
        os.kill(pid, signal.SIGUSR1)
    except (ProcessLookupError, PermissionError):
        return ""
    same = 0
    while same < _LOOKS and time.monotonic() < deadline:
        time.sleep(_LOOK_SECONDS)
        now = os.fstat(text).st_size
        same = same + 1 if now == size > begin else 0
        size = now
    return os.pread(text, size - begin, begin).decode("utf-8", "replace")


def _would_answer(pid: int, root: int) -> bool:
    try:
        caught = next(
            line for line in read_file(f"/proc/{pid}/status").splitlines() if line.startswith(b"SigCgt:")
        )
        # Stopped or dead, it would not take the signal.
        awake = stat_fields(pid)[0] not in (b"T", b"t", b"Z", b"X")
    except (*GONE, StopIteration):
        return False
    return awake and bool(int(caught.split()[1], 16) & _SIGNAL_BIT) and _descriptor_of(pid, root) is not None


def _shortened(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[:limit]}\n… ({len(text)} characters)"
