"""One run at a time on a host: the second one waits, and says for whom."""

from __future__ import annotations

import fcntl
import json
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from workers.clock import Clock
from workers.errors import EnvironmentFault

#: How often a waiting run looks again. A look costs the run that measures next to nothing.
POLL_SECONDS = 0.5


def lock_path() -> Path:
    """Return the path of the lock, the same for every PARLAB_HOME and user of this machine."""
    return Path(tempfile.gettempdir()) / "parlab-run.lock"


@contextmanager
def run_lock(
    clock: Clock, run: str, waiting: Callable[[str], None], path: Path | None = None
) -> Iterator[None]:
    """Hold this host's run lock; while another run holds it, wait.

    Two runs whose sittings took turns would each take twice as long and drift apart within their
    blocks. The lock is the kernel's: it goes with its holder, however that ends.

    Args:
        clock: waits between two looks.
        run: id of the run that wants to measure.
        waiting: called once for each holder that is waited for, with a description of it.
        path: of the lock, for tests.

    Raises:
        EnvironmentFault: the lock file cannot be opened.
    """
    place = path or lock_path()
    descriptor = _open(place)
    try:
        told = None
        while not _try(descriptor):
            holder = _holder(place)
            if holder != told:
                waiting(holder)
                told = holder
            clock.sleep(POLL_SECONDS)
        _sign(descriptor, run)
        yield
    finally:
        os.close(descriptor)


def _open(place: Path) -> int:
    flags = os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        # Not O_CREAT at first: in a sticky folder the kernel refuses it on another user's file.
        return os.open(place, os.O_RDWR | flags)
    except FileNotFoundError:
        pass
    except PermissionError:
        return os.open(place, os.O_RDONLY | flags)
    try:
        descriptor = os.open(place, os.O_RDWR | os.O_CREAT | flags, 0o666)
        os.fchmod(descriptor, 0o666)
    except OSError as error:
        raise EnvironmentFault(
            f"cannot open the host's lock {place}: {error.strerror}",
            "Set TMPDIR to a folder that you can write to.",
        ) from error
    return descriptor


def _try(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _sign(descriptor: int, run: str) -> None:
    try:
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps({"run": run, "pid": os.getpid()}).encode(), 0)
    except OSError:
        # Another user's file, open for reading only, or a full disk: the lock holds all the same.
        return


def _holder(place: Path) -> str:
    try:
        about = json.loads(place.read_text(encoding="utf-8"))
        return f"run {about['run']} (pid {about['pid']})"
    except (OSError, ValueError, KeyError, TypeError):
        return "another run"
