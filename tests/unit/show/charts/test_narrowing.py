"""Estimates block by block: what is drawn is what the looks say, the open ones among the first."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from parlab.orchestrator.analysis.findings.run import Look, Narrowing
from parlab.orchestrator.analysis.measurements import Measurements
from parlab.orchestrator.analysis.narrowing import narrowing_of
from parlab.orchestrator.analysis.summary import summarize
from parlab.orchestrator.analysis.view import RunView
from parlab.orchestrator.show.charts import narrowing
from parlab.orchestrator.show.charts._kit import drawing
from parlab.orchestrator.statistics.interval import Interval
from tests.support.claim_cases import by_strategy, plan_of, trials_of
from tests.support.spec_rows import rows_with, titles_of

GROUP = "h1-integer_sum-9f2c41"
RACE = """
[[workload]]
name = "integer_sum"
[[strategy]]
name = "serial"
[[strategy]]
name = "threads"
max_workers = [2, 3]
[[strategy]]
name = "processes"
max_workers = [2, 3]
"""


def looks(*ratios: float, word: Any = "unresolved", since: int = 7, width: float = 0.05) -> tuple[Look, ...]:
    """Make looks of which those from ``since`` blocks on have bounds and the word."""
    return tuple(
        Look(
            Interval(ratio, ratio - width, ratio + width, 0.95, n)
            if n >= since
            else Interval(ratio, None, None, 0.95, n),
            word if n >= since else "unresolved",
        )
        for n, ratio in enumerate(ratios, 1)
    )


@pytest.fixture
def narrowed(article: RunView) -> RunView:
    """Threads are slower by block 8, processes faster by block 7, and hybrid is open."""
    found = (
        Narrowing(GROUP, "c1", "c0", looks(*[0.9] * 9, word="slower", since=8)),
        Narrowing(GROUP, "c2", "c0", looks(*[1.91] * 9, word="faster")),
        Narrowing(GROUP, "c3", "c0", looks(*[1.02] * 9)),
    )
    return replace(article, finding=replace(article.finding, narrowing=found))


def panels(chart: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = chart.spec["concat"]
    return found


def test_each_panel_has_the_ratios_and_bounds_of_its_looks(narrowed: RunView) -> None:
    (chart,) = narrowing.make(narrowed)
    by_label = {p["title"]["text"]: p for p in panels(chart)}
    names = {"c1": "threads ×4", "c2": "processes ×4 forkserver", "c3": "hybrid 2×2"}
    for one in narrowed.finding.narrowing:
        panel = by_label[names[one.configuration]]
        line = [
            (r["blocks"], r["ratio"])
            for r in rows_with(chart.spec, "blocks", "ratio", part=panel)
            if "verdict" not in r
        ]
        assert line == [(look.speed_up.blocks, look.speed_up.ratio) for look in one.looks]
        band = [
            (r["blocks"], r["low"], r["high"])
            for r in rows_with(chart.spec, "blocks", "low", "high", part=panel)
        ]
        known = [
            (s.blocks, s.low, s.high) for s in (look.speed_up for look in one.looks) if s.low is not None
        ]
        # The last interval is drawn as a line of its own, too.
        assert band == [*known, known[-1]]


def test_the_block_at_which_a_verdict_came_is_marked(narrowed: RunView) -> None:
    (chart,) = narrowing.make(narrowed)
    by_label = {p["title"]["text"]: p for p in panels(chart)}
    assert [r["blocks"] for r in rows_with(chart.spec, "verdict", part=by_label["threads ×4"])] == [8]
    assert [
        r["blocks"] for r in rows_with(chart.spec, "verdict", part=by_label["processes ×4 forkserver"])
    ] == [7]
    assert rows_with(chart.spec, "verdict", part=by_label["hybrid 2×2"]) == []
    assert by_label["threads ×4"]["title"]["subtitle"][1] == "slower by block 8"


def test_what_to_use_and_what_is_open_come_first(narrowed: RunView) -> None:
    group = narrowed.finding.groups[0]
    first, threads, processes, hybrid = group.configurations
    rows = (
        first,
        threads,
        replace(processes, recommended=True),
        replace(hybrid, recommended=False, best=None),
    )
    finding = replace(narrowed.finding, groups=(replace(group, configurations=rows),))
    (chart,) = narrowing.make(replace(narrowed, finding=finding))
    assert [p["title"]["text"] for p in panels(chart)] == [
        "processes ×4 forkserver", "hybrid 2×2", "threads ×4",
    ]  # fmt: skip


def test_so_many_are_drawn_at_most_and_the_others_are_counted(narrowed: RunView) -> None:
    chart = narrowing.chart(narrowed.plan, narrowed.finding, most_panels=2)
    assert chart is not None
    assert len(panels(chart)) == 2
    assert "2 of 3 comparisons have a verdict" in chart.finding
    assert "2 are shown, those to use and those still open first" in chart.finding


def test_the_finding_says_each_estimate_and_when_its_verdict_came(narrowed: RunView) -> None:
    (chart,) = narrowing.make(narrowed)
    assert "threads ×4: 0.90 [0.85, 0.95] after 9 blocks, slower by block 8" in chart.finding
    assert "hybrid 2×2: 1.02 [0.97, 1.07] after 9 blocks, unresolved" in chart.finding
    assert chart.group == GROUP


def test_1_is_on_the_axis_unless_the_estimate_is_far_from_it(narrowed: RunView) -> None:
    near, far = looks(*[0.5] * 9), looks(*[16.4] * 9, width=1.0)
    found = (Narrowing(GROUP, "c1", "c0", near), Narrowing(GROUP, "c2", "c0", far))
    (chart,) = narrowing.make(replace(narrowed, finding=replace(narrowed.finding, narrowing=found)))
    by_label = {p["title"]["text"]: p for p in panels(chart)}
    assert rows_with(chart.spec, "one", part=by_label["threads ×4"]) == [{"one": 1}]
    assert rows_with(chart.spec, "from", "to", part=by_label["threads ×4"])
    # On an axis from 1 to 17, an interval of 6 % would be a line.
    assert rows_with(chart.spec, "one", part=by_label["processes ×4 forkserver"]) == []


def test_each_axis_has_a_title_with_its_unit(narrowed: RunView) -> None:
    (chart,) = narrowing.make(narrowed)
    assert titles_of(chart.spec) == {"blocks", "speed-up (times)"}


@pytest.mark.parametrize("blocks", [1, 2, 7, 12])
def test_a_run_under_way_is_drawn_from_its_trials_alone(blocks: int) -> None:
    plan = plan_of(RACE)
    observations = trials_of(plan, blocks, by_strategy(serial=1.0, threads=1.0, processes=0.6))
    finding = summarize(Measurements(plan, observations))
    finding = replace(finding, narrowing=narrowing_of(Measurements(plan, observations)))
    chart = narrowing.chart(plan, finding)
    assert chart is not None
    rows = {r.configuration: r for g in finding.groups for r in g.configurations}
    lines = {p["title"]["text"]: rows_with(chart.spec, "blocks", "ratio", part=p) for p in panels(chart)}
    assert len(lines) == 4
    for row in rows.values():
        if row.comparison is not None and row.comparison.speed_up is not None:
            last = {"blocks": blocks, "ratio": row.comparison.speed_up.ratio}
            assert lines[row.label][blocks - 1] == last
    assert drawing.svg(chart).startswith("<svg")


def test_a_run_without_a_block_or_of_one_configuration_has_no_such_picture(article: RunView) -> None:
    assert article.finding.narrowing == ()
    assert narrowing.make(article) == []


@pytest.mark.parametrize("name", ["x" * 200, "<b>&\"'</b>", "שלום עולם", "\x1b[31mred\nline"])
def test_any_name_can_be_drawn(narrowed: RunView, name: str) -> None:
    group = narrowed.plan.groups[0]
    renamed = tuple(replace(c, label=name) for c in group.configurations)
    plan = replace(narrowed.plan, groups=(replace(group, label=name, configurations=renamed),))
    chart = narrowing.chart(plan, narrowed.finding)
    assert chart is not None
    picture = drawing.svg(chart)
    assert "<b>" not in picture
    assert "\x1b" not in picture
