"""Least squares for laws of scaling, many samples at once.

The Universal Scalability Law gives N workers the throughput C(N) = λN / (1 + σ(N - 1) + κN(N - 1)):
Gunther, Guerrilla Capacity Planning (2007), chapters 4 to 6. N/C(N) is linear in 1/λ, σ/λ and κ/λ, so that
Amdahl's law and the USL are one problem: coefficients of 0 or more of a few known columns.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_MOST_STEPS = 60
#: A step that lessens the sum of squares by no more than this share of it ends a sample's search.
_SMALL_GAIN = 1e-10
#: How often a step that makes the fit worse is halved before it is given up.
_HALVINGS = 12


def usl_fit(counts: Sequence[int], values: Floats, *, relative: bool) -> Floats:
    """Fit the Universal Scalability Law to each row of ``values``.

    Args:
        counts: N of each column.
        values: throughputs or speed-ups, above 0, by (sample, count).
        relative: whether to minimize the squares of fitted / measured - 1, for noise that is a share of
            what is measured; else of fitted - measured, as R's ``nls`` does.

    Returns:
        λ, σ and κ by (sample, 3), σ and κ not below 0; λ is infinite where the counts do not tell it.
    """
    n = np.array(counts, dtype=float)
    columns = np.stack([np.ones_like(n), n - 1, n * (n - 1)], axis=1)
    x = _solved(columns, np.zeros_like(n), n, values, relative=relative)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.stack([1 / x[:, 0], x[:, 1] / x[:, 0], x[:, 2] / x[:, 0]], axis=1)


def amdahl_fit(counts: Sequence[int], values: Floats, *, scaled: bool) -> Floats:
    """Fit Amdahl's law S(N) = 1 / ((1 - p) + p/N) to each row of ``values``, by relative errors.

    Args:
        counts: N of each column.
        values: speed-ups, above 0, by (sample, count).
        scaled: whether they are only known up to a factor, because what one worker does serially was
            not measured; then that factor is fitted, too.

    Returns:
        the parallel share p by sample, from 0 to 1.
    """
    n = np.array(counts, dtype=float)
    if scaled:
        # N/S = a(p + (1 - p)N).
        x = _solved(np.stack([np.ones_like(n), n], axis=1), np.zeros_like(n), n, values, relative=True)
        return np.asarray(x[:, 0] / x.sum(axis=1))
    serial = _solved((n - 1)[:, None], np.ones_like(n), n, values, relative=True)[:, 0]
    # The error has but one minimum, so that a share outside of 0 to 1 is best at its end.
    return np.asarray(1 - np.minimum(serial, 1.0))


def usl(counts: Sequence[int], scale: float, sigma: float, kappa: float) -> Floats:
    """Give C(N) = λN / (1 + σ(N - 1) + κN(N - 1))."""
    n = np.array(counts, dtype=float)
    return np.asarray(scale * n / (1 + sigma * (n - 1) + kappa * n * (n - 1)))


def amdahl(counts: Sequence[int], share: float) -> Floats:
    """Give S(N) = 1 / ((1 - p) + p/N)."""
    n = np.array(counts, dtype=float)
    return np.asarray(1 / ((1 - share) + share / n))


def _solved(columns: Floats, offset: Floats, n: Floats, values: Floats, *, relative: bool) -> Floats:
    """Minimize the squares of w (n / (offset + columns · x) - values) for x of 0 or more, row by row."""
    scale = np.abs(columns).max(axis=0)
    problem = _Problem(columns / scale, offset, n, values, 1 / values if relative else np.ones_like(values))
    x = problem.start()
    going = np.arange(len(values))
    for _ in range(_MOST_STEPS):
        part = problem.rows(going)
        x[going], gain = part.improved(x[going])
        going = going[gain > _SMALL_GAIN]
        if not len(going):
            break
    return np.asarray(x / scale)


@dataclass(frozen=True)
class _Problem:
    """Least squares of many samples that have the same columns."""

    columns: Floats
    offset: Floats
    n: Floats
    #: By (sample, point), as their weights.
    values: Floats
    weights: Floats

    def rows(self, places: NDArray[np.intp]) -> _Problem:
        """Give the problem of some samples."""
        return replace(self, values=self.values[places], weights=self.weights[places])

    def start(self) -> Floats:
        """Solve the linear problem that has the same errors to first order, for each set of free columns.

        fitted - measured is about -(value² / n) (n/fitted - n/measured), and that is linear.
        """
        weight = self.weights * self.values**2 / self.n
        wanted = (self.n / self.values - self.offset) * weight
        best = np.full((len(self.values), self.columns.shape[1]), np.nan)
        least = np.full(len(self.values), np.inf)
        for free in _subsets(self.columns.shape[1]):
            part = self.columns[:, free] * weight[:, :, None]
            square = np.einsum("rij,rik->rjk", part, part) + 1e-12 * np.eye(len(free))
            tried = np.zeros_like(best)
            right = np.einsum("rij,ri->rj", part, wanted)
            tried[:, free] = np.linalg.solve(square, right[:, :, None])[:, :, 0]
            loss = self._loss(tried)
            better = (tried >= 0).all(axis=1) & (loss < least)
            best[better], least[better] = tried[better], loss[better]
        # Speed-ups above their counts: no coefficient but one is above 0, and that is found from anywhere.
        lost = np.isnan(best).any(axis=1)
        best[lost] = 0.0
        best[lost, 0] = np.maximum((self.n / self.values - self.offset).mean(axis=1)[lost], 0.0)
        return best

    def improved(self, x: Floats) -> tuple[Floats, Floats]:
        """Take a Gauss-Newton step, or the part of it that makes the fit better; with the share gained."""
        before = self._loss(x)
        x, loss = x.copy(), before.copy()
        step = self._step(x)
        still = np.ones(len(x), dtype=bool)
        for halving in range(_HALVINGS):
            # What would leave the bounds stops there; where that is worse, less is tried from the same place.
            tried = np.maximum(x + step / 2**halving, 0.0)
            new_loss = self._loss(tried)
            better = still & (new_loss < loss)
            x[better], loss[better] = tried[better], new_loss[better]
            still &= ~better
            if not still.any():
                break
        return x, np.asarray((before - loss) / np.maximum(before, 1e-300))

    def _loss(self, x: Floats) -> Floats:
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            errors = self.weights * (self.n / (self.offset + x @ self.columns.T) - self.values)
            loss = np.einsum("ri,ri->r", errors, errors)
        return np.where(np.isfinite(loss), loss, np.inf)

    def _step(self, x: Floats) -> Floats:
        """Give the step of each sample; a coefficient that is 0 and would fall below stays."""
        taken = self.offset + x @ self.columns.T
        errors = self.weights * (self.n / taken - self.values)
        slopes = -(self.weights * self.n / taken**2)[:, :, None] * self.columns
        gradient = np.einsum("rij,ri->rj", slopes, errors)
        square = np.einsum("rij,rik->rjk", slopes, slopes)
        held = (x <= 0) & (gradient > 0)
        gradient[held] = 0.0
        square[held[:, :, None] | held[:, None, :]] = 0.0
        diagonal = np.einsum("rjj->rj", square)
        # Two columns that are alike would end the search without the little that is added.
        diagonal += np.where(held, 1.0, 1e-12 * diagonal.max(axis=1, keepdims=True))
        return np.asarray(-np.linalg.solve(square, gradient[:, :, None])[:, :, 0])


def _subsets(size: int) -> list[list[int]]:
    chosen = (itertools.combinations(range(size), count) for count in range(1, size + 1))
    return [list(places) for some in chosen for places in some]
