"""Every workload under every strategy, in fresh interpreters, through the trial's protocol."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from parlab.workers.host.tree import processes_below

SpecOf = Callable[..., Mapping[str, Any]]
StartTrial = Callable[..., Any]

#: What talks to something is in test_io_workloads.py, where there is something to talk to.
_QUANTITIES = {
    "cpu_system": "seconds",
    "cpu_user": "seconds",
    "inner_threads": "count",
    "migrations": "count",
    "others_cpu": "seconds",
    "page_faults_major": "count",
    "page_faults_minor": "count",
    "pressure_cpu": "seconds",
    "pressure_io": "seconds",
    "pressure_memory": "seconds",
    "steal": "ratio",
    "switches_involuntary": "count",
    "switches_voluntary": "count",
    "throttled": "seconds",
    "wall": "seconds",
}
_OF_TASKS = {
    "dispatch": "seconds",
    "pickled_in": "bytes",
    "pickled_out": "bytes",
    "pickling": "seconds",
    "task_p50": "seconds",
    "task_p90": "seconds",
    "task_p99": "seconds",
    "task_share_max": "ratio",
    "task_wait_p50": "seconds",
    "task_wait_p99": "seconds",
    "task_workers": "count",
}


def _cannot(build: str, workload: str, strategy: str) -> str | None:
    if strategy == "interpreters" and build != "python314" and sys.version_info < (3, 14):
        return "subinterpreters came with Python 3.14"
    if strategy == "joblib" and build != "python":
        return "-m pip install joblib"
    if strategy == "asyncio" and workload == "integer_sum":
        return "integer_sum has no async form"
    return None


# Every workload under every strategy is what tests/contract/test_strategies.py is about.
@pytest.mark.parametrize(
    ("build", "workload"),
    [("python", "integer_sum"), *((build, "mixed") for build in ("python", "free_threaded", "python314"))],
)
def test_every_workload_runs_under_every_strategy(
    build: str,
    workload: str,
    pool: dict[str, Any],
    start_trial: StartTrial,
    spec_of: SpecOf,
    request: pytest.FixtureRequest,
) -> None:
    executable = request.getfixturevalue(build)
    if (why := _cannot(build, workload, pool["strategy"])) is not None:
        refused = start_trial(None, executable).fail("prepare", spec=spec_of(workload, **pool))
        assert refused["cause"] == "unavailable"
        assert why in refused["message"]
        return
    trial = start_trial(spec_of(workload, **pool), executable)
    assert trial.do("warm_up")["seconds"] > 0
    for _ in range(2):
        answer = trial.do("round")
        assert answer["seconds"] > 0
        assert 0 <= answer["cpu_seconds"] < 1
        assert 0 <= answer["idle_cpu_seconds"] < 0.05
    in_processes = {"processes": 2, "hybrid": 2, "joblib": 2}
    assert len(trial.do("memory_pass")["worker_pids"]) == in_processes.get(pool["strategy"], 0)
    noted = trial.do("tasks_pass", limit_seconds=0.5)["readings"]
    assert {reading["probe"]: reading["unit"] for reading in noted} == _OF_TASKS
    assert all((one["value"] is None) != (one["reason"] is None) for one in noted)
    closed = trial.do("close")
    assert closed["seconds"] > 0
    assert closed["gil_enabled"] == (build != "free_threaded")
    assert {reading["probe"]: reading["unit"] for reading in closed["readings"]} == _QUANTITIES
    assert all((one["value"] is None) != (one["reason"] is None) for one in closed["readings"])
    assert processes_below(trial.pid) == []
    assert trial.exit_code() == 0
    # What multiprocessing keeps in files is gone, too.
    assert list(trial.temporary.iterdir()) == []


def test_a_gil_that_is_asked_for_is_on_in_the_pools_workers(
    pool: dict[str, Any], start_trial: StartTrial, spec_of: SpecOf, free_threaded: str
) -> None:
    if pool["strategy"] in ("interpreters", "joblib"):
        pytest.skip("a free-threaded 3.13 has neither")
    trial = start_trial(spec_of("wait", **pool), free_threaded, gil="on")
    assert trial.hello["gil_enabled"] is True
    assert trial.do("close")["gil_enabled"] is True


def test_no_process_of_a_pool_holds_the_trials_pipes_and_all_are_idle(
    pool: dict[str, Any], pool_python: str, start_trial: StartTrial, spec_of: SpecOf
) -> None:
    trial = start_trial(spec_of("wait", **pool), pool_python)
    trial.do("warm_up")
    below = processes_below(trial.pid)
    assert len(below) >= {"processes": 2, "hybrid": 2}.get(pool["strategy"], 0)
    for pid in below:
        held = {str(file.readlink()) for file in Path(f"/proc/{pid}/fd").iterdir()}
        assert not held & trial.pipes()
    # Nothing is waited for here: this is the time over which the pool must be idle.
    time.sleep(0.1)
    # One that spins would use ten times as much, one that polls each millisecond about this.
    assert trial.do("round")["idle_cpu_seconds"] < 0.015


def test_the_cold_start_of_processes_ends_when_all_of_them_are_there(
    pool: dict[str, Any], pool_python: str, start_trial: StartTrial, spec_of: SpecOf
) -> None:
    trial = start_trial(None, pool_python)
    trial.do("prepare", spec=spec_of("wait", **pool))
    assert processes_below(trial.pid) == []
    trial.do("open")
    opened = set(processes_below(trial.pid))
    trial.do("warm_up")
    assert set(processes_below(trial.pid)) == opened


def test_the_readings_are_of_the_timed_rounds_alone(start_trial: StartTrial, spec_of: SpecOf) -> None:
    trial = start_trial(spec_of("integer_sum"))
    trial.do("warm_up")
    rounds = [trial.do("round") for _ in range(3)]
    trial.do("memory_pass")
    readings = {one["probe"]: one["value"] for one in trial.do("close")["readings"]}
    assert readings["wall"] == pytest.approx(sum(one["seconds"] for one in rounds))
    used = sum(one["cpu_seconds"] for one in rounds)
    # The probe sees a little more than the round: the other meters are begun in between.
    assert used <= readings["cpu_user"] + readings["cpu_system"] < used + 0.005


def test_a_calibration_finds_a_multiple_that_fills_a_round(start_trial: StartTrial, spec_of: SpecOf) -> None:
    trial = start_trial()
    trial.do("prepare", spec=spec_of("integer_sum", tasks=0))
    wanted = {"round_seconds": 0.004, "tasks": None, "multiple_of": 2, "max_tasks": 1000}
    found = trial.do("calibrate", calibration=wanted)
    assert found["tasks"] % 2 == 0
    assert found["tasks"] * found["task_seconds"] >= 0.9 * 0.004 or found["tasks"] == 1000
    assert found["expected"] == spec_of("integer_sum", found["tasks"])["expected"]
    closed = trial.do("close")
    assert closed["seconds"] is None
    assert {reading["reason"] for reading in closed["readings"]} == {"no round was timed"}
    assert trial.exit_code() == 0


def test_a_trial_whose_guardian_is_gone_takes_its_pool_with_it(
    pool: dict[str, Any], pool_python: str, start_trial: StartTrial, spec_of: SpecOf
) -> None:
    trial = start_trial(spec_of("wait", **pool), pool_python)
    below = processes_below(trial.pid)
    trial.hang_up()
    assert trial.exit_code() == 1
    deadline = time.monotonic() + 30
    while any(_runs(pid) for pid in below):
        assert time.monotonic() < deadline
        time.sleep(0.005)


def _runs(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in {"Z", "X"}
