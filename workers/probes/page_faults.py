"""Page faults of the trial's processes in the rounds: memory touched for the first time, or fetched."""

from __future__ import annotations

from resource import RUSAGE_SELF, getrusage

from ..errors import NotReadable
from ..host.tree import GONE, stat_fields
from .base import Meter, Probe, Quantity

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..host.tree import Tree

#: (minor, major) of one process.
Faults = tuple[int, int]


class PageFaultsMeter(Meter):
    """Adds up the faults of every process; what one that began in between had is of the round."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._before: dict[int, Faults] = {}
        self._minor = self._major = 0

    def begin(self) -> None:
        """Note every process's faults."""
        self._before = self._now()

    def end(self, seconds: float) -> None:
        """Add those since."""
        del seconds
        for pid, (minor, major) in self._now().items():
            before = self._before.get(pid, (0, 0))
            self._minor += minor - before[0]
            self._major += major - before[1]

    def values(self) -> list[float | str]:
        """Give the minor and the major ones."""
        return [float(self._minor), float(self._major)]

    def _now(self) -> dict[int, Faults]:
        if self._tree.unreadable is not None:
            raise NotReadable(self._tree.unreadable)
        usage = getrusage(RUSAGE_SELF)
        now = {self._tree.root: (usage.ru_minflt, usage.ru_majflt)}
        for pid in self._tree.below:
            try:
                now[pid] = faults_of(pid)
            except GONE:
                continue
        return now


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
