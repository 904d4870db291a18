"""Diagnosis of a curve that flattens: every known cause, where it begins to and at its largest count."""

from __future__ import annotations

from parlab.orchestrator.analysis.findings.scaling import Cause, Diagnosis
from parlab.orchestrator.analysis.scaling import causes
from parlab.orchestrator.analysis.scaling.causes import Case, CauseCheck, Unseen
from parlab.orchestrator.analysis.scaling.curve import Curve
from parlab.orchestrator.analysis.scaling.readings import Readings
from parlab.orchestrator.experiment.model import Stop
from parlab.orchestrator.experiment.work import kind_of

#: A count whose speed-up is below this share of its fold is flat: a fifth of the workers do nothing.
FLAT_RATIO = 0.8


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
    CauseCheck("tasks", "too few tasks", _always, causes.short_of_tasks),
    CauseCheck("gil", "the GIL", _threads_with_gil, causes.held_by_gil),
    CauseCheck("event loop", "one event loop", _event_loop, causes.held_by_event_loop),
    CauseCheck("cpus", "too few CPUs", _always, causes.short_of_cpus),
    CauseCheck("quota", "a CPU quota", _always, causes.throttled),
    CauseCheck("others", "other programs", _computes, causes.taken_by_others),
    CauseCheck("pickling", "pickling", _pickles, causes.paid_for_pickling),
    CauseCheck("dispatch", "handing over", _passes_objects, causes.paid_for_dispatch),
    CauseCheck("contention", "contention of threads", _threads_without_gil, causes.contended),
    CauseCheck("inner threads", "the work's own threads", _always, causes.shared_with_inner_threads),
    CauseCheck("target", "what tasks wait for", _waits, causes.held_by_target),
    CauseCheck("cpu seconds", "memory and shared cores", _processes_with_a_cpu_each, causes.inflated),
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
