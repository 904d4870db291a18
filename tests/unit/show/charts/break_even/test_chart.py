"""Pictures of break-evens: cells as measured, the model's curve, crossings with their intervals."""

from __future__ import annotations

import itertools
import random
from dataclasses import replace
from typing import Any

import pytest

from parlab.orchestrator.analysis.breakeven.grid import break_evens_of
from parlab.orchestrator.analysis.findings.breakeven import BreakEvenFinding, StrategyBreakEven
from parlab.orchestrator.analysis.measurements import Measurements
from parlab.orchestrator.analysis.view import RunView, observations_of
from parlab.orchestrator.plan.model import Comparison, Group
from parlab.orchestrator.show.charts.base import Chart
from parlab.orchestrator.show.charts.break_even.cells import spots_of
from parlab.orchestrator.show.charts.break_even.chart import make, speed_up
from parlab.orchestrator.statistics.interval import Estimate
from parlab.orchestrator.store.records import StoredTrial
from parlab.workers.wire.result import Calibration
from tests.support.spec_rows import rows_with
from tests.support.views import configuration, trial

#: What the strategy takes for a task besides half of its work.
DISPATCH_SECONDS, SECONDS_PER_BYTE = 3e-4, 2e-9
LENGTHS = (2e-4, 1e-3, 5e-3, 2e-2)
PAYLOADS = (1_000, 100_000, 1_000_000)
BLOCKS = 9


@pytest.fixture
def grid(article: RunView) -> RunView:
    """A run of twelve cells, whose processes take what is said above, give or take a per cent."""
    chance = random.Random(7)
    groups, trials = [], []
    for (row, length), (column, payload) in itertools.product(enumerate(LENGTHS), enumerate(PAYLOADS)):
        name = f"h1-payload-{row}{column}"
        parameters = {"bytes_in": payload, "bytes_out": payload, "steps": row}
        own = tuple(
            replace(
                configuration(f"{name}-{kind}", label), workload="payload", parameters=parameters, tasks=10
            )
            for kind, label in (("s", "serial"), ("p", "processes ×2"))
        )
        groups.append(
            Group(
                id=name,
                host="h1",
                workload=replace(article.plan.groups[0].workload, name="payload", parameters=parameters),
                label=f"payload({payload}, {row})",
                configurations=own,
                comparisons=(Comparison(own[1].id, own[0].id),),
            )
        )
        shared = length / 2 + DISPATCH_SECONDS + 2 * payload * SECONDS_PER_BYTE
        for block, (one, seconds) in itertools.product(
            range(BLOCKS), zip(own, (length, shared), strict=True)
        ):
            trials.append(stored(one, name, block, 10 * seconds * chance.gauss(1, 0.01)))
    calibrations = {group.id: Calibration(10, LENGTHS[0], None) for group in groups}
    run = replace(
        article,
        plan=replace(article.plan, groups=tuple(groups)),
        trials=tuple(trials),
        calibrations=calibrations,
    )
    found = break_evens_of(Measurements(run.plan, observations_of(run), calibrations))
    return replace(run, finding=replace(run.finding, groups=(), break_evens=found))


def stored(planned: Any, group: str, block: int, seconds: float) -> StoredTrial:
    made = trial(planned, block, seconds)
    return replace(made, group=group, sitting=f"{group}-b{block}-s0")


def finding_of(run: RunView) -> BreakEvenFinding:
    (finding,) = run.finding.break_evens
    return finding


def strategy_of(run: RunView) -> StrategyBreakEven:
    (strategy,) = finding_of(run).strategies
    assert strategy.refused is None
    return strategy


def with_strategy(run: RunView, **changed: Any) -> RunView:
    finding = replace(finding_of(run), strategies=(replace(strategy_of(run), **changed),))
    return replace(run, finding=replace(run.finding, break_evens=(finding,)))


def panels(chart: Chart) -> list[dict[str, Any]]:
    (lines, _legend) = chart.spec["vconcat"]
    return list(lines["concat"])


def rows(chart: Chart, panel: int, *fields: str) -> list[dict[str, Any]]:
    return rows_with(chart.spec, *fields, part=panels(chart)[panel])


def test_tasks_have_a_panel_for_each_payload_with_its_cells(grid: RunView) -> None:
    tasks, _ = make(grid)
    assert [panel["title"]["text"] for panel in panels(tasks)] == [
        "2 kB there and back", "200 kB there and back", "2 MB there and back",
    ]  # fmt: skip
    spots = spots_of(grid, finding_of(grid))
    assert len(spots) == len(LENGTHS) * len(PAYLOADS)
    drawn = {row["group"]: row for panel in range(3) for row in rows(tasks, panel, "speed_up", "group")}
    assert {group: row["speed_up"] for group, row in drawn.items()} == {s.group: s.speed_up for s in spots}
    # The axis is in milliseconds.
    for spot in spots:
        assert drawn[spot.group]["x"] == pytest.approx(1e3 * spot.task_seconds)
    axis = panels(tasks)[0]["layer"][-1]["encoding"]["x"]["axis"]
    assert axis["title"] == "a task, run serially (ms, log scale)"


def test_a_cell_is_the_median_of_its_blocks_and_those_that_checked_the_model_are_hollow(
    grid: RunView,
) -> None:
    checked = {cell.group: cell for cell in strategy_of(grid).check.cells}
    spots = {spot.group: spot for spot in spots_of(grid, finding_of(grid))}
    assert {group for group, spot in spots.items() if spot.checked} == checked.keys()
    for group, cell in checked.items():
        assert spots[group].speed_up == cell.measured_speed_up
        assert spots[group].task_seconds == cell.task_seconds
    tasks, _ = make(grid)
    hollow = set()
    for layer in (layer for panel in panels(tasks) for layer in panel["layer"]):
        if layer["mark"]["type"] == "point" and "fill" in layer["mark"]:
            hollow |= {row["group"] for row in tasks.spec["datasets"][layer["data"]["name"]]}
    assert hollow == checked.keys()


def test_crossings_and_their_intervals_are_the_findings(grid: RunView) -> None:
    tasks, payload = make(grid)
    strategy = strategy_of(grid)
    for number, limit in enumerate(strategy.task_limits):
        estimate = limit.seconds.estimate
        assert estimate.value is not None
        (crossing,) = rows(tasks, number, "crossing")
        assert crossing["crossing"] == pytest.approx(1e3 * estimate.value)
        (bar,) = rows(tasks, number, "low", "high")
        assert (bar["low"], bar["high"]) == pytest.approx(
            (1e3 * (estimate.low or 0), 1e3 * (estimate.high or 0))
        )
    told = {limit.task_seconds: limit.payload_bytes.estimate for limit in strategy.payload_limits}
    assert sorted(told) == [0.001, 0.01, 0.1]
    (crossing,) = rows(payload, 1, "crossing")
    assert crossing["crossing"] == told[0.01].value


def test_the_curve_is_the_model_which_is_what_the_run_was_made_of(grid: RunView) -> None:
    tasks, payload = make(grid)
    strategy = strategy_of(grid)
    for row in rows(tasks, 0, "foretold"):
        limit = strategy.task_limits[0].payload_bytes
        assert row["foretold"] == pytest.approx(speed_up(strategy, row["x"] / 1e3, limit))
        true = row["x"] / 1e3
        assert row["foretold"] == pytest.approx(true / (true / 2 + 3.04e-4), rel=0.1)
    for row in rows(payload, 1, "foretold"):
        assert row["foretold"] == pytest.approx(speed_up(strategy, 0.01, row["x"]))


def test_where_handing_over_and_work_go_on_at_once_the_longer_counts(grid: RunView) -> None:
    strategy = replace(
        strategy_of(grid),
        overlapping=True,
        dispatch_seconds=Estimate(0.004, None, None),
        seconds_per_byte=None,
        work_share=Estimate(0.5, None, None),
    )
    assert speed_up(strategy, 0.002, None) == pytest.approx(0.5)
    assert speed_up(strategy, 0.1, None) == pytest.approx(2.0)
    assert speed_up(replace(strategy, work_share=Estimate(None, None, None)), 0.1, None) is None


def test_an_interval_that_goes_on_ends_in_an_arrow_and_what_never_pays_has_no_crossing(grid: RunView) -> None:
    first, *others = strategy_of(grid).task_limits
    never = replace(first.seconds, reach="never", estimate=Estimate(None, 0.0004, None))
    tasks, _ = make(with_strategy(grid, task_limits=(replace(first, seconds=never), *others)))
    assert rows(tasks, 0, "crossing") == []
    (bar,) = rows(tasks, 0, "low", "high")
    (arrow,) = rows(tasks, 0, "edge")
    assert bar["low"] == pytest.approx(0.4)
    assert bar["high"] == arrow["edge"]
    assert len(rows(tasks, 1, "crossing")) == 1


def test_a_model_that_does_not_hold_has_its_cells_and_no_curve(grid: RunView) -> None:
    run = with_strategy(grid, refused="it is off by 40 %", task_limits=(), payload_limits=(), repayments=())
    (tasks,) = make(run)
    assert sum(len(rows(tasks, panel, "speed_up", "group")) for panel in range(3)) == 12
    assert rows_with(tasks.spec, "foretold") == []
    assert rows_with(tasks.spec, "crossing") == []
    assert "the model does not hold: it is off by 40 %" in tasks.finding


def test_without_the_trials_the_cells_that_the_finding_has_are_shown(grid: RunView) -> None:
    charts = make(replace(grid, trials=()))
    shown = {row["group"] for row in rows_with(charts[0].spec, "speed_up", "group")}
    assert shown == {cell.group for cell in strategy_of(grid).check.cells}


def test_the_finding_says_from_where_on_it_pays(grid: RunView) -> None:
    tasks, payload = make(grid)
    assert tasks.finding.startswith(
        "Where it starts to pay, by the length of a task · payload · CPython 3.11.7"
    )
    assert "Pays from (2 kB): processes ×2: " in tasks.finding
    assert "Pays up to (10 ms): processes ×2: " in payload.finding
    assert [chart.name for chart in (tasks, payload)] == ["break-even-1-tasks", "break-even-1-payload"]


def test_a_run_without_a_grid_has_no_such_picture(article: RunView, grid: RunView) -> None:
    assert make(article) == []
    assert make(replace(grid, finding=replace(grid.finding, break_evens=()))) == []
