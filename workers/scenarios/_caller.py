"""A process of its own in which a scenario does what may end it, or what must not have been done before.

It is a fresh interpreter, as the trial's own is, and leads a process group: a signal for the group, as
a terminal sends it, reaches it and what it starts, and nobody else. Both sides talk in lines.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import time
from collections.abc import Callable
from importlib import import_module

from ..errors import named
from ..host.processes import Prctl, is_ending, tracks_semaphores
from ..host.tree import GONE, stat_fields

#: How long what is killed may take to be gone, the tracker of semaphores, which ends by itself, too.
_END_SECONDS = 3.0
_LOOK_SECONDS = 0.002
#: How often it is looked at where the system has no handle to wait for its end.
_POLL_SECONDS = 0.02
#: Its first argument is the trial's ``sys.path``: it finds this package by it, whatever it is called there.
_BEGIN = "import sys; sys.path[:] = sys.argv.pop(1).split('\\n'); from {package}._caller import main; main()"
#: A line that says what its own code raised, which nothing was to raise.
_RAISED = "raised "


class CallerEnded(Exception):
    """The process is gone: its exit code, negative for a signal."""

    def __init__(self, code: int) -> None:
        super().__init__(f"it ended with {code}")
        self.code = code


class CallerSilent(Exception):
    """Nothing was said within the limit."""


class TrialLine:
    """The process's own end of the line to the trial."""

    def __init__(self, read_fd: int, write_fd: int) -> None:
        self._read_fd, self._write_fd = read_fd, write_fd
        self._unread = b""
        for fd in (read_fd, write_fd):
            os.set_inheritable(fd, False)  # noqa: FBT003 - the standard library has it so

    def say(self, text: str) -> None:
        """Write one line."""
        os.write(self._write_fd, text.encode() + b"\n")

    def hear(self) -> str | None:
        """Wait for a line; None when the trial is gone."""
        while b"\n" not in self._unread:
            chunk = os.read(self._read_fd, 4096)
            if not chunk:
                return None
            self._unread += chunk
        line, self._unread = self._unread.split(b"\n", 1)
        return line.decode()

    def fileno(self) -> int:
        """Give what becomes readable when the trial says something."""
        return self._read_fd


class Caller:
    """The process as the trial sees it. It is killed when the trial ends, however that ends."""

    def __init__(self, module: str, *arguments: str) -> None:
        """Start it: it calls ``serve(line, arguments)`` of that module of this folder, and ends."""
        # Its own process imports this file, too.
        from subprocess import DEVNULL, Popen
        from tempfile import mkdtemp

        # What it is killed too early to remove goes with it. Short: a forkserver's socket lies in there.
        self._folder = mkdtemp(prefix="c-")
        self._read_fd, there_write = os.pipe()
        there_read, self._write_fd = os.pipe()
        begin = _BEGIN.format(package=__package__)
        try:
            self._process = Popen(
                [
                    sys.executable, *_flags(), "-c", begin, "\n".join(sys.path),
                    module, str(there_read), str(there_write), *arguments,
                ],
                stdin=DEVNULL,
                # What a fault that is wanted prints is no news.
                stderr=DEVNULL,
                pass_fds=(there_read, there_write),
                env={**os.environ, "TMPDIR": self._folder},
                process_group=0,
                preexec_fn=_before_it_begins(),  # noqa: PLW1509 - the trial has one thread here
            )  # fmt: skip
        finally:
            os.close(there_read)
            os.close(there_write)
        os.set_blocking(self._read_fd, False)
        self._unread = b""

    @property
    def pid(self) -> int:
        """Process id, and that of its group."""
        return self._process.pid

    def tell(self, text: str) -> None:
        """Write one line to it; that it is gone shows when it is listened to."""
        try:
            os.write(self._write_fd, text.encode() + b"\n")
        except BrokenPipeError:
            return

    def hear(self, limit_seconds: float) -> str:
        """Wait for its next line.

        Raises:
            CallerEnded: it is gone and said no more.
            CallerSilent: the limit has passed.
            RuntimeError: what its code raised, as it says.
        """
        deadline = time.monotonic() + limit_seconds
        while b"\n" not in self._unread:
            ended = self._process.poll() is not None
            # What it has forked may hold its end of the pipe: that it is open says nothing.
            if not self._read() and ended:
                raise CallerEnded(self._process.returncode)
            if b"\n" not in self._unread and not ended:
                self._wait(deadline)
        line, self._unread = self._unread.split(b"\n", 1)
        text = line.decode()
        if text.startswith(_RAISED):
            raise RuntimeError(text.removeprefix(_RAISED))
        return text

    def check(self) -> None:
        """Raise what its code raised, if it has; for who does not wait for a line."""
        self._read()
        if b"\n" in self._unread:
            self.hear(0.0)

    def ended(self, limit_seconds: float = 0.0) -> bool:
        """Wait until it has ended; False where it has not within the limit."""
        deadline = time.monotonic() + limit_seconds
        while self._process.poll() is None:
            if time.monotonic() >= deadline:
                return False
            time.sleep(_LOOK_SECONDS)
        return True

    def threads(self) -> int:
        """Count its threads; 0 where it is gone."""
        try:
            return len(os.listdir(f"/proc/{self.pid}/task"))  # noqa: PTH208 - pathlib costs 5 ms
        except GONE:
            return 0

    def end(self) -> None:
        """Kill it and what it has started, wait until all are gone, and remove their files and pipes."""
        from shutil import rmtree

        deadline = time.monotonic() + _END_SECONDS
        while (left := _group(self.pid)) and time.monotonic() < deadline:
            for pid in left:
                # Its holders are killed first, and then it removes the semaphores and ends by itself.
                if not tracks_semaphores(pid):
                    _kill(pid)
            self._process.poll()
            time.sleep(_LOOK_SECONDS)
        # Where there is no /proc to find them by.
        _kill(-self.pid if self._process.poll() is None else 0)
        self._process.wait()
        os.close(self._read_fd)
        os.close(self._write_fd)
        rmtree(self._folder)

    def _read(self) -> bool:
        try:
            data = os.read(self._read_fd, 65536)
        except BlockingIOError:
            return False
        self._unread += data
        return bool(data)

    def _wait(self, deadline: float) -> None:
        left = deadline - time.monotonic()
        if left <= 0:
            raise CallerSilent
        # The pipe's end is none of the process where others hold it, so that it is looked at, too.
        select.select([self._read_fd], [], [], min(left, _POLL_SECONDS))


def main() -> None:
    """Be the process: called by its interpreter, with what it is to do in its arguments."""
    module, read_fd, write_fd, *arguments = sys.argv[1:]
    del sys.argv[1:]
    line = TrialLine(int(read_fd), int(write_fd))
    try:
        import_module(f"{__package__}.{module}").serve(line, arguments)
    except Exception as error:  # noqa: BLE001 - the trial tells it
        line.say(f"{_RAISED}{named(error)}".replace("\n", " "))


def _flags() -> list[str]:
    # As the trial was started (see bootstrap.py), which is not imported for the sake of its imports.
    gil = sys._xoptions.get("gil")  # noqa: SLF001 - documented, and the only way to know
    return ["-s", "-P", "-S", *(["-X", f"gil={gil}"] if gil is not None else [])]


def _before_it_begins() -> Callable[[], None]:
    from resource import RLIMIT_CORE, getrlimit, setrlimit

    me = os.getpid()
    try:
        prctl: Prctl | None = Prctl()
    except ImportError:
        # A build without ctypes: the guardian ends what a killed trial leaves.
        prctl = None

    def begin() -> None:
        # Guardians ignore it, and so does what they start; a user's process does not.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        # Segfaults are wanted, their dumps are not.
        setrlimit(RLIMIT_CORE, (0, getrlimit(RLIMIT_CORE)[1]))
        if prctl is not None:
            prctl.die_with_parent(signal.SIGKILL, me)

    return begin


def _group(leader: int) -> list[int]:
    """List the processes of a group that run."""
    pids = []
    for entry in os.listdir("/proc") if os.path.isdir("/proc") else ():  # noqa: PTH112, PTH208 - pathlib costs 5 ms
        try:
            if entry.isdigit() and int(stat_fields(int(entry))[2]) == leader and not is_ending(int(entry)):
                pids.append(int(entry))
        except GONE:
            continue
    return pids


def _kill(pid: int) -> None:
    try:
        if pid:
            os.kill(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return
