"""The fit behind break-evens: least absolute relative error, again on resampled blocks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from parlab.orchestrator.analysis.breakeven.cells import GridCell
from parlab.orchestrator.statistics.interval import Estimate
from parlab.orchestrator.statistics.least_errors import (
    DISPATCH,
    PER_BYTE,
    SHARE,
    Truths,
    fitted,
    solve,
)
from parlab.orchestrator.statistics.usl import Floats

#: How often blocks are drawn again, from a seed that never changes: the same data, the same intervals.
RESAMPLES = 400
_SEED = 20260101


@dataclass(frozen=True)
class Fit:
    """Seconds of a task: (dispatch + per_byte x payload) and (share x serial seconds), added, or the larger.

    They add up where who hands tasks over takes the time from those who work (as many workers as CPUs).
    The larger counts where both go on at once: more CPUs than workers, or workers that wait. Each array
    has the fit to all blocks first, then one to each resample.
    """

    dispatch: Floats
    per_byte: Floats
    share: Floats
    #: Whether the larger counts; by the smaller error in the cells that were fitted.
    overlapping: Truths
    #: Whether payload is in the model.
    with_payload: bool
    #: How far fitted cells lie off it beyond what their blocks' noise explains (standard deviation).
    misfit_ratio: float
    #: Level of the intervals.
    level: float

    @property
    def share_at_break_even(self) -> Floats:
        """What the share amounts to where nothing is lost nor gained.

        There, handing over takes all of the time, where the larger counts and work is shared at all.
        """
        return np.where(self.overlapping & (self.share < 1), 0.0, self.share)

    def seconds(self, task_seconds: float, payload_bytes: float | None) -> Floats:
        """Foretell the seconds of a task that takes ``task_seconds`` serially."""
        handing = self.dispatch + self.per_byte * (payload_bytes or 0.0)
        working = self.share * task_seconds
        return np.where(self.overlapping, np.maximum(handing, working), handing + working)

    def speed_up(self, task_seconds: float, payload_bytes: float | None) -> float:
        """Foretell serial seconds / the strategy's."""
        taken = self.seconds(task_seconds, payload_bytes)[0]
        return float(task_seconds / taken) if taken > 0 else float("inf")

    def estimate(self, values: Floats) -> Estimate:
        """Give the first value with the quantiles of the others."""
        return Estimate.of(values, self.level)


def fit(cells: Sequence[GridCell], level: float, *, with_payload: bool, resamples: int = RESAMPLES) -> Fit:
    """Fit the model to cells, and to what their blocks would have been if drawn again.

    In the sum of |fitted / measured - 1| a cell that a neighbour disturbed draws the rest less than by
    squares, and a task of a microsecond counts as much as one of a second.

    No model is exact. What lies between it and the cells, and is more than the noise of their blocks, is
    drawn anew for each resample, too: without it, intervals would shrink around a wrong figure.
    """
    payload = np.array([cell.payload_bytes or 0.0 for cell in cells])
    work, ratios = _resampled(cells, resamples)
    first, overlapping = _better(work[:1], ratios[:1], payload, with_payload=with_payload)
    misfit = _misfit(_columns(work, ratios, payload), first, overlapping=bool(overlapping[0]))
    source = np.random.default_rng(_SEED + 1)
    ratios[1:] += misfit * source.standard_normal((resamples, len(cells)))
    unknowns, overlapping = _better(work, ratios, payload, with_payload=with_payload)
    return Fit(
        dispatch=unknowns[:, DISPATCH],
        per_byte=unknowns[:, PER_BYTE],
        share=unknowns[:, SHARE],
        overlapping=overlapping,
        with_payload=with_payload,
        misfit_ratio=misfit,
        level=level,
    )


def _resampled(cells: Sequence[GridCell], resamples: int) -> tuple[Floats, Floats]:
    """Give serial seconds of a task, and log(own / serial), by (all blocks and each resample, cell).

    By the median of the ratios within blocks: what drifts from block to block, and is most of the
    noise, cancels.
    """
    source = np.random.default_rng(_SEED)
    work = np.empty((resamples + 1, len(cells)))
    ratios = np.empty_like(work)
    for index, cell in enumerate(cells):
        pairs = np.array(cell.pairs)
        drawn = source.integers(0, len(pairs), (resamples, len(pairs)))
        drawn = np.vstack([np.arange(len(pairs)), drawn])
        work[:, index] = np.median(pairs[:, 0][drawn], axis=1)
        ratios[:, index] = np.median(np.log(pairs[:, 1] / pairs[:, 0])[drawn], axis=1)
    return work, ratios


def _columns(work: Floats, ratios: Floats, payload: Floats) -> Floats:
    columns = np.stack([np.ones_like(work), np.broadcast_to(payload, work.shape), work], axis=2)
    columns /= (work * np.exp(ratios))[:, :, None]
    return columns


def _better(work: Floats, ratios: Floats, payload: Floats, *, with_payload: bool) -> tuple[Floats, Truths]:
    """Fit both kinds, and take for each of the stack the one with the smaller error."""
    columns = _columns(work, ratios, payload)
    added = solve(columns, with_payload, overlapping=False)
    larger = solve(columns, with_payload, overlapping=True)
    overlapping = _error(columns, larger, overlapping=True) < _error(columns, added, overlapping=False)
    return np.where(overlapping[:, None], larger, added), overlapping


def _error(columns: Floats, unknowns: Floats, *, overlapping: bool) -> Floats:
    return np.asarray(np.abs(fitted(columns, unknowns, overlapping=overlapping) - 1.0).mean(axis=1))


def _misfit(columns: Floats, first: Floats, *, overlapping: bool) -> float:
    """Estimate the standard deviation of what lies between model and cells beyond their noise.

    By moments: the squares of what is left by the first fit, less the variance that it has over resampled
    blocks.
    """
    left = np.log(np.maximum(fitted(columns, first, overlapping=overlapping), 1e-9))
    freedom = max(left.shape[1] - np.count_nonzero(first), 1)
    noise = np.mean(np.var(left[1:], axis=0))
    return float(np.sqrt(max(np.sum(left[0] ** 2) / freedom - noise, 0.0)))
