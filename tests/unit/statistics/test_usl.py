"""Least squares for laws of scaling: against published fits, another solver, and curves that are known."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.method.usl import DATA_SETS, usl_fit_of_the_textbook
from parlab.orchestrator.statistics.usl import amdahl, amdahl_fit, usl, usl_fit

COUNTS = (1, 2, 4, 8, 16, 32)
CURVES = [(0.95, 0.05, 0.002), (1.0, 0.0, 0.0), (1.1, 0.3, 0.0), (0.9, 1.0, 0.01), (0.9, 0.0, 0.01)]


@pytest.mark.parametrize("data", DATA_SETS, ids=lambda data: data.name)
def test_the_published_fits_of_the_textbooks_data_come_out_to_three_digits(data: object) -> None:
    from benchmarks.method.usl import DataSet

    assert isinstance(data, DataSet)
    scale, sigma, kappa = usl_fit(data.counts, np.array([data.throughputs]), relative=False)[0]
    assert scale == pytest.approx(data.published.scale, rel=5e-4)
    assert sigma == pytest.approx(data.published.sigma, rel=5e-4)
    assert kappa == pytest.approx(data.published.kappa, rel=5e-4, abs=1e-9)


def test_the_textbooks_own_way_of_fitting_comes_out_to_three_digits() -> None:
    data = DATA_SETS[0]
    assert data.by_the_textbook is not None
    sigma, kappa = usl_fit_of_the_textbook(data.counts, data.throughputs)
    assert sigma == pytest.approx(data.by_the_textbook.sigma, rel=5e-4)
    assert kappa == pytest.approx(data.by_the_textbook.kappa, rel=5e-4)


@pytest.mark.parametrize("curve", CURVES)
def test_a_curve_without_noise_gives_back_what_it_was_made_of(curve: tuple[float, float, float]) -> None:
    found = usl_fit(COUNTS, usl(COUNTS, *curve)[None], relative=True)[0]
    assert found == pytest.approx(curve, rel=1e-5, abs=1e-6)


@pytest.mark.parametrize("relative", [True, False])
@pytest.mark.parametrize("curve", CURVES)
def test_no_other_solver_finds_a_better_fit(curve: tuple[float, float, float], relative: bool) -> None:
    from scipy.optimize import least_squares

    draw = np.random.default_rng(5)
    values = usl(COUNTS, *curve) * np.exp(draw.normal(0, 0.1, (20, len(COUNTS))))
    found = usl_fit(COUNTS, values, relative=relative)
    for row, ours in zip(values, found, strict=True):
        weights = 1 / row if relative else np.ones_like(row)

        def errors(x: np.ndarray, row: np.ndarray = row, weights: np.ndarray = weights) -> np.ndarray:
            return np.asarray(weights * (usl(COUNTS, *x) - row))

        theirs = least_squares(errors, [1.0, 0.1, 0.01], bounds=(0, np.inf), xtol=1e-12, ftol=1e-12)
        assert (errors(ours) ** 2).sum() <= 2 * theirs.cost * (1 + 1e-6) + 1e-12


def test_neither_contention_nor_coherency_falls_below_zero() -> None:
    superlinear = np.array([[1.0, 2.2, 4.9, 10.8]])
    scale, sigma, kappa = usl_fit((1, 2, 4, 8), superlinear, relative=True)[0]
    assert (sigma, kappa) == (0.0, 0.0)
    assert scale > 1


@pytest.mark.parametrize("share", [0.0, 0.5, 0.93, 1.0])
@pytest.mark.parametrize("scaled", [True, False])
def test_a_parallel_share_is_found_again(share: float, scaled: bool) -> None:
    values = amdahl(COUNTS, share) * (1.3 if scaled else 1.0)
    assert amdahl_fit(COUNTS, values[None], scaled=scaled)[0] == pytest.approx(share, abs=1e-6)


@pytest.mark.parametrize("scaled", [True, False])
def test_a_parallel_share_stays_within_nothing_and_all(scaled: bool) -> None:
    slower, superlinear = [1.0, 0.9, 0.8, 0.7], [1.0, 2.2, 5.0, 12.0]
    found = amdahl_fit((1, 2, 4, 8), np.array([slower, superlinear]), scaled=scaled)
    assert list(found) == [0.0, 1.0]


def test_a_count_of_one_that_is_missing_can_leave_it_untold_what_one_worker_does() -> None:
    steeply_down = np.array([[8.0, 2.0, 0.5]])
    assert not np.isfinite(usl_fit((2, 4, 8), steeply_down, relative=True)).all()
