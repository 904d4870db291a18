"""CPU time that a hypervisor gave to other machines while this one wanted it."""

from __future__ import annotations

import os

from ..errors import NotReadable
from ..host.tree import read_file
from .base import Meter, Probe, Quantity

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..host.tree import Tree


class StealMeter(Meter):
    """Compares stolen time with the time that was wanted: that used and that stolen.

    Of all CPUs' time, as ``top`` shows it, one busy CPU of 64 would lose half of its time and show
    1 %. At least one CPU's time counts as wanted, so that a single tick does not make a ratio of 1
    when the rounds do nothing but wait.
    """

    def __init__(self, tree: Tree | None = None, proc: str = "/proc") -> None:
        del tree
        self._file = f"{proc}/stat"
        self._ticks_per_second = os.sysconf("SC_CLK_TCK")
        self._before = (0, 0)
        self._used = self._stolen = 0
        self._seconds = 0.0
        self._now()

    def begin(self) -> None:
        """Note the machine's counters."""
        self._before = self._now()

    def end(self, seconds: float) -> None:
        """Add what they went up by."""
        used, stolen = self._now()
        self._used += used - self._before[0]
        self._stolen += stolen - self._before[1]
        self._seconds += seconds

    def values(self) -> list[float | str]:
        """Give the stolen share of the wanted time."""
        wanted = max(self._used + self._stolen, self._seconds * self._ticks_per_second)
        return [self._stolen / wanted if wanted > 0 else "the rounds were too short to tell"]

    def _now(self) -> tuple[int, int]:
        try:
            return used_and_stolen(read_file(self._file))
        except FileNotFoundError:
            raise NotReadable(f"no {self._file} here") from None


def used_and_stolen(stat: bytes) -> tuple[int, int]:
    """Read the ticks that all CPUs were in use, and those stolen, from ``/proc/stat`` (see proc(5))."""
    name, *ticks = stat[: stat.index(b"\n")].split()
    if name != b"cpu" or len(ticks) < 8:
        raise NotReadable("this kernel does not count stolen time")
    user, nice, system, _idle, _waiting, interrupts, soft_interrupts, stolen = map(int, ticks[:8])
    return user + nice + system + interrupts + soft_interrupts, stolen


PROBE = Probe(
    name="steal",
    summary="Share of the CPU time wanted in the timed rounds that other virtual machines got.",
    quantities=(Quantity("steal", "ratio", "Stolen share of the CPU time that this machine wanted."),),
    open=StealMeter,
)
