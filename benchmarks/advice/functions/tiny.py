"""Tasks that take less time than handing them over."""

from __future__ import annotations

#: Inputs of :func:`add`: a call takes about 2 µs, and about 50 µs.
TWO_US = [60, 61, 62, 63]
FIFTY_US = [2_000, 2_001, 2_002, 2_003]


def add(numbers: int) -> int:
    """Add up the first numbers."""
    return sum(range(numbers))
