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
