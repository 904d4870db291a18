"""Causes that lie with the work: its number of tasks, what has to be handed over, what it waits for."""

from __future__ import annotations

import math

from parlab.orchestrator.analysis.scaling.case import BUSY_CPU, Case, Found, Unseen
from parlab.orchestrator.analysis.scaling.readings import reading, round_seconds
from parlab.orchestrator.experiment.work import targets_of
from parlab.workers.errors import BadInput

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
