"""Amdahl's law and the USL on curves: what was planted is found, at the stated rate; nothing is forced."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pytest

from parlab.orchestrator.analysis.findings.scaling import Law, LawFit, ScalingFinding
from parlab.orchestrator.analysis.measurements import Measurements
from parlab.orchestrator.analysis.scaling.curve import curves_of
from parlab.orchestrator.analysis.scaling.laws import laws_of
from parlab.orchestrator.statistics.interval import Estimate
from parlab.orchestrator.statistics.usl import amdahl, usl
from tests.support.scaling_cases import Counted, Swept, cpus, observed, plan_of, scaled

COUNTS = (1, 2, 4, 8, 16, 32)
SIGMA, KAPPA, SHARE = 0.05, 0.002, 0.93
RUNS = 200


def planted(law: Law, **parameters: float) -> dict[int, float]:
    values = amdahl(COUNTS, parameters["share"]) if law == "Amdahl" else usl(COUNTS, **parameters)
    return dict(zip(COUNTS, map(float, values), strict=True))


def law(finding: ScalingFinding, name: Law) -> LawFit:
    return next(fit for fit in finding.laws if fit.law == name)


def holds(estimate: Estimate | None, value: float) -> bool:
    assert estimate is not None
    assert estimate.low is not None
    assert estimate.high is not None
    return estimate.low <= value <= estimate.high


def simulated(name: Law, speed_ups: dict[int, float], runs: int = RUNS, blocks: int = 10) -> Iterator[LawFit]:
    """Fit runs of noise, half of which the points of a block have in common."""
    swept = [Swept("processes", {n: Counted(s) for n, s in speed_ups.items()})]
    plan = plan_of(swept)
    (curve,) = curves_of(Measurements(plan, observed(plan, swept, blocks)))
    draw = np.random.default_rng(11)
    true = np.log(list(speed_ups.values()))
    for _ in range(runs):
        own, common = draw.normal(0, 0.035, (blocks, len(true))), draw.normal(0, 0.035, (blocks, 1))
        object.__setattr__(curve, "effects", true + own + common)
        yield next(fit for fit in laws_of(curve, computes=True) if fit.law == name)


def test_planted_contention_and_coherency_lie_within_their_intervals_which_are_narrow() -> None:
    finding = scaled(planted("USL", scale=0.95, sigma=SIGMA, kappa=KAPPA), 20, noise=0.02)
    fit = law(finding, "USL")
    assert fit.refused is None
    assert holds(fit.scale, 0.95)
    assert holds(fit.sigma, SIGMA)
    assert holds(fit.kappa, KAPPA)
    assert holds(fit.peak, math.sqrt((1 - SIGMA) / KAPPA))
    assert fit.sigma is not None
    assert fit.sigma.low is not None
    assert fit.sigma.low > SIGMA / 3


def test_a_planted_parallel_share_lies_within_its_interval() -> None:
    fit = law(scaled(planted("Amdahl", share=SHARE), 20, noise=0.02), "Amdahl")
    assert fit.refused is None
    assert holds(fit.parallel_share, SHARE)


def test_intervals_hold_what_was_planted_about_as_often_as_they_say() -> None:
    fits = list(simulated("USL", planted("USL", scale=0.95, sigma=SIGMA, kappa=KAPPA)))
    assert [fit.refused for fit in fits] == [None] * RUNS
    held = {
        "scale": sum(holds(fit.scale, 0.95) for fit in fits),
        "sigma": sum(holds(fit.sigma, SIGMA) for fit in fits),
        "kappa": sum(holds(fit.kappa, KAPPA) for fit in fits),
    }
    # 95 % of 200 is 190, with a standard error of 3.
    assert all(count >= 0.91 * RUNS for count in held.values()), held


def test_the_interval_of_a_parallel_share_holds_it_about_as_often_as_it_says() -> None:
    fits = list(simulated("Amdahl", planted("Amdahl", share=SHARE)))
    assert sum(holds(fit.parallel_share, SHARE) for fit in fits) >= 0.91 * RUNS


def test_a_peak_is_seldom_told_where_there_is_no_coherency() -> None:
    fits = list(simulated("USL", planted("USL", scale=1.0, sigma=0.05, kappa=0.0)))
    told = sum(fit.peak is not None for fit in fits)
    # A bound of a 95 % interval, on one side.
    assert told <= 0.05 * RUNS


def test_a_curve_that_is_none_of_the_law_is_refused_with_where_it_is_missed() -> None:
    # Full speed up to 8 and half of it beyond: a cliff, which no law of three parameters has.
    cliff = {1: 1.0, 2: 2.0, 4: 4.0, 8: 8.0, 16: 4.0, 32: 4.0}
    fit = law(scaled(cliff, 12), "USL")
    assert fit.miss is not None
    assert abs(fit.miss.error_ratio) > 0.10
    assert (
        fit.refused == f"the fit misses the measured speed-up at {fit.miss.max_workers} "
        f"by {abs(fit.miss.error_ratio):.0%}"
    )
    assert (fit.sigma, fit.kappa, fit.peak) == (None, None, None)


def test_amdahls_law_is_refused_where_more_workers_slow_work_down() -> None:
    finding = scaled(planted("USL", scale=1.0, sigma=0.02, kappa=0.01), 12)
    assert law(finding, "Amdahl").refused is not None
    assert law(finding, "USL").refused is None


def test_a_miss_that_the_noise_of_a_point_allows_refuses_nothing() -> None:
    off = planted("Amdahl", share=SHARE)
    off[8] *= 1.13
    exact = law(scaled(off, 12, noise=0.001), "Amdahl")
    noisy = law(scaled(off, 12, noise=0.25), "Amdahl")
    assert exact.refused is not None
    assert noisy.refused is None


def test_too_few_counts_are_said_and_not_fitted() -> None:
    finding = scaled({1: 1.0, 2: 1.9, 4: 3.4}, 12)
    assert law(finding, "Amdahl").refused is None
    assert law(finding, "USL").refused == "3 counts have 7 blocks or more; the law needs 4 such counts"
    assert law(finding, "USL").miss is None


def test_too_few_blocks_are_said_and_not_fitted() -> None:
    finding = scaled(planted("Amdahl", share=SHARE), 6)
    assert law(finding, "Amdahl").refused == "0 counts have 7 blocks or more; the law needs 3 such counts"


def test_work_that_computes_is_fitted_up_to_the_cpus_where_that_leaves_points_enough() -> None:
    # As Amdahl says up to 8 CPUs, and no more beyond.
    speed_ups = {n: float(amdahl([min(n, 8)], SHARE)[0]) for n in COUNTS}
    enough = scaled(speed_ups, 12, effective=cpus(8))
    assert law(enough, "USL").counts == (1, 2, 4, 8)
    assert law(enough, "USL").refused is None
    assert holds(law(enough, "Amdahl").parallel_share, SHARE)
    few = law(scaled(speed_ups, 12, effective=cpus(2)), "USL")
    assert (few.counts, few.beyond_cpus) == (COUNTS, True)


def test_work_that_waits_is_fitted_whatever_the_cpus() -> None:
    finding = scaled(
        planted("Amdahl", share=0.99), 12, effective=cpus(8), workload="wait", strategy="threads"
    )
    fit = law(finding, "Amdahl")
    assert (fit.counts, fit.beyond_cpus) == (COUNTS, False)
    assert holds(fit.parallel_share, 0.99)


def test_lost_trials_leave_their_blocks_to_the_other_counts() -> None:
    swept = [Swept("processes", {n: Counted(s) for n, s in planted("Amdahl", share=SHARE).items()})]
    plan = plan_of(swept)
    whole = observed(plan, swept, 12)
    lost = [o for o in whole if not (o.block < 3 and o.configuration.startswith("processes-8-"))]
    (curve,) = curves_of(Measurements(plan, lost))
    assert [len(curve.effects_at(place)) for place in range(6)] == [12, 12, 12, 9, 12, 12]
    fit = laws_of(curve, computes=True)[0]
    assert fit.counts == COUNTS
    assert holds(fit.parallel_share, SHARE)


def test_the_same_data_give_the_same_intervals() -> None:
    first, second = (scaled(planted("Amdahl", share=SHARE), 9, noise=0.05) for _ in range(2))
    assert first.laws == second.laws


@pytest.mark.parametrize("share", [0.6, 0.95])
def test_without_a_serial_strategy_the_shape_alone_tells_the_parallel_share(share: float) -> None:
    from tests.support.scaling_cases import found

    counts = (2, 4, 8, 16)
    speed_ups = dict(zip(counts, map(float, amdahl(counts, share)), strict=True))
    swept = [Swept("processes", {n: Counted(s) for n, s in speed_ups.items()})]
    plan = plan_of(swept, serial=False)
    (finding,) = found(plan, observed(plan, swept, 20))
    assert (finding.against_serial, finding.reference) == (False, "processes ×2")
    assert finding.points[0].speed_up == pytest.approx(1.0)
    assert holds(law(finding, "Amdahl").parallel_share, share)
