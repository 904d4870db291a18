"""Trials that something really disturbs: each is told what did, with figures, and does not count."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from parlab.workers import catalog
from parlab.workers.host.builds import read_build
from parlab.workers.trial.check import SerialDigests
from parlab.workers.wire.codec import decode, encode
from parlab.workers.wire.digest import digest
from parlab.workers.wire.result import SittingResult, TrialResult
from parlab.workers.wire.spec import Expected, OwnFunction, SittingSpec, TrialSpec
from tests.support.sittings import until

#: Two CPUs, however many there are: two processes want all of them.
CPUS = sorted(os.sched_getaffinity(0))[:2] if hasattr(os, "sched_getaffinity") else []
#: Rounds of half a second together, on any machine that is not much faster than this one.
STEPS, TASKS, TURNS = 150_000, 4, 20

pytestmark = pytest.mark.skipif(len(CPUS) < 2, reason="two processes need two CPUs to be in each other's way")

#: Between a process and its C library: the wall clock is off by as many seconds as a file says.
_WALL_CLOCK = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
int clock_gettime(clockid_t clock, struct timespec *now)
{
    int (*real)(clockid_t, struct timespec *) = dlsym(RTLD_NEXT, "clock_gettime");
    int result = real(clock, now);
    long seconds = 0;
    FILE *file = clock == CLOCK_REALTIME ? fopen(getenv("WALL_CLOCK_OFFSET"), "r") : NULL;
    if (file) {
        if (fscanf(file, "%ld", &seconds) == 1) now->tv_sec += seconds;
        fclose(file);
    }
    return result;
}
"""
#: What a module is that was written before there was a Python without the GIL.
_UNREADY = """
#include <Python.h>
static PyObject *twice(PyObject *self, PyObject *item) { return PyNumber_Add(item, item); }
static PyMethodDef methods[] = {{"twice", twice, METH_O, NULL}, {NULL, NULL, 0, NULL}};
static struct PyModuleDef unready = {PyModuleDef_HEAD_INIT, "unready", NULL, -1, methods};
PyMODINIT_FUNC PyInit_unready(void) { return PyModule_Create(&unready); }
"""


def compiler() -> str:
    """A C compiler; its absence is a skip on a desk and a failure in CI."""
    found = shutil.which("cc")
    if found is None:
        why = "no C compiler here: install gcc and libc6-dev"
        if os.environ.get("CI"):
            pytest.fail(why)
        pytest.skip(why)
    return found


def right(*results: object) -> Expected:
    """Say what right results are, as a spec does."""
    return Expected(**SerialDigests.of([digest(result) for result in results]).to_plain())


def shipped(name: str, workload: str, parameters: dict[str, Any], strategy: str, **options: str) -> TrialSpec:
    """Make a trial of two workers with a workload that ships."""
    about = catalog.workload(workload)
    expected = right(*map(about.function, about.inputs(parameters, TASKS)))
    return TrialSpec(
        name, f"c-{name}", workload, parameters, TASKS, strategy, options, 2,
        read_build(sys.executable).id, expected=expected, timeout_seconds=30,
    )  # fmt: skip


def computing(name: str) -> TrialSpec:
    return shipped(name, "integer_sum", {"steps": STEPS}, "processes", start_method="fork")


def waiting(name: str) -> TrialSpec:
    return shipped(name, "wait", {"seconds": 0.01}, "threads")


def sitting(*trials: TrialSpec, turns: int = TURNS, function: OwnFunction | None = None) -> SittingSpec:
    return SittingSpec("r", "s", 1, "n", "measure", trials, turns, 11, function=function)


Begin = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def begin(root: Path) -> Iterator[Begin]:
    """Starts a guardian with a sitting on two CPUs; what a failed test leaves is ended."""
    with contextlib.ExitStack() as stack:

        def start(
            spec: SittingSpec,
            *arguments: str,
            executable: str = sys.executable,
            through: Sequence[str] = (),
            **environment: str,
        ) -> subprocess.Popen[str]:
            process = subprocess.Popen(
                ["taskset", "--cpu-list", ",".join(map(str, CPUS)), *through,
                 sys.executable, "-m", "tests.support.sitting_driver", executable, *arguments],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=root,
                env={**os.environ, **environment},
            )  # fmt: skip
            stack.enter_context(process)
            # Its interpreters see that it is gone, and end.
            stack.callback(process.kill)
            assert process.stdin is not None
            process.stdin.write(encode(spec))
            process.stdin.close()
            process.stdin = None
            return process

        yield start


def result_of(process: subprocess.Popen[str]) -> SittingResult:
    out, err = process.communicate(timeout=90)
    assert process.returncode == 0, err
    return decode(SittingResult, out)


def causes(result: SittingResult) -> set[str | None]:
    return {trial.cause for trial in result.trials}


def told(result: SittingResult, cause: str) -> str:
    """Give the reason of the first trial with a cause; the hypervisor may have disturbed others first."""
    assert cause in causes(result), [(trial.outcome, trial.reason) for trial in result.trials]
    return next(trial.reason or "" for trial in result.trials if trial.cause == cause)


def others_cpus(trial: TrialResult) -> float:
    """CPUs that others kept busy in its rounds."""
    (found,) = [reading.value for reading in trial.readings if reading.probe == "others_cpu"]
    assert found is not None
    return found / sum(one.seconds for one in trial.rounds)


#: Two programs that keep the CPUs busy, in a world of processes in which there is nothing else: whatever
#: else runs on this machine (tests in parallel, say) must not be taken for them.
_BESIDE_BUSY = (
    "unshare", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c",
    'sh -c "while :; do :; done" & sh -c "while :; do :; done" & "$@"', "sh",
)  # fmt: skip


@pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("unshare") is None, reason="only root can make a pid namespace"
)
def test_load_from_outside_rejects_what_it_kept_from_cpus_and_nothing_else(begin: Begin) -> None:
    spec = sitting(computing("a"), waiting("b"), computing("c"))
    result = result_of(begin(spec, through=_BESIDE_BUSY))
    first, waits, second = result.trials
    assert {first.outcome, second.outcome} == {"rejected"}, (first.reason, second.reason)
    reason = told(result, "load")
    said = re.search(
        r"other programs kept ([\d.]+) of 2 CPUs busy .* it could have used [\d.]+: stop them", reason
    )
    assert said is not None, reason
    assert 0.5 < float(said[1]) <= 2.0
    assert re.search(r"the busiest is sh \(pid \d+\) with [\d.]+", reason), reason
    # It wanted no CPU that they had.
    assert waits.cause in (None, "steal"), waits.reason
    assert others_cpus(waits) > 0.5


def test_two_measurements_that_do_not_share_a_lock_see_each_other(begin: Begin) -> None:
    # A guardian alone takes no lock: as two nodes whose folders are not the same.
    specs = [computing(f"{i}") for i in range(2)]
    long = begin(sitting(*specs, turns=6 * TURNS))
    until(lambda: b"_parlab_trial" in cmdlines_below(long.pid))
    # The other one is load, too, and would be named as that where it did not say what it is.
    short = result_of(begin(sitting(*specs), PARLAB_TOLERATE="load"))
    assert long.poll() is None, "the one was to last longer than the other"
    assert {trial.outcome for trial in short.trials} == {"rejected"}, [t.reason for t in short.trials]
    reason = told(short, "other-measurement")
    assert re.search(r"another measurement \(pid \d+\) was running at the same time, and", reason), reason
    assert "TMPDIR" in reason
    assert result_of(long).trials[0].rounds


def cmdlines_below(root: int) -> bytes:
    """Command lines of all processes below one."""
    listed = subprocess.run(
        ["ps", "--no-headers", "-ww", "-o", "args", "--ppid", str(root)], capture_output=True, check=False
    )
    return listed.stdout


def test_a_clock_that_steps_rejects_the_trials_of_its_sitting(begin: Begin, tmp_path: Path) -> None:
    (tmp_path / "wall.c").write_text(_WALL_CLOCK)
    library, offset = tmp_path / "wall.so", tmp_path / "offset"
    subprocess.run([compiler(), "-shared", "-fPIC", tmp_path / "wall.c", "-o", library, "-ldl"], check=True)
    # The guardian's alone: its trials' environment is made from nothing, and the machine's clock stays.
    fake = {"LD_PRELOAD": str(library), "WALL_CLOCK_OFFSET": str(offset)}
    offset.write_text("3600")
    steady = result_of(begin(sitting(waiting("a"), turns=2), **fake))
    assert (steady.clock_step_seconds, causes(steady)) == (0.0, {None})
    process = begin(sitting(waiting("a"), waiting("b"), turns=20), **fake)
    until(lambda: b"_parlab_trial" in cmdlines_below(process.pid))
    offset.write_text("3570")
    stepped = result_of(process)
    assert stepped.clock_step_seconds == pytest.approx(-30, abs=1)
    assert [(t.outcome, t.cause) for t in stepped.trials] == [("rejected", "clock")] * 2
    assert "the wall clock jumped 30 s back during the measurement" in (stepped.trials[0].reason or "")
    # What took so long by the monotonic clock did.
    assert 0 < stepped.seconds < 30


@pytest.fixture(scope="module")
def unready(free_threaded: str) -> Iterator[Path]:
    """A project whose function calls an extension that does not say that it can do without the GIL."""
    asked = "import sysconfig; print(sysconfig.get_path('include'), sysconfig.get_config_var('EXT_SUFFIX'))"
    found = subprocess.run([free_threaded, "-c", asked], capture_output=True, text=True, check=True)
    include, suffix = found.stdout.split()
    with tempfile.TemporaryDirectory(prefix="pl-") as folder:
        project = Path(folder)
        (project / "unready.c").write_text(_UNREADY)
        built = [compiler(), "-shared", "-fPIC", "-I", include, "unready.c", "-o", f"unready{suffix}"]
        subprocess.run(built, cwd=project, check=True)
        (project / "shop.py").write_text("import unready\ndef double(item): return unready.twice(item)\n")
        yield project


def doubling(python: str, **given: Any) -> SittingSpec:
    expected = right(0, 2, 4, 6)
    trial = TrialSpec(
        "a", "c", "shop:double", {}, 4, given.pop("strategy", "threads"), {}, 2, python, expected=expected,
        timeout_seconds=30, **given,
    )  # fmt: skip
    own = OwnFunction("shop:double", inputs_json="[0, 1, 2, 3]")
    return sitting(trial, turns=2, function=own)


@pytest.mark.parametrize("strategy", ["threads", "processes"])
def test_an_extension_that_turns_the_gil_on_fails_at_once_and_is_named(
    strategy: str, begin: Begin, unready: Path, free_threaded: str
) -> None:
    spec = doubling(read_build(free_threaded).id, strategy=strategy)
    (trial,) = result_of(begin(spec, "--project", str(unready), executable=free_threaded)).trials
    assert (trial.outcome, trial.cause) == ("failed", "gil"), trial.reason
    assert trial.gil_enabled is True
    assert "module unready turned the GIL on in a build that runs without it" in (trial.reason or "")
    assert "--gil on" in (trial.reason or "")


@pytest.mark.parametrize("gil", ["on", "off"])
def test_a_gil_that_was_asked_for_is_what_such_an_extension_gets(
    gil: str, begin: Begin, unready: Path, free_threaded: str
) -> None:
    spec = doubling(read_build(free_threaded).id, gil=gil)
    (trial,) = result_of(begin(spec, "--project", str(unready), executable=free_threaded)).trials
    assert trial.outcome == "measured", trial.reason
    assert trial.gil_enabled is (gil == "on")


def test_runs_of_two_homes_take_turns_on_one_host_and_the_second_says_for_whom(
    commands: Callable[..., Any], tmp_path: Path
) -> None:
    shared = {"TMPDIR": tempfile.mkdtemp(prefix="pl-")}
    experiment = tmp_path / "two.toml"
    experiment.write_text(
        '[experiment]\nname = "two"\nquestion = "Do runs take turns?"\ntrial_seconds = 0.02\n'
        'round_seconds = 0.005\n[[workload]]\nname = "wait"\nseconds = 0.005\ntasks = 4\n'
        '[[strategy]]\nname = "serial"\n[[strategy]]\nname = "threads"\nmax_workers = 2\n'
        '[stop]\nrule = "fixed"\nblocks = 4\nbudget = "90s"\n'
    )
    try:
        one, other = commands(), commands()
        first = one.start("run", experiment, "--json", one.home / "r.json", **shared)
        lines = [first.stderr.readline(), first.stderr.readline()]
        run = re.search(r"run (\w+)", lines[1])
        assert run is not None, lines
        second = other.start("run", experiment, "--json", other.home / "r.json", **shared)
        assert f"waiting for run {run[1]} (pid {first.pid}) on this host" in second.stderr.readline()
        for command, process in ((one, first), (other, second)):
            ended = command.wait(process)
            assert ended.code == 0, ended.err
    finally:
        shutil.rmtree(shared["TMPDIR"])
    spans = []
    for command in (one, other):
        sittings = json.loads((command.home / "r.json").read_text())["sittings"]
        begun = [sitting["started_unix_seconds"] for sitting in sittings]
        ends = [sitting["started_unix_seconds"] + sitting["seconds"] for sitting in sittings]
        spans.append((min(begun), max(ends)))
    assert spans[0][1] <= spans[1][0], "sittings of two runs were at work at once"
