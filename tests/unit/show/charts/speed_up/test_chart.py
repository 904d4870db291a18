"""The picture of speed-ups: every mark is a finding's figure, and what to use is seen without colours."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any

import pytest

from parlab.orchestrator.analysis.claims.judging import claims_of
from parlab.orchestrator.analysis.findings.run import GroupMeasure, ValueInterval
from parlab.orchestrator.analysis.measurements import Measurements
from parlab.orchestrator.analysis.view import RunView
from parlab.orchestrator.show.charts._kit.drawing import svg
from parlab.orchestrator.show.charts._kit.palette import BAND, INK, STRATEGY_COLOURS
from parlab.orchestrator.show.charts.base import Chart
from parlab.orchestrator.show.charts.speed_up.chart import make
from tests.support.claim_cases import FOUR, ONE, faster, node, plan_of, trials_of
from tests.support.spec_rows import rows_with
from tests.support.views import GROUP, configuration, row

LONG = "processes ×4 " + "<b>&\"'x" * 30


def only(run: RunView) -> Chart:
    (chart,) = make(run)
    return chart


def with_rows(run: RunView, *rows: Any) -> RunView:
    group = replace(run.finding.groups[0], configurations=rows)
    return replace(run, finding=replace(run.finding, groups=(group,)))


def points(chart: Chart) -> dict[str, dict[str, Any]]:
    """What stands at each configuration's estimate."""
    return {row["configuration"]: row for row in rows_with(chart.spec, "configuration", "value")}


def intervals(chart: Chart) -> dict[str, tuple[float, float]]:
    return {
        row["configuration"]: (row["low"], row["high"])
        for row in rows_with(chart.spec, "configuration", "low", "high")
    }


def texts(chart: Chart) -> list[str]:
    return [str(row[field]) for field in ("label", "text", "why") for row in rows_with(chart.spec, field)]


def mark_of(chart: Chart, field: str) -> dict[str, Any]:
    """The mark whose data have a field, as the specification has it."""
    names = {name for name, rows in chart.spec["datasets"].items() if any(field in row for row in rows)}
    return next(layer for layer in chart.spec["layer"] if layer["data"]["name"] in names)


def test_points_and_intervals_are_the_findings_figures(article: RunView) -> None:
    chart = only(article)
    for found in article.finding.groups[0].configurations:
        point = points(chart)[found.configuration]
        if found.comparison is None:
            assert point["value"] == 1
            assert found.configuration not in intervals(chart)
            continue
        seen = found.comparison.speed_up
        assert seen is not None
        assert point["value"] == seen.ratio
        assert intervals(chart)[found.configuration] == (seen.low, seen.high)


def test_each_has_its_strategys_colour(article: RunView) -> None:
    colours = {name: point["colour"] for name, point in points(only(article)).items()}
    assert colours == {
        "c0": STRATEGY_COLOURS["serial"],
        "c1": STRATEGY_COLOURS["threads"],
        "c2": STRATEGY_COLOURS["processes"],
        "c3": STRATEGY_COLOURS["hybrid"],
    }


def test_the_margin_is_shaded_and_one_is_a_line(article: RunView) -> None:
    stop = replace(article.experiment.stop, margin=0.08)
    chart = only(replace(article, experiment=replace(article.experiment, stop=stop)))
    (band,) = rows_with(chart.spec, "from", "to")
    assert band["to"] == 1.08
    # Symmetric in the logarithm, as verdicts are.
    assert math.log(band["from"]) == pytest.approx(-math.log(1.08))
    assert mark_of(chart, "from")["mark"]["color"] == BAND.light
    assert rows_with(chart.spec, "one") == [{"one": 1}]
    assert mark_of(chart, "one")["mark"]["type"] == "rule"
    assert "shaded: within 8 %, which counts as tied" in texts(chart)


def test_the_best_set_is_told_by_shape_and_what_is_recommended_by_frame_sign_and_weight(
    article: RunView,
) -> None:
    chart = only(article)
    assert {name: point["best"] for name, point in points(chart).items()} == {
        "c0": "circle", "c1": "circle", "c2": "diamond", "c3": "square",
    }  # fmt: skip
    (frame,) = rows_with(chart.spec, "recommended")
    assert frame["recommended"] == points(chart)["c3"]["row"]
    assert mark_of(chart, "recommended")["mark"]["stroke"] == INK.light
    signs = [row for row in rows_with(chart.spec, "row", "text") if row["text"] == "◀"]
    assert [sign["row"] for sign in signs] == [frame["recommended"]]
    bold = [layer for layer in chart.spec["layer"] if layer["mark"].get("fontWeight") == "bold"]
    drawn = [row for layer in bold for row in chart.spec["datasets"][layer["data"]["name"]]]
    assert {row["row"] for row in drawn} == {frame["recommended"]}
    assert {"fastest", "tied with the fastest"} <= set(texts(chart))


def test_verdict_and_figures_stand_at_the_right_of_each_row(article: RunView) -> None:
    said = texts(only(article))
    for words in ("1.91 [1.83, 1.99]", "0.90 [0.86, 0.95]", "slower", "faster, tied", "baseline", "skipped"):
        assert words in said
    assert "times [95 %]" in said


def test_what_was_skipped_or_failed_is_a_text_and_no_point(troubled: RunView) -> None:
    chart = only(troubled)
    assert {"c2", "fc2", "c4"}.isdisjoint(points(chart))
    why = {row["why"] for row in rows_with(chart.spec, "why")}
    assert why == {
        "failed: ValueError: broken?[31m on two lines",
        "skipped: forkserver is missing in this build",
        "skipped: integer_sum has no async function",
    }
    assert "processes ×4 forkserver on 3.11.7: failed" in chart.finding


def test_what_is_not_measured_yet_says_so(article: RunView) -> None:
    first, threads, *_ = article.finding.groups[0].configurations
    waiting = replace(row(configuration("c2", "processes ×4"), None), level=None)
    chart = only(with_rows(article, first, threads, waiting))
    assert {row["why"] for row in rows_with(chart.spec, "why")} >= {"not measured yet"}
    assert "c2" not in points(chart)


def test_a_bound_that_is_not_known_is_an_arrow_to_the_edge_and_no_figure(troubled: RunView) -> None:
    chart = only(troubled)
    # 1.92 [1.7, –]: from the lower bound to the estimate, dotted from there on.
    assert intervals(chart)["fc1"] == (1.7, 1.92)
    assert "c3" not in intervals(chart)
    domain = mark_of(chart, "value")["encoding"]["x"]["scale"]["domain"]
    rows = {points(chart)[name]["row"]: name for name in points(chart)}
    arrows = [(rows[arrow["row"]], arrow["edge"]) for arrow in rows_with(chart.spec, "edge")]
    assert sorted(arrows) == [("c3", domain[0]), ("c3", domain[1]), ("fc1", domain[1])]


def test_bounds_that_are_far_off_do_not_press_all_else_into_one_place(article: RunView) -> None:
    rows = list(article.finding.groups[0].configurations)
    comparison = rows[1].comparison
    assert comparison is not None
    assert comparison.speed_up is not None
    rows[1] = replace(
        rows[1], comparison=replace(comparison, speed_up=replace(comparison.speed_up, low=1e-9, high=1e9))
    )
    chart = only(with_rows(article, *rows))
    low, high = mark_of(chart, "value")["encoding"]["x"]["scale"]["domain"]
    assert 0.1 < low < 0.9
    assert 2 < high < 10
    assert intervals(chart)["c1"] == (1e-9, 1e9)
    assert len([arrow for arrow in rows_with(chart.spec, "edge") if arrow["edge"] in (low, high)]) == 2


def test_builds_are_headed_and_each_is_against_its_own_baseline(troubled: RunView) -> None:
    chart = only(troubled)
    assert {"CPython 3.11.7, GIL on", "CPython 3.13.5t, GIL off"} <= set(texts(chart))
    title = mark_of(chart, "value")["encoding"]["x"]["axis"]["title"]
    assert title == ["← slower · speed-up against serial of the same build (times, log scale) · faster →"]
    assert "threads ×4 on 3.13.5t 1.92 [1.70, –], faster, the fastest, recommended" in chart.finding


def test_what_cannot_be_compared_by_ratios_has_values_in_its_unit(article: RunView) -> None:
    base = article.finding.groups[0]
    values = {"c0": (0.0, 0.0, 0.01), "c1": (0.444, 0.40, None)}
    rows = tuple(
        replace(
            found, seconds=None, comparison=None, value=ValueInterval(*values[found.configuration], 0.95, 9)
        )
        for found in base.configurations[:2]
    )
    group = replace(
        base, configurations=rows, sentences=(), measure=GroupMeasure("lost_updates", "ratio", compared=False)
    )
    planned = article.plan.groups[0]
    scenario = replace(planned, workload=replace(planned.workload, scenario=True))
    run = replace(
        article,
        plan=replace(article.plan, groups=(scenario,)),
        finding=replace(article.finding, groups=(group,)),
    )
    chart = only(run)
    assert points(chart)["c1"]["value"] == pytest.approx(44.4)
    assert intervals(chart)["c1"] == pytest.approx((40.0, 44.4))
    assert intervals(chart)["c0"] == pytest.approx((0.0, 1.0))
    encoding = mark_of(chart, "value")["encoding"]["x"]
    assert encoding["axis"]["title"] == ["lost updates (%)"]
    assert "type" not in encoding["scale"]
    assert rows_with(chart.spec, "one") == []


def test_a_baseline_alone_and_what_was_never_measured_are_no_picture(article: RunView) -> None:
    first = article.finding.groups[0].configurations[0]
    assert make(with_rows(article, first)) == []
    assert make(with_rows(article, replace(first, seconds=None, level=None))) == []
    assert make(with_rows(article)) == []
    assert make(replace(article, finding=replace(article.finding, groups=()))) == []


def test_groups_that_claims_are_about_are_shown_by_the_claims(article: RunView) -> None:
    plan = plan_of(FOUR + ONE, node())
    claims = claims_of(Measurements(plan, trials_of(plan, 14, faster(zlib=2.0, bz2=1.0, integer_sum=1.0))))
    assert claims
    cell = replace(claims[0].cells[0], groups=(GROUP,))
    claim = replace(claims[0], cells=(cell,))
    assert make(replace(article, finding=replace(article.finding, claims=(claim,)))) == []
    assert len(make(article)) == 1


def test_sixty_rows_with_any_names_are_all_there_and_no_name_is_markup(article: RunView) -> None:
    first, *others = article.finding.groups[0].configurations
    names = [LONG, "שרת ×4 <script>alert(1)</script>", "threads ×4", "\x1b[31mred"]
    planned = [configuration(f"n{index}", f"threads ×{index + 2}") for index in range(59)]
    rows = [first]
    for index, one in enumerate(planned):
        like = others[index % len(others)]
        rows.append(
            replace(like, configuration=one.id, label=names[index % len(names)], recommended=index == 7)
        )
    group = replace(
        article.plan.groups[0], configurations=(article.plan.groups[0].configurations[0], *planned)
    )
    run = replace(with_rows(article, *rows), plan=replace(article.plan, groups=(group,)))
    chart = only(run)
    assert len(points(chart)) == 60
    assert len(json.dumps(chart.spec)) < 150_000
    assert chart.spec["height"] <= 61 * 20
    drawn = svg(chart)
    assert "<script>alert" not in drawn
    assert "<b>" not in drawn
    assert "\x1b" not in drawn
