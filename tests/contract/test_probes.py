"""Readings of real trials move when their cause is there, and do not when it is not."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from parlab import workers
from parlab.workers.trial.check import SerialDigests
from parlab.workers.wire.digest import digest

SpecOf = Callable[..., Mapping[str, Any]]
StartTrial = Callable[..., Any]
Read = Callable[..., dict[str, Any]]

#: What a task does besides giving its number; only the last one of a round does it.
_CAUSES = '''
"""Has a cause for each reading."""
import os, sys, tempfile, threading, time
from .base import Parameter, Workload

kept = []

def run(item):
    number, last, cause, payload = item
    if cause == "each waits":
        time.sleep(0.02)
    if number == last and not kept:
        if cause == "touch 50 MB":
            block = bytearray(50_000_000)
            block[::4096] = b"x" * len(block[::4096])
        elif cause == "keep 3 threads":
            kept.append(threading.Event())
            for _ in range(3):
                threading.Thread(target=kept[0].wait, daemon=True).start()
        elif cause == "keep 20 files":
            kept.extend(open(os.devnull) for _ in range(20))
        elif cause == "keep 50 MB":
            kept.append(b"x" * 50_000_000)
    return payload

async def run_async(item):
    import asyncio
    await asyncio.sleep(0.02)
    return item[3]

def inputs(parameters, count):
    payload = b"p" * parameters["bytes"]
    return [(n, count - 1, parameters["cause"], payload) for n in range(count)]

WORKLOAD = Workload(
    name="causes", summary="Has causes.", kind="mixed",
    parameters={"cause": Parameter(str, "none"), "bytes": Parameter(int, 0)},
    function=run, async_function=run_async, inputs=inputs,
)
'''
SERIAL: dict[str, Any] = {"strategy": "serial"}
THREADS: dict[str, Any] = {"strategy": "threads", "max_workers": 2}
ASYNCIO: dict[str, Any] = {"strategy": "asyncio", "max_workers": 2}
FORK: dict[str, Any] = {"strategy": "processes", "max_workers": 2, "options": {"start_method": "fork"}}
FORKSERVER = {**FORK, "options": {"start_method": "forkserver"}}
SPAWN = {**FORK, "options": {"start_method": "spawn"}}
HYBRID: dict[str, Any] = {"strategy": "hybrid", "max_workers": 4, "options": {"processes": 2}}
INTERPRETERS: dict[str, Any] = {"strategy": "interpreters", "max_workers": 2}


@pytest.fixture(scope="module")
def causes_trialpath(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The trialpath of a copy of ``workers`` that has the workload ``causes`` besides the others."""
    copy = tmp_path_factory.mktemp("causes") / "workers"
    shutil.copytree(Path(workers.__file__).parent, copy, ignore=shutil.ignore_patterns("__pycache__"))
    (copy / "workloads" / "causes.py").write_text(_CAUSES)
    return str(copy / "trialpath")


@pytest.fixture
def start(start_trial: StartTrial, spec_of: SpecOf, causes_trialpath: str) -> StartTrial:
    """Starts a trial of ``causes``, its pool opened."""

    def start(cause: str, pool: Mapping[str, Any], *, tasks: int = 8, payload: int = 0, **other: Any) -> Any:
        expected = SerialDigests.of([digest(b"p" * payload)] * tasks).to_plain()
        parameters = {"cause": cause, "bytes": payload}
        spec = spec_of("causes", tasks, parameters=parameters, expected=expected, **pool)
        return start_trial(spec, trialpath=causes_trialpath, **other)

    return start


@pytest.fixture
def read_rounds(start: StartTrial) -> Read:
    """Does a timed round without a warm-up and gives what was read of it, by quantity."""

    def read(cause: str, pool: Mapping[str, Any]) -> dict[str, Any]:
        trial = start(cause, pool)
        trial.do("round")
        return {one["probe"]: one["value"] for one in trial.do("close")["readings"]}

    return read


@pytest.fixture
def read_tasks(start: StartTrial) -> Read:
    """Does a tasks pass and gives what was read of it, by quantity: the value, or the reason."""

    def read(cause: str, pool: Mapping[str, Any], **other: Any) -> dict[str, Any]:
        trial = start(cause, pool, **other)
        trial.do("warm_up")
        readings = trial.do("tasks_pass", limit_seconds=0.5)["readings"]
        trial.do("close")
        assert trial.exit_code() == 0
        return {r["probe"]: r["reason"] if r["value"] is None else r["value"] for r in readings}

    return read


@pytest.mark.parametrize("pool", [SERIAL, FORK, FORKSERVER], ids=["serial", "fork", "forkserver"])
def test_touching_memory_gives_a_minor_fault_per_page(pool: dict[str, Any], read_rounds: Read) -> None:
    without, with_cause = (read_rounds(cause, pool)["page_faults_minor"] for cause in ("none", "touch 50 MB"))
    # Transparent huge pages may take a fault for 512 pages at a time.
    assert with_cause - without > 50_000_000 / 4096 / 512 * 0.8


@pytest.mark.parametrize("pool", [SERIAL, THREADS, FORK, HYBRID], ids=["serial", "threads", "fork", "hybrid"])
def test_threads_that_the_work_keeps_are_inner_ones_and_the_pools_are_not(
    pool: dict[str, Any], read_rounds: Read
) -> None:
    assert read_rounds("none", pool)["inner_threads"] == 0
    assert read_rounds("keep 3 threads", pool)["inner_threads"] == 3


def test_migrations_and_pressure_are_counted_or_say_why_not(start: StartTrial) -> None:
    trial = start("each waits", THREADS)
    trial.do("round")
    readings = {one["probe"]: one for one in trial.do("close")["readings"]}
    for name in ("migrations", "pressure_cpu", "pressure_memory", "pressure_io"):
        assert (readings[name]["value"] is None) != (readings[name]["reason"] is None)
        assert readings[name]["value"] is None or readings[name]["value"] >= 0


@pytest.mark.parametrize(
    ("pool", "workers_seen"),
    [(SERIAL, 1), (THREADS, 2), (FORK, 2), (FORKSERVER, 2), (SPAWN, 2), (HYBRID, 4), (ASYNCIO, 1)],
    ids=["serial", "threads", "fork", "forkserver", "spawn", "hybrid", "asyncio"],
)
def test_equal_tasks_are_divided_equally_and_wait_for_those_before(
    pool: dict[str, Any], workers_seen: int, read_tasks: Read
) -> None:
    found = read_tasks("each waits", pool)
    assert found["task_workers"] == workers_seen
    assert found["task_share_max"] == pytest.approx(1 / workers_seen, abs=0.13)
    assert 0.02 <= found["task_p50"] <= found["task_p90"] <= found["task_p99"] < 0.2
    at_once = pool.get("max_workers", 1)
    # The last of 8 tasks begins when all but the last of its worker's are done.
    assert 0.02 * (8 / at_once - 1) * 0.9 <= found["task_wait_p99"] < 0.4
    assert 0 <= found["task_wait_p50"] <= found["task_wait_p99"]


@pytest.mark.parametrize("build", ["python", "free_threaded"])
def test_what_crosses_to_processes_is_at_least_its_payload(
    build: str, read_tasks: Read, request: pytest.FixtureRequest
) -> None:
    found = read_tasks("none", FORKSERVER, payload=10_000, executable=request.getfixturevalue(build))
    for way in ("pickled_in", "pickled_out"):
        assert 8 * 10_000 <= found[way] < 8 * 10_300
    assert 0 < found["pickling"] < 0.1


@pytest.mark.parametrize("pool", [SERIAL, THREADS, ASYNCIO], ids=["serial", "threads", "asyncio"])
def test_where_nothing_is_pickled_that_is_the_reason(pool: dict[str, Any], read_tasks: Read) -> None:
    found = read_tasks("none", pool, payload=10_000)
    for name in ("pickled_in", "pickled_out", "pickling"):
        assert found[name] == "tasks and results are not pickled"
    assert 0 < found["dispatch"] < 0.001


def test_handing_over_costs_more_the_farther_it_is(read_tasks: Read) -> None:
    serial, threads, processes = (read_tasks("none", pool)["dispatch"] for pool in (SERIAL, THREADS, FORK))
    assert 0 < serial < threads < processes < 0.01


def test_subinterpreters_are_told_apart_by_their_threads(read_tasks: Read, python314: str) -> None:
    found = read_tasks("each waits", INTERPRETERS, payload=1000, executable=python314)
    assert found["task_workers"] == 2
    assert found["task_share_max"] == pytest.approx(0.5, abs=0.13)
    assert found["pickled_in"] >= 8000
