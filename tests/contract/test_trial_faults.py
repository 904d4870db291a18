"""Faults of a trial, caused for real, and what its guardian is told of them."""

from __future__ import annotations

import os
import resource
import signal
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from parlab.workers.host.tree import processes_below

SpecOf = Callable[..., Mapping[str, Any]]
Start = Callable[..., Any]


@pytest.mark.parametrize(
    ("strategy", "max_workers"), [("serial", 1), ("threads", 2), ("processes", 2), ("hybrid", 2)]
)
@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("raise", "ValueError: no such thing as task 3"),
        ("interrupt", "KeyboardInterrupt"),
        ("sys.exit", "SystemExit: 3"),
    ],
)
def test_what_a_task_raises_is_told_with_its_traceback(
    fault: str, said: str, strategy: str, max_workers: int, start_faulty: Start
) -> None:
    error = start_faulty(fault, strategy, max_workers).fail("warm_up")
    assert error["cause"] == "raised"
    assert error["message"] == f"faulty raised {said}"
    assert "faulty.py" in error["traceback"]


@pytest.mark.parametrize("strategy", ["processes", "hybrid"])
@pytest.mark.parametrize(
    ("fault", "said"),
    [("os._exit", "ended by itself with exit code 7"), ("segfault", "was killed by SIGSEGV")],
)
def test_a_worker_that_dies_breaks_the_pool_and_it_is_told_how(
    fault: str, said: str, strategy: str, start_faulty: Start
) -> None:
    trial = start_faulty(fault, strategy, 2)
    error = trial.fail("round")
    assert error["cause"] == "pool-broken"
    assert error["message"].startswith("the pool broke: process ")
    assert error["message"].endswith(said)
    assert list(trial.temporary.iterdir()) == []


@pytest.mark.parametrize("method", ["fork", "forkserver", "spawn"])
def test_a_worker_killed_between_rounds_breaks_the_pool(
    method: str, start_trial: Start, spec_of: SpecOf
) -> None:
    spec = spec_of("wait", strategy="processes", max_workers=2, options={"start_method": method})
    trial = start_trial(spec)
    trial.do("round")
    # Not a server of multiprocessing's: those were there before the pool's processes.
    victim = max(processes_below(trial.pid))
    os.kill(victim, signal.SIGKILL)
    error = trial.fail("round")
    assert error["cause"] == "pool-broken"
    assert f"process {victim} was killed by SIGKILL" in error["message"]


@pytest.mark.parametrize(("fault", "code"), [("os._exit", 7), ("segfault", -signal.SIGSEGV)])
def test_a_serial_task_that_ends_its_process_ends_the_trial(
    fault: str, code: int, start_faulty: Start
) -> None:
    assert start_faulty(fault, "serial", 1).ask("round") == {"died": code}


def test_an_exception_that_cannot_be_read_back_breaks_the_pool_and_says_so(start_faulty: Start) -> None:
    error = start_faulty("unspeakable", "processes", 2).fail("round")
    assert error["cause"] == "pool-broken"
    assert "a result could not be read back: TypeError: " in error["message"]


def test_a_result_that_cannot_be_sent_back_is_the_tasks_own_fault(start_faulty: Start) -> None:
    assert start_faulty("unpicklable", "processes", 2).fail("round")["cause"] == "raised"


def test_a_result_without_a_structure_asks_for_a_check(start_faulty: Start) -> None:
    error = start_faulty("unpicklable", "threads", 2).fail("round")
    assert error["cause"] == "wrong-result"
    assert error["message"].startswith("task 3: a result holds a builtins.function")
    assert "Give the workload a check" in error["message"]


@pytest.mark.parametrize("tasks", [4, 100])
def test_a_wrong_result_names_its_task(tasks: int, start_faulty: Start) -> None:
    last = tasks - 1
    error = start_faulty("wrong", "threads", 2, tasks).fail("warm_up")
    assert error["cause"] == "wrong-result"
    assert error["message"].startswith(f"task {last} of {tasks} gave {last}.0, which differs")


def test_what_returns_something_else_each_time_is_found_by_its_calibration(
    start_trial: Start, spec_of: SpecOf, faulty_trialpath: str
) -> None:
    trial = start_trial(trialpath=faulty_trialpath)
    trial.do("prepare", spec=spec_of("faulty", 0, parameters={"fault": "unsteady"}))
    wanted = {"round_seconds": 0.004, "tasks": 1, "multiple_of": 1, "max_tasks": 10}
    error = trial.fail("calibrate", calibration=wanted)
    assert error["cause"] == "wrong-result"
    assert "returns a different result each time" in error["message"]


@pytest.mark.parametrize("strategy", ["serial", "processes"])
def test_what_a_task_writes_does_not_mix_with_the_answers(strategy: str, start_faulty: Start) -> None:
    trial = start_faulty("print", strategy, 1)
    trial.do("round")
    trial.do("close")
    assert trial.exit_code() == 0
    written = trial.output.read_bytes()
    assert b"{{{" in written
    assert b"}}}" in written


def test_a_thread_that_a_task_leaves_running_does_not_hold_the_trial_up(start_faulty: Start) -> None:
    trial = start_faulty("thread", "serial", 1)
    trial.do("round")
    trial.do("close")
    assert trial.exit_code() == 0


def test_a_process_that_a_task_leaves_running_does_not_hold_the_trial_up(start_faulty: Start) -> None:
    trial = start_faulty("process", "serial", 1)
    trial.do("round")
    trial.do("close")
    assert trial.exit_code() == 0


def test_a_thread_that_cannot_be_started_is_counted(start_trial: Start, spec_of: SpecOf) -> None:
    trial = start_trial()
    trial.do("prepare", spec=spec_of("wait", strategy="threads", max_workers=2000))
    resource.prlimit(trial.pid, resource.RLIMIT_AS, (1 << 29, 1 << 29))
    error = trial.fail("open")
    assert error["cause"] == "pool-broken"
    assert " of 2000: can't start new thread" in error["message"]


@pytest.mark.parametrize("method", ["fork", "forkserver", "spawn"])
def test_processes_that_cannot_be_started_end_the_trial(
    method: str, start_trial: Start, spec_of: SpecOf
) -> None:
    trial = start_trial()
    spec = spec_of("wait", strategy="processes", max_workers=8, options={"start_method": method})
    trial.do("prepare", spec=spec)
    resource.prlimit(trial.pid, resource.RLIMIT_NOFILE, (15, 15))
    error = trial.fail("open")
    assert error["cause"] == "pool-broken"
    assert "the pool did not start: OSError: [Errno " in error["message"]
    # A pool of forked processes may have been given up by its own thread before the next one was tried:
    # its pipes are closed then, and that is what is said.
    assert any(why in error["message"] for why in ("24] Too many open files", "9] Bad file descriptor"))


@pytest.mark.parametrize("other", [{"workload": "nothing"}, {"strategy": "../trial"}])
def test_what_this_interpreter_does_not_have_is_skipped_with_how_to_install_it(
    other: dict[str, Any], start_trial: Start, spec_of: SpecOf
) -> None:
    error = start_trial().fail("prepare", spec={**spec_of("wait"), **other})
    assert error["cause"] == "unavailable"
    assert "is not installed for this Python: " in error["message"]


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"parameters": {"steps": 0}}, "workload wait: there is no parameter 'steps'"),
        ({"max_workers": 2}, "serial runs one task at a time: max_workers is 1, not 2"),
        ({"expected": None}, "there is nothing to check the results of wait with"),
    ],
)
def test_a_spec_that_cannot_be_meant_is_parlabs_own_fault(
    other: dict[str, Any], said: str, start_trial: Start, spec_of: SpecOf
) -> None:
    error = start_trial().fail("prepare", spec={**spec_of("wait"), **other})
    assert error["cause"] == "internal"
    assert error["message"].startswith(said)
