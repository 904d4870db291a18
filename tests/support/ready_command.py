"""An interpreter that has loaded the command already, and is forked for most commands that tests run.

To load it takes one to two seconds, and tests run hundreds of commands. What is forked is a process of
its own all the same, in a session of its own, with its own arguments, environment, folder and streams,
and it ends as an interpreter ends. Only its /proc/PID/environ and its command line are not its own: what
looks for these is to be started, not forked.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

#: What most commands load. Nothing that starts threads: they would be missing in what is forked.
_LOADED = (
    "httpx",
    "rich.table",
    "typer._adapters",
    "parlab.orchestrator.analysis.across.compare",
    "parlab.orchestrator.cli.main",
    "parlab.orchestrator.control.lifecycle",
    "parlab.orchestrator.control.remote",
    "parlab.orchestrator.show.formats.terminal",
    "parlab.orchestrator.show.formats.markdown",
    "parlab.orchestrator.show.formats.json",
    "parlab.orchestrator.show.report.after_run",
    "parlab.orchestrator.show.text.comparison",
    "parlab.orchestrator.statistics.inference",
    "parlab.orchestrator.store.imports",
    "parlab.orchestrator.serve.server",
)
_LARGEST_ORDER_BYTES = 1 << 20


class ForkedCommand:
    """A command that was forked, as far as subprocess.Popen would be used for it."""

    def __init__(self, told: int) -> None:
        self._told = os.fdopen(told, "rb", buffering=0)
        self.returncode: int | None = None
        self.pid = int(self._line())

    def _line(self) -> bytes:
        # One byte after the other: whether more is there is asked of the pipe, not of a buffer.
        line = b""
        while not line.endswith(b"\n"):
            one = self._told.read(1)
            assert one, "the interpreter that commands are forked from has ended"
            line += one
        return line

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end; raises ``subprocess.TimeoutExpired`` as Popen does."""
        if self.returncode is None:
            if not select.select([self._told], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired(str(self.pid), timeout or 0.0)
            self.returncode = int(self._line())
            self._told.close()
        return self.returncode

    def poll(self) -> int | None:
        """Its exit code once it has ended."""
        try:
            return self.wait(0)
        except subprocess.TimeoutExpired:
            return None

    def send_signal(self, number: int) -> None:
        """Send it a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it."""
        self.send_signal(signal.SIGKILL)


class ReadyCommand:
    """The loaded interpreter, from outside."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._orders, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-P", __file__, str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                env=dict(environment),
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
            )

    def start(
        self, arguments: Sequence[str], folder: Path, environment: Mapping[str, str], out: Path, err: Path
    ) -> ForkedCommand:
        """Fork a command; what it prints is appended to ``out`` and ``err``."""
        order = {
            "arguments": list(arguments),
            "folder": str(folder),
            "environment": dict(environment),
            "streams": [str(out), str(err)],
        }
        told, tells = os.pipe()
        try:
            socket.send_fds(self._orders, [json.dumps(order).encode()], [tells])
        finally:
            os.close(tells)
        return ForkedCommand(told)

    def run(
        self, arguments: Sequence[str], folder: Path, environment: Mapping[str, str], limit_seconds: float
    ) -> tuple[int | None, str, str]:
        """Run a command to its end: its exit code (None: it was killed at the limit), and what it printed."""
        with tempfile.TemporaryDirectory(prefix="pl-") as kept:
            out, err = Path(kept, "out"), Path(kept, "err")
            command = self.start(arguments, folder, environment, out, err)
            code: int | None = None
            try:
                code = command.wait(limit_seconds)
            except subprocess.TimeoutExpired:
                pass
            finally:
                command.kill()
                command.wait()
            return code, out.read_text(), err.read_text()

    def end(self) -> None:
        """End the interpreter: nobody asks it any more."""
        self._orders.close()
        self._process.wait(10)


def _wait_for_orders(orders: socket.socket) -> None:
    """Fork for each order; return only in what was forked, where the command is to begin."""
    while True:
        told, passed, _, _ = socket.recv_fds(orders, _LARGEST_ORDER_BYTES, 1)
        if not told:
            sys.exit()
        (tells,) = passed
        if os.fork() == 0 and _keep(json.loads(told), tells):
            orders.close()
            return
        os.close(tells)
        _reap()


def _reap() -> None:
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return


def _keep(order: dict[str, Any], tells: int) -> bool:
    """Fork the command, tell its pid and how it ended, and end; True in what was forked."""
    pid = os.fork()
    if pid == 0:
        os.close(tells)
        _become(order)
        return True
    os.write(tells, b"%d\n" % pid)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    os.write(tells, b"%d\n" % code)
    os._exit(0)


def _become(order: dict[str, Any]) -> None:
    os.setsid()
    for number, stream in enumerate(order["streams"], 1):
        with Path(stream).open("ab") as file:
            os.dup2(file.fileno(), number)
    os.chdir(order["folder"])
    os.environ.clear()
    os.environ.update(order["environment"])
    tempfile.tempdir = None
    sys.argv = ["parlab", *order["arguments"]]


if __name__ == "__main__":
    import gc
    import importlib

    for name in _LOADED:
        importlib.import_module(name)
    gc.freeze()
    _wait_for_orders(socket.socket(fileno=int(sys.argv[1])))
    from parlab.orchestrator.cli.main import main

    main()
