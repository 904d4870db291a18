"""The trial's end of the two pipes to its guardian: one JSON object per line, each way."""

from __future__ import annotations

import json
import os

# See errors.py: typing is not imported in a trial's interpreter.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_CHUNK_BYTES = 65536


class Channel:
    """Reads commands and writes answers. No other process ever holds its file descriptors."""

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
