"""Diagnosis of a curve that flattens: every known cause, where it begins to and at its largest count.

The check of a cause gives it with its figures; or why it could not look; or nothing, where the cause does not
show.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from parlab.orchestrator.analysis import stopping
from parlab.orchestrator.analysis.findings.scaling import Cause, CauseId, Diagnosis, Figure
from parlab.orchestrator.analysis.scaling.curve import Curve
from parlab.orchestrator.analysis.scaling.readings import (
    Readings,
    cpu_seconds,
    cpus_used,
    pressure_ratio,
    reading,
    round_seconds,
    throttled_ratio,
)
from parlab.orchestrator.analysis.sentences import ONE_CPU
from parlab.orchestrator.experiment.model import Stop
from parlab.orchestrator.experiment.work import kind_of, targets_of
from parlab.orchestrator.figures import counted
from parlab.orchestrator.plan.model import Configuration
from parlab.orchestrator.statistics import inference
from parlab.workers.errors import BadInput

#: A count whose speed-up is below this share of its fold is flat: a fifth of the workers do nothing.
FLAT_RATIO = 0.8
#: Work that keeps so much of a CPU busy computes, rather than waits.
BUSY_CPU = 0.7
#: Of the CPUs that can be kept busy, so much is all.
ALL_BUSY = 0.85
#: A quota that held back for less of the rounds' time is no cause.
THROTTLED_RATIO = 0.01
#: Something of the machine waited for a CPU for this share of the time: on a quiet one it is a few per cent.
WAITED_RATIO = 0.20
#: CPU seconds of the same work, by those that it takes serially, from which on they are inflated: beside
#: processes that show how it is without contention, and alone.
CONTENTION_RATIO, INFLATED_RATIO = 1.10, 1.20
#: Of its workers, a round keeps at least so many busy, or its tasks are too few.
EVEN = 0.8
#: The share of a round from which handing tasks over counts.
HAND_OVER_RATIO = 0.10
#: Where so many of the CPUs or fewer are busy, it is not CPUs that are short.
IDLE = 0.5
#: At a limit, more workers gain no more than this; and each task's seconds grow by at least this share of
#: what the workers do.
NO_GAIN, PROPORTIONAL = 1.10, 0.75
#: Counts that are closer say nothing of growth.
LEAST_GROWTH = 1.5


@dataclass(frozen=True)
class Unseen:
    """Why a check could not look."""

    why: str


@dataclass(frozen=True)
class Case:
    """One count of a curve, to be looked at."""

    curve: Curve
    place: int
    trials: Readings
    #: Tasks of a round; None: not known.
    tasks: int | None
    #: Whether its work uses the CPU, rather than waits.
    computes: bool
    #: Margin and rates of the run.
    stop: Stop

    @property
    def own(self) -> Configuration:
        """The configuration of that count."""
        return self.curve.configurations[self.place]

    @property
    def count(self) -> int:
        """How many workers."""
        return self.own.max_workers

    @property
    def cpus_used(self) -> float | None:
        """CPUs that it keeps busy."""
        return self.trials.median(self.own.id, cpus_used)

    @property
    def dispatch_seconds(self) -> float | None:
        """What handing over all tasks of a round takes, as tasks that do nothing show it."""
        each = self.trials.median(self.own.id, reading("dispatch"))
        return None if each is None or self.tasks is None else each * self.tasks

    @property
    def in_one_thread(self) -> bool:
        """Whether only one of its workers can compute at a time."""
        return self.own.strategy == "asyncio" or (self.own.strategy == "threads" and self.own.gil_is_on)

    def unread(self, probe: str) -> Unseen:
        """Say why a probe has no value."""
        return Unseen(self.trials.why_not(self.own.id, probe))

    def inflation(self, configuration: Configuration) -> float | Unseen:
        """Give a configuration's CPU seconds of a round by those of a serial one, within sittings."""
        if not self.curve.against_serial:
            return Unseen("there is no serial strategy to compare CPU seconds with")
        ratio = self.trials.ratio(configuration.id, self.curve.reference.id, cpu_seconds)
        return self.unread("cpu_user") if ratio is None else ratio

    def cause(self, cause: CauseId, sentence: str, *figures: tuple[str, float, str]) -> Cause:
        """Name a cause that shows here."""
        return Cause(cause, self.count, sentence, tuple(Figure(*figure) for figure in figures))


#: What a check gives.
Found = Cause | Unseen | None


# Causes that lie with the CPUs and who has them


def held_by_gil(case: Case) -> Found:
    """See whether threads keep one CPU busy where they could have more."""
    return _held_in_one_thread(case, "gil", f"the GIL is on: {case.count} threads kept")


def held_by_event_loop(case: Case) -> Found:
    """See whether a loop's one thread computes all the time."""
    return _held_in_one_thread(case, "event loop", "an event loop has one thread, which kept")


def _held_in_one_thread(case: Case, cause: CauseId, who_kept: str) -> Found:
    used = case.cpus_used
    if used is None:
        return case.unread("cpu_user")
    if not BUSY_CPU <= used <= ONE_CPU:
        return None
    sentence = f"{who_kept} {used:.2f} of {case.curve.usable_cpus:g} CPUs busy"
    return case.cause(cause, sentence, ("CPUs busy", used, "count"))


def short_of_cpus(case: Case) -> Found:
    """See whether more workers than CPUs keep all of these busy."""
    used, limit = case.cpus_used, case.curve.usable_cpus
    if used is None:
        return case.unread("cpu_user")
    if case.count <= limit or used < ALL_BUSY * limit:
        return None
    there = f"{limit:g} CPUs" if limit != 1 else "1 CPU"
    if limit < case.curve.cpus.count:
        there += " by its quota"
    sentence = f"{counted(case.count, 'worker')} share {there} and keep {used:.2f} busy"
    return case.cause("cpus", sentence, ("CPUs busy", used, "count"), ("CPUs", limit, "count"))


def throttled(case: Case) -> Found:
    """See whether a quota held threads back that could have run."""
    held = case.trials.median(case.own.id, throttled_ratio)
    if held is None:
        return case.unread("throttled")
    if held < THROTTLED_RATIO:
        return None
    sentence = f"a CPU quota held back threads that could run: {held:.0%} of the time, added up over all CPUs"
    return case.cause("quota", sentence, ("throttled", held, "ratio"))


def taken_by_others(case: Case) -> Found:
    """See whether a CPU was waited for that the trial's own processes did not have."""
    used = case.cpus_used
    waited = case.trials.median(case.own.id, pressure_ratio)
    held = case.trials.median(case.own.id, throttled_ratio)
    if used is None:
        return case.unread("cpu_user")
    if waited is None:
        return case.unread("pressure_cpu")
    # What workers that can compute at once could keep busy; what a quota holds back waits for that alone.
    could = 1.0 if case.in_one_thread else min(case.count, case.curve.usable_cpus)
    if waited < WAITED_RATIO or used >= ALL_BUSY * could or (held or 0.0) >= THROTTLED_RATIO:
        return None
    there = "1 CPU" if could == 1 else f"{could:g} CPUs"
    sentence = (
        f"other programs ran: the workers could have kept {there} busy but kept only {used:.2f}, while "
        f"something was waiting for a CPU {waited:.0%} of the time"
    )
    return case.cause("others", sentence, ("CPUs busy", used, "count"), ("waited for a CPU", waited, "ratio"))


def contended(case: Case) -> Found:
    """Compare threads without a GIL with as many processes, which share nothing to contend for."""
    beside = _processes_beside(case)
    if beside is None:
        return Unseen(f"no processes ×{case.count} were measured beside the threads")
    effects = case.curve.blocks.effects(case.own.id, beside.id)
    _, high = stopping.bounds(effects, case.stop.alpha, case.stop)
    own, theirs = case.inflation(case.own), case.inflation(beside)
    if isinstance(own, Unseen):
        return own
    if isinstance(theirs, Unseen):
        return theirs
    if high >= 0 or own < CONTENTION_RATIO or own <= theirs:
        return None
    slower = math.exp(inference.median(effects))
    sentence = (
        f"threads contend for what they share: {case.count} of them reach {slower:.2f} times the speed of as "
        f"many processes, and use {own:.2f} times the CPU seconds of serial work "
        f"(processes: {theirs:.2f})"
    )
    return case.cause(
        "contention", sentence,
        ("speed relative to processes", slower, "ratio"),
        ("CPU seconds relative to serial", own, "ratio"),
        ("the same of processes", theirs, "ratio"),
    )  # fmt: skip


def _processes_beside(case: Case) -> Configuration | None:
    own = case.own
    for c in case.curve.group.configurations:
        same = (c.place, c.max_workers) == (own.place, own.max_workers)
        if c.strategy == "processes" and same and case.curve.blocks.effects(own.id, c.id):
            return c
    return None


def shared_with_inner_threads(case: Case) -> Found:
    """See whether the work has threads that compete with the workers for the CPUs."""
    inner = case.trials.median(case.own.id, reading("inner_threads"))
    if inner is None:
        return case.unread("inner_threads")
    alone = case.trials.median(case.curve.reference.id, cpus_used)
    # A thread that only waits takes no CPU from anybody: alone, too, the work must use more than one.
    if inner < 1 or case.count + inner <= case.curve.usable_cpus or alone is None or alone <= ONE_CPU:
        return None
    sentence = (
        f"the work has threads of its own, {inner:g} beside {case.count} workers: "
        f"{case.curve.reference.label} already kept {alone:.2f} of {case.curve.usable_cpus:g} CPUs busy"
    )
    figures = (("inner threads", inner, "count"), ("CPUs busy before", alone, "count"))
    return case.cause("inner threads", sentence, *figures)


def inflated(case: Case) -> Found:
    """See whether isolated processes with a CPU each need more CPU time for the same work."""
    whole = case.inflation(case.own)
    if isinstance(whole, Unseen):
        return whole
    alone = case.trials.median(case.curve.reference.id, cpu_seconds)
    handed = (case.trials.median(case.own.id, reading("pickling")) or 0.0) + (case.dispatch_seconds or 0.0)
    if not alone:
        return case.unread("cpu_user")
    # What handing over takes is not the work; of it another check speaks.
    left = whole - handed / alone
    if left < INFLATED_RATIO:
        return None
    sentence = (
        f"the same work takes {left:.2f} times the CPU seconds that it takes serially, in processes that "
        "have a CPU each: they share memory bandwidth, caches or a core"
    )
    return case.cause("cpu seconds", sentence, ("CPU seconds relative to serial", left, "ratio"))


# Causes that lie with the work: its number of tasks, what is handed over, what it waits for


def short_of_tasks(case: Case) -> Found:
    """See whether a round has tasks enough for all workers."""
    if case.tasks is None:
        return Unseen("the number of tasks of a round is not known")
    at_once = case.tasks / math.ceil(case.tasks / case.count)
    if at_once >= EVEN * case.count:
        return None
    busy = f"{at_once:.3g} of {case.count} workers"
    sentence = f"a round has {case.tasks} tasks, which keep {busy} busy on average"
    return case.cause("tasks", sentence, ("tasks", case.tasks, "count"), ("workers busy", at_once, "count"))


def paid_for_pickling(case: Case) -> Found:
    """See what of a round is packing, unpacking and handing over."""
    pickling = case.trials.median(case.own.id, reading("pickling"))
    dispatch = case.dispatch_seconds
    taken = case.trials.median(case.own.id, round_seconds)
    if pickling is None:
        return case.unread("pickling")
    if taken is None or dispatch is None:
        return case.unread("dispatch")
    share = (pickling + dispatch) / taken
    if share < HAND_OVER_RATIO:
        return None
    sentence = (
        f"packing, unpacking and handing over what a round sends would take {share:.0%} of its time, one "
        "after "
        f"the other ({pickling / taken:.0%} for pickling, {dispatch / taken:.0%} for the rest)"
    )
    seconds = (("pickling", pickling, "seconds"), ("dispatch", dispatch, "seconds"))
    return case.cause("pickling", sentence, ("share of a round", share, "ratio"), *seconds)


def paid_for_dispatch(case: Case) -> Found:
    """See what of a round is handing over, where nothing is pickled."""
    dispatch, taken = case.dispatch_seconds, case.trials.median(case.own.id, round_seconds)
    if dispatch is None or taken is None:
        return case.unread("dispatch")
    share = dispatch / taken
    if share < HAND_OVER_RATIO:
        return None
    sentence = f"handing tasks over takes {share:.0%} of a round"
    return case.cause(
        "dispatch", sentence, ("share of a round", share, "ratio"), ("dispatch", dispatch, "seconds")
    )


def held_by_target(case: Case) -> Found:
    """See whether tasks that are waited for take as much longer as there are more of them (Little's law)."""
    curve = case.curve
    used = case.cpus_used
    if used is None:
        return case.unread("cpu_user")
    if used > IDLE * curve.usable_cpus or (case.in_one_thread and used >= BUSY_CPU):
        return None
    in_flight = [count if case.tasks is None else min(count, case.tasks) for count in curve.counts]
    smaller = [p for p in range(case.place) if in_flight[case.place] >= LEAST_GROWTH * in_flight[p]]
    if not smaller:
        return None
    fewer = smaller[-1]
    growth = in_flight[case.place] / in_flight[fewer]
    gain = curve.speed_up(case.place) / curve.speed_up(fewer)
    task = case.trials.median(case.own.id, reading("task_p50"))
    task_before = case.trials.median(curve.configurations[fewer].id, reading("task_p50"))
    if task is None or not task_before:
        return case.unread("task_p50")
    longer = task / task_before
    if gain > NO_GAIN or longer < PROPORTIONAL * growth:
        return None
    sentence = (
        f"{_waited_for(case)} cannot do more at once: {growth:.3g} times as many workers as "
        f"{curve.counts[fewer]} reach {gain:.2f} times the throughput, "
        f"and a task takes {longer:.2f} times as long"
    )
    figures = [
        ("throughput gained", gain, "ratio"),
        ("task", task, "seconds"),
        ("before", task_before, "seconds"),
    ]
    seconds = case.trials.median(case.own.id, round_seconds)
    if case.tasks is not None and seconds:
        figures.append(("throughput", case.tasks / seconds, "tasks per second"))
    return case.cause("target", sentence, *figures)


def _waited_for(case: Case) -> str:
    try:
        named = targets_of(case.curve.group.workload)
    except BadInput:
        # Of a run that another installation measured.
        named = ()
    return f"target {' and '.join(named)}" if named else "what the tasks wait for"


# What is looked for, and where


@dataclass(frozen=True)
class CauseCheck:
    """One cause that is looked for."""

    id: CauseId
    #: For people.
    name: str
    #: Whether the cause is possible at all with this strategy and build.
    concerns: Callable[[Case], bool]
    look: Callable[[Case], Found]


def _always(case: Case) -> bool:
    return case.count > 1


def _computes(case: Case) -> bool:
    return case.computes


def _threads_with_gil(case: Case) -> bool:
    return case.curve.usable_cpus > 1 and case.own.strategy == "threads" and case.own.gil_is_on


def _event_loop(case: Case) -> bool:
    return case.curve.usable_cpus > 1 and case.own.strategy == "asyncio"


def _pickles(case: Case) -> bool:
    return case.own.strategy not in ("threads", "asyncio")


def _passes_objects(case: Case) -> bool:
    return not _pickles(case)


def _threads_without_gil(case: Case) -> bool:
    return case.computes and case.own.strategy == "threads" and not case.own.gil_is_on


def _waits(case: Case) -> bool:
    return kind_of(case.own.workload) != "cpu"


def _processes_with_a_cpu_each(case: Case) -> bool:
    return case.computes and case.own.strategy == "processes" and case.count <= case.curve.usable_cpus


#: In the order in which they are told.
CHECKS = (
    CauseCheck("tasks", "too few tasks", _always, short_of_tasks),
    CauseCheck("gil", "the GIL", _threads_with_gil, held_by_gil),
    CauseCheck("event loop", "one event loop", _event_loop, held_by_event_loop),
    CauseCheck("cpus", "too few CPUs", _always, short_of_cpus),
    CauseCheck("quota", "a CPU quota", _always, throttled),
    CauseCheck("others", "other programs", _computes, taken_by_others),
    CauseCheck("pickling", "pickling", _pickles, paid_for_pickling),
    CauseCheck("dispatch", "handing over", _passes_objects, paid_for_dispatch),
    CauseCheck("contention", "contention of threads", _threads_without_gil, contended),
    CauseCheck("inner threads", "the work's own threads", _always, shared_with_inner_threads),
    CauseCheck("target", "what tasks wait for", _waits, held_by_target),
    CauseCheck("cpu seconds", "memory and shared cores", _processes_with_a_cpu_each, inflated),
)


def diagnosis_of(
    curve: Curve, trials: Readings, tasks: int | None, stop: Stop, *, computes: bool
) -> Diagnosis | None:
    """Say why a curve flattens; None where its largest count has its fold, or nearly.

    Figures are medians of trials: they describe, and are no verdicts. The one comparison among them
    (threads against processes) has the interval of the run's rule at its α.

    Args:
        curve: what was measured.
        trials: of the curve's group.
        tasks: of a round; None: not known.
        computes: whether the work uses the CPU.
        stop: the run's margin and rates.
    """
    flat = [place for place in range(len(curve.counts)) if _is_flat(curve, place)]
    largest = len(curve.counts) - 1
    if largest not in flat:
        return None
    shown: dict[str, Cause] = {}
    unseen: dict[str, str] = {}
    looked_for: list[str] = []
    cases = [Case(curve, place, trials, tasks, computes, stop) for place in dict.fromkeys((flat[0], largest))]
    for check in CHECKS:
        results = [check.look(case) for case in cases if check.concerns(case)]
        present = [result for result in results if isinstance(result, Cause)]
        reasons = [result.why for result in results if isinstance(result, Unseen)]
        if present:
            # Where it begins says what it is; at the largest count it only shows more.
            shown[check.id] = present[0]
        if len(reasons) < len(results):
            looked_for.append(check.name)
        elif reasons:
            unseen[check.name] = reasons[0]
    return Diagnosis(
        flat_from=curve.counts[flat[0]],
        largest=curve.counts[largest],
        share_ratio=curve.share_ratio(largest),
        causes=tuple(shown.values()),
        looked_for=tuple(looked_for),
        not_looked_for=tuple(f"{name}: {why}" for name, why in unseen.items()),
    )


def _is_flat(curve: Curve, place: int) -> bool:
    return curve.counts[place] > 1 and curve.share_ratio(place) < FLAT_RATIO
