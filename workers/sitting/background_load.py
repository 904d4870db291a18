"""What else runs on this host, looked at while no trial does: how busy it is, and who that is.

Load that is there without a trial comes from outside; what a trial's own server does for it is not.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from ..errors import NotReadable
from ..host.tree import GONE, read_file
from ..probes.others import busy_ticks, reachable_cpus

#: How long a look is: 25 of the kernel's ticks on each CPU.
LOOK_SECONDS = 0.25
#: What the command line of a trial's interpreter has, and of what it forks (see bootstrap.py).
_TRIAL = b"from _parlab_trial.trial"


@dataclass(frozen=True)
class Bystanders:
    """Who kept the CPUs busy that this process may run on."""

    #: CPUs kept busy, all together; None where that cannot be read.
    cpus: float | None
    #: The busiest process, for people, and its CPUs; None: none can be seen from here.
    busiest: tuple[str, float] | None = None
    #: A trial of another measurement, for people, and what all of those use; infinite where they have
    #: ended by now: what they used is not known.
    measurement: tuple[str, float] | None = None


@dataclass(frozen=True)
class _Process:
    name: str
    parent: int
    ticks: int


def trials(proc: str = "/proc") -> list[int]:
    """Find the interpreters of all trials that can be seen from here, and what they have forked."""
    return sorted(pid for pid in _pids(proc) if _is_trial(pid, proc))


def look(earlier: Sequence[int] = (), seconds: float = LOOK_SECONDS, proc: str = "/proc") -> Bystanders:
    """Look for so long at what runs on this host besides the caller, whose own trials have all ended.

    Args:
        earlier: what ``trials`` found when the caller had none yet.
        seconds: how long.
        proc: where /proc is, for tests.
    """
    ticks_per_second = os.sysconf("SC_CLK_TCK")
    cpus = reachable_cpus()
    before = _processes(proc)
    began = time.monotonic()
    try:
        busy_before = busy_ticks(read_file(f"{proc}/stat"), cpus)
        time.sleep(seconds)
        busy = busy_ticks(read_file(f"{proc}/stat"), cpus) - busy_before
    except (NotReadable, OSError):
        return Bystanders(None)
    ticks = (time.monotonic() - began) * ticks_per_second
    after = _processes(proc)
    used = {
        pid: (process.ticks - before[pid].ticks) / ticks for pid, process in after.items() if pid in before
    }
    # Its own two looks at all processes are outside of the time that is counted, and inside of this.
    used.pop(os.getpid(), None)
    return Bystanders(busy / ticks, _busiest(used, after), _measurement(used, after, earlier, proc))


def _busiest(used: dict[int, float], processes: dict[int, _Process]) -> tuple[str, float] | None:
    pid = max(used, key=lambda one: used[one], default=None)
    if pid is None or used[pid] <= 0:
        return None
    return f"{processes[pid].name} (pid {pid})", used[pid]


def _measurement(
    used: dict[int, float], processes: dict[int, _Process], earlier: Sequence[int], proc: str
) -> tuple[str, float] | None:
    """Sum what the trials of others use: an interpreter and all below it."""
    found = {pid for pid in processes if _is_trial(pid, proc)}
    if not found:
        return (_told(earlier), math.inf) if earlier else None
    below = 0.0
    for pid, cpus in used.items():
        ancestor = pid
        while ancestor in processes and ancestor not in found:
            ancestor = processes[ancestor].parent
        below += cpus if ancestor in found else 0.0
    return _told(found), below


def _told(pids: Collection[int]) -> str:
    return f"a trial of another measurement (pid {min(pids)})"


def _is_trial(pid: int, proc: str) -> bool:
    try:
        return _TRIAL in read_file(f"{proc}/{pid}/cmdline")
    except OSError:
        return False


def _pids(proc: str) -> list[int]:
    """List every process that can be seen; none where there is no /proc."""
    try:
        return [int(name) for name in os.listdir(proc) if name.isdigit()]  # noqa: PTH208 - as in tree.py
    except OSError:
        return []


def _processes(proc: str) -> dict[int, _Process]:
    found = {}
    for pid in _pids(proc):
        try:
            data = read_file(f"{proc}/{pid}/stat")
        except GONE:
            continue
        # The name is in parentheses and may hold both spaces and parentheses.
        end = data.rindex(b")")
        fields = data[end + 2 :].split()
        command = data[data.index(b"(") + 1 : end].decode("utf-8", "replace")
        found[pid] = _Process(command, int(fields[1]), int(fields[11]) + int(fields[12]))
    return found
