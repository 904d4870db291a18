"""Least absolute relative error for a stack of small fits at once, all with the same unknowns."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from parlab.orchestrator.statistics.usl import Floats

Truths = NDArray[np.bool_]

#: Places of the unknowns: seconds to hand a task over, seconds per byte, share of the work.
DISPATCH, PER_BYTE, SHARE = 0, 1, 2
#: Relative errors below this count by their square: the least absolute error has no slope at 0.
_SMALL_ERROR = 0.01
_ROUNDS = 25
#: Far below what can be seen: without it, two columns that are alike, or one of zeros, end the fit.
_RIDGE = 1e-12


def solve(columns: Floats, with_payload: bool, *, overlapping: bool) -> Floats:  # noqa: FBT001 - with columns
    """Minimize the sum of |fitted - 1| for each of a stack; give (stack, 3) unknowns.

    Args:
        columns: (stack, cells, 3): what each unknown is multiplied with, divided by the measured seconds.
        with_payload: whether seconds per byte are unknown; else they are 0.
        overlapping: whether the larger of handing over and work counts, not their sum.

    Dispatch and share are not below 0. What a byte adds may be where it is added, since work on payload
    can be shared better than the rest; where the larger counts it could not be seen.
    """
    free = np.ones((len(columns), 3), dtype=bool)
    free[:, PER_BYTE] = with_payload
    unknowns = _least_errors(columns, free, overlapping=overlapping)
    bounded = np.array([True, overlapping, True])
    # What leaves its bounds is 0; that may drive another one of the three out of its own.
    for _ in range(3):
        broken = bounded & free & (unknowns < 0)
        again = broken.any(axis=1)
        if not again.any():
            break
        # One at a time: which one left first is not known, but never are both wanted out.
        worst = np.argmin(np.where(broken, unknowns * columns.mean(axis=1), np.inf), axis=1)
        free[again, worst[again]] = False
        unknowns[again] = _least_errors(columns[again], free[again], overlapping=overlapping)
    return unknowns


def fitted(columns: Floats, unknowns: Floats, *, overlapping: bool) -> Floats:
    """Give fitted / measured seconds, (stack, cells)."""
    handing, working = _parts(columns, unknowns)
    return np.maximum(handing, working) if overlapping else handing + working


def _parts(columns: Floats, unknowns: Floats) -> tuple[Floats, Floats]:
    parts = columns * unknowns[:, None, :]
    return parts[:, :, DISPATCH] + parts[:, :, PER_BYTE], parts[:, :, SHARE]


def _least_errors(columns: Floats, free: Truths, *, overlapping: bool) -> Floats:
    """Minimize by squares whose weights are set anew each round; what is not free stays 0.

    Where the larger of two counts, each cell has only the columns of what was the larger one in the
    round before; it begins with the sum.
    """
    scale: Floats = np.abs(columns).max(axis=1, keepdims=True)
    scale[scale == 0] = 1.0
    scaled: Floats = columns / scale * free[:, None, :]
    unknowns = _weighted_rounds(scaled, scaled, np.ones(columns.shape[:2]), _ROUNDS if not overlapping else 5)
    if overlapping:
        for _ in range(_ROUNDS):
            handing, working = _parts(scaled, unknowns)
            hands = handing >= working
            active = scaled * np.stack([hands, hands, ~hands], axis=2)
            errors = np.abs(np.maximum(handing, working) - 1.0)
            unknowns = _weighted_rounds(active, active, 1.0 / np.maximum(errors, _SMALL_ERROR), 1)
    unknowns /= scale[:, 0, :]
    return unknowns


def _weighted_rounds(scaled: Floats, active: Floats, weights: Floats, rounds: int) -> Floats:
    ridge = _RIDGE * np.eye(3)
    unknowns: Floats = np.zeros((len(scaled), 3))
    for _ in range(rounds):
        weighted = np.swapaxes(active * weights[:, :, None], 1, 2)
        unknowns = np.linalg.solve(weighted @ active + ridge, weighted.sum(axis=2)[:, :, None])[:, :, 0]
        errors = np.abs(np.einsum("rij,rj->ri", active, unknowns) - 1.0)
        weights = 1.0 / np.maximum(errors, _SMALL_ERROR)
    return unknowns
