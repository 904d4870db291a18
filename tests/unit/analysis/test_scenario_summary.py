"""Summaries of scenarios: ratios of what is measured, or a share with an interval where there are none."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from parlab.orchestrator.analysis.findings.run import RunFinding
from parlab.orchestrator.analysis.measurements import Measurements
from parlab.orchestrator.analysis.summary import summarize
from parlab.orchestrator.experiment.model import Experiment, StrategyChoice, WorkloadChoice
from parlab.orchestrator.plan.model import Comparison, Configuration, Group, Plan, PlannedHost
from parlab.orchestrator.store.observation import Observation
from parlab.orchestrator.store.records import Failure
from tests.unit.analysis.conftest import CPUS


def plan_of(scenario: str, *variants: str, compared: bool) -> Plan:
    choice = WorkloadChoice(
        scenario, {}, strategies=tuple(StrategyChoice(v, {}, 1) for v in variants), scenario=True
    )
    experiment = Experiment("test", "?", (choice,), ())
    configurations = tuple(
        Configuration(v, scenario, {}, None, v, {}, 1, "local", "3.11.7", label=v) for v in variants
    )
    comparisons = tuple(Comparison(v, variants[0]) for v in variants[1:]) if compared else ()
    group = Group("g", "h", choice, scenario, configurations, comparisons)
    return Plan("ab12", 1, experiment, (PlannedHost("h", ("local",), CPUS),), (group,))


def trials(measure: str, levels: dict[str, float], blocks: int, noise: float = 0.02) -> list[Observation]:
    draw = random.Random(1)
    return [
        Observation(
            group="g",
            block=block,
            sitting=f"g-b{block}-s0",
            configuration=variant,
            outcome="measured",
            # How long a round takes says nothing of what it measures.
            seconds=1.0,
            rounds=5,
            readings={measure: level * (1 + draw.gauss(0, noise))},
        )
        for block in range(blocks)
        for variant, level in levels.items()
    ]


def found(plan: Plan, observations: list[Observation], **failed: Failure) -> RunFinding:
    return summarize(Measurements(plan, observations, failed=failed))


def test_variants_are_compared_by_what_the_scenario_measures_not_by_how_long_its_rounds_take() -> None:
    plan = plan_of("creation", "thread", "process-fork", compared=True)
    finding = found(plan, trials("creation", {"thread": 4e-5, "process-fork": 6e-4}, 9))
    (group,) = finding.groups
    thread, fork = group.configurations
    assert (group.measure.name, group.measure.unit, group.measure.compared) == ("creation", "seconds", True)
    assert (thread.verdict, fork.verdict) == ("baseline", "slower")
    assert fork.comparison is not None
    assert fork.comparison.speed_up is not None
    assert fork.comparison.speed_up.ratio == pytest.approx(1 / 15, rel=0.05)
    assert fork.level is not None
    assert fork.level.median == pytest.approx(6e-4, rel=0.05)
    assert fork.seconds is None
    assert fork.efficiency is None
    assert fork.start_up_seconds is None
    said = " ".join(group.sentences)
    assert said.startswith("Compared with thread, times as much: process-fork 15 (")
    assert "9 blocks)" in said


def test_a_share_has_a_value_with_an_interval_and_nothing_is_recommended() -> None:
    plan = plan_of("counter", "thread", "thread-lock", compared=False)
    observations = trials("lost_updates", {"thread": 0.2, "thread-lock": 0.0}, 12)
    (group,) = found(plan, observations).groups
    unlocked, locked = group.configurations
    assert unlocked.value is not None
    assert unlocked.value.low is not None
    assert unlocked.value.high is not None
    assert 0.17 < unlocked.value.low < unlocked.value.value < unlocked.value.high < 0.23
    assert locked.value is not None
    assert (locked.value.low, locked.value.value, locked.value.high) == (0, 0, 0)
    assert [row.verdict for row in group.configurations] == ["measured", "measured"]
    assert not any(row.recommended or row.best for row in group.configurations)
    assert "thread-lock 0 %" in group.sentences[0]
    assert group.done


def test_before_seven_blocks_a_share_has_no_bounds() -> None:
    plan = plan_of("counter", "thread", compared=False)
    (group,) = found(plan, trials("lost_updates", {"thread": 0.2}, 6)).groups
    (row,) = group.configurations
    assert row.value is not None
    assert (row.value.low, row.value.high, row.value.blocks) == (None, None, 6)
    assert not group.done


def test_a_share_one_of_whose_trials_was_rejected_is_measured_again_and_not_for_ever() -> None:
    plan = plan_of("counter", "thread", "thread-lock", compared=False)

    def with_rejected(blocks: int, *rejected: int) -> bool:
        seen = trials("lost_updates", {"thread": 0.2, "thread-lock": 0.0}, blocks)
        changed = [
            replace(o, outcome="rejected", cause="steal")
            if o.block in rejected and o.configuration == "thread"
            else o
            for o in seen
        ]
        (group,) = found(plan, changed).groups
        return group.done

    assert with_rejected(7)
    assert not with_rejected(7, 3)
    assert with_rejected(8, 3)
    assert with_rejected(14, *range(10))


def test_what_a_build_cannot_do_is_skipped_and_no_failure() -> None:
    plan = plan_of("creation", "thread", "interpreter", compared=True)
    why = Failure("interpreter", "Python 3.14 or later is needed", None, 0.0, skipped=True)
    (group,) = found(plan, trials("creation", {"thread": 4e-5}, 3), interpreter=why).groups
    assert group.configurations[1].verdict == "skipped"
    raised = replace(why, skipped=False)
    (group,) = found(plan, trials("creation", {"thread": 4e-5}, 3), interpreter=raised).groups
    assert group.configurations[1].verdict == "failed"


def test_of_a_scenario_that_this_installation_does_not_have_nothing_is_made_up() -> None:
    plan = plan_of("sorcery", "wand", "cauldron", compared=False)
    (group,) = found(plan, trials("spells", {"wand": 1.0, "cauldron": 2.0}, 9)).groups
    assert [row.level for row in group.configurations] == [None, None]
