"""The Universal Scalability Law, fitted to the data of its textbook, beside the fits that are published.

``python -m benchmarks.method.usl`` prints both, and how far apart they are. The data are in Gunther,
Guerrilla Capacity Planning (Springer, 2007), and in R's package usl (Stefan Möding), as ``specsdm91`` and
``raytracer``. What is published of them, under two models that should not be mixed:

- package usl from 2.0 on: λ, σ, κ (there gamma, alpha, beta), all fitted, by ``nls``, which squares
  errors of throughput: the package's README (specsdm91) and vignette (both). It is what
  :func:`usl_fit` does with ``relative=False``; curves of a run are fitted by relative errors, with λ, too.
- the textbook's transformation (sections 5.5.1 to 5.5.3), and the package up to 1.8 by default:
  throughputs are normalized by the one at 1, and a parabola is fitted to N/C - 1 by linear least
  squares: the README of those versions (specsdm91).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from parlab.orchestrator.statistics.usl import usl_fit

#: Three digits agree.
WITHIN_RATIO = 5e-4


@dataclass(frozen=True)
class Published:
    """A published fit."""

    #: None where the throughput at 1 stands for it.
    scale: float | None
    sigma: float
    kappa: float


@dataclass(frozen=True)
class DataSet:
    """Throughputs by count, with the fits that are published of them."""

    name: str
    counts: tuple[int, ...]
    throughputs: tuple[float, ...]
    published: Published
    by_the_textbook: Published | None = None


DATA_SETS = (
    DataSet(
        "specsdm91: SPEC SDM91 on a Sun SPARCcenter 2000, scripts per hour by simulated users",
        (1, 18, 36, 72, 108, 144, 216),
        (64.9, 995.9, 1652.4, 1853.2, 1828.9, 1775.0, 1702.2),
        Published(89.9952330, 0.0277285, 0.0001044),
        Published(None, 1.704689e-02, 7.892498e-05),
    ),
    DataSet(
        "raytracer: a ray tracer on an SGI Origin 2000, by processors",
        (1, 4, 8, 12, 16, 20, 24, 28, 32, 48, 64),
        (20, 78, 130, 170, 190, 200, 210, 230, 260, 280, 310),
        Published(21.848843, 0.057771, 0.0),
    ),
)


def usl_fit_of_the_textbook(counts: Sequence[int], throughputs: Sequence[float]) -> tuple[float, float]:
    """Fit σ and κ as the textbook does, by a parabola through the origin; the first count is 1.

    With C normalized by the throughput at 1, N/C - 1 = κx² + (σ + κ)x with x = N - 1: linear least squares
    (Guerrilla Capacity Planning, sections 5.5.1 to 5.5.3; ``usl.solve.lm`` of R's package usl up to 1.8).
    No run is fitted so: the errors that it squares are not those of what was measured.
    """
    n, x = np.array(counts, dtype=float), np.array(throughputs)
    columns = np.stack([(n - 1) ** 2, n - 1], axis=1)
    square, slope = np.linalg.lstsq(columns, n * x[0] / x - 1, rcond=None)[0]
    return float(slope - square), float(square)


def main() -> None:
    """Print the fits."""
    print(f"{'':34}{'λ':>12}{'σ':>12}{'κ':>14}")
    for data in DATA_SETS:
        print(data.name)
        coefficients = usl_fit(data.counts, np.array([data.throughputs]), relative=False)[0]
        _compare("all fitted, errors of throughput", data.published, *coefficients)
        if data.by_the_textbook is not None:
            sigma, kappa = usl_fit_of_the_textbook(data.counts, data.throughputs)
            _compare("textbook's transformation", data.by_the_textbook, None, sigma, kappa)


def _compare(how: str, published: Published, *coefficients: float | None) -> None:
    wanted = (published.scale, published.sigma, published.kappa)
    print(f"  {how:32}{_line(*coefficients)}")
    print(f"  {'published':32}{_line(*wanted)}")
    off = [
        abs(ours - theirs) / (theirs or 1.0)
        for ours, theirs in zip(coefficients, wanted, strict=True)
        if ours is not None and theirs is not None
    ]
    print(f"  {'':32}off by {max(off):.1e} at most: {'agrees' if max(off) < WITHIN_RATIO else 'DIFFERS'}")


def _line(scale: float | None, sigma: float | None, kappa: float | None) -> str:
    return "".join(
        f"{'–' if value is None else f'{value:.6g}':>{width}}"
        for value, width in zip((scale, sigma, kappa), (12, 12, 14), strict=True)
    )


if __name__ == "__main__":
    main()
