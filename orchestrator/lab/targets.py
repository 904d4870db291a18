"""Targets of I/O workloads of a one-machine run: started by the command itself, and ended with it."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Collection, Mapping
from pathlib import Path

import parlab
from parlab.orchestrator.lab.embedded import OwnProcess
from parlab.workers.errors import EnvironmentFault
from parlab.workers.host.processes import Prctl

_START_SECONDS = 15.0
_MOST_WORDS_BYTES = 4096
_VARIABLE = "PARLAB_TARGET_HTTP"


def http_target(needed: Collection[str], environ: Mapping[str, str]) -> HttpTarget | None:
    """Make the http target where it is needed and ``environ`` has no address of another.

    Other targets cannot be started here: what needs one is skipped, and the reason is shown.
    """
    if "http" not in needed or any(environ.get(name) for name in (_VARIABLE, f"{_VARIABLE}_FILE")):
        return None
    return HttpTarget()


class HttpTarget(OwnProcess):
    """``parlab.workers.targets.http_target`` in a process of its own, which ends when the command does.

    Started from the command's main thread: it is ended by the kernel when that thread ends. One that dies
    in the middle of a run fails the trials that talk to it, and is not started again: whatever killed it
    would have been measured.
    """

    def __init__(self) -> None:
        """Nothing is started yet."""
        #: CPU that it is pinned to: the last that there is; None where the system pins nothing.
        self.cpu: int | None = None
        self.cpus = os.cpu_count() or 1
        if hasattr(os, "sched_getaffinity"):
            usable = os.sched_getaffinity(0)
            self.cpu, self.cpus = max(usable), len(usable)
        self._prctl = Prctl()
        self._port = 0

    @property
    def environment(self) -> dict[str, str]:
        """What a node is told of it, once it was started."""
        return {_VARIABLE: f"http://127.0.0.1:{self._port}"}

    @property
    def place(self) -> str:
        """Say for people where it runs, and who else does."""
        if self.cpu is None:
            return f"http target on one of {self.cpus} CPUs (shared with the measurement)"
        there = f"there are {self.cpus}" if self.cpus > 1 else "there is no other"
        return f"http target on CPU {self.cpu} (shared with the measurement: {there})"

    def start(self) -> None:
        """Start it and wait until it listens.

        Raises:
            EnvironmentFault: it does not; the message has its last words.
        """
        me = os.getpid()
        arguments = [sys.executable, "-P", "-s", "-m", "parlab.workers.targets.http_target"]
        arguments += ["--bind", "127.0.0.1", "--port", "0", "--parent", str(me)]
        if self.cpu is not None:
            arguments += ["--cpu", str(self.cpu)]
        # -P and this path: a folder named "parlab" where the command was started must not be taken.
        installed = str(Path(parlab.__file__).absolute().parent.parent)
        # All else that concerns parlab may be a secret, and is none of its business.
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("PARLAB_")}
        self._process = subprocess.Popen(
            arguments,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**inherited, "PYTHONPATH": installed},
            # A group of its own: Ctrl-C in the terminal is for the command, which ends us in order.
            process_group=0,
            # Before the interpreter is up: the command may be killed meanwhile.
            preexec_fn=lambda: self._prctl.die_with_parent(signal.SIGTERM, me),  # noqa: PLW1509
        )
        try:
            self._port = self._read_port(self._process)
        except BaseException:
            self.stop()
            raise

    @staticmethod
    def _read_port(process: subprocess.Popen[bytes]) -> int:
        assert process.stdout is not None
        output, deadline = b"", time.monotonic() + _START_SECONDS
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ)
            while b"http://" not in output or not output.endswith(b"\n"):
                if not selector.select(max(0.0, deadline - time.monotonic())):
                    break
                more = os.read(process.stdout.fileno(), _MOST_WORDS_BYTES)
                if not more:
                    break
                output += more
        words = output.decode("utf-8", "replace").split()
        port = words[-1].rpartition(":")[2] if words and words[-1].startswith("http://") else ""
        if not port.isdecimal():
            raise EnvironmentFault(
                f"the http target did not start: {' '.join(words)[-400:] or 'it printed nothing'}",
                "Name another one: PARLAB_TARGET_HTTP=http://host:port.",
            )
        return int(port)
