"""A trial's interpreter as its guardian sees it: a process, two pipes, and what it prints."""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ..function.place import FunctionPlace
from ..host.bootstrap import interpreter_arguments, trial_environment
from ..host.processes import Prctl, end_tree, handle_of, signal_name
from ..wire.spec import Gil

#: So much of the end of what a trial prints is kept.
TAIL_BYTES = 4096
_CHUNK_BYTES = 1 << 16
#: Where the system has no handle to wait for a process's end, it is looked at so often.
_POLL_SECONDS = 0.2
#: What a dead trial had still to say is in its pipes by then.
_LAST_WORDS_SECONDS = 0.5


class TrialEnded(Exception):
    """The interpreter is gone: how, and what it was doing."""

    def __init__(self, how: str) -> None:
        super().__init__(how)
        self.how = how


class TrialHung(Exception):
    """No answer came within the step's limit."""


class Interpreters:
    """The interpreters of a sitting: all of them are listened to while one is waited for.

    A trial that prints must never wait for a reader, whoever's turn it is.
    """

    def __init__(self, prctl: Prctl) -> None:
        self._prctl = prctl
        self._selector = selectors.DefaultSelector()

    def start(
        self,
        trial: str,
        executable: str,
        gil: Gil | None,
        hash_seed: int,
        folder: str,
        trialpath: Path | None = None,
        own: FunctionPlace | None = None,
    ) -> Interpreter:
        """Start a trial's interpreter; raises :class:`OSError` where the executable cannot be run.

        ``folder`` is its TMPDIR, which the caller removes: a trial that is killed cannot. ``own`` is
        where a user's own function lives; None: the trial runs none.
        """
        command_read, command_write = os.pipe()
        answer_read, answer_write = os.pipe()
        me, prctl, started_seconds = os.getpid(), self._prctl, time.monotonic()
        arguments = interpreter_arguments(executable, gil, command_read, answer_write, site=own is not None)
        environment = trial_environment(
            trial,
            hash_seed,
            path=os.environ.get("PATH", os.defpath),
            home=os.environ.get("HOME", "/"),
            temporary=folder,
        )
        if trialpath is not None:
            arguments[arguments.index("-c") + 2] = str(trialpath)
        try:
            process = subprocess.Popen(
                arguments,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                pass_fds=(command_read, answer_write),
                env=environment if own is None else {**own.environment, **environment},
                # A guardian has one thread, so that code between fork and exec is safe here.
                preexec_fn=lambda: prctl.die_with_parent(signal.SIGKILL, me),  # noqa: PLW1509
            )
        except BaseException:
            os.close(command_write)
            os.close(answer_read)
            raise
        finally:
            os.close(command_read)
            os.close(answer_write)
        return Interpreter(self._selector, process, command_write, answer_read, started_seconds)

    def close(self) -> None:
        """Close the selector; the interpreters have been ended by then."""
        self._selector.close()


class Interpreter:
    """One trial's process; made by :class:`Interpreters`."""

    def __init__(
        self,
        selector: selectors.BaseSelector,
        process: subprocess.Popen[bytes],
        command_fd: int,
        answer_fd: int,
        started_seconds: float,
    ) -> None:
        self._selector = selector
        self._process, self._command_fd, self._answer_fd = process, command_fd, answer_fd
        self._answers = b""
        self._tail = b""
        self._ended = False
        #: By the monotonic clock, before its process was started.
        self.started_seconds = started_seconds
        assert process.stdout is not None
        self._output_fd = process.stdout.fileno()
        os.set_blocking(self._output_fd, False)
        os.set_blocking(self._answer_fd, False)
        self._watched: dict[int, Callable[[], None]] = {
            self._output_fd: self._read_output,
            self._answer_fd: self._read_answer,
        }
        self._end_fd = self._watch_end()
        for fd, action in self._watched.items():
            selector.register(fd, selectors.EVENT_READ, action)

    def _watch_end(self) -> int | None:
        fd = handle_of(self._process.pid)
        if fd is None:
            return None
        # It stays readable once the process has ended: listened to any longer, it would keep the guardian
        # busy beside the rounds of the trials that go on.
        self._watched[fd] = lambda: self._forget(fd)
        return fd

    @property
    def pid(self) -> int:
        """Process id of the interpreter."""
        return self._process.pid

    def tell(self, do: str, details: Mapping[str, Any]) -> None:
        """Send a command; that the trial is gone shows when its answer is waited for."""
        rest = json.dumps({"do": do, **details}, allow_nan=False).encode() + b"\n"
        try:
            while rest:
                rest = rest[os.write(self._command_fd, rest) :]
        except BrokenPipeError:
            return

    def answer(
        self, limit_seconds: float, tick: tuple[float, Callable[[], None]] | None = None
    ) -> dict[str, Any]:
        """Wait for the next answer.

        Args:
            limit_seconds: how long.
            tick: (seconds, what to call that often while waiting); None: sleep until something comes.

        Raises:
            TrialEnded: the interpreter is gone and left no answer.
            TrialHung: the limit has passed.
        """
        deadline = time.monotonic() + limit_seconds
        every = tick[0] if tick is not None else (_POLL_SECONDS if self._end_fd is None else limit_seconds)
        ticked = time.monotonic()
        while b"\n" not in self._answers:
            if self._process.poll() is not None:
                self._hear_last_words()
                if b"\n" not in self._answers:
                    raise TrialEnded(self._how())
                break
            left = deadline - time.monotonic()
            if left <= 0:
                raise TrialHung
            self._listen(min(left, every))
            if tick is not None and time.monotonic() - ticked >= tick[0]:
                tick[1]()
                ticked = time.monotonic()
        line, self._answers = self._answers.split(b"\n", 1)
        try:
            answer: Any = json.loads(line)
        except ValueError:
            answer = None
        if not isinstance(answer, dict) or not answer.keys() & {"did", "error"}:
            raise TrialEnded(f"it wrote something other than an answer: {line[:80]!r}")
        return answer

    def end(self) -> None:
        """Kill what is left of the trial's tree, reap it, and let go of its pipes."""
        if self._ended:
            return
        self._ended = True
        if self._process.poll() is None:
            end_tree(self._process.pid)
        self._process.wait()
        self._hear_last_words()
        for fd in list(self._watched):
            self._forget(fd)
        for fd in (self._command_fd, self._answer_fd):
            os.close(fd)
        if self._end_fd is not None:
            os.close(self._end_fd)
        assert self._process.stdout is not None
        self._process.stdout.close()

    def finish(self, limit_seconds: float) -> None:
        """Wait for a trial that said its last answer to end by itself, then :meth:`end` it."""
        deadline = time.monotonic() + limit_seconds
        while self._process.poll() is None and time.monotonic() < deadline:
            self._listen(min(deadline - time.monotonic(), 0.05 if self._end_fd is None else limit_seconds))
        self.end()

    @property
    def tail(self) -> str:
        """The end of what it printed."""
        return self._tail.decode("utf-8", "replace")

    def _listen(self, seconds: float) -> None:
        for key, _ in self._selector.select(max(seconds, 0)):
            key.data()

    def _read_output(self) -> None:
        try:
            data = os.read(self._output_fd, _CHUNK_BYTES)
        except BlockingIOError:
            return
        if data:
            self._tail = (self._tail + data)[-TAIL_BYTES:]
        else:
            self._forget(self._output_fd)

    def _read_answer(self) -> None:
        try:
            data = os.read(self._answer_fd, _CHUNK_BYTES)
        except BlockingIOError:
            return
        if data:
            self._answers += data
        else:
            self._forget(self._answer_fd)

    def _forget(self, fd: int) -> None:
        if self._watched.pop(fd, None) is not None:
            self._selector.unregister(fd)

    def _hear_last_words(self) -> None:
        limit = time.monotonic() + _LAST_WORDS_SECONDS
        for fd, read in ((self._answer_fd, self._read_answer), (self._output_fd, self._read_output)):
            # A daemon that it left may hold the output pipe and go on printing: not for ever.
            while fd in self._watched and time.monotonic() < limit:
                before = (len(self._answers), self._tail)
                read()
                if (len(self._answers), self._tail) == before:
                    break

    def _how(self) -> str:
        code = self._process.returncode
        if code is not None and code < 0:
            return f"killed by {signal_name(-code)}"
        return f"ended with exit code {code}"
