"""Fixtures that tests share: interpreters besides our own, and folders short enough for a unix socket."""

from __future__ import annotations

import atexit
import contextlib
import gc
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from tests.support.checkout import CHECKOUT
from tests.support.ready_command import ReadyCommand

# A deadline would time the machine, not the code.
settings.register_profile("parlab", deadline=None)
settings.load_profile("parlab")

# A shell starts what runs in the background with these ignored, and every child would inherit that: a
# command that a test interrupts would never hear of it.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGQUIT, signal.SIG_DFL)

# The same for what is called in this process (Command has it for what it starts).
os.environ["PARLAB_REPORT"] = "off"


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Begin with what takes longest."""
    from tests.support.distribution import ByFile

    config.option.loadscopereorder = False
    return ByFile(config, log)


def pytest_collection_finish() -> None:
    """Spare what is loaded by now from garbage collection: there is much of it, and it stays."""
    gc.collect()
    gc.freeze()


_FREE_THREADED_NAMES = ("python3.14t", "python3.13t")
#: Where .ci/python314 puts it.
_PYTHON_314 = "/opt/python3.14/usr/bin/python3.14"
_FREE_THREADED_PREFIXES = ("/opt/python3.13t/bin/python3.13t",)


def _free_threaded_interpreter() -> str | None:
    candidates = [
        os.environ.get("PARLAB_TEST_PYTHON_FT"),
        *(shutil.which(name) for name in _FREE_THREADED_NAMES),
        *_FREE_THREADED_PREFIXES,
    ]
    question = "import sys; sys.exit(0 if not sys._is_gil_enabled() else 1)"
    for candidate in candidates:
        if candidate and Path(candidate).exists():
            asked = subprocess.run([candidate, "-c", question], capture_output=True, check=False)
            if asked.returncode == 0:
                return candidate
    return None


@pytest.fixture(scope="session")
def free_threaded() -> str:
    """A free-threaded interpreter; its absence is a skip on a desk and a failure in CI."""
    found = _free_threaded_interpreter()
    if found is None:
        why = "no free-threaded Python here: set PARLAB_TEST_PYTHON_FT to one"
        if os.environ.get("CI"):
            pytest.fail(why)
        pytest.skip(why)
    return found


@pytest.fixture(scope="session")
def python314() -> str:
    """A Python that has subinterpreters; its absence is a skip on a desk and a failure in CI."""
    candidates = (os.environ.get("PARLAB_TEST_PYTHON_314"), shutil.which("python3.14"), _PYTHON_314)
    question = "import concurrent.interpreters"
    for candidate in candidates:
        if candidate and Path(candidate).exists():
            asked = subprocess.run([candidate, "-c", question], capture_output=True, check=False)
            if asked.returncode == 0:
                return candidate
    why = "no Python 3.14 here: set PARLAB_TEST_PYTHON_314 to one"
    if os.environ.get("CI"):
        pytest.fail(why)
    pytest.skip(why)


@pytest.fixture
def home() -> Iterator[Path]:
    """An empty PARLAB_HOME with a short path (a unix socket's path has at most 107 bytes)."""
    with tempfile.TemporaryDirectory(prefix="pl-") as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout."""
    return CHECKOUT


@pytest.fixture(scope="session")
def python() -> str:
    """The real interpreter that runs the tests (a launcher on the PATH may be a shim)."""
    return sys.executable


_LIMIT_SECONDS = 90.0


def _environment(checkout: Path) -> dict[str, str]:
    """This process's environment for a command, without what concerns parlab."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("PARLAB_")}
    return {**own, "PYTHONPATH": str(checkout / "src"), "NO_COLOR": "1", "COLUMNS": "200"}


@cache
def ready_command() -> ReadyCommand:
    """Give the interpreter that has loaded the command; it ends with the tests."""
    ready = ReadyCommand(_environment(CHECKOUT))
    atexit.register(ready.end)
    return ready


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str


class Command:
    """The command as its users run it: in a process, with a PARLAB_HOME and a TMPDIR of its own.

    The TMPDIR makes its locks its own, too, so that it waits for nobody else on this machine, and
    its name, which all processes of the command inherit, is what they are found by.
    """

    def __init__(self, home: Path, checkout: Path = CHECKOUT) -> None:
        self.home = home
        self._temporary = home / "t"
        self._temporary.mkdir(exist_ok=True)
        self._checkout = checkout
        #: What starts the interpreter, where it is to be in a namespace of its own.
        self.through: tuple[str, ...] = ()
        self._started: list[subprocess.Popen[str]] = []

    def environment(self, **other: str) -> dict[str, str]:
        """What a command is started with: this process's, without what concerns parlab."""
        place = {"PARLAB_HOME": str(self.home), "TMPDIR": str(self._temporary)}
        # Tests run side by side: each is the others' load from outside.
        place["PARLAB_TOLERATE"] = "load other-measurement"
        # Seconds at the end of each run; what the tests of the report ask for, they turn on.
        place["PARLAB_REPORT"] = "off"
        return {**_environment(self._checkout), **place, **other}

    def start(self, *arguments: str | Path, **environment: str) -> subprocess.Popen[str]:
        """Start a command in a session of its own."""
        process = subprocess.Popen(
            [*self.through, sys.executable, "-P", "-m", "parlab", *map(str, arguments)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=self.home,
            env=self.environment(**environment),
            start_new_session=True,
        )
        self._started.append(process)
        return process

    def wait(self, process: subprocess.Popen[str], limit_seconds: float = _LIMIT_SECONDS) -> Ended:
        """Wait for a command's end."""
        try:
            out, err = process.communicate(timeout=limit_seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
            pytest.fail(f"the command had not ended after {limit_seconds:g} s:\n{out}\n{err}")
        return Ended(process.returncode, out, err)

    def run(self, *arguments: str | Path, **environment: str) -> Ended:
        """Run a command to its end.

        Its process is forked from one that has loaded it, unless something is to be different from the
        interpreter's start on.
        """
        otherwise = self.through or self._checkout != CHECKOUT
        if otherwise or any(not name.startswith("PARLAB_") for name in environment):
            return self.wait(self.start(*arguments, **environment))
        code, out, err = ready_command().run(
            [str(argument) for argument in arguments],
            self.home,
            self.environment(**environment),
            _LIMIT_SECONDS,
        )
        if code is None:
            pytest.fail(f"the command had not ended after {_LIMIT_SECONDS:g} s:\n{out}\n{err}")
        return Ended(code, out, err)

    def processes(self) -> dict[int, str]:
        """All that runs in this command's name: by environment, and, for the server, by its folder."""
        mark, home = str(self._temporary).encode(), f"{self.home}/"
        found = {}
        for folder in Path("/proc").iterdir():
            # What is gone, or is another user's, is not ours; a zombie has no environment any more.
            with contextlib.suppress(OSError):
                if not folder.name.isdigit():
                    continue
                # The server writes its title over its environment.
                if mark in (folder / "environ").read_bytes() or str((folder / "cwd").readlink()).startswith(
                    home
                ):
                    line = (folder / "cmdline").read_bytes().replace(b"\0", b" ")
                    found[int(folder.name)] = line.decode("utf-8", "replace").strip()
        return found

    def assert_nothing_left(self, limit_seconds: float = 10.0) -> None:
        """Give what was killed a moment to be gone."""
        deadline = time.monotonic() + limit_seconds
        while (left := self.processes()) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not left

    def end(self) -> None:
        """End whatever a failed test has left."""
        for process in self._started:
            if process.poll() is None:
                process.kill()
            process.communicate()
        for pid in self.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


@pytest.fixture(scope="module")
def commands() -> Iterator[Callable[..., Command]]:
    """Makes commands, each with an empty PARLAB_HOME; what they leave is ended."""
    with contextlib.ExitStack() as stack:

        def make(**options: Any) -> Command:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="pl-"))
            command = Command(Path(folder), **options)
            stack.callback(command.end)
            return command

        yield make


@pytest.fixture
def parlab(commands: Callable[..., Command]) -> Command:
    """The command with an empty PARLAB_HOME."""
    return commands()
