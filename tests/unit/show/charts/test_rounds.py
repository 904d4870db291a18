"""The rounds of trials: figures are the trials', what counts for nothing is not there, size has a limit."""

from __future__ import annotations

import json
import statistics
from dataclasses import replace
from typing import Any

import pytest

from parlab.orchestrator.analysis.view import RunView
from parlab.orchestrator.show.charts.base import Chart
from parlab.orchestrator.show.charts.rounds import make
from parlab.orchestrator.store.records import StoredTrial, VoidedBlock
from parlab.workers.wire.result import Round
from tests.support.spec_rows import rows_with
from tests.support.views import configuration, row, trial


def rounds_of(name: str, block: int | None, *seconds: float, outcome: str = "measured") -> StoredTrial:
    made = trial(configuration(name, "serial"), block, 1.0)
    rounds = tuple(Round(turn, 0, value) for turn, value in enumerate(seconds))
    return replace(made, result=replace(made.result, rounds=rounds, outcome=outcome))  # type: ignore[arg-type]  # by the caller


def only(run: RunView) -> Chart:
    (chart,) = make(run)
    return chart


def marks(chart: Chart) -> dict[tuple[int, int], dict[str, Any]]:
    """What is drawn, by the place of its configuration and its block."""
    return {
        (of, row["block"]): row
        for of, plot in enumerate(chart.spec["vconcat"])
        for row in rows_with(chart.spec, "block", part=plot)
    }


def test_a_mark_has_the_ends_quartiles_and_median_of_its_trials_rounds(article: RunView) -> None:
    seconds = [0.011, 0.012, 0.010, 0.019, 0.013]
    chart = only(replace(article, trials=(rounds_of("c0", 3, *seconds),)))
    (mark,) = marks(chart).values()
    low, _, high = statistics.quantiles(seconds, n=4, method="inclusive")
    assert mark == {
        "block": 3, "least": pytest.approx(10), "most": pytest.approx(19),
        "low": pytest.approx(1e3 * low), "high": pytest.approx(1e3 * high), "median": pytest.approx(12),
    }  # fmt: skip
    (plot,) = chart.spec["vconcat"]
    assert plot["layer"][0]["encoding"]["y"]["axis"]["title"] == "round (ms)"
    assert "serial: 5 rounds in 1 block, median 12.0 ms, from 10.0 ms to 19.0 ms" in chart.finding


def test_each_configuration_has_a_plot_under_its_name_in_the_tables_order(article: RunView) -> None:
    trials = [rounds_of(name, block, 1.0 + block) for block in range(3) for name in ("c3", "c1", "c0")]
    chart = only(replace(article, trials=tuple(trials)))
    assert [plot["title"]["text"] for plot in chart.spec["vconcat"]] == ["serial", "threads ×4", "hybrid 2×2"]
    assert sorted(marks(chart)) == [(of, block) for of in range(3) for block in range(3)]
    # All have one axis of blocks, so that what disturbed one block is seen in all.
    domains = {json.dumps(plot["encoding"]["x"]["scale"]["domain"]) for plot in chart.spec["vconcat"]}
    assert len(domains) == 1


def test_calibrations_rejected_trials_and_void_blocks_are_not_there(article: RunView) -> None:
    trials = (
        rounds_of("c0", None, 9.0),
        rounds_of("c0", 0, 1.0),
        rounds_of("c0", 1, 9.0, outcome="rejected"),
        rounds_of("c0", 2, 9.0),
        rounds_of("c0", 4),
    )
    group = article.finding.groups[0].group
    run = replace(article, trials=trials, voided_blocks=(VoidedBlock(group, 2, "reboot"),))
    assert list(marks(only(run))) == [(0, 0)]


def many(run: RunView, configurations: int, blocks: int, groups: int = 1) -> RunView:
    planned = [configuration(f"n{index}", f"threads ×{index + 1}") for index in range(configurations)]
    rows = tuple(row(one, (1.0, 1.0, 1.0)) for one in planned)
    names = [f"h1-work-{index}" for index in range(groups)]
    found = tuple(replace(run.finding.groups[0], group=name, configurations=rows) for name in names)
    plans = tuple(replace(run.plan.groups[0], id=name, configurations=tuple(planned)) for name in names)
    trials = tuple(
        replace(rounds_of(one.id, block, 1.0, 1.1, 1.2 if (block, one.id) != (77, "n3") else 7.0), group=name)
        for name in names
        for block in range(blocks)
        for one in planned
    )
    return replace(
        run, plan=replace(run.plan, groups=plans), finding=replace(run.finding, groups=found), trials=trials
    )


@pytest.mark.parametrize(("configurations", "blocks"), [(60, 170), (4, 2500), (1, 10_000)])
def test_ten_thousand_trials_fit_into_a_small_picture_and_none_that_is_far_off_is_lost(
    article: RunView, configurations: int, blocks: int
) -> None:
    chart = only(many(article, configurations, blocks))
    assert len(json.dumps(chart.spec)) < 150_000
    if configurations > 3:
        assert max(mark["most"] for (of, _), mark in marks(chart).items() if of == 3) == 7.0
        assert max(mark["most"] for (of, _), mark in marks(chart).items() if of == 2) == 1.2
    (subtitle, *_) = chart.spec["title"]["subtitle"]
    assert subtitle.startswith("Each mark is")
    assert " blocks together" in subtitle


def test_many_groups_share_what_all_pictures_may_take(article: RunView) -> None:
    charts = make(many(article, 6, 80, groups=12))
    assert len(charts) == 12
    assert sum(len(json.dumps(chart.spec)) for chart in charts) < 600_000


def test_no_measured_trial_is_no_picture(article: RunView) -> None:
    assert make(replace(article, trials=())) == []
    assert make(replace(article, trials=(rounds_of("c0", 0, 1.0, outcome="failed"),))) == []


def test_a_scenarios_rounds_are_not_shown(article: RunView) -> None:
    group = article.plan.groups[0]
    scenario = replace(group, workload=replace(group.workload, scenario=True))
    assert make(replace(article, plan=replace(article.plan, groups=(scenario,)))) == []
