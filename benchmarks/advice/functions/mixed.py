"""Work that waits and then computes: a record that is fetched and turned into something."""

from __future__ import annotations

import time

#: Steps of the loop that follows the wait.
STEPS = [50_000, 50_001, 50_002, 50_003]


def fetch_and_count(steps: int) -> int:
    """Wait 5 ms, then use the CPU for about 5 ms."""
    time.sleep(0.005)
    total = 0
    for number in range(steps):
        total += number * number % 7
    return total
