"""CPU time that the trial's processes used in the rounds, in their own code and in the kernel."""

from __future__ import annotations

from ..host.tree import CpuTimes, cpu_used
from .base import Meter, Probe, Quantity

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..host.tree import Tree


class CpuMeter(Meter):
    """Takes the total from the scheduler's clock and its division from the kernel's accounting.

    The kernel's user and system times of another process come in ticks of 10 ms; over all rounds
    their ratio is good enough, as a sum for rounds of 30 ms they would not be.
    """

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._before: dict[int, CpuTimes] = {}
        self._total = self._user = self._system = 0

    def begin(self) -> None:
        """Note every process's CPU time."""
        self._before = self._tree.cpu_times()

    def end(self, seconds: float) -> None:
        """Add what has been used since."""
        del seconds
        used = cpu_used(self._before, self._tree.cpu_times())
        self._total += used.total
        self._user += used.user
        self._system += used.system

    def values(self) -> list[float | str]:
        """Give the seconds in user code and in the kernel."""
        accounted = self._user + self._system
        if accounted == 0:
            reason = "too little CPU time was used to divide it"
            return [reason, reason]
        total_seconds = self._total / 1e9
        return [total_seconds * self._user / accounted, total_seconds * self._system / accounted]


PROBE = Probe(
    name="cpu",
    summary="CPU time that all of the trial's processes used in the timed rounds.",
    quantities=(
        Quantity("cpu_user", "seconds", "CPU time in the trial's own code."),
        Quantity("cpu_system", "seconds", "CPU time in the kernel on the trial's behalf."),
    ),
    open=CpuMeter,
)
