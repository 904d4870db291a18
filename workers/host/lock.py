"""Locks by files: one holder at a time; the kernel lets go when the holder ends, however that is.

Two are the machine's. One run at a time measures on it: two whose sittings took turns would each take twice
as long and drift apart within their blocks. And one sitting: a node whose lab has lost the host's slot may
not know yet, and a killed node's guardian may live a moment longer.
"""

from __future__ import annotations

import fcntl
import json
import math
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path

from ..clock import Clock
from ..errors import EnvironmentFault, SpecRefused

#: How often a guardian that waits looks again.
_SITTING_POLL_SECONDS = 0.05
#: How often a run that waits looks again. A look costs the run that measures next to nothing.
POLL_SECONDS = 0.5
#: How long a guardian waits for another lab's sitting.
LIMIT_SECONDS = 300.0
_LOOK_SECONDS = 0.01


class Lock(AbstractContextManager["Lock"]):
    """A lock's file, open until :meth:`close`, which lets go of the lock."""

    def __init__(self, path: Path, mode: int | None = 0o600) -> None:
        """Open the file, made with ``mode`` if it is not there (None: it is not made). Raises OSError."""
        flags = os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            # Not O_CREAT at first: in a sticky folder the kernel refuses it on another user's file.
            self.descriptor = os.open(path, os.O_RDWR | flags)
        except FileNotFoundError:
            if mode is None:
                raise
            self.descriptor = os.open(path, os.O_RDWR | os.O_CREAT | flags, mode)
            os.fchmod(self.descriptor, mode)
        except PermissionError:
            self.descriptor = os.open(path, os.O_RDONLY | flags)

    def take(self, within_seconds: float = 0.0, *, shared: bool = False) -> bool:
        """Take the lock if it is free, or gets free in time; who only looks takes it ``shared``."""
        limit = time.monotonic() + within_seconds
        while True:
            try:
                fcntl.flock(self.descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() >= limit:
                    return False
                time.sleep(_LOOK_SECONDS)
            else:
                return True

    def close(self) -> None:
        """Close the file; a process that has inherited it holds the lock on."""
        os.close(self.descriptor)

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()


def is_held(path: Path) -> bool:
    """Whether somebody has the lock of this file; without a file nobody has. Raises OSError."""
    try:
        with Lock(path, mode=None) as lock:
            # Shared, and given back at once: two that only look must not take each other for a holder.
            return not lock.take(shared=True)
    except (FileNotFoundError, NotADirectoryError):
        return False


def sitting_lock_path() -> Path:
    """Path of the machine's sitting lock: one for all users, since each would be the other's noise."""
    return Path(tempfile.gettempdir()) / "parlab-sitting.lock"


def run_lock_path() -> Path:
    """Path of the machine's run lock, the same for every PARLAB_HOME and user."""
    return Path(tempfile.gettempdir()) / "parlab-run.lock"


def run_lock(
    clock: Clock, run: str, waiting: Callable[[str], None], path: Path | None = None
) -> AbstractContextManager[None]:
    """Hold this machine's run lock; while another run holds it, wait.

    Args:
        clock: waits between two looks.
        run: id of the run that wants to measure.
        waiting: called once for each holder that is waited for, with a description of it.
        path: of the lock, for tests.

    Raises:
        EnvironmentFault: the lock file cannot be opened.
    """
    return _held(path or run_lock_path(), clock, {"run": run, "sitting": ""}, POLL_SECONDS, math.inf, waiting)


def sitting_lock(
    clock: Clock,
    run: str,
    sitting: str,
    *,
    limit_seconds: float = LIMIT_SECONDS,
    path: Path | None = None,
    waiting: Callable[[str], object] = str,
) -> AbstractContextManager[None]:
    """Hold this machine's sitting lock; while another sitting holds it, wait.

    ``waiting`` is called for each holder that is waited for, with a description of it.

    Raises:
        EnvironmentFault: the lock cannot be opened, or was held by another beyond the limit.
    """
    holder = {"run": run, "sitting": sitting}
    return _held(path or sitting_lock_path(), clock, holder, _SITTING_POLL_SECONDS, limit_seconds, waiting)


@contextmanager
def _held(
    path: Path,
    clock: Clock,
    holder: dict[str, str],
    poll_seconds: float,
    limit_seconds: float,
    waiting: Callable[[str], object],
) -> Iterator[None]:
    try:
        opened = Lock(path, mode=0o666)
    except OSError as error:
        raise EnvironmentFault(
            f"cannot open the host's lock {path}: {error.strerror}",
            "Set TMPDIR to a folder that you can write to.",
        ) from error
    with opened as lock:
        began, reported = clock.monotonic_ns(), None
        while not lock.take():
            if (other := read_holder(path)) != reported:
                waiting(other)
                reported = other
            if clock.monotonic_ns() - began >= limit_seconds * 1e9:
                raise EnvironmentFault(
                    f"this host was held by {other} for {limit_seconds:.0f} s",
                    "Wait for it to end, or end it.",
                )
            clock.sleep(poll_seconds)
        # Another user's file is open for reading, or the disk is full: the lock holds all the same.
        with suppress(OSError):
            os.ftruncate(lock.descriptor, 0)
            os.pwrite(lock.descriptor, json.dumps({**holder, "pid": os.getpid()}).encode(), 0)
        yield


def read_holder(path: Path) -> str:
    """Say who holds one of the machine's locks, as far as its file tells."""
    try:
        about = json.loads(path.read_text(encoding="utf-8"))
        run, sitting, pid = str(about["run"]), str(about["sitting"]), int(about["pid"])
    except (OSError, ValueError, KeyError, TypeError):
        return "another sitting"
    return f"{f'sitting {sitting} of ' if sitting else ''}run {run} (pid {pid})"


def check_fence(fence: int, newest: int, boot_id: str) -> None:
    """Refuse a sitting whose lab has lost the host's slot to another since it sent it.

    Raises:
        SpecRefused: the slot was given out again.
    """
    if fence < newest:
        raise SpecRefused(
            f"slot {fence} of the host with boot id {boot_id} has been given to another run (now {newest})",
            "There is nothing to do: the run takes a new slot and sends the sitting again.",
        )
