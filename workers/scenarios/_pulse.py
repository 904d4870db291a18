"""Work that says all the while that it goes on, in memory that outlives whoever does it.

The moments are of the monotonic clock, which all processes of a host share.
"""

from __future__ import annotations

import mmap
import os
import time
from collections.abc import Callable, Iterator

#: Places of the numbers: moments (begun, last beat, asked to stop, come to its own end; nanoseconds, 0: not
#: yet), the beats so far, and the process that works.
_BEGUN, _BEAT, _ASKED, _ENDED, _BEATS, _PID = range(6)
_BYTES = 6 * 8


class Pulse:
    """Four moments, in a file that is mapped by whoever works, whoever asks, and whoever looks."""

    def __init__(self, path: str) -> None:
        """Open it; it is made where it is not there yet."""
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.ftruncate(fd, _BYTES)
            self._map = mmap.mmap(fd, _BYTES)
        finally:
            os.close(fd)
        # Aligned numbers of one word each: a reader sees the old or the new one, never half of both.
        self._moments = memoryview(self._map).cast("q")

    def begin(self) -> None:
        """Note that the work begins, here."""
        self._moments[_PID] = os.getpid()
        self._moments[_BEAT] = self._moments[_BEGUN] = time.monotonic_ns()

    def beat(self) -> None:
        """Note that the work goes on."""
        self._moments[_BEAT] = time.monotonic_ns()
        self._moments[_BEATS] += 1

    def ask(self) -> None:
        """Note that it is now asked to stop."""
        self._moments[_ASKED] = time.monotonic_ns()

    def end(self) -> None:
        """Note that the work has come to its own end."""
        self._moments[_BEAT] = self._moments[_ENDED] = time.monotonic_ns()

    @property
    def begun(self) -> bool:
        """Whether the work has begun."""
        return self._moments[_BEGUN] != 0

    @property
    def pid(self) -> int:
        """Process that works or worked; 0 before it has begun."""
        return self._moments[_PID]

    @property
    def asked(self) -> bool:
        """Whether it was asked to stop."""
        return self._moments[_ASKED] != 0

    @property
    def ended(self) -> bool:
        """Whether it came to its own end."""
        return self._moments[_ENDED] != 0

    @property
    def worked_seconds(self) -> float:
        """From its begin to its last beat."""
        return (self._moments[_BEAT] - self._moments[_BEGUN]) / 1e9

    @property
    def stopped_seconds(self) -> float:
        """From when it was asked to stop until it had stopped: its last beat, or the next that did not come.

        What was stopped before it could beat again has a step's length, the mean of all its steps: when
        within a step it stopped is not known, and none at all it cannot have been.
        """
        step_ns = (self._moments[_BEAT] - self._moments[_BEGUN]) / max(self._moments[_BEATS], 1)
        return max(self._moments[_BEAT] - self._moments[_ASKED], step_ns) / 1e9

    def close(self) -> None:
        """Unmap it."""
        self._moments.release()
        self._map.close()


def work(path: str, seconds: float, asked: Callable[[], bool] | None = None) -> None:
    """Work in pure Python for so long, or until ``asked`` says that it is to stop."""
    for _ in work_in_steps(path, seconds, asked):
        pass


def work_in_steps(path: str, seconds: float, asked: Callable[[], bool] | None = None) -> Iterator[None]:
    """Do the same, and let whoever iterates do something else after each step."""
    pulse = Pulse(path)
    pulse.begin()
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        step()
        pulse.beat()
        if asked is not None and asked():
            return
        yield
    pulse.end()


def step() -> None:
    """Do what takes some tens of microseconds and never waits."""
    total = 0
    for number in range(500):
        total += number
