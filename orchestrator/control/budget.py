"""What a run may take of wall time, from when its hosts are free for it."""

from __future__ import annotations

from parlab.workers.clock import Clock


class Budget:
    """Counts from :meth:`begin` on; what is waited before that is not taken from it."""

    def __init__(self, seconds: float, clock: Clock) -> None:
        """Have ``seconds`` to use."""
        self._seconds = seconds
        self._clock = clock
        self._began_ns: int | None = None

    def begin(self) -> None:
        """Count from now on; again changes nothing."""
        if self._began_ns is None:
            self._began_ns = self._clock.monotonic_ns()

    @property
    def begun(self) -> bool:
        """Whether it is counted."""
        return self._began_ns is not None

    @property
    def used_seconds(self) -> float:
        """What has been used of it."""
        return 0.0 if self._began_ns is None else (self._clock.monotonic_ns() - self._began_ns) / 1e9

    @property
    def left_seconds(self) -> float:
        """What is left; below 0 where more was used."""
        return self._seconds - self.used_seconds

    @property
    def is_up(self) -> bool:
        """Whether nothing is left."""
        return self.left_seconds <= 0
