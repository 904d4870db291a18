"""Page faults of the trial's processes in the rounds: memory touched for the first time, or fetched."""

from __future__ import annotations

from resource import RUSAGE_SELF, getrusage

from ..host.tree import GONE, stat_fields
from .base import CountersMeter, Probe, Quantity

#: (minor, major) of one process.
Faults = tuple[int, int]


class PageFaultsMeter(CountersMeter):
    """Adds up the faults of every process; what one that began in between had is of the round."""

    counts_new = True

    def now(self) -> dict[int, tuple[int, ...]]:
        """Read every process's minor and major faults."""
        usage = getrusage(RUSAGE_SELF)
        counts: dict[int, tuple[int, ...]] = {self._tree.root: (usage.ru_minflt, usage.ru_majflt)}
        for pid in self._tree.below:
            try:
                counts[pid] = faults_of(pid)
            except GONE:
                continue
        return counts


def faults_of(pid: int, proc: str = "/proc") -> Faults:
    """Read a process's minor and major faults (fields 10 and 12 of proc(5)); its children's are not in it."""
    fields = stat_fields(pid, proc)
    return int(fields[7]), int(fields[9])


PROBE = Probe(
    name="page_faults",
    summary="Page faults of all of the trial's processes in the timed rounds.",
    quantities=(
        Quantity("page_faults_minor", "count", "Faults that the kernel served from memory."),
        Quantity("page_faults_major", "count", "Faults for which something was read from a disk."),
    ),
    open=PageFaultsMeter,
)
