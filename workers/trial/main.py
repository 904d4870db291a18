"""A trial's own interpreter: it does what its guardian tells it, one command at a time.

Commands and answers are JSON lines (see :class:`Trial` for each). After an error the trial ends its
pool and itself: nothing that it could still measure would count.
"""

from __future__ import annotations

import json
import os
import sys

from ..errors import LabError, TrialFault, named
from ..host import stacks
from ..host.gil import gil_enabled

# See errors.py: typing is not imported in a trial's interpreter.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, NoReturn

    from .base import Trial

_CHUNK_BYTES = 65536


def main(command_fd: int, answer_fd: int) -> NoReturn:
    """Say hello, then answer commands until "close", an error, or the guardian's end.

    Ends without the interpreter's own end, which would wait for threads and processes that a
    workload has left running; the guardian ends those and reports them.
    """
    channel = Channel(command_fd, answer_fd)
    stacks_fd = stacks.register()
    status = 1
    try:
        channel.send({"did": "hello", "python_version": sys.version, "gil_enabled": gil_enabled()})
        trial, fault = _serve(channel, stacks_fd)
        if trial is not None and (fault is not None or not trial.closed):
            # Before it is told: who hears of an error kills what is left, which would leave behind
            # what multiprocessing keeps in files.
            trial.abandon()
        if fault is not None:
            channel.send(fault.answer())
        status = int(trial is None or not trial.closed)
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(status)


def _serve(channel: Channel, stacks_fd: int | None) -> tuple[Trial | None, TrialFault | None]:
    """Answer commands until "close", the guardian's end, or until one cannot be done."""
    trial: Trial | None = None
    try:
        while (trial is None or not trial.closed) and (command := channel.receive()) is not None:
            if trial is None:
                trial = _trial_for(command, stacks_fd)
            channel.send({"did": command["do"], **trial.do(command)})
    except TrialFault as fault:
        return trial, fault
    except LabError as error:
        return trial, TrialFault("internal", str(error))
    except BaseException as error:  # noqa: BLE001 - a bug of ours must reach the guardian as one
        return trial, TrialFault("internal", f"parlab's own code raised {named(error)}", error)
    return trial, None


def _trial_for(command: Mapping[str, Any], stacks_fd: int | None) -> Trial:
    """Choose the kind of trial by its first command, "prepare"; the other kind's code is not loaded."""
    if command["spec"].get("scenario"):
        from .scenario import ScenarioTrial

        return ScenarioTrial()
    from .workload import WorkloadTrial

    return WorkloadTrial(stacks_fd)


class Channel:
    """The trial's end of the two pipes to its guardian. No other process ever holds its file descriptors."""

    def __init__(self, command_fd: int, answer_fd: int) -> None:
        self._command_fd = command_fd
        self._answer_fd = answer_fd
        self._unread = b""
        for fd in (command_fd, answer_fd):
            os.set_inheritable(fd, False)  # noqa: FBT003 - the standard library has it so
        # A pool's worker that held the answer pipe would keep the guardian from seeing the trial's end.
        os.register_at_fork(after_in_child=self._forget)

    def receive(self) -> dict[str, Any] | None:
        """Wait for the next command; None when the guardian is gone."""
        while b"\n" not in self._unread:
            chunk = os.read(self._command_fd, _CHUNK_BYTES)
            if not chunk:
                return None
            self._unread += chunk
        line, self._unread = self._unread.split(b"\n", 1)
        command: dict[str, Any] = json.loads(line)
        return command

    def send(self, answer: dict[str, Any]) -> None:
        """Write one answer; raises :class:`OSError` when the guardian is gone."""
        rest = json.dumps(answer, allow_nan=False).encode() + b"\n"
        while rest:
            rest = rest[os.write(self._answer_fd, rest) :]

    def _forget(self) -> None:
        # Once only: a child's own files may get the same numbers, and its children run this, too.
        for fd in (self._command_fd, self._answer_fd):
            if fd >= 0:
                os.close(fd)
        self._command_fd = self._answer_fd = -1
