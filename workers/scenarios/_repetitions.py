"""Number of repetitions in a round, so that the round lasts well above the clock's tick."""

from __future__ import annotations

from collections.abc import Callable


def repetitions(timed: Callable[[int], float], wanted_seconds: float = 0.04) -> int:
    """Find how many repetitions last ``wanted_seconds``; 1 where one lasts longer.

    ``timed`` does as many as it is told and returns how many seconds they took.
    """
    count = 1
    while (taken := _undisturbed(timed, count)) < wanted_seconds / 2:
        # From below, and tenfold at most: a few repetitions say little of what many take.
        count = max(count + 1, min(count * 10, int(count * wanted_seconds / max(taken, 1e-9))))
    return max(1, round(count * wanted_seconds / taken))


def _undisturbed(timed: Callable[[int], float], count: int) -> float:
    # Something else that runs for a moment, or what is only slow the first time, would make rounds too short.
    return min(timed(count), timed(count))
