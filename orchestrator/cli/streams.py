"""Standard output and standard error of the command.

Both show what their encoding has, and something near for the rest: no terminal and no pipe is too poor for
a command. An output whose reader has gone (``parlab list | head``) ends the command as SIGPIPE would, without
a word; one that cannot be written is an ``EnvironmentFault``. SIGPIPE itself stays ignored: a command has
other pipes and sockets, whose ends it has to survive.
"""

from __future__ import annotations

import codecs
import errno
import io
import os
import sys
from typing import TYPE_CHECKING, TextIO

from parlab.orchestrator.figures import ascii_only
from parlab.workers.errors import EnvironmentFault

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

#: Exit code (docs/exit-codes.md): 128 and the number of SIGPIPE, as a shell has it.
READER_GONE = 141
_REPLACED = "parlab.replaced"


class _Output(io.FileIO):
    """File descriptor of standard output."""

    def write(self, data: ReadableBuffer, /) -> int:
        """Write; raises EnvironmentFault, and SystemExit where nobody reads any more."""
        try:
            return super().write(data)
        except OSError as error:
            # What is left in the buffer is written again at the end, and would fail again.
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self.fileno())
            os.close(nowhere)
            if isinstance(error, BrokenPipeError):
                raise SystemExit(READER_GONE) from None
            why = "it is closed" if error.errno == errno.EBADF else error.strerror
            raise EnvironmentFault(
                f"standard output cannot be written: {why}",
                "Send it to a terminal, a pipe, or a file on a disk that has room.",
            ) from None


class _Messages(io.FileIO):
    """File descriptor of standard error: where it cannot be written, nobody can be told so."""

    def write(self, data: ReadableBuffer, /) -> int:
        """Write what can be written."""
        try:
            return super().write(data)
        except OSError:
            return memoryview(data).nbytes


def prepare() -> None:
    """Replace this process's standard output and standard error."""
    codecs.register_error(_REPLACED, _replaced)
    # One that was closed is None. Its number is taken, lest the next file that is opened gets it.
    out = sys.stdout.fileno() if sys.stdout else os.open(os.devnull, os.O_RDONLY)
    sys.stdout = _text(_Output(out, "wb", closefd=False), sys.stdout)
    err = sys.stderr.fileno() if sys.stderr else os.open(os.devnull, os.O_WRONLY)
    sys.stderr = _text(_Messages(err, "wb", closefd=False), sys.stderr)


def _text(raw: io.FileIO, before: TextIO | None) -> TextIO:
    return io.TextIOWrapper(
        io.BufferedWriter(raw),
        encoding=before.encoding if before else "utf-8",
        errors=_REPLACED,
        line_buffering=isinstance(raw, _Messages) or raw.isatty(),
        write_through=bool(getattr(before, "write_through", False)),
    )


def _replaced(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return ascii_only(error.object[error.start : error.end]), error.end
