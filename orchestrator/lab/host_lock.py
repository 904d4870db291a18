"""One run at a time on a host: the second one waits, and says for whom."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from parlab.workers.clock import Clock
from parlab.workers.errors import EnvironmentFault
from parlab.workers.host.lock import Holder, open_lock, read_holder, try_lock, write_holder

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
    descriptor = open_lock(place)
    try:
        told = None
        while not try_lock(descriptor):
            holder = read_holder(place)
            if holder != told:
                waiting(holder)
                told = holder
            clock.sleep(POLL_SECONDS)
        write_holder(descriptor, Holder(run, "", os.getpid()))
        yield
    finally:
        os.close(descriptor)


@contextmanager
def home_lock(home: Path) -> Iterator[None]:
    """Hold a home for one orchestrator; raises EnvironmentFault where another has it."""
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = open_lock(home / "orchestrator.lock")
    try:
        if not try_lock(descriptor):
            raise EnvironmentFault(
                f"another parlab serve uses {home}", "End it, or set PARLAB_HOME to another folder."
            )
        yield
    finally:
        os.close(descriptor)
