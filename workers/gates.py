"""What makes a trial not count: a stated physical cause, never its time."""

from __future__ import annotations

from collections.abc import Sequence

from .registration import EffectiveCpus
from .seat import Seat

#: Stolen share of the CPU time that was wanted, above which a trial was disturbed.
STEAL_RATIO = 0.05
#: … if that is more than a few of the kernel's ticks.
STEAL_SECONDS = 0.03
#: A pool that uses more of a CPU than this while another trial's round runs is not idle …
IDLE_CPU_RATIO = 0.05
#: … once it has used so much in all its pauses: a few wake-ups are none.
IDLE_CPU_SECONDS = 0.02
#: The trial itself uses so much in each pause: it answers, hears the next command, looks at its tree. Twice
#: what was seen on an idle machine; 50 short rounds of it would be taken for a pool's work.
PAUSE_CPU_SECONDS = 0.0003


def noisy(seat: Seat) -> bool:
    """Whether a trial has worked while it should have been idle, by its tree's CPU time in all its pauses."""
    of_pool = seat.idle_cpu_seconds - PAUSE_CPU_SECONDS * len(seat.rounds)
    return of_pool > max(IDLE_CPU_SECONDS, IDLE_CPU_RATIO * seat.idle_seconds)


def judge(seats: Sequence[Seat], effective_cpus: EffectiveCpus) -> None:
    """Reject the measured trials that were disturbed; each keeps its rounds, and says cause and figure."""
    for seat in seats:
        _judge_gil(seat)
        _judge_steal(seat)
        _judge_throttling(seat, effective_cpus)


def disturbed(seats: Sequence[Seat], by: Seat) -> None:
    """Reject all other trials of a sitting in which one was not idle."""
    for seat in seats:
        if seat is not by:
            seat.judge(
                "rejected", "disturbed", f"{by.spec.trial} kept working while this trial's rounds were timed"
            )


def _judge_gil(seat: Seat) -> None:
    asked, seen = seat.spec.gil, seat.gil_enabled
    if asked is None or seen is None or seen == (asked == "on"):
        return
    state = "on" if seen else "off"
    seat.judge(
        "rejected",
        "gil",
        f"the GIL was {state} at the end, {asked} was asked for: "
        "a module that is not ready for a build without the GIL turns it on when it is imported",
    )


def _judge_steal(seat: Seat) -> None:
    stolen = seat.reading("steal")
    seconds = sum(r.seconds for r in seat.rounds)
    # The kernel counts in ticks of 10 ms: in a short trial one or two of them say nothing of a share.
    if stolen is not None and stolen > STEAL_RATIO and stolen * seconds > STEAL_SECONDS:
        seat.judge(
            "rejected",
            "steal",
            f"other virtual machines took {stolen:.0%} of the CPU time (the limit is {STEAL_RATIO:.0%})",
        )


def _judge_throttling(seat: Seat, effective_cpus: EffectiveCpus) -> None:
    """Throttling disturbs only where the quota would have sufficed for the workers that could run."""
    throttled, quota = seat.reading("throttled"), effective_cpus.quota
    if not throttled or quota is None or quota < seat.spec.max_workers:
        return
    seat.judge(
        "rejected",
        "throttled",
        f"the control group was held back for {throttled:.3g} s, although its quota of {quota:g} CPUs "
        f"suffices for {seat.spec.max_workers} worker{'s' if seat.spec.max_workers > 1 else ''}: "
        "something else in the group used it",
    )
