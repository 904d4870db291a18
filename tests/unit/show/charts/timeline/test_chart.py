"""A host's time line: bars are where its sittings were, what does not count is marked, and it stays small."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from parlab.orchestrator.analysis.view import RunView
from parlab.orchestrator.show.charts._kit import drawing
from parlab.orchestrator.show.charts.timeline import chart as timeline
from parlab.orchestrator.store.records import StoredSitting, StoredTrial
from parlab.workers.wire.result import Reading
from tests.support.spec_rows import rows_with, titles_of
from tests.support.views import GROUP, trial


def timed(
    run: RunView,
    sittings: int,
    *,
    seconds: float = 2.0,
    gap: float = 0.5,
    steal: float | None = 0.01,
    throttled: float | None = 0.0,
) -> RunView:
    """Give a run so many sittings of all four of its configurations, one after the other."""
    start, first = 1_790_000_000.0, run.sittings[0]
    found: list[StoredSitting] = []
    trials: list[StoredTrial] = []
    for block in range(sittings):
        name = f"{GROUP}-b{block}-s0"
        result = replace(
            first.result, sitting=name, started_unix_seconds=start + block * (seconds + gap), seconds=seconds
        )
        found.append(StoredSitting(replace(first.attempt, sitting=name, block=block), result))
        readings = (
            Reading(
                "steal",
                "ratio",
                steal,
                None if steal is not None else "this kernel does not count stolen time",
            ),
            Reading("throttled", "seconds", throttled, None if throttled is not None else "no cgroup here"),
        )
        for configuration in run.plan.groups[0].configurations:
            one = trial(configuration, block, 1.0)
            trials.append(replace(one, result=replace(one.result, readings=readings)))
    return replace(run, sittings=tuple(found), trials=tuple(trials))


def reject(run: RunView, block: int, configuration: str, cause: str) -> RunView:
    trials = [
        replace(t, result=replace(t.result, outcome="rejected", cause=cause, reason=f"{cause} 9 %"))
        if (t.block, t.result.configuration) == (block, configuration)
        else t
        for t in run.trials
    ]
    return replace(run, trials=tuple(trials))


def only(run: RunView) -> Any:
    (chart,) = timeline.make(run)
    return chart


def bars(chart: Any) -> list[dict[str, Any]]:
    return rows_with(chart.spec, "row", "from", "to", "trials")


def test_a_trial_has_the_time_of_its_sitting_in_its_configurations_lane(article: RunView) -> None:
    chart = only(timed(article, 3))
    labels = {r["row"]: r["label"] for r in rows_with(chart.spec, "row", "label")}
    assert [labels[n] for n in range(4)] == ["serial", "threads ×4", "processes ×4 forkserver", "hybrid 2×2"]
    drawn = [(b["row"], b["from"], b["to"], b["trials"]) for b in bars(chart)]
    assert drawn == [(n, start, start + 2.0, 1) for n in range(4) for start in (0.0, 2.5, 5.0)]
    assert "12 trials in 3 sittings over 7 s" in chart.finding
    assert "All trials count." in chart.finding


def test_what_does_not_count_is_marked_by_its_cause(article: RunView) -> None:
    run = reject(reject(timed(article, 3), 1, "c1", "steal"), 2, "c2", "load")
    chart = only(run)
    marks = {(m["row"], m["at"], m["cause"]) for m in rows_with(chart.spec, "at", "cause")}
    assert marks == {(1, 3.5, "steal"), (2, 6.0, "load")}
    assert "2 do not count (1 rejected: steal, 1 rejected: load)" in chart.finding


def test_steal_and_throttling_stand_under_it_sitting_by_sitting(article: RunView) -> None:
    run = timed(article, 3, steal=0.025, throttled=0.004)
    chart = only(run)
    under = [rows_with(chart.spec, "from", "to", "value", part=part) for part in chart.spec["vconcat"]]
    assert under[0] == []
    assert {(r["from"], r["to"], r["value"]) for r in under[1]} == {
        (s, s + 2.0, 2.5) for s in (0.0, 2.5, 5.0)
    }
    assert {r["value"] for r in under[2]} == {4.0}
    assert titles_of(chart.spec) == {"time since the first sitting (s)", "steal (%)", "throttled (ms)"}
    assert "steal: at most 2.5 % in a trial" in chart.finding
    assert "throttled: at most 4.00 ms in a trial" in chart.finding


def test_a_sitting_is_shown_by_the_most_that_any_of_its_trials_read(article: RunView) -> None:
    run = timed(article, 1, steal=0.0)
    *others, last = run.trials
    high = replace(last, result=replace(last.result, readings=(Reading("steal", "ratio", 0.08),)))
    chart = only(replace(run, trials=(*others, high)))
    assert {r["value"] for r in rows_with(chart.spec, "from", "value", part=chart.spec["vconcat"][1])} == {
        8.0
    }


def test_what_was_not_read_is_not_drawn_as_0_and_the_finding_says_why(article: RunView) -> None:
    chart = only(timed(article, 2, steal=None, throttled=0.0))
    assert titles_of(chart.spec) == {"time since the first sitting (s)", "throttled (ms)"}
    assert "steal is not known (this kernel does not count stolen time)" in chart.finding
    assert "throttled: none in any trial" in chart.finding
    both = only(timed(article, 2, steal=None, throttled=None))
    assert titles_of(both.spec) == {"time since the first sitting (s)"}


def test_the_night_between_a_run_and_its_resumption_is_cut_out(article: RunView) -> None:
    run = timed(article, 4)
    later = [
        replace(s, result=replace(s.result, started_unix_seconds=s.result.started_unix_seconds + 40_000.0))
        if s.attempt.block is not None and s.attempt.block >= 2
        else s
        for s in run.sittings
    ]
    chart = only(replace(run, sittings=tuple(later)))
    assert max(b["to"] for b in bars(chart)) < 15
    assert "1 long pause (dotted) is cut out" in chart.finding
    assert "over 11 h 6 min" in chart.finding
    lanes = [(b["from"], b["to"]) for b in bars(chart) if b["row"] == 0]
    assert lanes == sorted(lanes)
    assert [round(to - start, 3) for start, to in lanes] == [2.0] * 4


def test_ten_thousand_trials_are_drawn_with_neighbours_joined_and_none_is_forgotten(article: RunView) -> None:
    run = timed(article, 2500, gap=3.0)
    lost = tuple(
        replace(t, result=replace(t.result, outcome="rejected", cause="steal")) if number % 9 == 0 else t
        for number, t in enumerate(run.trials)
    )
    chart = only(replace(run, trials=lost))
    assert len(json.dumps(chart.spec)) < 150_000
    assert sum(b["trials"] for b in bars(chart)) == 10_000
    assert sum(m["trials"] for m in rows_with(chart.spec, "at", "cause")) == len(range(0, 10_000, 9))
    assert "trials that lie together in a row are drawn as one bar" in chart.finding
    assert "10000 trials in 2500 sittings" in chart.finding
    assert drawing.svg(chart).startswith("<svg")


def test_many_configurations_share_a_lane_by_strategy(article: RunView) -> None:
    run = timed(article, 2)
    group = run.plan.groups[0]
    threads = group.configurations[1]
    many = tuple(replace(threads, id=f"t{n}", label=f"threads ×{n}") for n in range(2, 30))
    plan = replace(run.plan, groups=(replace(group, configurations=(group.configurations[0], *many)),))
    trials = tuple(trial(c, block, 1.0) for block in range(2) for c in (group.configurations[0], *many))
    chart = only(replace(run, plan=plan, trials=trials))
    assert [r["label"] for r in rows_with(chart.spec, "row", "label")] == ["serial", "threads"]
    assert [b["trials"] for b in bars(chart)] == [1, 1, 28, 28]


def test_each_host_has_a_picture_of_its_own(article: RunView) -> None:
    run = timed(article, 4)
    moved = [
        replace(s, result=replace(s.result, host="h2")) if s.attempt.block in (1, 3) else s
        for s in run.sittings
    ]
    charts = timeline.make(replace(run, sittings=tuple(moved)))
    assert [c.title for c in charts] == ["Trials over time · host laptop", "Trials over time · host h2"]
    assert len({c.name for c in charts}) == 2
    assert all("8 trials in 2 sittings" in c.finding for c in charts)


def test_a_run_without_a_trial_has_no_such_picture(article: RunView) -> None:
    assert timeline.make(replace(article, trials=())) == []
    assert timeline.make(replace(article, sittings=())) == []


@pytest.mark.parametrize("name", ["x" * 200, "<b>&\"'</b>", "שלום עולם", "\x1b[31mred\nline"])
def test_any_name_can_be_drawn(article: RunView, name: str) -> None:
    run = reject(timed(article, 3), 1, "c1", name)
    group = run.plan.groups[0]
    renamed = tuple(replace(c, label=f"{name}{c.id}") for c in group.configurations)
    node = run.registrations[0]
    run = replace(
        run,
        plan=replace(run.plan, groups=(replace(group, configurations=renamed),)),
        registrations=(replace(node, host=replace(node.host, hostname=name)),),
    )
    picture = drawing.svg(only(run))
    assert "<b>" not in picture
    assert "\x1b" not in picture
