"""Folders and locks of a home: who holds a run's lock is running the run."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from parlab.workers.errors import BadInput, EnvironmentFault, StorageFull
from parlab.workers.host.lock import Lock, is_held

#: Who only looks at a lock (parlab list) holds it for an instant, and is waited for.
_LOOK_SECONDS = 0.2


@contextmanager
def home_lock(home: Path) -> Iterator[None]:
    """Hold a home for one orchestrator; raises EnvironmentFault where another has it."""
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    with Lock(home / "orchestrator.lock") as lock:
        if not lock.take():
            raise EnvironmentFault(
                f"another parlab serve uses {home}", "End it, or set PARLAB_HOME to another folder."
            )
        yield


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
        opened = Lock(path)
    except OSError as error:
        kind = StorageFull if error.errno == 28 else EnvironmentFault
        raise kind(
            f"cannot use {path.parent}: {error.strerror}",
            "Set PARLAB_HOME to a folder that you can write to.",
        ) from error
    with opened as lock:
        if not lock.take(_LOOK_SECONDS):
            raise BadInput(
                f"run {run} is running already", "Wait for it, or stop it with Ctrl-C in its terminal."
            )
        yield path.parent


@contextmanager
def held_if_idle(home: Path, run: str) -> Iterator[bool]:
    """Hold the lock of a run that has a folder of its own; False: somebody runs it. Raises OSError."""
    folder = run_folder(home, run)
    if folder.is_dir() and not folder.is_symlink():
        with Lock(lock_path(home, run)) as lock:
            yield lock.take()
    else:
        yield not is_held(lock_path(home, run))


def run_folder(home: Path, run: str) -> Path:
    """Folder of a run's own files: server data, spools, logs, lock."""
    return home / "runs" / run


def lock_path(home: Path, run: str) -> Path:
    """Return the lock (flock, exclusive) that a run's command holds while the run is running."""
    return run_folder(home, run) / "lock"


def is_running(home: Path, run: str) -> bool:
    """Whether a command holds the run's lock; what its state says may be left from a killed one."""
    try:
        return is_held(lock_path(home, run))
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
