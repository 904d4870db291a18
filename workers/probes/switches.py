"""Context switches of the trial's threads in the rounds: given up by themselves, or taken away."""

from __future__ import annotations

import os
from resource import RUSAGE_SELF, getrusage

from ..errors import NotReadable
from ..host.tree import GONE, read_file
from .base import CountersMeter, Probe, Quantity

#: (voluntary, involuntary) of one thread, or of the whole trial's interpreter.
Switches = tuple[int, int]

_VOLUNTARY = b"\nvoluntary_ctxt_switches:"
_INVOLUNTARY = b"\nnonvoluntary_ctxt_switches:"


class SwitchesMeter(CountersMeter):
    """Adds up the switches of every thread; a thread that is not there at both ends does not count.

    The trial's own interpreter is asked by getrusage(2), which knows all its threads at once, those
    that have ended included.
    """

    def now(self) -> dict[int, tuple[int, ...]]:
        """Read every thread's voluntary and involuntary switches."""
        usage = getrusage(RUSAGE_SELF)
        counts: dict[int, tuple[int, ...]] = {self._tree.root: (usage.ru_nvcsw, usage.ru_nivcsw)}
        for pid in self._tree.below:
            counts.update(switches_of(pid))
        return counts


def switches_of(pid: int, proc: str = "/proc") -> dict[int, Switches]:
    """Give the switches of each thread of a process, by thread id; empty when the process is gone."""
    counts = {}
    try:
        for thread in os.listdir(f"{proc}/{pid}/task"):  # noqa: PTH208 - pathlib costs a trial 5 ms
            status = read_file(f"{proc}/{pid}/task/{thread}/status")
            counts[int(thread)] = (_number_after(_VOLUNTARY, status), _number_after(_INVOLUNTARY, status))
    except GONE:
        return {}
    return counts


def _number_after(key: bytes, status: bytes) -> int:
    start = status.find(key)
    if start < 0:
        raise NotReadable("this kernel does not count context switches")
    start += len(key)
    return int(status[start : status.index(b"\n", start)])


PROBE = Probe(
    name="switches",
    summary="Context switches of all of the trial's threads in the timed rounds.",
    quantities=(
        Quantity("switches_voluntary", "count", "Switches because a thread waited for something."),
        Quantity("switches_involuntary", "count", "Switches because the kernel took the CPU away."),
    ),
    open=SwitchesMeter,
)
