"""A run's own lock: who holds it is running the run."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from parlab.orchestrator.store.retention import lock_path
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
