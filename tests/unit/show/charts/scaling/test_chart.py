"""The picture of scaling: points, intervals, laws and knees are the findings'."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from parlab.orchestrator.analysis.findings.scaling import (
    Knee,
    LawFit,
    Miss,
    ScalingFinding,
    ScalingPoint,
)
from parlab.orchestrator.analysis.view import RunView
from parlab.orchestrator.show.charts.base import Chart
from parlab.orchestrator.show.charts.scaling.chart import make
from parlab.orchestrator.statistics.interval import Estimate, Interval
from parlab.orchestrator.statistics.usl import amdahl, usl
from tests.support.spec_rows import rows_with
from tests.support.views import GROUP

AMDAHL = LawFit("Amdahl", (1, 2, 4), False, None, Miss(4, 0.03), parallel_share=Estimate(0.94, 0.92, 0.95))
USL = LawFit(
    "USL", (1, 2, 4, 8), True, None, Miss(8, -0.01),
    scale=Estimate(0.98, 0.96, 1.0), sigma=Estimate(0.031, 0.02, 0.041),
    kappa=Estimate(0.0021, 0.001, 0.0031),
)  # fmt: skip


def point(count: int, speed_up: float, low: float | None = 0.0, *, known: bool = True) -> ScalingPoint:
    bound = speed_up - 0.1 if low == 0.0 else low
    seen = Interval(speed_up, bound, speed_up + 0.1, 0.95, 12) if known else None
    return ScalingPoint(f"c{count}", count, speed_up, seen, "faster", 12, speed_up / count, None)


def curve(**changed: Any) -> ScalingFinding:
    made = ScalingFinding(
        group=GROUP,
        host="h1",
        work="integer_sum(steps=10⁷)",
        node="laptop-py311",
        python="3.11.7",
        gil=None,
        strategy="threads",
        label="threads",
        reference="serial",
        against_serial=True,
        cpus=4,
        points=(point(1, 0.98), point(2, 1.91), point(4, 3.4), point(8, 3.42)),
        laws=(AMDAHL, USL),
        knee=Knee(8, 4, "tied", Interval(0.994, 0.97, 1.02, 0.9833, 12), 4),
        diagnosis=None,
    )
    return replace(made, **changed)


def charts(run: RunView, *curves: ScalingFinding) -> list[Chart]:
    return make(replace(run, finding=replace(run.finding, scaling=curves)))


def only(run: RunView, *curves: ScalingFinding) -> Chart:
    (chart,) = charts(run, *curves)
    return chart


def test_points_and_intervals_are_the_findings(article: RunView) -> None:
    found = curve()
    chart = only(article, found)
    points = {
        row["workers"]: row["speed_up"] for row in rows_with(chart.spec, "workers", "speed_up", "strategy")
    }
    assert points == {p.max_workers: p.speed_up for p in found.points}
    bars = {
        row["workers"]: (row["low"], row["high"]) for row in rows_with(chart.spec, "workers", "low", "high")
    }
    assert bars == {p.max_workers: (p.interval.low, p.interval.high) for p in found.points if p.interval}


def test_an_interval_that_is_not_known_is_not_drawn_and_an_open_one_goes_to_the_edge(
    article: RunView,
) -> None:
    chart = only(article, curve(points=(point(1, 1.0, known=False), point(2, 1.9, None))))
    (bar,) = rows_with(chart.spec, "workers", "low", "high")
    assert bar["workers"] == 2
    assert bar["high"] == 2.0
    edges = [
        layer["encoding"]["y"]["scale"]["domain"] for layer in chart.spec["layer"] if "low" in str(layer)
    ]
    assert bar["low"] == edges[0][0]


@pytest.mark.parametrize(("laws", "foretell"), [
    ((AMDAHL,), lambda counts: amdahl(counts, 0.94)),
    ((AMDAHL, USL), lambda counts: usl(counts, 0.98, 0.031, 0.0021)),
])  # fmt: skip
def test_the_curve_is_the_law_that_is_off_least_over_the_counts_that_it_was_fitted_to(
    article: RunView, laws: tuple[LawFit, ...], foretell: Any
) -> None:
    chart = only(article, curve(laws=laws))
    rows = rows_with(chart.spec, "workers", "fitted")
    counts = [row["workers"] for row in rows]
    assert (min(counts), max(counts)) == pytest.approx((laws[-1].counts[0], laws[-1].counts[-1]))
    np.testing.assert_allclose([row["fitted"] for row in rows], foretell(counts))
    name = "Amdahl's law" if len(laws) == 1 else "the Universal Scalability Law"
    assert f"The curve of threads is {name}" in chart.finding


def test_a_law_that_is_refused_or_tells_only_a_shape_is_not_drawn(article: RunView) -> None:
    refused = replace(USL, refused="it misses", scale=None, sigma=None, kappa=None)
    chart = only(article, curve(laws=(AMDAHL, refused), against_serial=False, reference="threads ×1"))
    assert rows_with(chart.spec, "fitted") == []
    assert "The curve of" not in chart.finding


def test_the_ideal_line_doubles_with_the_workers_and_the_cpus_are_marked(article: RunView) -> None:
    chart = only(article, curve())
    line = [(row["workers"], row["ideal"]) for row in rows_with(chart.spec, "ideal") if "text" not in row]
    assert line == [(1, 1.0), (8, 8.0)]
    (mark,) = rows_with(chart.spec, "cpus")
    assert mark == {"cpus": 4, "text": "4 effective CPUs"}
    without = curve(points=(point(2, 1.0), point(4, 1.9)), against_serial=False, reference="threads ×2")
    line = [
        (r["workers"], r["ideal"]) for r in rows_with(only(article, without).spec, "ideal") if "text" not in r
    ]
    assert line == [(2, 1.0), (4, 2.0)]


def test_the_knee_is_ringed_and_said(article: RunView) -> None:
    chart = only(article, curve())
    assert rows_with(chart.spec, "knee") == [{"workers": 4, "speed_up": 3.4, "knee": True}]
    said = {row["text"] for row in rows_with(chart.spec, "text")}
    assert "knee at 4" in said
    doubtful = curve(knee=Knee(8, 4, "not distinguished", Interval(0.9, 0.8, 1.1, 0.98, 12), 8))
    said = {row["text"] for row in rows_with(only(article, doubtful).spec, "text")}
    assert "knee at 4, not certain" in said
    unknown = curve(knee=Knee(8, reason="6 blocks give no interval"))
    chart = only(article, unknown)
    assert rows_with(chart.spec, "knee") == []
    assert "knee not known yet" in {row["text"] for row in rows_with(chart.spec, "text")}
    assert "The knee is not known yet: 6 blocks give no interval" in chart.finding


def test_strategies_of_one_build_share_a_picture_and_builds_have_their_own(article: RunView) -> None:
    processes = curve(strategy="processes", label="processes forkserver")
    fork = curve(strategy="processes", label="processes fork")
    free = curve(python="3.13.5t")
    first, second = charts(article, curve(), processes, fork, free)
    assert {row["strategy"] for row in rows_with(first.spec, "workers", "speed_up", "strategy")} == {
        "threads", "processes forkserver", "processes fork",
    }  # fmt: skip
    assert first.title.endswith("CPython 3.11.7, GIL on")
    assert second.title.endswith("3.13.5t")
    assert (first.name, second.name) == ("scaling-1", "scaling-2")
    # Two of one colour differ in shape.
    shapes = {
        layer["mark"]["shape"]
        for layer in first.spec["layer"]
        if layer["mark"]["type"] == "point" and layer["mark"].get("size") == 80
    }
    assert len(shapes) == 2


def test_a_run_without_curves_has_no_such_picture(article: RunView) -> None:
    assert charts(article) == []
