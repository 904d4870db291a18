"""Gates that a trial must pass to count: a stated physical cause closes them, never its time."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from ..wire.registration import EffectiveCpus
from .background_load import BackgroundLoad, load_beside
from .session import TrialSession

#: Stolen share of the CPU time that was wanted, above which a trial was disturbed.
STEAL_RATIO = 0.05
#: … if that is more than a few of the kernel's ticks.
STEAL_SECONDS = 0.03
#: Others who keep fewer CPUs busy are not looked at, and another measurement that does is none.
MEASUREMENT_CPUS = 0.25
#: How Python warns of it on standard error.
_GIL_MODULE = re.compile(r"\(GIL\) has been enabled to load module '([\w.]+)'")
#: A pool that uses more of a CPU than this while another trial's round runs is not idle …
IDLE_CPU_RATIO = 0.05
#: … once it has used so much in all its pauses: a few wake-ups are none.
IDLE_CPU_SECONDS = 0.02
#: The trial itself uses so much in each pause: it answers, hears the next command, looks at its tree. Twice
#: what was seen on an idle machine; 50 short rounds of it would be taken for a pool's work.
PAUSE_CPU_SECONDS = 0.0003


def noisy(session: TrialSession) -> bool:
    """Whether a trial has worked while it should have been idle, by its tree's CPU time in all its pauses."""
    of_pool = session.idle_cpu_seconds - PAUSE_CPU_SECONDS * len(session.rounds)
    return of_pool > max(IDLE_CPU_SECONDS, IDLE_CPU_RATIO * session.idle_seconds)


def judge(sessions: Sequence[TrialSession], effective_cpus: EffectiveCpus) -> None:
    """Reject the measured trials that were disturbed; each keeps its rounds, and says cause and figure."""
    for session in sessions:
        _judge_gil(session)
        _judge_steal(session)
        _judge_throttling(session, effective_cpus)


def judge_load(
    sessions: Sequence[TrialSession], effective_cpus: EffectiveCpus, look: Callable[[], BackgroundLoad]
) -> None:
    """Reject the measured trials that others kept from CPUs, and those beside another measurement.

    Load that is there in the rounds and not afterwards may be the work's own: a server on this machine
    that its tasks ask. So a trial is rejected for what is there without it, too.

    Args:
        sessions: of a sitting, whose trials have all ended.
        effective_cpus: of its host.
        look: says what runs on the host now; called once, and only where others were busy in rounds.
    """
    suspects = [
        (session, load) for session in sessions if (load := load_beside(session, effective_cpus)) is not None
    ]
    if not any(load.others > MEASUREMENT_CPUS or load.crowded(load.others) for _, load in suspects):
        return
    afterwards = look()
    for session, load in suspects:
        others = min(load.others, afterwards.cpus) if afterwards.cpus is not None else load.others
        who, cpus = afterwards.measurement or ("", 0.0)
        if cpus > MEASUREMENT_CPUS and load.crowded(min(load.others, cpus), in_turns=True):
            session.judge(
                "rejected",
                "other-measurement",
                f"{who} was running at the same time, and other programs kept {load.others:.2g} CPUs busy: "
                "let one end before the other starts. Nodes on one machine wait for each other if they "
                "share a folder (TMPDIR; in containers PARLAB_HOST_DIR)",
            )
        elif load.crowded(others):
            session.judge("rejected", "load", load.described(afterwards))


def clock_stepped(sessions: Sequence[TrialSession], seconds: float) -> None:
    """Reject all trials of a sitting within which the wall clock was set by so many seconds.

    Their durations are the monotonic clock's; but a machine that was suspended, or a virtual one that
    was paused or moved, shows itself in this way, and it stood still in the midst of a round.
    """
    for session in sessions:
        session.judge(
            "rejected",
            "clock",
            f"the wall clock jumped {abs(seconds):.3g} s {'ahead' if seconds > 0 else 'back'} during the "
            "measurement: the machine was suspended or paused, or its clock was set. Keep it awake, and "
            "adjust its clock in small steps (chrony, systemd-timesyncd)",
        )


def disturbed(sessions: Sequence[TrialSession], by: TrialSession) -> None:
    """Reject all other trials of a sitting in which one was not idle."""
    for session in sessions:
        if session is not by:
            session.judge(
                "rejected", "disturbed", f"{by.spec.trial} kept working while this trial's rounds were timed"
            )


def _judge_gil(session: TrialSession) -> None:
    asked, seen = session.spec.gil, session.gil_enabled
    if asked is None and seen and session.gil_at_start is False:
        # Its next trial would do the same: the run is told at once.
        module = _GIL_MODULE.search(session.interpreter.tail) if session.interpreter is not None else None
        session.judge(
            "failed",
            "gil",
            f"{f'module {module[1]}' if module else 'a module'} turned the GIL on in a build that runs "
            "without it. Measure with the GIL on (--gil on), or with --gil off if the module works without "
            "it, or install a release of the module that declares this",
        )
    if asked is None or seen is None or seen == (asked == "on"):
        return
    state = "on" if seen else "off"
    session.judge("rejected", "gil", f"the GIL was {state} at the end, but {asked} was requested")


def _judge_steal(session: TrialSession) -> None:
    stolen = session.reading("steal")
    seconds = sum(r.seconds for r in session.rounds)
    # The kernel counts in ticks of 10 ms: in a short trial one or two of them say nothing of a share.
    if stolen is not None and stolen > STEAL_RATIO and stolen * seconds > STEAL_SECONDS:
        session.judge(
            "rejected",
            "steal",
            f"other virtual machines took {stolen:.0%} of the CPU time (the limit is {STEAL_RATIO:.0%})",
        )


def _judge_throttling(session: TrialSession, effective_cpus: EffectiveCpus) -> None:
    """Throttling disturbs only where the quota would have sufficed for the workers that could run."""
    throttled, quota = session.reading("throttled"), effective_cpus.quota
    if not throttled or quota is None or quota < session.spec.max_workers:
        return
    session.judge(
        "rejected",
        "throttled",
        f"the control group was held back for {throttled:.3g} s, although its quota of {quota:g} CPUs "
        f"is enough for {session.spec.max_workers} worker{'s' if session.spec.max_workers > 1 else ''}: "
        "something else in the group used it",
    )
