"""The other side of what two do together: a thread, a process or an interpreter that does its part."""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import suppress

from .base import Bench

# See errors.py: typing is not imported in a trial's interpreter.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from threading import Thread
    from typing import Any

#: How processes are started where it is not what is measured: the default of Python 3.14.
START_METHOD = "forkserver"

#: How long a partner may take to end when it is told to.
_END_SECONDS = 1.0
_BEGIN = "import sys; sys.path[:] = {path!r}"


class Partner(ABC):
    """Somebody who does a part of each round, at the same time as the caller does another."""

    @abstractmethod
    def begin(self, *arguments: Any) -> None:
        """Have it call its function with these (after those it was made with); it has begun on return."""

    @abstractmethod
    def end(self) -> Any:
        """Wait until it has done its part; what the function returned is returned."""

    def close(self) -> None:  # noqa: B027 - a thread is gone with its part
        """End it; it does not matter where it stands."""

    def pids(self) -> list[int]:
        """Give its process, where it is in one of its own."""
        return []


class ThreadPartner(Partner):
    """A thread, started anew for each part: between rounds there is none."""

    def __init__(self, function: Callable[..., Any], *fixed: Any) -> None:
        self._function = function
        self._fixed = fixed
        self._thread: Thread
        self._returned: Any = None
        self._raised: BaseException | None = None

    def begin(self, *arguments: Any) -> None:
        """Start the thread."""
        from threading import Thread

        # A daemon: one that waits for a side that has failed must not keep the interpreter from its end.
        self._thread = Thread(target=self._run, args=arguments, daemon=True)
        self._thread.start()

    def _run(self, *arguments: Any) -> None:
        try:
            self._returned = self._function(*self._fixed, *arguments)
        except BaseException as error:  # noqa: BLE001 - it is raised where the end is waited for
            self._raised = error

    def end(self) -> Any:
        """Join the thread; raises what the function raised."""
        self._thread.join()
        if self._raised is not None:
            raise self._raised
        return self._returned


class InterpreterPartner(ThreadPartner):
    """An interpreter with a GIL of its own, and a thread in it for each part (Python 3.14)."""

    def __init__(self, function: Callable[..., Any], *fixed: Any) -> None:
        from concurrent import interpreters  # type: ignore[attr-defined]

        self._interpreter = interpreters.create()
        # An interpreter does not inherit sys.path, by which it finds the function.
        self._interpreter.exec(_BEGIN.format(path=sys.path))
        super().__init__(self._interpreter.call, function, *fixed)

    def close(self) -> None:
        """End the interpreter."""
        self._interpreter.close()


class ProcessPartner(Partner):
    """A process that lives for the whole bench."""

    def __init__(self, function: Callable[..., Any], *fixed: Any) -> None:
        from multiprocessing import get_context

        context = get_context("forkserver")
        self._orders, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, function, fixed), daemon=True)
        self._process.start()
        theirs.close()

    def begin(self, *arguments: Any) -> None:
        """Send the order, and wait until it has arrived."""
        self._orders.send(arguments)
        self._orders.recv()

    def end(self) -> Any:
        """Wait for what it returned; raises :class:`EOFError` where the process died."""
        return self._orders.recv()

    def close(self) -> None:
        """Tell it to end, and see to it that it does."""
        with suppress(BrokenPipeError):
            self._orders.send(None)
        self._process.join(_END_SECONDS)
        if self._process.exitcode is None:
            self._process.kill()
            self._process.join()
        self._process.close()
        self._orders.close()

    def pids(self) -> list[int]:
        """Give the process."""
        return [] if self._process.pid is None else [self._process.pid]


def _serve(orders: Connection, function: Callable[..., Any], fixed: tuple[Any, ...]) -> None:
    try:
        while (arguments := orders.recv()) is not None:
            orders.send(None)
            orders.send(function(*fixed, *arguments))
    except EOFError:
        # The trial is gone, and so is what this was for.
        return


class PartnerBench(Bench):
    """A bench whose rounds take a partner, which is there for as long as the bench is."""

    _partner: Partner

    def close(self) -> None:
        """End the partner."""
        self._partner.close()

    def pids(self) -> list[int]:
        """Give the partner's process."""
        return self._partner.pids()


#: Kind of worker → its partner.
PARTNERS: dict[str, Callable[..., Partner]] = {
    "thread": ThreadPartner,
    "process": ProcessPartner,
    "interpreter": InterpreterPartner,
}
