"""Time, injected: whoever waits or stamps takes a clock, so that a test can give its own."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """What parlab reads time from."""

    def monotonic_ns(self) -> int:
        """Nanoseconds since some point; never steps back."""
        ...

    def unix_seconds(self) -> float:
        """Seconds since 1970 by the wall clock, which may step."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait."""
        ...


class SystemClock:
    """The machine's clocks."""

    def monotonic_ns(self) -> int:
        """Nanoseconds of the monotonic clock."""
        return time.monotonic_ns()

    def unix_seconds(self) -> float:
        """Seconds of the wall clock."""
        return time.time()

    def sleep(self, seconds: float) -> None:
        """Wait by the machine's clock."""
        time.sleep(seconds)
