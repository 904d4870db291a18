"""The load of others on this host: beside a trial, and looked at while no trial runs; who that is.

Load that is there without a trial comes from outside; what a trial's own server does for it is not.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from .. import catalog
from ..errors import LabError, NotReadable
from ..host.tree import GONE, read_file
from ..probes.others import busy_ticks, reachable_cpus
from ..wire.registration import EffectiveCpus
from .session import TrialSession

#: How long a look is: 25 of the kernel's ticks on each CPU.
LOOK_SECONDS = 0.25
#: What the command line of a trial's interpreter has, and of what it forks (see bootstrap.py).
_TRIAL = b"from _parlab_trial.trial"
#: Share of the CPUs that a trial could use, above which it was disturbed by others who took them …
LOAD_RATIO = 0.125
#: … if that is more than a few of the kernel's ticks …
LOAD_SECONDS = 0.1
#: … and no CPU was left idle: fewer than so many were, or than this share of all. Work that the GIL holds
#: back was kept from nothing by a neighbour who used what it had left.
IDLE_CPUS = 0.25
IDLE_RATIO = 0.05
#: A trial could have used so many times the CPUs that it did use, at most, however many workers it has: the
#: scheduler gives who wants a CPU a share of it. Work that waits used next to none, and wanted none.
WANTED_FACTOR = 4


@dataclass(frozen=True)
class BackgroundLoad:
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


def look(earlier: Sequence[int] = (), seconds: float = LOOK_SECONDS, proc: str = "/proc") -> BackgroundLoad:
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
        return BackgroundLoad(None)
    ticks = (time.monotonic() - began) * ticks_per_second
    after = _processes(proc)
    used = {
        pid: (process.ticks - before[pid].ticks) / ticks for pid, process in after.items() if pid in before
    }
    # Its own two looks at all processes are outside of the time that is counted, and inside of this.
    used.pop(os.getpid(), None)
    return BackgroundLoad(busy / ticks, _busiest(used, after), _measurement(used, after, earlier, proc))


def _busiest(used: dict[int, float], processes: dict[int, _Process]) -> tuple[str, float] | None:
    pid = max(used, key=lambda busy: used[busy], default=None)
    if pid is None or used[pid] <= 0:
        return None
    return f"{processes[pid].name} (pid {pid})", used[pid]


def _measurement(
    used: dict[int, float], processes: dict[int, _Process], earlier: Sequence[int], proc: str
) -> tuple[str, float] | None:
    """Sum what the trials of others use: an interpreter and all below it."""
    trials = {pid for pid in processes if _is_trial(pid, proc)}
    if not trials:
        return (_named(earlier), math.inf) if earlier else None
    below = 0.0
    for pid, cpus in used.items():
        ancestor = pid
        while ancestor in processes and ancestor not in trials:
            ancestor = processes[ancestor].parent
        below += cpus if ancestor in trials else 0.0
    return _named(trials), below


def _named(pids: Collection[int]) -> str:
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
    processes = {}
    for pid in _pids(proc):
        try:
            data = read_file(f"{proc}/{pid}/stat")
        except GONE:
            continue
        # The name is in parentheses and may hold both spaces and parentheses.
        end = data.rindex(b")")
        fields = data[end + 2 :].split()
        command = data[data.index(b"(") + 1 : end].decode("utf-8", "replace")
        processes[pid] = _Process(command, int(fields[1]), int(fields[11]) + int(fields[12]))
    return processes


@dataclass(frozen=True)
class Load:
    """CPUs kept busy on average over a trial's rounds, of those that it may run on."""

    #: How long its rounds were, together.
    seconds: float
    #: CPUs that its threads could have used at most.
    wanted: float
    #: … that it used.
    own: float
    #: … that all others used.
    others: float
    #: … that there were.
    reachable: int

    def crowded(self, others: float, *, in_turns: bool = False) -> bool:
        """Say whether others who use so many CPUs kept the trial from some that it could have used.

        Others who work ``in_turns``, as another measurement's rounds do, use all CPUs at one time and none
        at another: on average there seems to be room for both.
        """
        taken = min(others, self.wanted if in_turns else self.wanted + others - self.reachable)
        idle = self.reachable - self.own - self.others
        return (
            taken > LOAD_RATIO * self.wanted
            and taken * self.seconds > LOAD_SECONDS
            and idle < max(IDLE_CPUS, IDLE_RATIO * self.reachable)
        )

    def described(self, afterwards: BackgroundLoad) -> str:
        """Say it to people, with the busiest of the others where it can be seen."""
        cpus = f"{self.reachable} CPU{'s' if self.reachable > 1 else ''}"
        busiest = "they are not visible from here"
        if afterwards.busiest is not None:
            name, used = afterwards.busiest
            busiest = f"the busiest is {name} with {used:.2g}"
        return (
            f"other programs kept {self.others:.2g} of {cpus} busy during its rounds, and it could have used "
            f"{self.wanted:.2g}: stop them ({busiest}), or measure when they have ended"
        )


def load_beside(session: TrialSession, effective_cpus: EffectiveCpus) -> Load | None:
    """Put together what was read of the load beside a trial; None: too little of it, or not readable.

    Args:
        session: whose rounds and readings are looked at.
        effective_cpus: of its host. A quota bounds what the trial could have used: beyond it, the quota
            is in the way, and no neighbour.
    """
    others_seconds = session.reading("others_cpu")
    own = [r.cpu_seconds for r in session.rounds if r.cpu_seconds is not None]
    if others_seconds is None or others_seconds <= LOAD_SECONDS or len(own) < len(session.rounds):
        return None
    seconds = math.fsum(r.seconds for r in session.rounds)
    own_cpus = math.fsum(own) / seconds
    reachable = effective_cpus.affinity or effective_cpus.online
    quota = effective_cpus.quota
    return Load(
        seconds=seconds,
        wanted=min(
            _at_once(session), reachable, math.inf if quota is None else quota, WANTED_FACTOR * own_cpus
        ),
        own=own_cpus,
        others=others_seconds / seconds,
        reachable=reachable,
    )


def _at_once(session: TrialSession) -> float:
    """Say how many threads of a trial can run at once: its workers, and those that its work has begun."""
    try:
        in_one_loop = catalog.strategy(session.spec.strategy).form == "async"
    except (LabError, ImportError):
        in_one_loop = False
    return (1 if in_one_loop else session.spec.max_workers) + (session.reading("inner_threads") or 0)
