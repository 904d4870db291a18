"""A run's own lock: who holds it is running the run."""

from __future__ import annotations

import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from parlab.workers.errors import BadInput, EnvironmentFault, StorageFull

_LOOKS = 20
_LOOK_SECONDS = 0.01


@contextmanager
def running_lock(home: Path, run: str) -> Iterator[Path]:
    """Hold a run's lock and give its folder, made if it is not there. It goes with its holder.

    Raises:
        BadInput: another command is running this run.
        EnvironmentFault: the folder cannot be written.
    """
    path = lock_path(home, run)
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        kind = StorageFull if error.errno == 28 else EnvironmentFault
        raise kind(
            f"cannot use {path.parent}: {error.strerror}",
            "Set PARLAB_HOME to a folder that you can write to.",
        ) from error
    try:
        if not _taken(descriptor):
            raise BadInput(
                f"run {run} is running already", "Wait for it, or stop it with Ctrl-C in its terminal."
            )
        yield path.parent
    finally:
        os.close(descriptor)


def _taken(descriptor: int) -> bool:
    """Take the lock; who only looks at it (parlab list) holds it for an instant, and is waited for."""
    for _ in range(_LOOKS):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(_LOOK_SECONDS)
        else:
            return True
    return False


def run_folder(home: Path, run: str) -> Path:
    """Folder of a run's own files: server data, spools, logs, lock."""
    return home / "runs" / run


def lock_path(home: Path, run: str) -> Path:
    """Return the lock (flock, exclusive) that a run's command holds while the run is running."""
    return run_folder(home, run) / "lock"


def is_running(home: Path, run: str) -> bool:
    """Whether a command holds the run's lock; what its state says may be left from a killed one."""
    try:
        with _lock(lock_path(home, run), take=False) as free:
            return not free
    except OSError as error:
        raise EnvironmentFault(
            f"{lock_path(home, run)} cannot be opened: {error.strerror}",
            "Use PARLAB_HOME as the user who owns its runs.",
        ) from error


def remove_folder(home: Path, run: str) -> None:
    """Remove a run's folder, if there is one; of a link only the link. Raises ``OSError``."""
    folder = run_folder(home, run)
    if folder.is_symlink():
        folder.unlink()
    elif folder.exists():
        shutil.rmtree(folder)


@contextmanager
def _lock(path: Path, *, take: bool) -> Iterator[bool]:
    """Tell whether a run's lock is free, and hold it meanwhile; without a lock file it is free.

    ``take``: exclusively, and make the file. Otherwise shared: two that only look must not take each
    other for a run.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC | (os.O_CREAT if take else 0), 0o600)
    except (FileNotFoundError, NotADirectoryError):
        yield True
        return
    try:
        try:
            fcntl.flock(descriptor, (fcntl.LOCK_EX if take else fcntl.LOCK_SH) | fcntl.LOCK_NB)
            free = True
        except BlockingIOError:
            free = False
        yield free
    finally:
        os.close(descriptor)
