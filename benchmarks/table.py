"""A function whose speed hangs on its cache: look-ups all over a table of some megabytes."""

from __future__ import annotations

#: Whole numbers beyond the small ones that Python keeps: 8 MB of objects and 2 MB that point at them. As many
#: as a prime number, so that the places come round late.
_TABLE = list(range(1_000, 251_007))


def look_up(item: tuple[int, int]) -> int:
    """Follow ``steps`` places of the table, each far from the one before; ``item`` is (start, steps)."""
    place, steps = item
    table, size, total = _TABLE, len(_TABLE), 0
    for _ in range(steps):
        place = (place * 75 + 7919) % size
        total += table[place]
    return total


def inputs() -> list[tuple[int, int]]:
    """Give items of about a millisecond each, where the table is in the cache of no core alone."""
    return [(number * 7, 2_500) for number in range(64)]
