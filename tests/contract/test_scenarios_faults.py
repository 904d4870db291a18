"""The scenarios of faults, requests to stop, and deadlocks on every build that is here: they are real."""

from __future__ import annotations

import re
import signal
import sys
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from parlab.workers import catalog
from parlab.workers.errors import NotReadable
from parlab.workers.scenarios import _faults, isolation
from parlab.workers.scenarios.interrupt import WORK_SECONDS
from tests.support.scenarios import BUILDS, Measured, StartTrial, Try, measured, refused, tried

__all__ = ["measured", "tried"]

VARIANTS = [one.name for one in catalog.scenario("isolation").variants]
#: (variant, request) → whether it stops the work. What is not here there is no way to ask for.
STOPS = {
    ("threads", "event"): True,
    ("threads", "cancel"): False,
    ("threads", "shutdown"): False,
    ("threads", "ctrl-c"): False,
    ("processes", "event"): True,
    ("processes", "cancel"): False,
    ("processes", "shutdown"): False,
    ("processes", "terminate"): True,
    ("processes", "kill"): True,
    ("processes", "ctrl-c"): True,
    ("tasks", "event"): True,
    ("tasks", "cancel"): True,
    ("tasks", "ctrl-c"): True,
}
#: Each on our own build; on the others what a build's own code does: its threads, its executors' ends.
ASKED = [
    (build, variant, request)
    for build in BUILDS
    for variant, request in STOPS
    if build == "python"
    or (variant == "threads" and request != "event")
    or request in ("cancel", "terminate")
]
REQUESTS = catalog.scenario("interrupt").parameters["request"].choices
#: Why there is none of the others.
IMPOSSIBLE = [
    ("threads", "terminate", "Python has no call for it"),
    ("threads", "kill", "kills its whole process"),
    ("tasks", "shutdown", "in no executor"),
    ("tasks", "terminate", "not a process"),
    ("tasks", "kill", "not a process"),
]


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("build", BUILDS)
def test_an_exception_of_one_task_breaks_nothing(build: str, variant: str, measured: Measured) -> None:
    found = measured("isolation", variant, build, fault="exception")
    assert (found["tasks_lost"], found["pool_broken"], found["caller_died"]) == (0, 0, 0)
    assert 0 < found["serves_again"] < 5


@pytest.mark.parametrize("fault", ["exit", "kill", "segfault"])
@pytest.mark.parametrize("variant", ["threads", "interpreters"])
@pytest.mark.parametrize("build", BUILDS)
def test_what_ends_a_process_ends_its_threads_and_interpreters_with_all_tasks(
    build: str, variant: str, fault: str, measured: Measured
) -> None:
    found = measured("isolation", variant, build, rounds=1, fault=fault)
    assert (found["pool_broken"], found["caller_died"]) == (1, 1)
    # On a busy machine some may have been done before the fault struck.
    assert 0 <= found["tasks_lost"] <= 1
    assert 0 < found["serves_again"] < 20


@pytest.mark.parametrize("fault", ["exit", "kill", "segfault"])
@pytest.mark.parametrize("build", BUILDS)
def test_the_death_of_a_pools_process_breaks_the_pool_and_spares_its_caller(
    build: str, fault: str, measured: Measured
) -> None:
    found = measured("isolation", "processes", build, rounds=1, fault=fault)
    assert (found["pool_broken"], found["caller_died"]) == (1, 0)
    # How many were quicker than their pool's end hangs on the machine: where it is busy, perhaps all.
    assert 0 <= found["tasks_lost"] <= 1
    assert 0 < found["serves_again"] < 20


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("build", BUILDS)
def test_memory_that_is_exhausted_against_a_limit_is_the_tasks_own_error(
    build: str, variant: str, tried: Try
) -> None:
    # That it is a MemoryError is what the scenario itself sees to (below).
    given = tried("isolation", variant, build, fault="memory")
    assert given.values["caller_died"] == given.values["pool_broken"] == 0
    if variant == "processes":
        # Each has a limit of its own: the others do not notice.
        assert given.values["tasks_lost"] == 0
    # Interpreters of Python 3.14 lose this error, and the scenario says so.
    assert given.notes is None or ("no error" in given.notes and variant == "interpreters")


def test_a_fault_that_ends_its_task_otherwise_is_no_result() -> None:
    _faults.check("memory", MemoryError())
    _faults.check("exception", _faults.WantedFault())
    for fault in _faults.FAULTS:
        for other in (None, ValueError("another")):
            with pytest.raises(RuntimeError, match=f"the fault {fault} ended its task with"):
                _faults.check(fault, other)


def test_a_segfault_without_ctypes_and_a_limit_without_proc_are_refused_with_the_reason(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(isolation, "find_spec", lambda _: None)
    with pytest.raises(NotImplementedError, match="no ctypes"):
        isolation.open_bench("threads", {"fault": "segfault"})
    monkeypatch.setattr("os.path.exists", lambda _: False)
    with pytest.raises(NotReadable, match="no /proc"):
        isolation.open_bench("threads", {"fault": "memory"})


@pytest.mark.parametrize(("build", "variant", "request_"), ASKED)
def test_a_request_stops_the_work_or_does_not_and_leaves_it_behind(
    build: str, variant: str, request_: str, measured: Measured
) -> None:
    # The mean of three: one of them may meet a machine that stands still for a moment.
    found = measured("interrupt", variant, build, rounds=3, request=request_)
    assert (found["stopped"] > 0.5) == STOPS[variant, request_]
    assert (found["left_behind"] < 0.5) == STOPS[variant, request_]
    if STOPS[variant, request_]:
        assert 0 < found["stops_after"] < 0.8 * WORK_SECONDS
    else:
        # It goes on to its own end, which is far off unless the machine stood still before it was asked.
        assert 0.2 * WORK_SECONDS < found["stops_after"] < WORK_SECONDS + 5


@pytest.mark.parametrize("variant", ["processes", "tasks"])
def test_ctrl_c_interrupts_also_where_a_guardian_ignores_it(variant: str, measured: Measured) -> None:
    # A trial inherits what its guardian does with the signal.
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        assert measured("interrupt", variant, rounds=3, request="ctrl-c")["stopped"] > 0.5
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize(("variant", "request_", "reason"), IMPOSSIBLE)
def test_what_there_is_no_way_to_ask_for_is_refused_with_the_reason(
    variant: str,
    request_: str,
    reason: str,
    start_trial: StartTrial,
    spec_of: Callable[..., Mapping[str, Any]],
) -> None:
    parameters = {"request": request_}
    spec = spec_of("interrupt", tasks=0, strategy=variant, scenario=True, parameters=parameters)
    assert reason in refused(start_trial, spec, sys.executable)


def test_every_request_of_every_variant_is_expected_or_refused() -> None:
    assert REQUESTS is not None
    there = {(one.name, request) for one in catalog.scenario("interrupt").variants for request in REQUESTS}
    assert there == {*STOPS, *((variant, request) for variant, request, _ in IMPOSSIBLE)}


@pytest.mark.parametrize("variant", ["threads", "processes"])
@pytest.mark.parametrize("build", BUILDS)
def test_locks_taken_in_two_orders_lock_up_and_the_stacks_show_where(
    build: str, variant: str, tried: Try
) -> None:
    given = tried("deadlock", variant, build, rounds=1)
    assert given.values["deadlocked"] == 1
    seconds = given.values["detected_after"]
    assert seconds is not None
    assert 0.3 <= seconds < 5
    assert given.notes is not None
    for function in ("first_then_second", "second_then_first"):
        assert re.search(rf'deadlock\.py", line \d+ in {function}\n', given.notes), given.notes
    assert given.notes.count("Process ") == (1 if variant == "threads" else 3)


@pytest.mark.parametrize("variant", ["threads-ordered", "processes-ordered"])
@pytest.mark.parametrize("build", BUILDS)
def test_locks_taken_in_one_order_do_not_lock_up(build: str, variant: str, tried: Try) -> None:
    # A limit that no machine is too slow for.
    given = tried("deadlock", variant, build, limit=20.0)
    assert given.values == {"deadlocked": 0, "detected_after": None}
    assert given.reasons["detected_after"] == "it did not lock up"
    assert given.notes is None


def test_a_deadlock_is_given_up_when_its_limit_says(measured: Measured) -> None:
    assert 0.1 <= measured("deadlock", "threads", rounds=1, limit=0.1)["detected_after"] < 5
