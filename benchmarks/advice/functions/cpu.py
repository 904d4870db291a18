"""Pure Python that uses the CPU and nothing else."""

from __future__ import annotations

#: Steps of :func:`count` that take about 10 ms, and about 1 ms, on the machine of docs/method.md.
TEN_MS = [100_000, 100_001, 100_002, 100_003]
ONE_MS = [10_000, 10_001, 10_002, 10_003]


def count(steps: int) -> int:
    """Add up squares modulo 7 in a plain loop, holding the GIL."""
    total = 0
    for number in range(steps):
        total += number * number % 7
    return total
