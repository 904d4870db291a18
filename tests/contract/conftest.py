"""A trial's interpreter and the guardian's side of its protocol, as small as they can be."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from parlab import workers
from parlab.workers import catalog
from parlab.workers.host.bootstrap import TRIALPATH, interpreter_arguments, trial_environment
from parlab.workers.parameter import settle
from parlab.workers.trial.check import SerialDigests
from parlab.workers.wire.digest import digest
from parlab.workers.wire.spec import Gil

_LIMIT_SECONDS = 30

#: So small that a round takes a millisecond; a workload that is not here runs with its defaults.
_PARAMETERS: dict[str, dict[str, Any]] = {
    "integer_sum": {"steps": 100},
    "wait": {"seconds": 0.001},
    "mixed": {"steps": 100, "seconds": 0.001},
}

_FAULTY = """
import os, signal, sys, threading, time
from .base import Parameter, Workload

class Unspeakable(Exception):
    def __init__(self, first, second):
        super().__init__(first)

def run(item):
    number, fault, last = item
    if number != last:
        return number
    if fault == "raise":
        raise ValueError("no such thing as task " + str(number))
    if fault == "unspeakable":
        raise Unspeakable("a", "b")
    if fault == "interrupt":
        raise KeyboardInterrupt
    if fault == "sys.exit":
        sys.exit(3)
    if fault == "os._exit":
        os._exit(7)
    if fault == "segfault":
        os.kill(os.getpid(), signal.SIGSEGV)
        time.sleep(10)
    if fault == "wrong" and threading.current_thread() is not threading.main_thread():
        return number + 0.0
    if fault == "unpicklable":
        return lambda: None
    if fault == "unsteady":
        return time.perf_counter_ns()
    if fault == "print":
        print("{" * 2000)
        print("}" * 2000, file=sys.stderr, flush=True)
    if fault == "thread":
        threading.Thread(target=time.sleep, args=(60,)).start()
    if fault == "process" and os.fork() == 0:
        time.sleep(60)
        os._exit(0)
    return number

def inputs(parameters, count):
    return [(n, parameters["fault"], count - 1) for n in range(count)]

WORKLOAD = Workload(
    name="faulty", summary="Goes wrong.", kind="cpu",
    parameters={"fault": Parameter(str, "none")}, function=run, inputs=inputs,
)
"""


class TrialProcess:
    """One trial's interpreter: started, told what to do, waited for."""

    def __init__(
        self, executable: str, folder: Path, *, gil: Gil | None = None, trialpath: str = TRIALPATH
    ) -> None:
        command_read, command_write = os.pipe()
        answer_read, answer_write = os.pipe()
        self.output = folder / "output"
        self.temporary = folder / "tmp"
        self.temporary.mkdir()
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                interpreter_arguments(executable, gil, command_read, answer_write, trialpath=trialpath),
                pass_fds=(command_read, answer_write),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=trial_environment("a-trial", 7, temporary=str(self.temporary)),
                start_new_session=True,
            )
        os.close(command_read)
        os.close(answer_write)
        self._commands = os.fdopen(command_write, "wb", buffering=0)
        self._answers = os.fdopen(answer_read, "rb")
        self.hello = self._receive()

    @property
    def pid(self) -> int:
        return self.process.pid

    def ask(self, command: str, **what: Any) -> dict[str, Any]:
        """Give a command and return its answer, or the exit code instead of one."""
        self._commands.write(json.dumps({"do": command, **what}).encode() + b"\n")
        return self._receive()

    def do(self, command: str, **what: Any) -> dict[str, Any]:
        """Give a command that must succeed."""
        answer = self.ask(command, **what)
        assert answer.get("did") == command, answer
        return answer

    def fail(self, command: str, **what: Any) -> dict[str, str]:
        """Give a command that must end the trial; return the error."""
        answer = self.ask(command, **what)
        assert set(answer) == {"error"}, answer
        assert self.exit_code() == 1
        error: dict[str, str] = answer["error"]
        return error

    def exit_code(self) -> int:
        return self.process.wait(_LIMIT_SECONDS)

    def pipes(self) -> set[str]:
        """Name both pipes as /proc does."""
        files = (self._commands, self._answers)
        return {str(Path(f"/proc/self/fd/{file.fileno()}").readlink()) for file in files}

    def hang_up(self) -> None:
        self._commands.close()

    def end(self) -> None:
        # Hung up on, it ends its pool first; killed, it would leave semaphores in /dev/shm.
        self.hang_up()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(5)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, 9)
        self.process.wait()
        self._answers.close()

    def _receive(self) -> dict[str, Any]:
        line = self._answers.readline()
        answer: dict[str, Any] = json.loads(line) if line else {"died": self.exit_code()}
        return answer


def _pools() -> list[Any]:
    """Every strategy, as narrow as shows it, with each of its start methods."""
    found = []
    for name, strategy in catalog.strategies().items():
        width = {"serial": 1, "hybrid": 4}.get(name, 2)
        start_method = strategy.options.get("start_method")
        for method in start_method.choices if start_method is not None else [None]:
            options = {} if method is None else {"start_method": method}
            chosen = {"strategy": name, "max_workers": width, "options": options}
            found.append(pytest.param(chosen, id=f"{name}-{method}" if method else name))
    return found


@pytest.fixture(params=_pools())
def pool(request: pytest.FixtureRequest) -> dict[str, Any]:
    """What a spec says of its strategy, for each that there is."""
    chosen: dict[str, Any] = request.param
    return chosen


@pytest.fixture
def pool_python(pool: dict[str, Any], request: pytest.FixtureRequest) -> str:
    """An interpreter that can run the pool."""
    if pool["strategy"] == "interpreters":
        found: str = request.getfixturevalue("python314")
        return found
    return sys.executable


@cache
def _expected(workload: str, tasks: int) -> dict[str, Any]:
    found = catalog.workload(workload)
    parameters = settle(found.parameters, _PARAMETERS.get(workload, {}), workload)
    return SerialDigests.of(
        [digest(found.function(item)) for item in found.inputs(parameters, tasks)]
    ).to_plain()


@pytest.fixture
def spec_of() -> Callable[..., Mapping[str, Any]]:
    """Makes a TrialSpec as plain data, as the guardian sends it, with what its results should be."""

    def make(workload: str, tasks: int = 4, **other: Any) -> Mapping[str, Any]:
        spec = {
            "trial": "a-trial",
            "configuration": "c",
            "workload": workload,
            "parameters": _PARAMETERS.get(workload, {}),
            "tasks": tasks,
            "strategy": "serial",
            "options": {},
            "max_workers": 1,
            "python": "3",
            "gil": None,
            "expected": None,
            "warm_up_rounds": 1,
            "timeout_seconds": 60.0,
            **other,
        }
        if tasks and "expected" not in other:
            spec["expected"] = _expected(workload, tasks)
        return spec

    return make


@pytest.fixture
def start_trial() -> Iterator[Callable[..., TrialProcess]]:
    """Starts a trial's interpreter; given a spec, it is prepared and its pool opened."""
    started: list[TrialProcess] = []
    # Short: the socket of a forkserver lies in it, whose path has at most 107 bytes.
    temporary = tempfile.TemporaryDirectory(prefix="pl-")

    def start(
        spec: Mapping[str, Any] | None = None, executable: str = sys.executable, **other: Any
    ) -> TrialProcess:
        folder = Path(temporary.name, f"trial-{len(started)}")
        folder.mkdir()
        trial = TrialProcess(executable, folder, **other)
        started.append(trial)
        if spec is not None:
            trial.do("prepare", spec=spec)
            trial.do("open")
        return trial

    yield start
    for trial in started:
        trial.end()
    temporary.cleanup()


@pytest.fixture(scope="session")
def faulty_trialpath(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The trialpath of a copy of ``workers`` that has the workload ``faulty`` besides the others."""
    copy = tmp_path_factory.mktemp("copy") / "workers"
    source = Path(workers.__file__).parent
    shutil.copytree(source, copy, ignore=shutil.ignore_patterns("__pycache__"))
    (copy / "workloads" / "faulty.py").write_text(_FAULTY)
    return str(copy / "trialpath")


@pytest.fixture
def start_faulty(
    start_trial: Callable[..., TrialProcess], spec_of: Callable[..., Mapping[str, Any]], faulty_trialpath: str
) -> Callable[..., TrialProcess]:
    """Starts a trial whose last task goes wrong in the way that is named, its pool opened."""

    def start(fault: str, strategy: str, max_workers: int, tasks: int = 4) -> TrialProcess:
        # What would be right is each task's number.
        expected = SerialDigests.of([digest(number) for number in range(tasks)]).to_plain()
        given = {"strategy": strategy, "max_workers": max_workers, "parameters": {"fault": fault}}
        spec = spec_of("faulty", tasks, expected=expected, **given)
        return start_trial(spec, trialpath=faulty_trialpath)

    return start
