"""Causes of flat curves: each from observations that were made to show it, and none from clean ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from parlab.orchestrator.analysis.findings.scaling import Cause, CauseId, Diagnosis
from parlab.orchestrator.plan.model import Plan
from parlab.orchestrator.store.observation import Observation
from parlab.workers.wire.registration import EffectiveCpus
from parlab.workers.wire.spec import Gil
from tests.support.scaling_cases import (
    ROUND_SECONDS,
    ROUNDS,
    TASKS,
    Counted,
    Swept,
    configuration,
    cpus,
    found,
    observed,
    plan_of,
)

#: What a quiet machine reads of two counts: nothing that would be a cause.
QUIET = {"throttled": 0.0, "dispatch": 1e-6, "pickling": 1e-5, "inner_threads": 0.0, "pressure_cpu": 0.02}


def diagnosed(
    strategy: str,
    counts: Mapping[int, Counted],
    *,
    workload: str = "integer_sum",
    effective: EffectiveCpus | None = None,
    python: str = "3.11.7",
    gil: Gil | None = None,
    serial: Counted | None = None,
    tasks: int = TASKS,
    beside: Mapping[int, Counted] | None = None,
) -> Diagnosis | None:
    """Diagnose one strategy; ``beside`` are processes that are measured with it."""
    swept = [Swept(strategy, _quiet(counts), python, gil)]
    if beside is not None:
        swept.append(Swept("processes", _quiet(beside), python, gil))
    plan = plan_of(swept, workload=workload, effective=effective or cpus(8))
    findings = found(plan, observed(plan, swept, 10, serial=serial), tasks=tasks)
    return findings[0].diagnosis


def _quiet(counts: Mapping[int, Counted]) -> dict[int, Counted]:
    return {n: replace(seen, readings={**QUIET, **seen.readings}) for n, seen in counts.items()}


def only_cause(diagnosis: Diagnosis | None) -> Cause:
    assert diagnosis is not None
    (cause,) = diagnosis.causes
    return cause


def ids(diagnosis: Diagnosis | None) -> list[CauseId]:
    assert diagnosis is not None
    return [cause.id for cause in diagnosis.causes]


def figure(cause: Cause, name: str) -> float:
    return next(figure.value for figure in cause.figures if figure.name == name)


def test_a_curve_that_does_not_flatten_has_no_diagnosis() -> None:
    assert diagnosed("processes", {1: Counted(1.0), 2: Counted(1.95, 1.95), 4: Counted(3.7, 3.8)}) is None


def test_a_flat_curve_without_a_reading_out_of_order_has_no_cause_and_says_what_was_looked_for() -> None:
    # No more CPU seconds than serially, CPUs that nobody uses: nothing says why.
    diagnosis = diagnosed("processes", {1: Counted(1.0), 2: Counted(1.9, 1.9), 4: Counted(2.0, 2.0)})
    assert diagnosis is not None
    assert diagnosis.causes == ()
    assert (diagnosis.flat_from, diagnosis.largest) == (4, 4)
    assert diagnosis.share_ratio == pytest.approx(0.5, rel=0.02)
    assert diagnosis.looked_for == (
        "too few tasks", "too few CPUs", "a CPU quota", "other programs", "pickling",
        "the work's own threads", "memory and shared cores",
    )  # fmt: skip
    assert diagnosis.not_looked_for == ()


def test_threads_that_keep_one_cpu_busy_are_held_by_the_gil() -> None:
    threads = {1: Counted(1.0), 2: Counted(0.98, 1.01), 4: Counted(0.93, 1.02), 8: Counted(0.9, 1.03)}
    cause = only_cause(diagnosed("threads", threads))
    # Said of where it begins.
    assert (cause.id, cause.max_workers) == ("gil", 2)
    assert figure(cause, "CPUs busy") == pytest.approx(1.01)
    assert cause.sentence == "the GIL is on: 2 threads kept 1.01 of 8 CPUs busy"


def test_the_gil_is_not_blamed_where_it_is_off_where_more_is_busy_or_where_there_is_one_cpu() -> None:
    idle = {1: Counted(1.0), 2: Counted(0.98, 1.01), 4: Counted(0.93, 1.02)}
    assert "gil" not in ids(diagnosed("threads", idle, python="3.13.5t"))
    assert ids(diagnosed("threads", idle, python="3.13.5t", gil="on")) == ["gil"]
    busier = {1: Counted(1.0), 2: Counted(1.3, 1.5), 4: Counted(1.5, 1.8)}
    assert "gil" not in ids(diagnosed("threads", busier))
    assert ids(diagnosed("threads", idle, effective=cpus(1))) == ["cpus"]


def test_threads_that_only_wait_are_not_held_by_the_gil() -> None:
    waiting = {1: Counted(1.0, 0.02), 4: Counted(2.0, 0.04)}
    assert ids(diagnosed("threads", waiting, workload="wait")) == []


def test_an_event_loop_that_computes_all_the_time_is_the_limit() -> None:
    loop = {1: Counted(1.0, 0.5), 8: Counted(1.9, 0.97), 32: Counted(1.95, 1.0)}
    cause = only_cause(diagnosed("asyncio", loop, workload="http_get"))
    assert (cause.id, cause.max_workers) == ("event loop", 8)
    assert figure(cause, "CPUs busy") == pytest.approx(0.97)


def test_more_workers_than_cpus_that_keep_all_of_them_busy_have_too_few() -> None:
    processes = {1: Counted(1.0), 2: Counted(1.9, 1.95), 4: Counted(1.9, 1.96), 8: Counted(1.88, 1.97)}
    cause = only_cause(diagnosed("processes", processes, effective=cpus(2)))
    assert (cause.id, cause.max_workers) == ("cpus", 4)
    assert figure(cause, "CPUs busy") == pytest.approx(1.96)
    assert figure(cause, "CPUs") == 2
    assert cause.sentence == "4 workers share 2 CPUs and keep 1.96 busy"


def test_a_quota_is_seen_by_how_long_it_held_back() -> None:
    seconds = ROUNDS * ROUND_SECONDS / 1.45
    throttled = {"throttled": 0.5 * seconds}
    processes = {1: Counted(1.0), 2: Counted(1.45, 1.48, throttled), 4: Counted(1.45, 1.48, throttled)}
    diagnosis = diagnosed("processes", processes, effective=cpus(2, quota=1.5))
    assert ids(diagnosis) == ["cpus", "quota"]
    assert diagnosis is not None
    few, held = diagnosis.causes
    assert few.sentence == "2 workers share 1.5 CPUs by its quota and keep 1.48 busy"
    # A block's level, which is up to half again, is in the seconds and not in what was throttled.
    assert 0.3 < figure(held, "throttled") <= 0.5


def test_a_quota_that_cannot_be_read_is_said_and_not_taken_for_none() -> None:
    swept = [Swept("processes", {1: Counted(1.0), 4: Counted(2.0, 2.0)})]
    plan = plan_of(swept, effective=cpus(8))
    (finding,) = found(plan, observed(plan, swept, 9))
    assert finding.diagnosis is not None
    assert "a CPU quota: no cgroup CPU controller counts throttling here" in finding.diagnosis.not_looked_for
    assert "a CPU quota" not in finding.diagnosis.looked_for
    assert "pickling: no trial has a reading pickling" in finding.diagnosis.not_looked_for


def test_packing_and_handing_over_are_told_with_their_share_of_a_round() -> None:
    taken = ROUND_SECONDS / 1.2
    readings = {"pickling": 0.3 * taken, "dispatch": 0.1 * taken / TASKS}
    processes = {1: Counted(1.0), 2: Counted(1.2, 1.2, readings), 4: Counted(1.2, 1.25, readings)}
    cause = only_cause(diagnosed("processes", processes))
    assert (cause.id, cause.max_workers) == ("pickling", 2)
    assert 0.4 / 1.5 < figure(cause, "share of a round") <= 0.4
    assert figure(cause, "pickling") == pytest.approx(0.3 * taken)
    assert figure(cause, "dispatch") == pytest.approx(0.1 * taken)


def test_threads_pay_for_handing_over_without_pickling() -> None:
    readings = {"dispatch": 0.3 * ROUND_SECONDS / TASKS}
    threads = {1: Counted(1.0), 2: Counted(1.0, 1.4, readings), 4: Counted(1.0, 1.4, readings)}
    assert only_cause(diagnosed("threads", threads)).id == "dispatch"


def test_a_round_of_few_tasks_cannot_keep_many_workers_busy() -> None:
    processes = {1: Counted(1.0), 2: Counted(1.9, 1.9), 4: Counted(2.9, 2.9), 8: Counted(2.9, 2.9)}
    cause = only_cause(diagnosed("processes", processes, tasks=6))
    # 6 tasks over 4 workers take as long as 2 each: 3 busy of 4.
    assert (cause.id, cause.max_workers) == ("tasks", 4)
    assert (figure(cause, "tasks"), figure(cause, "workers busy")) == (6, 3)


def test_threads_without_a_gil_that_processes_outdo_at_fewer_cpu_seconds_contend() -> None:
    # CPU seconds of a round go as CPUs busy / speed-up: 1.9 times serial's, against 1.03.
    threads = {1: Counted(1.0), 2: Counted(1.2, 1.6), 4: Counted(2.0, 3.8)}
    processes = {2: Counted(1.9, 1.92), 4: Counted(3.7, 3.8)}
    cause = only_cause(diagnosed("threads", threads, python="3.13.5t", beside=processes))
    assert (cause.id, cause.max_workers) == ("contention", 2)
    assert figure(cause, "speed relative to processes") == pytest.approx(1.2 / 1.9, rel=0.03)
    assert figure(cause, "CPU seconds relative to serial") == pytest.approx(1.6 / 1.2, rel=0.03)
    assert figure(cause, "the same of processes") == pytest.approx(1.92 / 1.9, rel=0.03)


def test_threads_that_are_no_slower_than_processes_do_not_contend() -> None:
    flat = {1: Counted(1.0), 2: Counted(1.3, 1.9), 4: Counted(2.0, 3.8)}
    alike = {2: Counted(1.3, 1.9), 4: Counted(2.0, 3.8)}
    assert "contention" not in ids(diagnosed("threads", flat, python="3.13.5t", beside=alike))


def test_contention_is_not_looked_for_without_processes_beside_and_never_with_a_gil() -> None:
    flat = {1: Counted(1.0), 4: Counted(2.0, 3.8)}
    free = diagnosed("threads", flat, python="3.13.5t")
    assert free is not None
    assert "contention of threads: no processes ×4 were measured beside the threads" in free.not_looked_for
    gil = diagnosed("threads", flat)
    assert gil is not None
    assert not any("contention" in what for what in (*gil.looked_for, *gil.not_looked_for))


def test_threads_of_the_works_own_are_seen_where_one_task_already_uses_several_cpus() -> None:
    processes = {
        1: Counted(1.0, 1.8, {"inner_threads": 1.0}),
        2: Counted(1.1, 1.95, {"inner_threads": 2.0}),
        4: Counted(1.1, 1.6, {"inner_threads": 4.0}),
    }
    diagnosis = diagnosed("processes", processes, effective=cpus(2), serial=Counted(1.0, 1.8))
    cause = only_cause(diagnosis)
    assert (cause.id, cause.max_workers) == ("inner threads", 2)
    assert figure(cause, "inner threads") == 2
    assert figure(cause, "CPUs busy before") == pytest.approx(1.8)


def test_threads_that_only_wait_beside_the_work_are_none_of_its_own() -> None:
    processes = {1: Counted(1.0), 4: Counted(1.1, 1.2, {"inner_threads": 4.0})}
    assert ids(diagnosed("processes", processes, effective=cpus(2))) == []


def test_a_target_that_serves_no_more_at_once_is_the_limit_by_littles_law() -> None:
    threads = {
        1: Counted(1.0, 0.05, {"task_p50": 0.020}),
        4: Counted(3.9, 0.2, {"task_p50": 0.0205}),
        8: Counted(4.0, 0.2, {"task_p50": 0.040}),
        16: Counted(4.05, 0.2, {"task_p50": 0.079}),
    }
    cause = only_cause(diagnosed("threads", threads, workload="http_get", serial=Counted(1.0, 0.05)))
    assert (cause.id, cause.max_workers) == ("target", 8)
    assert figure(cause, "throughput gained") == pytest.approx(4.0 / 3.9, rel=0.02)
    assert (figure(cause, "before"), figure(cause, "task")) == (0.0205, 0.040)
    assert cause.sentence.startswith(
        "target http cannot do more at once: 2 times as many workers as 4 reach 1.0"
    )


@pytest.mark.parametrize(
    ("workload", "speed_up", "busy", "task_seconds"),
    [
        # The client's CPUs are short, not the target.
        ("http_get", 4.0, 5.0, 0.040),
        # Tasks take no longer: they wait for their turn somewhere else.
        ("http_get", 4.0, 0.2, 0.0205),
        # Tasks take longer, and yet more are served.
        ("http_get", 5.0, 0.2, 0.040),
        # What computes does not wait for anything.
        ("integer_sum", 4.0, 0.2, 0.040),
    ],
)
def test_a_target_is_not_blamed_for_what_is_not_its_own(
    workload: str, speed_up: float, busy: float, task_seconds: float
) -> None:
    processes = {
        4: Counted(3.9, 0.2, {"task_p50": 0.0205}),
        8: Counted(speed_up, busy, {"task_p50": task_seconds}),
    }
    assert "target" not in ids(diagnosed("processes", processes, workload=workload))


def test_processes_with_a_cpu_each_that_need_more_cpu_seconds_share_what_is_below_the_cpus() -> None:
    processes = {1: Counted(1.0), 2: Counted(1.4, 1.98), 4: Counted(1.6, 3.95)}
    cause = only_cause(diagnosed("processes", processes))
    assert (cause.id, cause.max_workers) == ("cpu seconds", 2)
    # Less what handing 64 tasks over takes.
    assert figure(cause, "CPU seconds relative to serial") == pytest.approx(1.98 / 1.4, rel=0.03)


def test_cpu_seconds_that_pickling_takes_are_not_told_twice() -> None:
    # The same, of which a third of serial's round is pickling.
    readings = {"pickling": 0.42 * ROUND_SECONDS}
    processes = {1: Counted(1.0), 2: Counted(1.4, 1.98, readings)}
    assert ids(diagnosed("processes", processes)) == ["pickling"]


def test_cpus_that_other_programs_have_are_seen_by_who_waits_for_them() -> None:
    waited = {"pressure_cpu": 0.6 * ROUNDS * ROUND_SECONDS}
    processes = {1: Counted(1.0), 2: Counted(1.05, 1.1, waited)}
    cause = only_cause(diagnosed("processes", processes, effective=cpus(2)))
    assert cause.id == "others"
    assert figure(cause, "CPUs busy") == pytest.approx(1.1)
    # Threads that a GIL holds to one CPU have had it.
    threads = {1: Counted(1.0), 2: Counted(0.98, 1.0, waited)}
    assert ids(diagnosed("threads", threads, effective=cpus(2))) == ["gil"]


def test_cpu_time_that_cannot_be_read_leaves_its_causes_open() -> None:
    def without(o: Observation) -> Observation:
        rest = {name: value for name, value in o.readings.items() if not name.startswith("cpu_")}
        return replace(o, readings=rest, unread={"cpu_user": "no /proc here"})

    swept = [Swept("threads", {1: Counted(1.0), 4: Counted(0.9)})]
    plan = plan_of(swept, effective=cpus(2))
    (finding,) = found(plan, [without(o) for o in observed(plan, swept, 9)])
    assert {point.cpus_used for point in finding.points} == {None}
    assert finding.diagnosis is not None
    assert finding.diagnosis.causes == ()
    assert {"the GIL: no /proc here", "too few CPUs: no /proc here"} <= set(finding.diagnosis.not_looked_for)


def test_what_a_users_function_waits_for_has_no_name() -> None:
    plan = _own_function({4: Counted(3.9, 0.2, {"task_p50": 0.02}), 8: Counted(3.9, 0.2, {"task_p50": 0.04})})
    (finding,) = found(*plan)
    cause = only_cause(finding.diagnosis)
    assert cause.sentence.startswith("what the tasks wait for cannot do more at once")


def _own_function(counts: Mapping[int, Counted]) -> tuple[Plan, list[Observation]]:
    swept = [Swept("threads", _quiet(counts))]
    plan = plan_of(swept, workload="shop:fetch", effective=cpus(8))
    assert configuration("threads", 4, workload="shop:fetch").workload == "shop:fetch"
    return plan, observed(plan, swept, 10, serial=Counted(1.0, 0.05))
