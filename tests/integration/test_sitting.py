"""Sittings with real interpreters: what is measured, in which order, and what each fault comes to."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from parlab.workers import catalog
from parlab.workers.host.builds import read_build
from parlab.workers.host.tree import processes_below
from parlab.workers.sitting import loop
from parlab.workers.wire.codec import decode, encode
from parlab.workers.wire.result import Calibration, SittingResult, TrialResult
from parlab.workers.wire.spec import CalibrationSpec, SittingSpec, TrialSpec

#: Workloads that no installation ships: each misbehaves in one way. ``item`` is (n, parameter).
FAULTS = """
import ctypes, os, signal, subprocess, sys, threading, time
from .base import Parameter, Workload

def run(item):
    n, kind = item
    if kind == "raise":
        raise ValueError(f"no {n}")
    if kind == "exit-system":
        raise SystemExit(3)
    if kind == "exit":
        os._exit(7)
    if kind == "segfault":
        ctypes.string_at(0)
    if kind == "hang":
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
        deaf = "import signal, time; signal.signal(15, signal.SIG_IGN); time.sleep(600)"
        subprocess.Popen([sys.executable, "-c", deaf])
        time.sleep(600)
    if kind == "random":
        return os.urandom(4)
    if kind == "flood":
        chunk = "x" * 1_000_000
        for _ in range(25):
            sys.stderr.write(chunk)
        print("on stdout", n)
    if kind == "daemon":
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                os.execvp("sleep", ["sleep", "601"])
            os._exit(0)
        os.wait()
    if kind == "busy":
        threading.Thread(target=spin, daemon=True).start()
    if kind == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    return n

def spin():
    end = time.monotonic() + 20
    while time.monotonic() < end:
        pass

def inputs(parameters, count):
    return [(n, parameters["kind"]) for n in range(count)]

WORKLOAD = Workload(
    name="fault", summary="Misbehaves.", kind="cpu",
    parameters={"kind": Parameter(str, "none", summary="How.")}, function=run, inputs=inputs,
)
"""

Drive = Callable[..., SittingResult]
#: What is read in untimed rounds only.
_UNTIMED = {q.name for p in catalog.probes().values() if p.scope != "round" for q in p.quantities}


@pytest.fixture(scope="module")
def trialpath(tmp_path_factory: pytest.TempPathFactory, root: Path) -> Path:
    """A copy of the measuring side that has the misbehaving workload, too."""
    copy = tmp_path_factory.mktemp("tree") / "workers"
    shutil.copytree(root / "workers", copy, ignore=shutil.ignore_patterns("__pycache__"))
    (copy / "workloads" / "fault.py").write_text(FAULTS)
    return copy / "trialpath"


class Driver:
    """A guardian in a process of its own."""

    def __init__(self, spec: SittingSpec, root: Path, trialpath: Path, *executables: str) -> None:
        self.process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "tests.support.sitting_driver",
                *(executables or (sys.executable,)),
                "--trialpath",
                str(trialpath),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=root,
            # Tests run side by side: each is the others' load from outside.
            env={**os.environ, "PARLAB_TOLERATE": "load other-measurement"},
            start_new_session=True,
        )
        assert self.process.stdin is not None
        self.process.stdin.write(encode(spec))
        self.process.stdin.close()
        self.process.stdin = None

    def result(self) -> tuple[SittingResult, float]:
        """Wait for the result, and the CPU seconds that the guardian used."""
        out, err = self.process.communicate(timeout=60)
        assert self.process.returncode == 0, err
        return decode(SittingResult, out), float(err.strip().splitlines()[-1])


def left_of(trial: str) -> list[int]:
    """Processes that still belong to a trial, by the environment they were started with."""
    marker = f"PARLAB_TRIAL={trial}".encode()
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if marker in (entry / "environ").read_bytes().split(b"\0"):
                    found.append(int(entry.name))
            except OSError:
                continue
    return found


def until_none_is_left(trial: str) -> None:
    limit = time.monotonic() + 10
    while left := left_of(trial):
        assert time.monotonic() < limit, left
        time.sleep(0.02)


@pytest.fixture
def unique() -> str:
    """A name that no other test's trials have."""
    return f"t{time.monotonic_ns()}"


@pytest.fixture(scope="module")
def build() -> str:
    return read_build(sys.executable).id


@pytest.fixture
def drive(root: Path, trialpath: Path) -> Drive:
    def drive(spec: SittingSpec, *executables: str) -> SittingResult:
        return Driver(spec, root, trialpath, *executables).result()[0]

    return drive


@pytest.fixture(scope="module")
def calibration(root: Path, trialpath: Path, build: str) -> Calibration:
    one = TrialSpec("cal", "c", "integer_sum", {"steps": 2000}, 0, "serial", {}, 1, build)
    spec = SittingSpec(
        "r", "cal", 1, "n", "calibrate", (one,), 0, 1, calibration=CalibrationSpec(0.005, None, 4)
    )
    found = Driver(spec, root, trialpath).result()[0].calibration
    assert found is not None
    return found


def good(
    name: str, build: str, calibration: Calibration, strategy: str = "serial", **options: str
) -> TrialSpec:
    return TrialSpec(
        name,
        f"c-{name}",
        "integer_sum",
        {"steps": 2000},
        calibration.tasks,
        strategy,
        options,
        1 if strategy == "serial" else 2,
        build,
        expected=calibration.expected,
        timeout_seconds=20,
    )


def faulty(
    name: str, build: str, kind: str, strategy: str = "serial", timeout_seconds: float = 10
) -> TrialSpec:
    return TrialSpec(
        name,
        f"c-{name}",
        "fault",
        {"kind": kind},
        0,
        strategy,
        {},
        1 if strategy == "serial" else 2,
        build,
        timeout_seconds=timeout_seconds,
    )


def sitting(*trials: TrialSpec, turns_: int = 3, memory_pass: bool = False) -> SittingSpec:
    return SittingSpec("r", "s", 1, "n", "measure", trials, turns_, 11, memory_pass=memory_pass)


@pytest.fixture
def right(root: Path, trialpath: Path, build: str) -> Calibration:
    """Right results of the misbehaving workload, from when it behaves."""
    one = replace(faulty("cal", build, "none"), tasks=0)
    spec = SittingSpec("r", "cal", 1, "n", "calibrate", (one,), 0, 1, calibration=CalibrationSpec(0.005, 2))
    found = Driver(spec, root, trialpath).result()[0].calibration
    assert found is not None
    return found


def by_name(result: SittingResult) -> dict[str, TrialResult]:
    return {trial.trial: trial for trial in result.trials}


def test_every_strategy_is_measured_in_one_sitting_in_the_order_drawn(
    drive: Drive, build: str, calibration: Calibration, unique: str
) -> None:
    trials = (
        good(f"{unique}0", build, calibration),
        good(f"{unique}1", build, calibration, "threads"),
        good(f"{unique}2", build, calibration, "processes", start_method="fork"),
        good(f"{unique}3", build, calibration, "processes", start_method="forkserver"),
        good(f"{unique}4", build, calibration, "processes", start_method="spawn"),
        good(f"{unique}5", build, calibration, "hybrid", start_method="forkserver"),
    )
    result = drive(sitting(*trials, turns_=5, memory_pass=True))
    assert [t.outcome for t in result.trials] == ["measured"] * 6, [t.reason for t in result.trials]
    drawn = list(loop.orders(11, 6, 5))
    for index, trial in enumerate(result.trials):
        assert [(r.turn, r.position) for r in trial.rounds] == [
            (t, o.index(index)) for t, o in enumerate(drawn)
        ]
        assert all(r.seconds > 0 for r in trial.rounds)
        assert trial.start_up_seconds is not None
        assert trial.tear_down_seconds is not None
        read = {reading.probe: reading for reading in trial.readings}
        assert read.keys() >= _UNTIMED
        assert len(read) == len(trial.readings)
        for name in (
            "memory_peak",
            "memory_unique",
            "threads_peak",
            "descriptors_peak",
            "task_p50",
            "dispatch",
        ):
            assert read[name].value is not None, read[name].reason
        in_processes = trial.trial not in {f"{unique}0", f"{unique}1"}
        assert (read["memory_worker"].value is not None) == in_processes
        assert (read["pickled_in"].value is not None) == in_processes
        # Tasks are so short that one worker may have done them all before the other woke up.
        assert read["task_workers"].value in ({1} if trial.trial == f"{unique}0" else {1, 2})
        assert all((r.value is None) == (r.reason is not None) for r in read.values())
    assert result.left_behind == ()
    for spec in trials:
        assert left_of(spec.trial) == []


def test_two_builds_sit_together_and_each_has_the_gil_it_was_asked_for(
    drive: Drive, build: str, calibration: Calibration, free_threaded: str, unique: str
) -> None:
    other = read_build(free_threaded).id
    trials = (
        good(f"{unique}0", build, calibration, "threads"),
        replace(good(f"{unique}1", other, calibration, "threads"), gil="off"),
        replace(good(f"{unique}2", other, calibration, "processes", start_method="spawn"), gil="on"),
    )
    result = drive(sitting(*trials), sys.executable, free_threaded)
    assert [t.outcome for t in result.trials] == ["measured"] * 3, [t.reason for t in result.trials]
    assert [t.gil_enabled for t in result.trials] == [True, False, True]


def test_a_build_that_the_node_does_not_offer_is_skipped_with_the_reason(
    drive: Drive, build: str, calibration: Calibration, unique: str
) -> None:
    result = drive(sitting(good(unique, "2.7.18", calibration), good(f"{unique}b", build, calibration)))
    skipped, other = result.trials
    assert (skipped.outcome, skipped.cause) == ("skipped", "unavailable")
    assert build in (skipped.reason or "")
    assert other.outcome == "measured"


def test_what_was_not_read_has_a_reason_and_no_value(
    drive: Drive, build: str, calibration: Calibration, unique: str
) -> None:
    (trial,) = drive(sitting(good(unique, build, calibration))).trials
    untimed = [r for r in trial.readings if r.probe in _UNTIMED]
    assert len(untimed) == len(_UNTIMED)
    assert {(r.value, r.reason) for r in untimed} == {(None, "not read in this sitting")}


@pytest.mark.parametrize(
    ("kind", "strategy", "outcome", "cause", "said"),
    [
        ("raise", "serial", "failed", "raised", "ValueError: no 0"),
        ("raise", "processes", "failed", "raised", "ValueError: no 0"),
        ("exit-system", "threads", "failed", "raised", "SystemExit"),
        ("exit", "serial", "lost", "died", "exit code 7"),
        ("exit", "processes", "lost", "died", "7"),
        ("segfault", "serial", "lost", "died", "SIGSEGV"),
        ("segfault", "processes", "lost", "died", "SIGSEGV"),
        ("killed", "hybrid", "lost", "died", "SIGKILL"),
        ("random", "serial", "failed", "wrong-result", "task 0"),
        ("hang", "serial", "failed", "timeout", "within 1 s"),
        ("hang", "processes", "failed", "timeout", "within 1 s"),
    ],
)
def test_a_trial_that_goes_wrong_ends_alone_and_leaves_nothing(
    drive: Drive,
    build: str,
    calibration: Calibration,
    right: Calibration,
    unique: str,
    kind: str,
    strategy: str,
    outcome: str,
    cause: str,
    said: str,
) -> None:
    limit = 1 if kind == "hang" else 10
    bad = replace(faulty(f"{unique}b", build, kind, strategy, limit), tasks=2, expected=right.expected)
    result = drive(
        sitting(good(f"{unique}a", build, calibration), bad, good(f"{unique}c", build, calibration))
    )
    trials = by_name(result)
    ended = trials[f"{unique}b"]
    assert (ended.outcome, ended.cause) == (outcome, cause), ended.reason
    assert said in (ended.reason or ""), ended.reason
    assert cause != "raised" or ended.traceback is not None
    assert [trials[f"{unique}{x}"].outcome for x in "ac"] == ["measured", "measured"]
    assert [len(trials[f"{unique}{x}"].rounds) for x in "ac"] == [3, 3]
    until_none_is_left(f"{unique}b")


def test_what_a_trial_prints_neither_blocks_it_nor_grows(
    drive: Drive, build: str, right: Calibration, unique: str
) -> None:
    loud = replace(faulty(unique, build, "flood", "threads"), tasks=2, expected=right.expected)
    (trial,) = drive(sitting(loud, turns_=1)).trials
    assert trial.outcome == "measured", trial.reason
    assert 0 < len(trial.output_tail.encode()) <= 4096


def test_a_daemon_that_is_left_behind_is_ended_and_named(
    drive: Drive, build: str, calibration: Calibration, right: Calibration, unique: str
) -> None:
    leaver = replace(faulty(f"{unique}b", build, "daemon"), tasks=1, expected=right.expected)
    only = replace(leaver, expected=None)
    spec = SittingSpec(
        "r",
        "cal",
        1,
        "n",
        "calibrate",
        (replace(only, tasks=0),),
        0,
        1,
        calibration=CalibrationSpec(0.005, 1),
    )
    calibrated = drive(spec)
    assert calibrated.calibration is not None
    leaver = replace(leaver, expected=calibrated.calibration.expected)
    result = drive(sitting(leaver, good(f"{unique}a", build, calibration)))
    assert [t.outcome for t in result.trials] == ["measured", "measured"], [t.reason for t in result.trials]
    assert any("sleep 601" in text and unique in text for text in result.left_behind), result.left_behind
    until_none_is_left(f"{unique}b")


def test_work_that_goes_on_after_its_call_fails_and_the_others_do_not_count(
    drive: Drive, build: str, calibration: Calibration, right: Calibration, unique: str
) -> None:
    busy = replace(faulty(f"{unique}b", build, "busy"), tasks=2, expected=right.expected)
    slow = replace(
        good(f"{unique}a", build, calibration), workload="wait", parameters={"seconds": 0.02}, tasks=2
    )
    one = replace(slow, tasks=0, expected=None)
    spec = SittingSpec("r", "cal", 1, "n", "calibrate", (one,), 0, 1, calibration=CalibrationSpec(0.005, 2))
    waits = drive(spec).calibration
    assert waits is not None
    result = by_name(drive(sitting(replace(slow, expected=waits.expected), busy, turns_=6)))
    assert (result[f"{unique}b"].outcome, result[f"{unique}b"].cause) == ("failed", "not-idle")
    assert (result[f"{unique}a"].outcome, result[f"{unique}a"].cause) == ("rejected", "disturbed")
    until_none_is_left(f"{unique}b")


def test_the_guardian_is_idle_while_rounds_run_also_beside_a_trial_that_died(
    root: Path, trialpath: Path, build: str, right: Calibration, unique: str
) -> None:
    dead = replace(faulty(f"{unique}b", build, "killed"), tasks=2, expected=right.expected, warm_up_rounds=0)
    one = TrialSpec(f"{unique}a", "c", "wait", {"seconds": 0.25}, 0, "serial", {}, 1, build)
    calibrate = SittingSpec("r", "c", 1, "n", "calibrate", (one,), 0, 1, calibration=CalibrationSpec(0.1, 2))
    waits = Driver(calibrate, root, trialpath).result()[0].calibration
    assert waits is not None
    waiting = replace(one, tasks=2, expected=waits.expected)
    result, used = Driver(sitting(dead, waiting, turns_=6), root, trialpath).result()
    assert [t.outcome for t in result.trials] == ["lost", "measured"]
    # Three seconds of waiting: a guardian that spins beside them would use all of them.
    assert used < 0.5


@pytest.fixture
def guardian_at_work(
    root: Path, trialpath: Path, build: str, right: Calibration, unique: str
) -> Iterator[Driver]:
    """A guardian whose two trials hang, one of them in a pool of processes."""
    trials = [
        replace(
            faulty(f"{unique}{s}", build, "hang", s, 60), tasks=2, expected=right.expected, warm_up_rounds=0
        )
        for s in ("processes", "serial")
    ]
    driver = Driver(sitting(*trials), root, trialpath)
    limit = time.monotonic() + 30
    # Both interpreters, the pool's server and workers, and a sleeper that ignores SIGTERM.
    while len(processes_below(driver.process.pid)) < 5:
        assert time.monotonic() < limit
        assert driver.process.poll() is None, driver.process.communicate()
        time.sleep(0.05)
    yield driver
    for pid in [*left_of(f"{unique}serial"), *left_of(f"{unique}processes")]:
        os.kill(pid, signal.SIGKILL)
    driver.process.communicate()


def test_a_guardian_that_is_asked_to_end_takes_everything_along(
    guardian_at_work: Driver, unique: str
) -> None:
    guardian_at_work.process.send_signal(signal.SIGTERM)
    guardian_at_work.process.wait(10)
    until_none_is_left(f"{unique}serial")
    until_none_is_left(f"{unique}processes")


def test_when_the_guardian_is_killed_the_interpreters_go_and_its_group_can_be_ended(
    guardian_at_work: Driver, unique: str
) -> None:
    pid = guardian_at_work.process.pid
    os.kill(pid, signal.SIGKILL)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    # What its node does next: all of a sitting is in one group, whoever it was re-parented to.
    os.killpg(pid, signal.SIGKILL)
    guardian_at_work.process.wait(10)
    until_none_is_left(f"{unique}serial")
    until_none_is_left(f"{unique}processes")
