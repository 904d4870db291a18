"""Trials and blocks that do not count are shown with cause and figure, wherever a run is shown."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace

import pytest

from parlab.orchestrator.analysis.view import RunView
from parlab.orchestrator.show.formats import base
from parlab.orchestrator.show.text.uncounted import uncounted
from parlab.orchestrator.store.records import StoredTrial, VoidedBlock

WHY = "other programs kept 0.9 of 2 CPUs busy during its rounds: stop them"


def shown(run: RunView, output: str) -> str:
    stream = io.StringIO()
    base.output(output).write(run, stream)
    # However its lines are broken.
    return " ".join(stream.getvalue().split())


@pytest.fixture
def disturbed(article: RunView) -> RunView:
    """A run of which a trial was rejected for load, one was lost, one came in again, and a block is void."""

    def changed(one: StoredTrial, block: int, outcome: str, cause: str, reason: str) -> StoredTrial:
        result = replace(one.result, outcome=outcome, cause=cause, reason=reason)  # type: ignore[arg-type]
        return replace(one, block=block, result=result)

    in_blocks = [one for one in article.trials if one.block is not None]
    assert len(in_blocks) >= 2
    first, second = in_blocks[:2]
    further = (
        changed(first, 40, "rejected", "load", WHY),
        changed(second, 40, "rejected", "load", f"{WHY} (the last one)"),
        changed(first, 41, "lost", "died", "its interpreter was gone"),
        changed(first, 42, "lost", "died", "its interpreter was gone: killed"),
        replace(first, block=42, attempt=2),
    )
    group = first.group
    finding = article.finding.groups[0]
    serial, *others = finding.configurations
    counts = {"outcomes": {"measured": 9, "rejected": 1, "lost": 2}, "causes": {"load": 1, "died": 2}}
    rows = (replace(serial, **counts), *others)  # type: ignore[arg-type]
    return replace(
        article,
        trials=(*article.trials, *further),
        voided_blocks=(VoidedBlock(group, 7, "reboot"), VoidedBlock("another", 1, "reboot")),
        finding=replace(article.finding, groups=(replace(finding, configurations=rows),)),
    )


def test_void_blocks_are_counted_by_what_voided_them(disturbed: RunView) -> None:
    (group,) = disturbed.plan.groups
    found = uncounted(disturbed, group.id)
    # Block 42 has its trial after all.
    assert found.incomplete == 2
    assert found.void == {"reboot": 1}
    assert found.reasons == {"load": f"{WHY} (the last one)", "died": "its interpreter was gone: killed"}
    measured = {one.block for one in disturbed.trials if one.block is not None}
    assert found.blocks == len(measured | {7})
    assert uncounted(replace(disturbed, trials=(), voided_blocks=()), group.id).sentence() is None


@pytest.mark.parametrize("output", ["terminal", "markdown"])
def test_people_see_how_many_and_why_and_which_blocks_are_void(output: str, disturbed: RunView) -> None:
    text = shown(disturbed, output)
    assert "trials that do not count: serial 3 of 12 (load 1, died 2)" in text
    assert f"load, most recently: {WHY} (the last one)" in text
    assert "2 for the comparisons that include a rejected or lost trial, 1 for all (reboot)" in text


@pytest.mark.parametrize("output", ["terminal", "markdown"])
def test_where_all_count_nothing_is_said_of_it(output: str, article: RunView) -> None:
    text = shown(article, output)
    assert "do not count" not in text
    assert "void" not in text


def test_programs_get_outcome_cause_and_reason_of_each_trial(disturbed: RunView) -> None:
    stream = io.StringIO()
    base.output("csv").write(disturbed, stream)
    stream.seek(0)
    rejected = [row for row in csv.DictReader(stream) if row["outcome"] == "rejected"]
    assert [(row["cause"], row["reason"]) for row in rejected] == [
        ("load", WHY), ("load", f"{WHY} (the last one)"),
    ]  # fmt: skip
    assert {row["seconds"] for row in rejected} == {""}
    stream = io.StringIO()
    base.output("json").write(disturbed, stream)
    document = json.loads(stream.getvalue())
    assert sum(trial["cause"] == "load" for trial in document["trials"]) == 2
    assert {sitting["clock_step_seconds"] for sitting in document["sittings"]} == {0.0}
