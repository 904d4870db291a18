"""Threads that the trial's processes have at the same time."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from ..host.tree import GONE, stat_fields
from .base import Probe, Quantity, check_proc


def threads_of(pid: int, proc: str = "/proc") -> int:
    """Read how many threads a process has (field 20 of proc(5))."""
    return int(stat_fields(pid, proc)[17])


def sample(pids: Sequence[int], workers: Collection[int], proc: str = "/proc") -> list[float | str]:
    """Give the threads of the processes together; those gone count nothing."""
    del workers
    check_proc(proc)
    count = 0
    for pid in pids:
        try:
            count += threads_of(pid, proc)
        except GONE:
            continue
    return [float(count)]


PROBE = Probe(
    name="threads",
    summary="Most threads of all of the trial's processes together, in an untimed round.",
    quantities=(Quantity("threads_peak", "count", "Most threads of the trial's processes together."),),
    sample=sample,
)
