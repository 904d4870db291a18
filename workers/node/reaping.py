"""A forked guardian's end, seen from its node: waited for, its group killed, and nothing left over."""

from __future__ import annotations

import os
import select
import signal
import time
from contextlib import suppress

from ..host.processes import children, describe, end_and_reap

#: Where the system has no handle to wait for a process's end, it is looked at so often.
_POLL_SECONDS = 0.05
#: Processes that start others while they are ended are gone after a few looks.
_LOOKS = 5


def wait_for_end(pid: int, seconds: float) -> bool:
    """Wait up to ``seconds`` for a child's end, which is not taken: its pid and group stay its own."""
    if _has_ended(pid):
        return True
    descriptor = _handle(pid)
    if descriptor is not None:
        try:
            select.select([descriptor], [], [], seconds)
        finally:
            os.close(descriptor)
        return _has_ended(pid)
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        time.sleep(min(_POLL_SECONDS, seconds))
        if _has_ended(pid):
            return True
    return False


def take_end(pid: int) -> int | None:
    """Kill what is left of the group of a child that has ended, and take its wait status.

    None where its status was taken by another. The order matters: once it is reaped, its group's
    number can be another's.
    """
    if pid > 0 and pid != os.getpgrp():
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)
    try:
        return os.waitpid(pid, 0)[1]
    except ChildProcessError:
        return None


def end_descendants() -> list[str]:
    """End every process below this one; those that stay are named (the kernel itself holds them).

    Called where this process should have none. Orphans that left their group come here, too, since
    the node adopts them.
    """
    for _ in range(_LOOKS):
        left = children()
        if not left:
            return []
        end_and_reap(left)
    return [describe(pid) for pid in children()]


def _has_ended(pid: int) -> bool:
    try:
        return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is not None
    except ChildProcessError:
        return True


def _handle(pid: int) -> int | None:
    if not hasattr(os, "pidfd_open"):
        return None
    try:
        return os.pidfd_open(pid)
    except OSError:
        # A kernel older than 5.3, or a sandbox without it.
        return None
