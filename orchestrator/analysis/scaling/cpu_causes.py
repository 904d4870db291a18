"""Causes that lie with the CPUs and who has them: the GIL, a quota, contention, threads of the work's own."""

from __future__ import annotations

import math

from parlab.orchestrator.analysis import stopping
from parlab.orchestrator.analysis.findings.scaling import CauseId
from parlab.orchestrator.analysis.scaling.case import BUSY_CPU, Case, Found, Unseen
from parlab.orchestrator.analysis.scaling.readings import (
    cpu_seconds,
    cpus_used,
    pressure_ratio,
    reading,
    throttled_ratio,
)
from parlab.orchestrator.analysis.sentences import ONE_CPU
from parlab.orchestrator.figures import counted
from parlab.orchestrator.plan.model import Configuration
from parlab.orchestrator.statistics import inference

#: Of the CPUs that can be kept busy, so much is all.
ALL_BUSY = 0.85
#: A quota that held back for less of the rounds' time is no cause.
THROTTLED_RATIO = 0.01
#: Something of the machine waited for a CPU for this share of the time: on a quiet one it is a few per cent.
WAITED_RATIO = 0.20
#: CPU seconds of the same work, by those that it takes serially, from which on they are inflated: beside
#: processes that show how it is without contention, and alone.
CONTENTION_RATIO, INFLATED_RATIO = 1.10, 1.20


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
