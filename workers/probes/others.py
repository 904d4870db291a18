"""CPU time that everything else on the trial's CPUs used in the rounds."""

from __future__ import annotations

import os

from ..errors import NotReadable
from ..host.tree import CpuTimes, cpu_used, read_file
from .base import Meter, Probe, Quantity

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from ..host.tree import Tree


class OthersMeter(Meter):
    """Takes the trial's own CPU time from what the kernel counts of the CPUs that it may run on.

    In a container /proc/stat is still the whole machine's: others are seen there whose processes are
    not. The kernel counts in ticks of 10 ms, so that a single round says little; their sum does. The
    tree's CPU time is what was last noted of it: the trial does so right before meters begin and end.
    """

    def __init__(self, tree: Tree, proc: str = "/proc") -> None:
        self._tree = tree
        self._file = f"{proc}/stat"
        self._cpus = reachable_cpus()
        self._ticks_per_second = os.sysconf("SC_CLK_TCK")
        self._busy_before = 0
        self._own_before: dict[int, CpuTimes] = {}
        self._busy_ticks = self._own_nanoseconds = 0
        self._now()

    def begin(self) -> None:
        """Note the counters."""
        self._own_before = self._own()
        self._busy_before = self._now()

    def end(self, seconds: float) -> None:
        """Add what they went up by."""
        del seconds
        self._busy_ticks += self._now() - self._busy_before
        self._own_nanoseconds += cpu_used(self._own_before, self._own()).total

    def values(self) -> list[float | str]:
        """Give the seconds; ticks may make the trial's own time seem to be more than all."""
        busy_seconds = self._busy_ticks / self._ticks_per_second
        return [max(busy_seconds - self._own_nanoseconds / 1e9, 0.0)]

    def _own(self) -> dict[int, CpuTimes]:
        if self._tree.noted is None:
            raise NotReadable(self._tree.unreadable or "the trial's own CPU time was not noted")
        return self._tree.noted

    def _now(self) -> int:
        try:
            return busy_ticks(read_file(self._file), self._cpus)
        except FileNotFoundError:
            raise NotReadable(f"no {self._file} here") from None


def reachable_cpus() -> frozenset[int] | None:
    """Give the CPUs that this process may run on; None: all, or the system does not say."""
    if not hasattr(os, "sched_getaffinity"):
        return None
    cpus = frozenset(os.sched_getaffinity(0))
    # One line for all CPUs is read in no time, also where there are hundreds.
    return None if len(cpus) == os.cpu_count() else cpus


def busy_ticks(stat: bytes, cpus: AbstractSet[int] | None) -> int:
    """Read the ticks that these CPUs (None: all) were in use, from ``/proc/stat`` (see proc(5)).

    Raises:
        NotReadable: it has no line for one of them, as where a sandbox numbers them anew.
    """
    wanted = {b"cpu"} if cpus is None else {b"cpu%d" % cpu for cpu in cpus}
    busy = 0
    for line in stat.splitlines():
        if not line.startswith(b"cpu"):
            break
        name, *fields = line.split()
        if name in wanted and len(fields) >= 7:
            wanted.discard(name)
            user, nice, system, _idle, _waiting, interrupts, soft_interrupts = map(int, fields[:7])
            busy += user + nice + system + interrupts + soft_interrupts
    if wanted:
        raise NotReadable(f"/proc/stat does not tell of {min(wanted).decode()}")
    return busy


PROBE = Probe(
    name="others",
    summary="CPU time that all other programs used in the timed rounds.",
    quantities=(
        Quantity("others_cpu", "seconds", "CPU time of all others on the CPUs that the trial may run on."),
    ),
    open=OthersMeter,
)
