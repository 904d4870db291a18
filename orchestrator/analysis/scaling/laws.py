"""Amdahl's law and the Universal Scalability Law on a curve, with intervals from resampled blocks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from parlab.orchestrator.analysis.findings.scaling import Law, LawFit, Miss
from parlab.orchestrator.analysis.scaling.curve import Curve
from parlab.orchestrator.statistics.interval import Estimate
from parlab.orchestrator.statistics.usl import Floats, amdahl, amdahl_fit, usl, usl_fit

LEVEL = 0.95
#: Fewer blocks of a count give no interval of its median, and no sample that could be drawn from again.
LEAST_BLOCKS = 7
#: Counts that a law needs, one more than it has parameters (with Amdahl's, two more): what is fitted
#: exactly is no law.
LEAST_POINTS: dict[Law, int] = {"Amdahl": 3, "USL": 4}
#: A law is shown that misses no point by more than this. It is what a run's precision is by default: a
#: choice of a count does not hang on less, and no law of three parameters is exact to the per cent.
MOST_ERROR_RATIO = 0.10
#: Or by no more than so many standard errors of the point itself: then the data cannot refute it.
MOST_STANDARD_ERRORS = 2.0
#: How often blocks are drawn again, from a seed that never changes: the same data, the same intervals.
RESAMPLES = 400
_SEED = 20260103


@dataclass(frozen=True)
class _Samples:
    """Median speed-ups by (all blocks and each resample, count)."""

    counts: tuple[int, ...]
    speed_ups: Floats
    beyond_cpus: bool

    def missed(self, fitted: Floats) -> tuple[Miss, float]:
        """Give the greatest miss of a fit, and the greatest one that is allowed at that point."""
        errors = fitted / self.speed_ups[0] - 1
        standard_errors = np.log(self.speed_ups[1:]).std(axis=0)
        allowed = np.maximum(MOST_ERROR_RATIO, MOST_STANDARD_ERRORS * standard_errors)
        worst = int(np.argmax(np.abs(errors) / allowed))
        return Miss(self.counts[worst], float(errors[worst])), float(allowed[worst])


def laws_of(curve: Curve, *, computes: bool) -> tuple[LawFit, ...]:
    """Fit both laws to a curve.

    The blocks are drawn again as a whole, so that what the points of a block have in common stays. A
    point is the median of its blocks' effects, as everywhere. Laws are about workers that have a CPU
    each: work that computes is fitted up to the effective CPUs, where that leaves points enough.

    Args:
        curve: what was measured.
        computes: whether its work uses the CPU.
    """
    return tuple(_law(curve, law, computes=computes) for law in LEAST_POINTS)


def _law(curve: Curve, law: Law, *, computes: bool) -> LawFit:
    places = [place for place in range(len(curve.counts)) if len(curve.effects_at(place)) >= LEAST_BLOCKS]
    within = [place for place in places if curve.counts[place] <= curve.cpus.count]
    needed = LEAST_POINTS[law]
    if computes and len(within) >= needed:
        places = within
    counts = tuple(curve.counts[place] for place in places)
    beyond = computes and bool(counts) and counts[-1] > curve.cpus.count
    if len(places) < needed:
        what = "count has" if len(places) == 1 else "counts have"
        refused = f"{len(places)} {what} {LEAST_BLOCKS} blocks or more; the law needs {needed} such counts"
        return LawFit(law, counts, beyond, refused)
    samples = _Samples(counts, np.exp(_resampled(curve.effects[:, places])), beyond)
    return _amdahl(samples, scaled=not curve.against_serial) if law == "Amdahl" else _usl(samples)


def _amdahl(samples: _Samples, *, scaled: bool) -> LawFit:
    shares = amdahl_fit(samples.counts, samples.speed_ups, scaled=scaled)
    fitted = amdahl(samples.counts, shares[0])
    if scaled:
        # Only the shape is told: the factor is what makes the fit best.
        ratios = fitted / samples.speed_ups[0]
        fitted = fitted * ratios.sum() / (ratios**2).sum()
    miss, allowed = samples.missed(fitted)
    refused = _refused(miss, allowed)
    share = None if refused else Estimate.of(shares, LEVEL)
    return LawFit("Amdahl", samples.counts, samples.beyond_cpus, refused, miss, LEVEL, parallel_share=share)


def _usl(samples: _Samples) -> LawFit:
    coefficients = usl_fit(samples.counts, samples.speed_ups, relative=True)
    scale, sigma, kappa = coefficients.T
    counts, beyond = samples.counts, samples.beyond_cpus
    if not np.isfinite(coefficients[0]).all():
        untold = f"counts from {counts[0]} on cannot show what one worker does"
        return LawFit("USL", counts, beyond, untold)
    miss, allowed = samples.missed(usl(counts, *coefficients[0]))
    refused = _refused(miss, allowed)
    if refused:
        return LawFit("USL", counts, beyond, refused, miss, LEVEL)
    kappa_estimate = Estimate.of(kappa, LEVEL)
    return LawFit(
        "USL", counts, beyond, None, miss, LEVEL,
        scale=Estimate.of(scale, LEVEL),
        sigma=Estimate.of(sigma, LEVEL),
        kappa=kappa_estimate,
        peak=Estimate.of(_peaks(sigma, kappa), LEVEL) if kappa_estimate.low else None,
    )  # fmt: skip


def _peaks(sigma: Floats, kappa: Floats) -> Floats:
    """Give √((1 - σ)/κ), where C(N) is greatest: one worker at least, infinite without coherency."""
    with np.errstate(divide="ignore", invalid="ignore"):
        peaks = np.sqrt(np.maximum(1 - sigma, 0.0) / kappa)
    return np.where(kappa > 0, np.maximum(peaks, 1.0), np.where(sigma < 1, np.inf, 1.0))


def _refused(miss: Miss, allowed: float) -> str | None:
    # Not ">": a speed-up that is no number is an error of no number.
    if abs(miss.error_ratio) <= allowed:
        return None
    return f"the fit misses the measured speed-up at {miss.max_workers} by {abs(miss.error_ratio):.0%}"


def _resampled(effects: Floats) -> Floats:
    """Give median effects by (all blocks and each resample, count)."""
    source = np.random.default_rng(_SEED)
    blocks = len(effects)
    drawn = np.vstack([np.arange(blocks), source.integers(0, blocks, (RESAMPLES, blocks))])
    medians = _medians(effects[drawn])
    # A resample that has no block of some count, where many were lost, tells nothing.
    return medians[~np.isnan(medians).any(axis=1)]


def _medians(values: Floats) -> Floats:
    """Give medians over the second axis; what is NaN does not count."""
    # Not nanmedian, which goes through the samples one by one.
    ordered = np.sort(values, axis=1)
    there = (~np.isnan(values)).sum(axis=1, keepdims=True)
    lower, upper = np.maximum((there - 1) // 2, 0), np.maximum(there // 2, 0)
    upper = np.minimum(upper, values.shape[1] - 1)
    middle = np.take_along_axis(ordered, lower, axis=1) + np.take_along_axis(ordered, upper, axis=1)
    return np.asarray(middle[:, 0] / 2)
