"""Time by phase: what was read is drawn, what was not is said, and nothing is drawn as zero."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from parlab.orchestrator.analysis.findings.run import ConfigurationFinding
from parlab.orchestrator.analysis.view import RunView
from parlab.orchestrator.show.charts.base import Chart
from parlab.orchestrator.show.charts.phases import make
from parlab.workers.wire.result import Reading
from tests.support.spec_rows import rows_with


def with_readings(run: RunView, **readings: float) -> RunView:
    """The article's run, whose processes have these readings."""
    group = run.finding.groups[0]
    rows = tuple(
        replace(row, readings={**row.readings, **readings}) if row.configuration == "c2" else row
        for row in group.configurations
    )
    return replace(run, finding=replace(run.finding, groups=(replace(group, configurations=rows),)))


def only(run: RunView) -> Chart:
    (chart,) = make(run)
    return chart


def bars(chart: Chart) -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = {}
    for row in rows_with(chart.spec, "phase", "time"):
        found.setdefault(row["configuration"], {})[row["phase"]] = row["time"]
    return found


def notes(chart: Chart) -> list[str]:
    return [str(row["text"]) for row in rows_with(chart.spec, "text")]


def row_of(run: RunView, configuration: str) -> ConfigurationFinding:
    return next(row for row in run.finding.groups[0].configurations if row.configuration == configuration)


def test_phases_are_the_findings_medians_and_the_rest_of_the_round_is_work(article: RunView) -> None:
    run = with_readings(article, dispatch=0.001, pickling=0.02)
    phases = bars(only(run))["c2"]
    found = row_of(run, "c2")
    assert found.seconds is not None
    # Seconds, as the longest takes two of them; four tasks are handed over.
    assert phases == {
        "start-up": found.start_up_seconds,
        "dispatch and collection": pytest.approx(4 * 0.001),
        "pickling": 0.02,
        "work": pytest.approx(found.seconds.median - 0.024),
        "tear-down": found.tear_down_seconds,
    }
    assert "1.14 s" in notes(only(run))


def test_what_was_not_read_is_said_with_the_reason_and_not_drawn(article: RunView) -> None:
    chart = only(with_readings(article, dispatch=0.001))
    assert "pickling" not in bars(chart)["c2"]
    assert all(time > 0 for phases in bars(chart).values() for time in phases.values())
    assert any(
        note.startswith("Not drawn: ") and "pickling of all: not read" in note for note in notes(chart)
    )
    assert "pickling of all: not read" in chart.finding


def test_a_trials_own_reason_is_given_rather_than_that_others_did_not_try(article: RunView) -> None:
    def reading(run: RunView, reason: str) -> RunView:
        (first, *others) = [trial for trial in run.trials if trial.result.configuration == "c2"]
        result = replace(first.result, readings=(Reading("pickling", "seconds", None, reason),))
        return replace(run, trials=(*run.trials, *others, replace(first, result=result)))

    run = reading(article, "not read in this sitting")
    run = reading(run, "pickle cannot do what this strategy does: TypeError")
    said = " ".join(notes(only(run)))
    assert "pickling of processes ×4 forkserver: pickle cannot do what this strategy does" in said


def test_handing_over_that_takes_more_than_the_round_is_beside_it_and_in_it(article: RunView) -> None:
    chart = only(with_readings(article, dispatch=0.4, pickling=0.02))
    assert set(bars(chart)["c2"]) == {"start-up", "work", "tear-down"}
    assert bars(chart)["c2"]["work"] == 1.09
    assert any("it happens during the work, and is included in it" in note for note in notes(chart))


def test_serial_has_no_pool_that_starts_up(article: RunView) -> None:
    chart = only(article)
    assert set(bars(chart)["c0"]) == {"work"}
    assert "Not drawn: start-up and tear-down of serial: there is no pool" in notes(chart)


def test_what_failed_or_was_skipped_is_a_word_in_its_row(troubled: RunView) -> None:
    chart = make(troubled)[0]
    assert [row["why"] for row in rows_with(chart.spec, "why")] == ["failed", "skipped", "skipped"]


def test_a_single_configuration_is_shown_and_what_was_never_measured_is_not(article: RunView) -> None:
    def with_rows(*rows: ConfigurationFinding) -> RunView:
        group = replace(article.finding.groups[0], configurations=rows)
        return replace(article, finding=replace(article.finding, groups=(group,)))

    first = row_of(article, "c0")
    assert set(bars(only(with_rows(first)))) == {"c0"}
    assert make(with_rows(replace(first, seconds=None, level=None))) == []


def test_a_scenario_has_no_such_phases(article: RunView) -> None:
    group: Any = article.plan.groups[0]
    scenario = replace(group, workload=replace(group.workload, scenario=True))
    assert make(replace(article, plan=replace(article.plan, groups=(scenario,)))) == []
