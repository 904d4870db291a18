"""Trials in containers that something disturbs: a quota that others use up, load that cannot be seen."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from parlab.workers import catalog
from parlab.workers.trial.check import SerialDigests
from parlab.workers.wire.codec import decode, encode
from parlab.workers.wire.digest import digest
from parlab.workers.wire.result import SittingResult
from parlab.workers.wire.spec import Expected, SittingSpec, TrialSpec
from tests.lab.composed import docker
from tests.support.checkout import CHECKOUT

IMAGE = "python:3.13-slim"
STEPS, TASKS, TURNS = 150_000, 4, 20
#: Something else in the trial's own container, and so in its control group.
BUSY = "import os\nwhile True: pass"

pytestmark = pytest.mark.usefixtures("engine")


@pytest.fixture(scope="module")
def build(engine: None) -> str:
    """The id of the image's Python."""
    return in_container(
        "from parlab.workers.host.builds import read_build as r; import sys; print(r(sys.executable).id)"
    )


@pytest.fixture(scope="module")
def quota(engine: None) -> tuple[str, ...]:
    """One CPU, which the container gets before all others: else they would hold it back, and no quota."""
    first = ("--cpus", "1", "--cpu-shares", "100000")
    # Weights are among the groups of one level. (systemd has its own idea of which those are.)
    driver = docker("info", "--format", "{{.CgroupDriver}}").strip()
    return (*first, "--cgroup-parent", "/") if driver == "cgroupfs" else first


def in_container(program: str) -> str:
    done = subprocess.run(
        ["docker", "run", "--rm", "--volume", f"{CHECKOUT}:/src:ro", "--workdir", "/src", "--network", "none",
         "--env", "PYTHONDONTWRITEBYTECODE=1", "--env", "PYTHONPATH=/src/src",
         IMAGE, "python", "-c", program],
        capture_output=True, text=True, check=True, timeout=120,
    )  # fmt: skip
    return done.stdout.strip()


@pytest.fixture
def beside() -> Iterator[list[str]]:
    """Ids of containers that run beside a trial's; they are ended with the test."""
    started: list[str] = []
    yield started
    if started:
        docker("rm", "--force", *started)


def computing(build: str, name: str, strategy: str, max_workers: int, **options: str) -> TrialSpec:
    about = catalog.workload("integer_sum")
    results = map(about.function, about.inputs({"steps": STEPS}, TASKS))
    expected = Expected(**SerialDigests.of([digest(result) for result in results]).to_plain())
    return TrialSpec(
        name, f"c-{name}", "integer_sum", {"steps": STEPS}, TASKS, strategy, options, max_workers, build,
        expected=expected, timeout_seconds=60,
    )  # fmt: skip


def measured(*trials: TrialSpec, options: tuple[str, ...] = (), busy: int = 0) -> SittingResult:
    """Run a sitting in a container of its own, beside so many busy programs in the same one."""
    spec = SittingSpec("r", "s", 1, "n", "measure", trials, TURNS, 11)
    script = 'python -c "$BUSY" & ' * busy + "python -m tests.support.sitting_driver python"
    done = subprocess.run(
        ["docker", "run", "--rm", "--interactive", "--volume", f"{CHECKOUT}:/src:ro", "--workdir", "/src",
         "--network", "none", "--env", "PYTHONDONTWRITEBYTECODE=1",
         "--env", "PYTHONPATH=/src/src:/src", "--env", f"BUSY={BUSY}", *options, IMAGE,
         "sh", "-c", script],
        input=encode(spec), capture_output=True, text=True, check=False, timeout=180,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return decode(SittingResult, done.stdout)


def outcomes(result: SittingResult) -> list[tuple[str, str | None, str | None]]:
    return [(trial.outcome, trial.cause, trial.reason) for trial in result.trials]


def test_a_quota_that_something_else_uses_up_rejects_what_it_would_have_sufficed_for(
    build: str, quota: tuple[str, ...]
) -> None:
    trials = [computing(build, name, "serial", 1) for name in "ab"]
    result = measured(*trials, options=quota, busy=2)
    assert {trial.outcome for trial in result.trials} == {"rejected"}, outcomes(result)
    # The hypervisor may have disturbed one of them first.
    reasons = [trial.reason or "" for trial in result.trials if trial.cause == "throttled"]
    assert reasons, outcomes(result)
    assert "although its quota of 1 CPUs is enough for 1 worker: something else in the group" in reasons[0]


def test_a_quota_below_the_workers_throttles_them_and_that_is_what_is_measured(
    build: str, quota: tuple[str, ...]
) -> None:
    result = measured(computing(build, "a", "processes", 2, start_method="fork"), options=quota)
    (trial,) = result.trials
    read: dict[str, Any] = {reading.probe: reading for reading in trial.readings}
    assert read["throttled"].value > 0, read["throttled"]
    # Two workers would need two CPUs: being held back is their quota's doing, and no disturbance.
    assert trial.cause in (None, "steal"), outcomes(result)


@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="two processes need two CPUs")
def test_load_of_another_container_is_felt_although_it_cannot_be_seen(build: str, beside: list[str]) -> None:
    cpus = ("--cpuset-cpus", "0,1")
    other = ("run", "--detach", "--network", "none", *cpus, IMAGE, "python", "-c", BUSY)
    beside.append(docker(*other).strip())
    beside.append(docker(*other).strip())
    trials = [computing(build, name, "processes", 2, start_method="fork") for name in "ab"]
    result = measured(*trials, options=cpus)
    assert {trial.outcome for trial in result.trials} == {"rejected"}, outcomes(result)
    reasons = [trial.reason or "" for trial in result.trials if trial.cause == "load"]
    assert reasons, outcomes(result)
    assert "of 2 CPUs busy during its rounds" in reasons[0]
