"""Checks and readings of a sitting: results against the serial ones, times of each step, memory, builds."""

from __future__ import annotations

import dataclasses
import statistics
from typing import Any

import pytest

from parlab.workers.wire.spec import TrialSpec
from tests.support.sittings import Bench, Sat

_FORK: dict[str, Any] = {"strategy": "processes", "max_workers": 2, "options": {"start_method": "fork"}}


def _calibrated(bench: Bench, trial: TrialSpec) -> TrialSpec:
    calibration = bench.run(bench.calibration(trial, tasks=4)).result.calibration
    assert calibration is not None
    return dataclasses.replace(trial, tasks=calibration.tasks, expected=calibration.expected)


@pytest.fixture(scope="module")
def sat(bench: Bench) -> Sat:
    """Two trials that wait, and a memory pass."""
    trials = [bench.faulty("serial", seconds=0.03), bench.faulty("fork", seconds=0.03, **_FORK)]
    return bench.run(bench.sitting(*trials, turns=3, memory_pass=True))


def test_each_step_of_a_trial_has_its_own_time(sat: Sat) -> None:
    for trial in sat.result.trials:
        assert (trial.outcome, trial.reason) == ("measured", None)
        assert trial.interpreter_seconds is not None
        assert 0 < trial.interpreter_seconds < sat.result.seconds
        assert trial.tear_down_seconds is not None
        assert trial.tear_down_seconds >= 0
    serial, fork = sat.trial("serial"), sat.trial("fork")
    # Four tasks of 30 ms, one after the other and two at a time.
    assert statistics.median(round_.seconds for round_ in serial.rounds) >= 0.12
    assert 0.06 <= statistics.median(round_.seconds for round_ in fork.rounds) < 0.12
    assert serial.warm_up_seconds is not None
    assert serial.warm_up_seconds >= 0.12
    assert serial.start_up_seconds is not None
    assert fork.start_up_seconds is not None
    assert serial.start_up_seconds < fork.start_up_seconds


def test_waiting_costs_no_cpu_time(sat: Sat) -> None:
    for trial in sat.result.trials:
        for round_ in trial.rounds:
            assert round_.cpu_seconds is not None
            assert round_.cpu_seconds < 0.5 * round_.seconds


def test_a_memory_pass_reads_the_memory_of_all_processes(sat: Sat) -> None:
    peaks = {
        trial.configuration: reading.value
        for trial in sat.result.trials
        for reading in trial.readings
        if reading.probe == "memory_peak"
    }
    assert peaks["serial"] is not None
    assert peaks["fork"] is not None
    assert 1e6 < peaks["serial"] < peaks["fork"] < 1e9


def test_what_a_worker_has_and_what_is_its_own_are_parts_of_the_whole(sat: Sat) -> None:
    for trial in sat.result.trials:
        read = {reading.probe: reading for reading in trial.readings}
        peak, unique, worker = (read[f"memory_{name}"].value for name in ("peak", "unique", "worker"))
        assert peak is not None
        assert unique is not None
        assert 0 < unique <= peak
        if trial.configuration == "fork":
            assert worker is not None
            assert 1e5 < worker < peak / 2
        else:
            assert worker is None
            assert read["memory_worker"].reason == "the workers share the trial's own process"


def test_an_interpreter_that_does_not_start_fails_alone_and_says_how(bench: Bench) -> None:
    bench.executables |= {"gone": "/nowhere/python3", "false": "/bin/false"}
    trials = [bench.faulty("here"), *(bench.faulty(name, python=name) for name in ("gone", "false"))]
    sat = bench.run(bench.sitting(*trials, turns=2))
    assert [(t.outcome, t.cause) for t in sat.result.trials] == [
        ("measured", None),
        ("failed", "interpreter"),
        ("failed", "interpreter"),
    ]
    assert "No such file" in str(sat.trial("gone").reason)
    assert "did not start (ended with exit code 1)" in str(sat.trial("false").reason)


def test_a_calibration_keeps_a_fixed_number_of_tasks(bench: Bench) -> None:
    trial = _calibrated(bench, bench.trial("fixed", tasks=0))
    assert trial.tasks == 4
    assert trial.expected is not None
    assert len(trial.expected.heads) == 4


def test_a_calibration_finds_the_tasks_of_a_round(bench: Bench) -> None:
    sat = bench.run(bench.calibration(bench.trial("auto", tasks=0), round_seconds=0.03, multiple_of=4))
    assert [(t.outcome, t.rounds) for t in sat.result.trials] == [("measured", ())]
    found = sat.result.calibration
    assert found is not None
    assert found.task_seconds >= 0.002
    # 30 ms of tasks of at least 2 ms: the fewest fours that come within a tenth of it.
    assert found.tasks in {4, 8, 12, 16}


def test_what_gives_something_else_each_time_fails_its_calibration(bench: Bench) -> None:
    always = bench.trial("always", "fickle", tasks=0, parameters={"how": "always"})
    sat = bench.run(bench.calibration(always, tasks=4))
    assert sat.result.calibration is None
    trial = sat.trial("always")
    assert (trial.outcome, trial.cause) == ("failed", "wrong-result")
    assert "returns a different result each time" in str(trial.reason)


def test_a_calibration_that_hangs_fails_at_its_limit(bench: Bench) -> None:
    hangs = bench.faulty("hangs", "hang", tasks=0, timeout_seconds=0.5)
    sat = bench.run(bench.calibration(hangs, tasks=4))
    assert sat.result.calibration is None
    assert sat.trial("hangs").cause == "timeout"
    assert "it did not finish calibration within 0.5 s" in str(sat.trial("hangs").reason)


def test_a_result_other_than_the_serial_one_fails_and_its_task_is_named(bench: Bench) -> None:
    serial = _calibrated(bench, bench.trial("serial", "fickle", tasks=0))
    threads = dataclasses.replace(
        serial, trial=f"{bench.tag}-threads", strategy="threads", max_workers=2, configuration="threads"
    )
    sat = bench.run(bench.sitting(serial, threads))
    assert sat.trial("serial").outcome == "measured"
    wrong = sat.trial("threads")
    assert (wrong.outcome, wrong.cause) == ("failed", "wrong-result")
    assert wrong.reason == "warm-up: task 2 of 4 gave -1, which differs from its serial result"
