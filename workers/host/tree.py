"""A process and all below it: which they are, and the CPU time that they have used."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterable

from ..errors import NotReadable

#: Where a process that is gone, or that is not ours to look at, shows itself.
GONE = (FileNotFoundError, ProcessLookupError, PermissionError)


def read_file(path: str) -> bytes:
    """Read a small file of /proc or a cgroup whole; three calls, a third of what open() costs."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        data = os.read(fd, 65536)
        while chunk := os.read(fd, 65536):
            data += chunk
        return data
    finally:
        os.close(fd)


def stat_fields(pid: int, proc: str = "/proc") -> list[bytes]:
    """Give the fields of ``/proc/<pid>/stat`` from the state on (field 3 of proc(5) is item 0)."""
    data = read_file(f"{proc}/{pid}/stat")
    # The name is in parentheses and may hold both spaces and parentheses.
    return data[data.rindex(b")") + 2 :].split()


def processes_below(root: int, proc: str = "/proc") -> list[int]:
    """List the processes below ``root``, without it; raises :class:`NotReadable` without a /proc.

    By each thread's ``children`` file, where the kernel has it (CONFIG_PROC_CHILDREN), else by the
    parents of all processes. What was re-parented away is not below ``root`` any more.
    """
    if not os.path.isdir(proc):  # noqa: PTH112 - pathlib costs a trial's interpreter 5 ms
        raise NotReadable(f"no {proc} on {sys.platform}")
    if os.path.exists(f"{proc}/{os.getpid()}/task/{os.getpid()}/children"):  # noqa: PTH110 - the same
        return _by_children(root, proc)
    return _by_parents(root, proc)


def below(root: int) -> list[int]:
    """List the processes below ``root``; none where there is no /proc."""
    try:
        return processes_below(root)
    except NotReadable:
        return []


def _by_children(root: int, proc: str) -> list[int]:
    pids: list[int] = []
    ahead = [root]
    while ahead:
        pid = ahead.pop()
        try:
            for thread in os.listdir(f"{proc}/{pid}/task"):  # noqa: PTH208 - the same
                below = [int(child) for child in read_file(f"{proc}/{pid}/task/{thread}/children").split()]
                pids += below
                ahead += below
        except GONE:
            continue
    return pids


def _by_parents(root: int, proc: str) -> list[int]:
    below: dict[int, list[int]] = {}
    for entry in os.listdir(proc):  # noqa: PTH208 - the same
        if entry.isdigit():
            try:
                below.setdefault(int(stat_fields(int(entry), proc)[1]), []).append(int(entry))
            except GONE:
                continue
    pids: list[int] = []
    ahead = [root]
    while ahead:
        children = below.get(ahead.pop(), [])
        pids += children
        ahead += children
    return pids


def cpu_nanoseconds(pid: int) -> int:
    """Give the CPU time that a process has used, to the nanosecond; its children's are not in it.

    ``(~pid << 3) | 2`` is how Linux numbers the CPU clock of another process (clock_getcpuclockid(3)).
    Raises :class:`OSError` when the process is gone or the system has no such clock.
    """
    return time.clock_gettime_ns((~pid << 3) | 2)


class CpuTimes:
    """CPU time of one process at one moment, with what its reaped children had used. Nanoseconds."""

    __slots__ = ("system", "total", "user")

    def __init__(self, total: int, user: int, system: int) -> None:
        #: By the scheduler's own clock.
        self.total = total
        #: Of the kernel's accounting, which may count in ticks of 10 ms: good for their ratio.
        self.user = user
        self.system = system


class Tree:
    """The processes of a trial, as of the last ``refresh``.

    Finding them costs milliseconds where the kernel has no ``children`` files, so it is done when
    a pool has opened or warmed up, not around every round; the standard library's pools do not
    replace their processes.
    """

    def __init__(self, root: int, proc: str = "/proc") -> None:
        self.root = root
        self._proc = proc
        #: All of the tree but the root.
        self.below: tuple[int, ...] = ()
        #: Why the tree is not known as a whole, or None.
        self.unreadable: str | None = None
        #: What ``cpu_times`` gave last; None before.
        self.noted: dict[int, CpuTimes] | None = None
        self._nanoseconds_per_tick = 1_000_000_000 // os.sysconf("SC_CLK_TCK")

    def refresh(self, known: Iterable[int] = ()) -> None:
        """Find the tree's processes anew; ``known`` are those of the pool."""
        try:
            self.below = tuple(processes_below(self.root, self._proc))
            self.unreadable = None
        except NotReadable as reason:
            self.below = tuple(known)
            # The root alone can be read anywhere.
            self.unreadable = reason.message if self.below else None

    def cpu_times(self, *, root_last: bool = False) -> dict[int, CpuTimes]:
        """Note the CPU times of every process of the tree, the root by getrusage(2).

        Called by the root itself, whose time this costs: with ``root_last`` that is in the root's note,
        otherwise it comes after it. Raises :class:`NotReadable` where other processes' cannot be read.
        """
        if self.unreadable is not None:
            raise NotReadable(self.unreadable)
        times = {} if root_last else {self.root: _own_cpu_times()}
        for pid in self.below:
            try:
                times[pid] = self._cpu_times_of(pid)
            except GONE:
                continue
        if root_last:
            times[self.root] = _own_cpu_times()
        self.noted = times
        return times

    def _cpu_times_of(self, pid: int) -> CpuTimes:
        fields = stat_fields(pid, self._proc)
        user, system, reaped_user, reaped_system = (
            int(field) * self._nanoseconds_per_tick for field in fields[11:15]
        )
        try:
            total = cpu_nanoseconds(pid)
        except OSError:
            # Gone in between, or a kernel that keeps this clock to itself.
            total = user + system
        return CpuTimes(total + reaped_user + reaped_system, user + reaped_user, system + reaped_system)


def _own_cpu_times() -> CpuTimes:
    from resource import RUSAGE_CHILDREN, RUSAGE_SELF, getrusage

    own, reaped = getrusage(RUSAGE_SELF), getrusage(RUSAGE_CHILDREN)
    user = round((own.ru_utime + reaped.ru_utime) * 1e9)
    system = round((own.ru_stime + reaped.ru_stime) * 1e9)
    return CpuTimes(time.process_time_ns() + round((reaped.ru_utime + reaped.ru_stime) * 1e9), user, system)


def cpu_used(before: dict[int, CpuTimes], after: dict[int, CpuTimes]) -> CpuTimes:
    """Sum what was used between two notes; a process that is in the later one only began in between."""
    nothing = CpuTimes(0, 0, 0)
    pairs = [(before.get(pid, nothing), times) for pid, times in after.items()]
    return CpuTimes(
        sum(late.total - early.total for early, late in pairs),
        sum(late.user - early.user for early, late in pairs),
        sum(late.system - early.system for early, late in pairs),
    )
