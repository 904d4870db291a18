"""The load beside a trial: what it could have used, what it did use, and what others did."""

from __future__ import annotations

import math
from dataclasses import dataclass

from .. import catalog
from ..errors import LabError
from ..wire.registration import EffectiveCpus
from .background_load import Bystanders
from .session import Seat

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

    def told(self, found: Bystanders) -> str:
        """Say it to people, with the busiest of the others where it can be seen."""
        cpus = f"{self.reachable} CPU{'s' if self.reachable > 1 else ''}"
        busiest = "none of them can be seen from here"
        if found.busiest is not None:
            name, used = found.busiest
            busiest = f"the busiest is {name} with {used:.2g}"
        return (
            f"other programs kept {self.others:.2g} of {cpus} busy in its rounds, and it could have used "
            f"{self.wanted:.2g}: stop them ({busiest}), or measure when they have ended"
        )


def load_beside(seat: Seat, effective_cpus: EffectiveCpus) -> Load | None:
    """Put together what was read of the load beside a trial; None: too little of it, or not readable.

    Args:
        seat: whose rounds and readings are looked at.
        effective_cpus: of its host. A quota bounds what the trial could have used: beyond it, the quota
            is in the way, and no neighbour.
    """
    others_seconds = seat.reading("others_cpu")
    own = [r.cpu_seconds for r in seat.rounds if r.cpu_seconds is not None]
    if others_seconds is None or others_seconds <= LOAD_SECONDS or len(own) < len(seat.rounds):
        return None
    seconds = math.fsum(r.seconds for r in seat.rounds)
    own_cpus = math.fsum(own) / seconds
    reachable = effective_cpus.affinity or effective_cpus.online
    quota = effective_cpus.quota
    return Load(
        seconds=seconds,
        wanted=min(_at_once(seat), reachable, math.inf if quota is None else quota, WANTED_FACTOR * own_cpus),
        own=own_cpus,
        others=others_seconds / seconds,
        reachable=reachable,
    )


def _at_once(seat: Seat) -> float:
    """Say how many threads of a trial can run at once: its workers, and those that its work has begun."""
    try:
        in_one_loop = catalog.strategy(seat.spec.strategy).form == "async"
    except (LabError, ImportError):
        in_one_loop = False
    return (1 if in_one_loop else seat.spec.max_workers) + (seat.reading("inner_threads") or 0)
