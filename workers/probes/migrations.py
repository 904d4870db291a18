"""Moves of the trial's threads from one CPU to another in the rounds: caches do not move."""

from __future__ import annotations

import os

from ..errors import NotReadable
from ..host.tree import GONE, read_file
from .base import CountersMeter, Probe, Quantity

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..host.tree import Tree

_KEY = b"\nse.nr_migrations"


class MigrationsMeter(CountersMeter):
    """Adds up over the threads that are there at both ends of a round.

    A look takes about 10 µs per thread, as the switches' does; both are outside of what is timed.
    """

    def __init__(self, tree: Tree, proc: str = "/proc") -> None:
        super().__init__(tree, proc)
        self._read()

    def now(self) -> dict[int, tuple[int, ...]]:
        """Read every thread's migrations."""
        if not os.path.exists(f"{self._proc}/{self._tree.root}/sched"):  # noqa: PTH110 - pathlib costs a trial 5 ms
            raise NotReadable("this kernel does not report migrations (it has no /proc/PID/sched)")
        counts: dict[int, tuple[int, ...]] = {}
        for pid in (self._tree.root, *self._tree.below):
            counts.update((thread, (count,)) for thread, count in migrations_of(pid, self._proc).items())
        return counts


def migrations_of(pid: int, proc: str = "/proc") -> dict[int, int]:
    """Give the migrations of each thread of a process, by thread id; what is gone is left out."""
    counts = {}
    try:
        threads = os.listdir(f"{proc}/{pid}/task")  # noqa: PTH208 - pathlib costs a trial 5 ms
    except GONE:
        return {}
    for thread in threads:
        try:
            counts[int(thread)] = _read(read_file(f"{proc}/{pid}/task/{thread}/sched"))
        except GONE:
            continue
    return counts


def _read(sched: bytes) -> int:
    start = sched.find(_KEY)
    if start < 0:
        raise NotReadable("this kernel does not count migrations")
    return int(sched[sched.index(b":", start) + 1 : sched.index(b"\n", start + 1)])


PROBE = Probe(
    name="migrations",
    summary="Moves of the trial's threads between CPUs in the timed rounds.",
    quantities=(Quantity("migrations", "count", "How often a thread continued on another CPU."),),
    open=MigrationsMeter,
)
