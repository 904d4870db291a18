"""Sittings with real interpreters, each under a guardian that is a process of its own."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from parlab import workers
from parlab.workers.wire.codec import decode, encode
from parlab.workers.wire.registration import EffectiveCpus, Host, NodeRegistration, PythonBuild
from parlab.workers.wire.result import SittingResult, TrialResult
from parlab.workers.wire.spec import CalibrationSpec, SittingSpec, TrialSpec
from tests.support.checkout import SOURCE

_LIMIT_SECONDS = 60.0

_GUARDIAN = """
import os, sys
from pathlib import Path
from parlab.workers.clock import SystemClock
from parlab.workers.wire.codec import decode, encode
from parlab.workers.host.processes import Prctl, guard
from parlab.workers.wire.registration import NodeRegistration
from parlab.workers.sitting.loop import run_sitting
from parlab.workers.wire.spec import SittingSpec

spec, node, answer, trialpath = map(Path, sys.argv[1:])
prctl = Prctl()
guard(prctl, os.getppid())
spec, node = decode(SittingSpec, spec.read_text()), decode(NodeRegistration, node.read_text())
result = run_sitting(spec, node, SystemClock(), prctl=prctl, trialpath=trialpath)
# The greatest of this program only: getrusage counts that of who forked it, too.
peak = next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM"))
answer.write_text(f"{int(peak) * 1024}\\n" + encode(result))
"""

#: Goes wrong as it is told, when a process has done so many calls before.
_FAULTY = '''
"""Goes wrong as it is told to."""
import os, signal, subprocess, sys, threading, time
from .base import Parameter, Workload

class Sudden(BaseException):
    pass

calls = 0

def run(item):
    global calls
    number, fault, after, interpreter, seconds = item
    time.sleep(seconds)
    calls += 1
    if calls <= after:
        return number
    if fault == "kill":
        os.kill(interpreter, signal.SIGKILL)
        time.sleep(60)
    elif fault == "_exit":
        os._exit(7)
    elif fault == "segfault":
        import ctypes
        ctypes.string_at(0)
    elif fault == "hang":
        time.sleep(600)
    elif fault == "stubborn":
        for _ in range(2):
            if os.fork() == 0:
                signal.signal(signal.SIGTERM, signal.SIG_IGN)
                time.sleep(600)
        time.sleep(600)
    elif fault == "session":
        subprocess.Popen(["sleep", "600"], start_new_session=True)
    elif fault == "flood":
        for _ in range(1600):
            os.write(2, b"x" * 65535 + b"\\n")
        os.write(2, b"the end")
    elif fault == "print":
        print("a word on stdout", number)
    elif fault == "raise":
        raise ValueError(f"no such thing as task {number}")
    elif fault == "exit":
        sys.exit("enough of it")
    elif fault == "sudden":
        raise Sudden("not an Exception")
    elif fault == "wrong":
        return number + 1
    return number

def inputs(parameters, count):
    fault, after, seconds = (parameters[name] for name in ("fault", "after", "seconds"))
    return [(n, fault, after, os.getpid(), seconds) for n in range(count)]

WORKLOAD = Workload(
    name="faulty", summary="Goes wrong.", kind="mixed",
    parameters={
        "fault": Parameter(str, "none"), "after": Parameter(int, 0), "seconds": Parameter(float, 0.002),
    },
    function=run, inputs=inputs, check=lambda item, result: item[0] == result,
)
'''

#: What it gives depends on where it runs, or on when; it has no check of its own.
_FICKLE = '''
"""Gives something else."""
import threading, time
from .base import Parameter, Workload

def run(item):
    number, how = item
    if how == "always":
        return time.perf_counter_ns()
    if number == 2 and threading.current_thread() is not threading.main_thread():
        return -1
    return number

def inputs(parameters, count):
    return [(n, parameters["how"]) for n in range(count)]

WORKLOAD = Workload(
    name="fickle", summary="Gives something else.", kind="cpu",
    parameters={"how": Parameter(str, "in threads")}, function=run, inputs=inputs,
)
'''


@dataclass(frozen=True)
class Sat:
    """What a sitting gave, and what its guardian took for it."""

    result: SittingResult
    #: Of the guardian's own memory.
    peak_bytes: int

    def trial(self, name: str) -> TrialResult:
        """Give the trial that was made under this name."""
        return next(trial for trial in self.result.trials if trial.trial.endswith(f"-{name}"))


class Bench:
    """Makes specs, has guardians run them, and looks for what they leave."""

    def __init__(self, folder: Path, trialpath: Path) -> None:
        self._folder = folder
        self._trialpath = trialpath
        #: In the id of each trial, so that its processes can be told from all others.
        self.tag = uuid.uuid4().hex[:12]
        self.temporary = folder / "tmp"
        self.temporary.mkdir()
        self.executables = {"main": sys.executable}
        self._started: list[subprocess.Popen[bytes]] = []

    def trial(self, name: str, workload: str = "wait", /, **other: Any) -> TrialSpec:
        """Make a trial; ``name`` is what it is found by afterwards. It expects nothing of its results."""
        given: dict[str, Any] = {
            "workload": workload,
            "parameters": {"seconds": 0.002} if workload == "wait" else {},
            "tasks": 4,
            "strategy": "serial",
            "options": {},
            "max_workers": 1,
            "python": "main",
            "timeout_seconds": 20.0,
            **other,
        }
        return TrialSpec(trial=f"{self.tag}-{name}", configuration=name, **given)

    def faulty(self, name: str, fault: str = "none", after: int = 0, **other: Any) -> TrialSpec:
        """Make a trial that goes wrong after so many calls of a process."""
        seconds = other.pop("seconds", 0.002)
        parameters = {"fault": fault, "after": after, "seconds": seconds}
        return self.trial(name, "faulty", parameters=parameters, **other)

    def sitting(self, *trials: TrialSpec, **other: Any) -> SittingSpec:
        """Make a sitting of them."""
        given: dict[str, Any] = {"kind": "measure", "turns": 3, "seed": 7, **other}
        return SittingSpec(run="r", sitting="s", attempt=1, node="n", trials=trials, **given)

    def calibration(self, trial: TrialSpec, **wanted: Any) -> SittingSpec:
        """Make a calibration of its workload."""
        spec = CalibrationSpec(**{"round_seconds": 0.01, **wanted})
        return self.sitting(trial, kind="calibrate", turns=0, calibration=spec)

    def start(self, spec: SittingSpec, *through: str) -> subprocess.Popen[bytes]:
        """Start a guardian, by ``through`` where it is to have another parent than the test."""
        (self._folder / "spec").write_text(encode(spec))
        (self._folder / "node").write_text(encode(self._registration()))
        (self._folder / "answer").unlink(missing_ok=True)
        arguments = [self._folder / "spec", self._folder / "node", self._folder / "answer", self._trialpath]
        process = subprocess.Popen(
            [*through, sys.executable, "-P", "-c", _GUARDIAN, *map(str, arguments)],
            env={
                "PATH": os.environ.get("PATH", os.defpath),
                "PYTHONPATH": SOURCE,
                "TMPDIR": str(self.temporary),
            },
            stderr=subprocess.PIPE,
        )
        self._started.append(process)
        return process

    def run(self, spec: SittingSpec) -> Sat:
        """Run a sitting to its end; nothing of it may be left then."""
        process = self.start(spec)
        _, said = process.communicate(timeout=_LIMIT_SECONDS)
        assert process.returncode == 0, said.decode()
        peak_bytes, _, text = (self._folder / "answer").read_text().partition("\n")
        assert self.processes() == {}
        assert list(self.temporary.iterdir()) == []
        return Sat(decode(SittingResult, text), int(peak_bytes))

    def processes(self) -> dict[int, str]:
        """Find what runs of this bench's trials: a process's environment says whose it is."""
        found = {}
        mark = f"PARLAB_TRIAL={self.tag}".encode()
        for folder in Path("/proc").iterdir():
            # Zombies have no environment any more; what is gone or another user's is not ours.
            with contextlib.suppress(OSError):
                if folder.name.isdigit() and mark in (folder / "environ").read_bytes():
                    line = (folder / "cmdline").read_bytes().replace(b"\0", b" ")
                    found[int(folder.name)] = line.decode("utf-8", "replace").strip()
        return found

    def end(self) -> None:
        """End whatever a failed test has left."""
        for process in self._started:
            if process.poll() is None:
                process.kill()
            process.wait()
            if process.stderr is not None:
                process.stderr.close()
        for pid, line in self.processes().items():
            # The tracker ends by itself after the others; killed, it would leave their semaphores for ever.
            if "multiprocessing.resource_tracker" not in line:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

    def _registration(self) -> NodeRegistration:
        cpus = EffectiveCpus(
            count=2, affinity=2, cpuset=None, quota=None, online=2, why="affinity 2, no quota"
        )
        host = Host("h", "b", "host", "Linux", "6", "a CPU", None, 0, cpus)
        return NodeRegistration(
            node="n",
            host=host,
            builds=tuple(
                PythonBuild(name, executable, "3", "CPython", name == "ft", ("fork", "forkserver", "spawn"))
                for name, executable in self.executables.items()
            ),
            harness_python="3",
            parlab_version="0",
            pid=1,
            # Tests run side by side: each is the others' load from outside.
            tolerates=("load", "other-measurement"),
        )


def until(condition: Any, seconds: float = 15.0) -> None:
    """Look until a condition holds; fail when it does not within the limit."""
    limit = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < limit, f"it did not happen within {seconds:g} s"
        time.sleep(0.01)


@pytest.fixture(scope="session")
def sitting_trialpath(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The trialpath of a copy of ``workers`` that has workloads which go wrong besides the others."""
    copy = tmp_path_factory.mktemp("sittings") / "workers"
    source = Path(workers.__file__).parent
    shutil.copytree(source, copy, ignore=shutil.ignore_patterns("__pycache__"))
    (copy / "workloads" / "faulty.py").write_text(_FAULTY)
    (copy / "workloads" / "fickle.py").write_text(_FICKLE)
    return copy / "trialpath"


@pytest.fixture(scope="module")
def bench(sitting_trialpath: Path) -> Iterator[Bench]:
    """Runs sittings; what a failed test leaves is ended."""
    with tempfile.TemporaryDirectory(prefix="pl-") as folder:
        own = Bench(Path(folder), sitting_trialpath)
        yield own
        own.end()
