"""Failures that a target makes on purpose: known by it and by the workload that checks its answers."""

from __future__ import annotations

#: 2³² divided by the golden ratio: its multiples fill the circle evenly, so that of consecutive numbers
#: about the asked share fails, and none fails together with its neighbours only.
_STEP = 2_654_435_769
_CIRCLE = 1 << 32


def fails(number: int, ratio: float) -> bool:
    """Whether task ``number`` fails where a share of ``ratio`` does: the same ones under every strategy."""
    return number * _STEP % _CIRCLE < ratio * _CIRCLE
