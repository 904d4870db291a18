"""Ends that are asked for from outside: Ctrl-C, and SIGTERM, which comes as an exception, too."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

#: Exit codes (docs/exit-codes.md).
INTERRUPTED = 130
TERMINATED = 143


class Terminated(BaseException):
    """SIGTERM, raised where the main thread is, so that everything is taken down in order."""


class Stopped(BaseException):
    """A run that was asked to end from outside; its text says what became of it."""

    def __init__(self, text: str, exit_code: int, run: str | None) -> None:
        super().__init__(text)
        self.exit_code = exit_code
        #: None: nothing was measured.
        self.run = run


@contextmanager
def terminable() -> Iterator[None]:
    """Have SIGTERM raise ``Terminated`` as Ctrl-C raises ``KeyboardInterrupt``."""

    def terminate(signum: int, frame: FrameType | None) -> NoReturn:
        del signum, frame
        raise Terminated

    before = signal.signal(signal.SIGTERM, terminate)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def exit_code(end: BaseException) -> int:
    """Give the exit code of one of the two."""
    return TERMINATED if isinstance(end, Terminated) else INTERRUPTED
