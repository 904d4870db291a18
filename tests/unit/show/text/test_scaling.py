"""Curves as text: their tables, their knees, the laws that fit, and why they flatten."""

from __future__ import annotations

from dataclasses import replace

from parlab.orchestrator.analysis.findings.scaling import (
    Cause,
    Diagnosis,
    Figure,
    Knee,
    LawFit,
    Miss,
    ScalingFinding,
    ScalingPoint,
)
from parlab.orchestrator.show.text.builds import place_key
from parlab.orchestrator.show.text.scaling import scaling_sections
from parlab.orchestrator.statistics.interval import Estimate, Interval

BUILDS = {place_key("laptop", "3.13.5t", None): "CPython 3.13.5t, GIL off"}


def point(count: int, speed_up: float, verdict: str | None = "faster") -> ScalingPoint:
    interval = Interval(speed_up, speed_up - 0.1, speed_up + 0.1, 0.95, 12) if verdict else None
    return ScalingPoint(
        f"c{count}", count, speed_up, interval, verdict, 12, speed_up / count, 0.98 * speed_up
    )


CURVE = ScalingFinding(
    group="g",
    host="h1",
    work="integer_sum(steps=10⁷)",
    node="laptop",
    python="3.13.5t",
    gil=None,
    strategy="threads",
    label="threads",
    reference="serial",
    against_serial=True,
    cpus=4,
    points=(point(1, 0.98, "tied"), point(2, 1.91), point(4, 3.4), point(8, 3.42)),
    laws=(
        LawFit("Amdahl", (1, 2, 4), False, None, Miss(4, 0.01), parallel_share=Estimate(0.94, 0.92, 0.95)),
        LawFit(
            "USL", (1, 2, 4, 8), True, None, Miss(8, -0.04),
            scale=Estimate(0.98, 0.96, 1.0),
            sigma=Estimate(0.031, 0.02, 0.041),
            kappa=Estimate(0.0021, 0.001, 0.0031),
            peak=Estimate(21.5, 17.4, 31.0),
        ),
    ),
    knee=Knee(8, 4, "tied", Interval(0.994, 0.97, 1.02, 0.9833, 12), 4),
    diagnosis=Diagnosis(
        flat_from=8,
        largest=8,
        share_ratio=0.4275,
        causes=(
            Cause(
                "cpus", 8, "there are 8 workers and 4 CPUs, of which they kept 3.90 busy",
                (Figure("CPUs busy", 3.9, "count"),),
            ),
        ),
        looked_for=("too few CPUs", "contention of threads"),
        not_looked_for=("a CPU quota: no cgroup here",),
    ),
    left_out=("threads ×16: it raised",),
)  # fmt: skip


def said(finding: ScalingFinding) -> str:
    (section,) = scaling_sections([finding], BUILDS)
    return "\n".join(section.sentences)


def noted(finding: ScalingFinding) -> str:
    (section,) = scaling_sections([finding], BUILDS)
    return "\n".join(section.notes)


def test_a_curve_is_a_table_by_workers_under_its_strategy_work_and_build() -> None:
    (section,) = scaling_sections([CURVE], BUILDS)
    assert section.title == "Scaling of threads · integer_sum(steps=10⁷) · CPython 3.13.5t, GIL off"
    assert section.headers == ("workers", "speed-up against serial", "efficiency", "CPUs busy")
    assert [row.cells for row in section.rows] == [
        ("1", "0.98 [0.88, 1.08]", "0.98", "0.96"),
        ("2", "1.91 [1.81, 2.01]", "0.95", "1.87"),
        ("4", "3.40 [3.30, 3.50]", "0.85", "3.33"),
        ("8", "3.42 [3.32, 3.52]", "0.43", "3.35"),
    ]
    assert [row.word for row in section.rows] == ["tied", "faster", "faster", "faster"]


def test_knee_causes_and_laws_are_said_under_it() -> None:
    assert said(CURVE).splitlines() == [
        (
            "The knee is 4 workers, tied with 8, the best (0.99 [0.97, 1.02] of its speed, 98.3 %, "
            "12 blocks). 8 workers reach 43 % of the ideal 8-fold speed-up. Visible causes: "
            "at 8, there are 8 workers and 4 CPUs, of which they kept 3.90 busy."
        ),
        (
            "Amdahl's law (fitted to 1, 2 and 4): the parallel share of the work is 0.940 [0.920, 0.950]. "
            "Universal Scalability Law (fitted to 1, 2, 4 and 8, also beyond the CPUs): contention σ 0.0310 "
            "[0.0200, 0.0410], coherency κ 0.00210 [0.00100, 0.00310], a peak at 21.5 [17.4, 31.0] workers."
        ),
    ]
    assert noted(CURVE).splitlines() == [
        "could not be checked: a CPU quota: no cgroup here",
        "threads ×16: it raised",
    ]


def test_a_count_that_is_not_distinguished_is_said_so_with_the_smallest_that_ties() -> None:
    ratio = Interval(0.97, 0.9, 1.04, 0.9833, 12)
    open_ = replace(CURVE, knee=Knee(8, 2, "not distinguished", ratio, 4, (4,)))
    assert "The knee is 2 workers, not distinguished from 8, the best (0.97 [0.90, 1.04]" in said(open_)
    assert "; the smallest that ties is 4." in said(open_)
    alone = replace(CURVE, knee=Knee(8, 4, "not distinguished", ratio, 8))
    assert "ties" not in said(alone)


def test_a_knee_that_is_the_best_itself_says_which_others_may_be_as_good() -> None:
    sure = replace(CURVE, knee=Knee(4, 4, "best", None, 4), diagnosis=None)
    assert said(sure).splitlines()[0] == "The knee is 4 workers, the best: no smaller count is as fast."
    unsure = replace(sure, knee=Knee(1, 1, "best", None, 1, (2, 8)))
    assert said(unsure).splitlines()[0] == (
        "The knee is 1 worker, the best: no smaller count is as fast; "
        "2 and 8 are not distinguished from the best."
    )


def test_a_knee_that_is_not_known_has_its_reason() -> None:
    unknown = replace(CURVE, knee=Knee(8, reason="6 blocks give no interval at the level that is needed"))
    assert said(unknown).startswith(
        "The knee is not known yet: 6 blocks give no interval at the level that is needed. 8 looks best. "
    )


def test_a_law_that_is_refused_is_a_note_with_the_reason_and_no_figure() -> None:
    why = "the fit misses the measured speed-up at 8 by 23%"
    refused = LawFit("USL", (1, 2, 4, 8), False, why, Miss(8, 0.23))
    finding = replace(CURVE, laws=(refused,))
    assert len(said(finding).splitlines()) == 1
    assert "σ" not in said(finding)
    assert noted(finding).splitlines()[0] == f"no Universal Scalability Law: {why}"


def test_bounds_that_are_not_finite_are_dashes() -> None:
    law = replace(CURVE.laws[1], peak=Estimate(21.5, 17.4, None))
    assert "a peak at 21.5 [17.4, –] workers" in said(replace(CURVE, laws=(law,)))


def test_without_a_cause_it_says_what_was_looked_for() -> None:
    assert CURVE.diagnosis is not None
    finding = replace(CURVE, diagnosis=replace(CURVE.diagnosis, causes=()))
    assert (
        said(finding)
        .splitlines()[0]
        .endswith(
            " 8 workers reach 43 % of the ideal 8-fold speed-up, and none of the known causes is visible ("
            "too few CPUs, contention of threads)."
        )
    )


def test_a_curve_that_does_not_flatten_says_nothing_of_causes() -> None:
    finding = replace(CURVE, diagnosis=None, left_out=())
    assert "fold" not in said(finding)
    assert noted(finding) == ""


def test_without_a_serial_strategy_figures_stand_without_intervals_against_the_smallest_count() -> None:
    points = tuple(replace(p, interval=None, verdict=None, cpus_used=None) for p in CURVE.points[1:])
    (section,) = scaling_sections(
        [replace(CURVE, points=points, reference="threads ×2", against_serial=False)], BUILDS
    )
    assert section.headers[1] == "speed-up against threads ×2"
    assert [row.cells for row in section.rows] == [
        ("2", "1.91", "0.95", "–"),
        ("4", "3.40", "0.85", "–"),
        ("8", "3.42", "0.43", "–"),
    ]
    assert {row.word for row in section.rows} == {""}
    # 8 workers are 4 times the smallest count.
    assert any("of the ideal 4-fold speed-up" in sentence for sentence in section.sentences)


def test_several_hosts_are_told_apart_and_builds_that_are_not_known_by_their_version() -> None:
    sections = scaling_sections([CURVE, replace(CURVE, host="h2", node="other")], BUILDS)
    assert sections[0].title.endswith("CPython 3.13.5t, GIL off · host h1")
    assert sections[1].title.endswith("Python 3.13.5t · host h2")
