"""Memory against speed-up: points are the finding's, the frontier is what nothing beats, names lie apart."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import pytest

from parlab.orchestrator.analysis.findings.run import GroupMeasure
from parlab.orchestrator.analysis.view import RunView
from parlab.orchestrator.show.charts._kit import drawing
from parlab.orchestrator.show.charts._kit.axes import Domain
from parlab.orchestrator.show.charts._kit.dots import Dot, labels_beside, share
from parlab.orchestrator.show.charts.memory import chart as memory
from tests.support.spec_rows import rows_with, titles_of
from tests.support.views import configuration, row


def test_each_point_has_the_memory_and_speed_up_that_were_found(article: RunView) -> None:
    (chart,) = memory.make(article)
    points = {p["configuration"]: p for p in rows_with(chart.spec, "configuration", "speed_up", "memory_mb")}
    assert points.keys() == {"c0", "c1", "c2", "c3"}
    for found in article.finding.groups[0].configurations:
        point = points[found.configuration]
        assert found.memory_bytes is not None
        assert point["memory_mb"] == found.memory_bytes / 1e6
        comparison = found.comparison
        wanted = 1.0 if comparison is None or comparison.speed_up is None else comparison.speed_up.ratio
        assert point["speed_up"] == wanted


def test_intervals_are_the_findings(article: RunView) -> None:
    (chart,) = memory.make(article)
    drawn = {(r["low"], r["high"]) for r in rows_with(chart.spec, "low", "high")}
    assert drawn == {(0.86, 0.95), (1.83, 1.99), (1.80, 1.97)}


def test_the_frontier_is_what_nothing_is_as_fast_as_with_as_little_memory(article: RunView) -> None:
    (chart,) = memory.make(article)
    line = [r for r in rows_with(chart.spec, "speed_up", "memory_mb") if "configuration" not in r]
    # Threads take more memory than serial and are slower.
    assert line == [
        {"speed_up": 1.0, "memory_mb": 9.0},
        {"speed_up": 1.89, "memory_mb": 26.0},
        {"speed_up": 1.91, "memory_mb": 40.0},
    ]
    assert [r["label"] for r in rows_with(chart.spec, "label")] == [
        "serial", "hybrid 2×2", "processes ×4 forkserver",
    ]  # fmt: skip
    assert "Nothing is as fast with as little memory as serial (1, 9.0 MB), hybrid 2×2" in chart.finding
    assert "processes ×4 forkserver (1.91 [1.83, 1.99], 40 MB)" in chart.finding


def test_what_ties_with_the_fastest_is_marked(article: RunView) -> None:
    (chart,) = memory.make(article)
    standing = {p["configuration"]: p["standing"] for p in rows_with(chart.spec, "configuration", "standing")}
    assert standing["c2"] == "fastest"
    assert standing["c3"] == "tied with the fastest"
    assert standing["c1"] == "behind, or open"
    assert "hybrid 2×2: 1.89 [1.80, 1.97], 26 MB, tied with the fastest" in chart.finding


def test_each_axis_has_a_title_with_its_unit(article: RunView) -> None:
    (chart,) = memory.make(article)
    assert titles_of(chart.spec) == {
        "← slower · speed-up against serial (times, log scale) · faster →", "greatest memory (MB)",
    }  # fmt: skip


def test_each_baseline_has_a_picture_of_its_own(troubled: RunView) -> None:
    group = troubled.finding.groups[0]
    charts = memory.make(troubled)
    # Threads and hybrid against serial of the one build; threads against the other's; serial against serial.
    by_name = {c.name: rows_with(c.spec, "configuration", "standing") for c in charts}
    assert [{p["configuration"] for p in points} for points in by_name.values()] == [
        {"c0", "c1", "c3", "fc0"}, {"fc0", "fc1"},
    ]  # fmt: skip
    assert group.group == charts[0].group
    assert "Python 3.13.5t" in charts[1].title


def test_a_group_in_which_less_than_two_have_memory_has_no_such_picture(article: RunView) -> None:
    group = article.finding.groups[0]
    unread = tuple(replace(found, memory_bytes=None) for found in group.configurations)
    alone = group.configurations[:1]
    for rows in (unread, alone, ()):
        finding = replace(article.finding, groups=(replace(group, configurations=rows),))
        assert memory.make(replace(article, finding=finding)) == []


def test_a_ratio_of_bytes_is_no_speed(article: RunView) -> None:
    group = article.finding.groups[0]
    for measure in (GroupMeasure("memory_worker", "bytes"), GroupMeasure("lost", "ratio", compared=False)):
        finding = replace(article.finding, groups=(replace(group, measure=measure),))
        assert memory.make(replace(article, finding=finding)) == []


def test_a_failed_configuration_and_one_without_a_block_are_no_points(article: RunView) -> None:
    group = article.finding.groups[0]
    first, threads, processes, hybrid = group.configurations
    rows = (
        first,
        replace(threads, problem="broken"),
        row(configuration("c2", processes.label), None, "unresolved"),
        hybrid,
    )
    finding = replace(article.finding, groups=(replace(group, configurations=rows),))
    (chart,) = memory.make(replace(article, finding=finding))
    assert {p["configuration"] for p in rows_with(chart.spec, "configuration")} == {"c0", "c3"}


@pytest.mark.parametrize("count", [2, 8, 30])
def test_names_cover_neither_each_other_nor_a_dot_and_stay_in_the_plot(count: int) -> None:
    dots = [Dot(20 + 530 * (n * 37 % 101) / 101, 15 + 280 * (n * 61 % 97) / 97) for n in range(count)]
    placed = labels_beside(
        [(dot, f"processes ×{n} forkserver") for n, dot in enumerate(dots)], dots, 560, 320
    )
    assert placed
    for one, other in combinations([label.box for label in placed], 2):
        assert not _overlap(one, other)
    for label in placed:
        assert not any(_overlap(label.box, (d.x - 5, d.y - 5, d.x + 5, d.y + 5)) for d in dots)
        left, top, right, bottom = label.box
        assert 0 <= left < right <= 560
        assert 0 <= top < bottom <= 320


def test_a_name_that_has_no_room_is_left_out() -> None:
    dots = [Dot(100, 100)] * 40
    assert len(labels_beside([(dot, "processes") for dot in dots], dots, 560, 320)) < 40


def test_a_share_of_an_axis_is_0_and_1_at_its_ends_and_half_way_in_its_middle() -> None:
    assert share(Domain(1, 4), 1, log=True) == 0
    assert share(Domain(1, 4), 2, log=True) == pytest.approx(0.5)
    assert share(Domain(0, 4), 1, log=False) == 0.25


@pytest.mark.parametrize("name", ["x" * 200, "<b>&\"'</b>", "שלום עולם", "\x1b[31mred\nline"])
def test_any_name_can_be_drawn(article: RunView, name: str) -> None:
    group = article.finding.groups[0]
    rows = tuple(replace(found, label=name) for found in group.configurations)
    finding = replace(article.finding, groups=(replace(group, label=name, configurations=rows),))
    (chart,) = memory.make(replace(article, finding=finding))
    picture = drawing.svg(chart)
    assert "<b>" not in picture
    assert "\x1b" not in picture


def _overlap(one: tuple[float, float, float, float], other: tuple[float, float, float, float]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
