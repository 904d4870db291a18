"""Trials of scenarios, in interpreters of their own, and what they leave."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from parlab.workers import catalog
from parlab.workers.host.bootstrap import TRIALPATH
from parlab.workers.host.processes import is_ending

SpecOf = Callable[..., Mapping[str, Any]]
StartTrial = Callable[..., Any]

#: Fixtures that give an interpreter each.
BUILDS = ("python", "free_threaded", "python314")
#: What may still be about to end, or to be removed by multiprocessing's tracker, when a trial has ended.
_AFTERWARDS_SECONDS = 10.0
_SHARED_MEMORY = Path("/dev/shm")


@dataclass(frozen=True)
class Tried:
    """What a trial of a scenario's variant gave."""

    #: By measure; None where there is a reason instead.
    values: dict[str, float | None]
    reasons: dict[str, str | None]
    #: What the probes of its rounds read.
    others: dict[str, float | None]
    notes: str | None


Try = Callable[..., Tried]
Measured = Callable[..., dict[str, float]]


@pytest.fixture
def tried(start_trial: StartTrial, spec_of: SpecOf, request: pytest.FixtureRequest) -> Try:
    """Does a trial of a scenario's variant; nothing of it may be left then."""

    def try_(
        scenario: str, variant: str, build: str = "python", *, rounds: int = 2, **parameters: Any
    ) -> Tried:
        spec = spec_of(scenario, tasks=0, strategy=variant, scenario=True, parameters=parameters)
        executable = request.getfixturevalue(build)
        if variant.startswith("interpreter") and build != "python314" and sys.version_info < (3, 14):
            reason = refused(start_trial, spec, executable)
            assert "3.14" in reason
            pytest.skip(reason)
        names = _names()
        trial = start_trial(spec, executable)
        for _ in range(rounds):
            assert trial.do("round")["seconds"] > 0
        answer = trial.do("close")
        readings = {one["probe"]: one for one in answer["readings"]}
        assert trial.exit_code() == 0
        _assert_nothing_left(trial.temporary, names)
        found = catalog.scenario(scenario).measures
        assert {one.name: one.unit for one in found} == {
            one.name: readings[one.name]["unit"] for one in found
        }
        return Tried(
            {one.name: readings[one.name]["value"] for one in found},
            {one.name: readings[one.name]["reason"] for one in found},
            {name: one["value"] for name, one in readings.items()},
            answer["notes"],
        )

    return try_


@pytest.fixture
def measured(tried: Try) -> Measured:
    """Does the same, and gives the measures by name, all of which must have a value."""

    def measure(*what: Any, **how: Any) -> dict[str, float]:
        given = tried(*what, **how)
        assert set(given.reasons.values()) == {None}
        return {name: value for name, value in given.values.items() if value is not None}

    return measure


def refused(start_trial: StartTrial, spec: Mapping[str, Any], executable: str) -> str:
    """Have a trial refuse a spec before it does anything, and give the reason."""
    error = start_trial(None, executable).fail("prepare", spec=spec)
    assert error["cause"] == "unavailable"
    message: str = error["message"]
    return message


def _assert_nothing_left(temporary: Path, names: set[str]) -> None:
    """Neither processes that have the trial's folder in their environment, nor files in it, nor names."""
    deadline = time.monotonic() + _AFTERWARDS_SECONDS
    while left := [*_processes_of(temporary), *temporary.iterdir(), *_unused(_names() - names)]:
        assert time.monotonic() < deadline, left
        time.sleep(0.005)


def _processes_of(temporary: Path) -> list[int]:
    # Or a folder in it.
    mark = f"TMPDIR={temporary}".encode()
    return [pid for pid in _pids() if mark in _of_process(pid, "environ") and not is_ending(pid)]


def _names() -> set[str]:
    return {entry.name for entry in _SHARED_MEMORY.iterdir()}


def _unused(names: set[str]) -> set[str]:
    """Which of the names no process has mapped: others are of other tests' semaphores."""
    for pid in _pids() if names else ():
        for line in _of_process(pid, "maps").splitlines():
            place = line.rpartition(b" ")[2].decode()
            names = names - {place.removeprefix(f"{_SHARED_MEMORY}/")}
    return names


def _pids() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def _of_process(pid: int, file: str) -> bytes:
    try:
        return Path(f"/proc/{pid}/{file}").read_bytes()
    except OSError:
        return b""


#: Does all variants of a scenario in one interpreter; prints what each gave and left, as JSON.
PROGRAM = """
import json, os, sys, time
sys.path.insert(0, sys.argv[1])
if __name__ == "__main__":
    import threading
    from multiprocessing import active_children, shared_memory, sharedctypes, synchronize
    from _parlab_trial import catalog
    from _parlab_trial.parameter import settle
    from _parlab_trial.strategies.base import BuildFacts
    from _parlab_trial.scenarios import base as scenarios_base
    from _parlab_trial.strategies.processes import tidy_multiprocessing
    from _parlab_trial.host.tree import processes_below
    # What is measured here is looked at for its presence and size; a trial's rounds last longer.
    scenarios_base.repetitions.__defaults__ = (0.002,)
    names = []
    def noting(make):
        def noted(*arguments):
            names.append(make(*arguments))
            return names[-1]
        return noted
    synchronize.SemLock._make_name = staticmethod(noting(synchronize.SemLock._make_name))
    shared_memory._make_filename = noting(shared_memory._make_filename)
    def state():
        return {
            "files": sorted(os.readlink(f"/proc/self/fd/{fd}") for fd in os.listdir("/proc/self/fd")
                            if os.path.exists(f"/proc/self/fd/{fd}")),
            "tasks": len(os.listdir("/proc/self/task")),
            "threads": len(threading.enumerate()),
            "processes": processes_below(os.getpid()),
            "cpus": sorted(os.sched_getaffinity(0)),
            "switch_interval": sys.getswitchinterval(),
            "interpreters": len(sys.modules["concurrent.interpreters"].list_all())
                if "concurrent.interpreters" in sys.modules else 1,
        }
    # What multiprocessing and ctypes keep open for good, once they were asked for a shared value.
    sharedctypes.RawValue("b", 0)
    scenario, told = catalog.scenario(sys.argv[2]), {}
    parameters = settle(scenario.parameters, json.loads(sys.argv[3]), sys.argv[2])
    for variant in scenario.variants:
        if scenario.refusal(variant.name, parameters, BuildFacts(sys.version_info[:2])):
            continue
        names.clear()
        before = state()
        bench = scenario.open(variant.name, parameters)
        values = bench.round()
        assert len(values) == len(scenario.measures)
        assert set(bench.pids()) <= set(processes_below(os.getpid()))
        during = state()
        bench.close()
        del bench
        assert active_children() == []
        tidy_multiprocessing()
        there = [name for name in names if os.path.exists(f"/dev/shm/{name.strip('/')}")
                 or os.path.exists(f"/dev/shm/sem.{name.strip('/')}")]
        # A thread that was joined is still there for the kernel for a moment.
        deadline = time.monotonic() + 5
        while (after := state()) != before and time.monotonic() < deadline:
            time.sleep(0.001)
        told[variant.name] = {
            "before": before, "during": during, "after": after, "names": len(names), "there": there,
            "values": dict(zip([one.name for one in scenario.measures], values)),
        }
    print("parlab:" + json.dumps(told))
"""


def all_variants(executable: str, scenario: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Do all variants of a scenario: what each gave, and what was there before, during and after it."""
    with tempfile.TemporaryDirectory(prefix="pl-") as folder:
        program = Path(folder, "program.py")
        program.write_text(PROGRAM)
        ran = subprocess.run(
            [*(executable, "-s", "-P", "-S"), program, TRIALPATH, scenario, json.dumps(parameters)],
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
            env={"PATH": os.environ.get("PATH", os.defpath), "TMPDIR": folder, "HOME": folder},
        )
        left = [entry.name for entry in Path(folder).iterdir() if entry != program]
    assert ran.returncode == 0, ran.stderr
    assert left == []
    told: dict[str, Any] = json.loads(ran.stdout.rpartition("parlab:")[2])
    return told
