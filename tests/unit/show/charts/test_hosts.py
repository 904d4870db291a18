"""Configurations by hosts: figures are the finding's, and what is not known does not look like a figure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from parlab.orchestrator.analysis.across.compare import compare
from parlab.orchestrator.analysis.view import RunView
from parlab.orchestrator.plan.model import PlannedHost
from parlab.orchestrator.show.charts import hosts
from parlab.orchestrator.show.charts._kit import drawing
from parlab.orchestrator.show.charts._kit.palette import GRID
from parlab.orchestrator.show.charts.hosts import COLOURS, HostCell
from tests.support.compared_runs import measured_run
from tests.support.spec_rows import Rows, rows_with


@pytest.fixture
def two_hosts(article: RunView) -> RunView:
    """The article on its laptop, and on a desk on which threads are open and processes failed."""
    group, found = article.plan.groups[0], article.finding.groups[0]
    first, threads, processes, hybrid = found.configurations
    assert threads.comparison is not None
    open_ = replace(threads, comparison=replace(threads.comparison, verdict="unresolved"))
    failed = replace(processes, problem="no memory", comparison=None)
    desk = replace(found, group="h2-integer_sum", host="h2", configurations=(first, open_, failed, hybrid))
    node = article.registrations[0]
    other = replace(node, node="desk-py311", host=replace(node.host, id="h2", hostname="desk"))
    moved = tuple(replace(c, node="desk-py311") for c in group.configurations)
    plan = replace(
        article.plan,
        hosts=(*article.plan.hosts, PlannedHost("h2", ("desk-py311",), node.host.effective_cpus)),
        groups=(group, replace(group, id="h2-integer_sum", host="h2", configurations=moved)),
    )
    return replace(
        article,
        plan=plan,
        registrations=(node, other),
        finding=replace(article.finding, groups=(found, desk)),
    )


def cells_of(spec: Mapping[str, Any]) -> dict[tuple[str, str], dict[str, object]]:
    labels = {row["row"]: row["label"] for row in rows_with(spec, "row", "label")}
    heads = {row["column"]: row["label"] for row in rows_with(spec, "column", "label")}
    cells: Rows = rows_with(spec, "row", "column", "ink")
    return {(labels[cell["row"]], heads[cell["column"]]): cell for cell in cells}


def test_each_cell_has_the_speed_up_that_was_found_there(two_hosts: RunView) -> None:
    (chart,) = hosts.make(two_hosts)
    cells = cells_of(chart.spec)
    names = {"h1": "laptop", "h2": "desk"}
    for group in two_hosts.finding.groups:
        for row in group.configurations:
            if row.comparison is None or row.comparison.speed_up is None:
                continue
            cell = cells[row.label, names[group.host]]
            assert cell["value"] == row.comparison.speed_up.ratio
            assert str(cell["text"]).removesuffix(" ?") == f"{row.comparison.speed_up.ratio:.2f}"
    # What the others are compared with has no ratio of its own; what was skipped is not forgotten.
    names_shown = {label for label, _ in cells}
    assert names_shown == {"threads ×4", "processes ×4 forkserver", "hybrid 2×2", "asyncio ×4"}
    assert cells["asyncio ×4", "desk"]["text"] == "skipped"


def test_an_unresolved_cell_is_grey_and_one_without_a_figure_says_why(two_hosts: RunView) -> None:
    (chart,) = hosts.make(two_hosts)
    cells = cells_of(chart.spec)
    assert cells["threads ×4", "laptop"]["fill"] in COLOURS
    assert cells["threads ×4", "desk"]["fill"] == GRID.light
    assert cells["threads ×4", "desk"]["text"] == "0.90 ?"
    missing = cells["processes ×4 forkserver", "desk"]
    assert missing["text"] == "failed"
    assert "fill" not in missing
    assert "value" not in missing


def test_the_finding_names_the_ends_and_counts_what_is_known(two_hosts: RunView) -> None:
    (chart,) = hosts.make(two_hosts)
    assert "1.91, processes ×4 forkserver at laptop" in chart.finding
    assert "0.90, threads ×4 at laptop" in chart.finding
    assert "4 of 8 resolved, 1 unresolved, 3 without a figure" in chart.finding


def test_a_run_of_one_host_or_without_a_trial_has_no_such_picture(
    article: RunView, two_hosts: RunView
) -> None:
    assert hosts.make(article) == []
    nothing = [
        replace(g, configurations=tuple(replace(row, comparison=None) for row in g.configurations))
        for g in two_hosts.finding.groups
    ]
    assert hosts.make(replace(two_hosts, finding=replace(two_hosts.finding, groups=tuple(nothing)))) == []


@pytest.mark.parametrize(
    ("ratio", "place"),
    [(0.2, 0), (0.5, 1), (0.8, 2), (0.96, 3), (1.0, 3), (1.04, 3), (1.2, 4), (2.0, 5), (9.0, 6)],
)
def test_colours_are_the_same_number_of_steps_to_both_sides_of_1(ratio: float, place: int) -> None:
    cells = [HostCell("a", "x", ratio, "faster"), HostCell("b", "x", 1 / ratio, "slower")]
    chart = hosts.chart(cells, title="T", margin=0.05)
    assert chart is not None
    fills = [cell["fill"] for cell in rows_with(chart.spec, "row", "column", "ink")]
    assert fills == [COLOURS[place], COLOURS[6 - place]]


def test_a_wide_margin_is_neutral_all_over() -> None:
    cells = [HostCell(str(r), "x", r, "tied") for r in (0.56, 1.0, 1.79)]
    chart = hosts.chart(cells, title="T", margin=0.8)
    assert chart is not None
    assert {cell["fill"] for cell in rows_with(chart.spec, "row", "column", "ink")} == {COLOURS[3]}


def test_a_place_where_something_was_not_run_is_said_to_be_so() -> None:
    chart = hosts.chart(
        [HostCell("a", "x", 2.0, "faster"), HostCell("b", "y", 2.0, "faster")], title="T", margin=0.05
    )
    assert chart is not None
    assert cells_of(chart.spec)["a", "y"]["text"] == "not run"


def test_what_there_is_no_room_for_is_told() -> None:
    cells = [HostCell(f"c{n}", f"h{n % 15}", 2.0, "faster") for n in range(60)]
    chart = hosts.chart(cells, title="T", margin=0.05)
    assert chart is not None
    notes = [row["text"] for row in rows_with(chart.spec, "text") if "row" not in row]
    assert "shown: 40 of 60 configurations, 12 of 15 places" in notes


def test_a_comparison_of_runs_is_drawn_with_its_ratios_and_words() -> None:
    finding = compare(
        [
            measured_run("aaaa"),
            measured_run("bbbb", seconds={"serial": 0.01, "threads": 0.01, "processes": 0.0052}, seed=2),
        ]
    )
    charts = hosts.of_comparison(finding)
    drawn = {chart.name: cells_of(chart.spec) for chart in charts}
    compared = [c for c in finding.comparisons if c.quantity == "speed-up"]
    assert compared
    labels = {column.value: column.label for column in finding.columns}
    for one in compared:
        cell = drawn["hosts-speed-up"][f"{one.workload} {one.label}".strip(), labels[one.column]]
        assert one.ratio is not None
        assert cell["value"] == one.ratio.ratio
        assert str(cell["text"]).endswith("?") == (one.verdict == "unresolved")


@pytest.mark.parametrize("name", ["x" * 200, "<b>&\"'</b>", "שלום עולם", "\x1b[31mred\nline"])
def test_any_name_can_be_drawn(name: str) -> None:
    chart = hosts.chart([HostCell(name, name, 2.0, "faster")], title=name, margin=0.05)
    assert chart is not None
    picture = drawing.svg(chart)
    assert "<b>" not in picture
    assert "\x1b" not in picture
