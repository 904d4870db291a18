"""One measurement per host at a time: the host's lock, held by the guardian while a sitting runs.

The slot in Redis is what the lab takes; a node whose lab has lost it may not know yet, and a
killed node's guardian may live a moment longer. The lock is the kernel's: it goes with its holder.
"""

from __future__ import annotations

import fcntl
import json
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ..clock import Clock
from ..errors import EnvironmentFault, SpecRefused

#: How often a guardian that waits looks again.
POLL_SECONDS = 0.05
#: How long it waits for another lab's sitting.
LIMIT_SECONDS = 300.0


@dataclass(frozen=True)
class Holder:
    """Who measures, as it is written into the lock's file."""

    run: str
    sitting: str
    pid: int

    def __str__(self) -> str:
        """Name it for people."""
        what = f"sitting {self.sitting} of run {self.run}" if self.sitting else f"run {self.run}"
        return f"{what} (pid {self.pid})"


def lock_path() -> Path:
    """Return the lock's path: one for all users, since each would be the other's noise."""
    return Path(tempfile.gettempdir()) / "parlab-sitting.lock"


@contextmanager
def host_lock(
    clock: Clock,
    run: str,
    sitting: str,
    *,
    limit_seconds: float = LIMIT_SECONDS,
    path: Path | None = None,
    waiting: Callable[[str], None] | None = None,
) -> Iterator[None]:
    """Hold the host's lock; while another sitting holds it, wait.

    ``waiting`` is called once, with who holds it, for people.

    Raises:
        EnvironmentFault: the lock cannot be opened, or was held by another beyond the limit.
    """
    place = path or lock_path()
    descriptor = open_lock(place)
    try:
        deadline = clock.monotonic_ns() + int(limit_seconds * 1e9)
        told = waiting is None
        while not try_lock(descriptor):
            if not told and waiting is not None:
                waiting(read_holder(place))
                told = True
            if clock.monotonic_ns() >= deadline:
                raise EnvironmentFault(
                    f"this host was held by {read_holder(place)} for {limit_seconds:.0f} s",
                    "Wait for it to end, or end it.",
                )
            clock.sleep(POLL_SECONDS)
        write_holder(descriptor, Holder(run, sitting, os.getpid()))
        yield
    finally:
        os.close(descriptor)


def check_fence(fence: int, newest: int, boot_id: str) -> None:
    """Refuse a sitting whose lab has lost the host's slot to another since it sent it.

    Raises:
        SpecRefused: the slot was given out again.
    """
    if fence < newest:
        raise SpecRefused(
            f"slot {fence} of the host with boot id {boot_id} was given to another meanwhile (now {newest})",
            "Nothing is to be done: the run takes a new slot and sends the sitting again.",
        )


def open_lock(place: Path) -> int:
    """Open a lock file that all users of the machine share; raises :class:`EnvironmentFault`."""
    flags = os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        # Not O_CREAT at first: in a sticky folder the kernel refuses it on another user's file.
        return os.open(place, os.O_RDWR | flags)
    except FileNotFoundError:
        pass
    except PermissionError:
        return os.open(place, os.O_RDONLY | flags)
    except OSError as error:
        raise _cannot_open(place, error) from error
    try:
        descriptor = os.open(place, os.O_RDWR | os.O_CREAT | flags, 0o666)
        os.fchmod(descriptor, 0o666)
    except OSError as error:
        raise _cannot_open(place, error) from error
    return descriptor


def _cannot_open(place: Path, error: OSError) -> EnvironmentFault:
    return EnvironmentFault(
        f"cannot open the host's lock {place}: {error.strerror}",
        "Set TMPDIR to a folder that you can write to.",
    )


def try_lock(descriptor: int) -> bool:
    """Take the lock if it is free."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def write_holder(descriptor: int, holder: Holder) -> None:
    """Say in the file who holds the lock."""
    about = {"run": holder.run, "sitting": holder.sitting, "pid": holder.pid}
    try:
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps(about).encode(), 0)
    except OSError:
        # Another user's file, open for reading, or a full disk: the lock holds all the same.
        return


def read_holder(place: Path) -> str:
    """Say who holds a lock, as far as its file tells."""
    try:
        about = json.loads(place.read_text(encoding="utf-8"))
        return str(Holder(str(about["run"]), str(about["sitting"]), int(about["pid"])))
    except (OSError, ValueError, KeyError, TypeError):
        return "another sitting"
