"""Scenarios in an experiment file, and laid out: variants are compared, parameters are conditions."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from parlab.orchestrator.experiment.file import parse
from parlab.orchestrator.experiment.model import Experiment
from parlab.orchestrator.experiment.tables import document as document_of
from parlab.orchestrator.plan.model import Plan
from parlab.orchestrator.plan.planner import make_plan
from parlab.workers import catalog
from parlab.workers.errors import BadInput
from parlab.workers.wire.codec import decode, encode
from parlab.workers.wire.registration import NodeRegistration

LoadText = Callable[..., Experiment]
MakeNode = Callable[..., NodeRegistration]

HEAD = '[experiment]\nname = "overhead"\n'
SWITCHING = '[[scenario]]\nname = "switching"\n'


def test_without_variants_all_are_compared_the_first_is_the_baseline(load_text: LoadText) -> None:
    experiment = load_text(HEAD + SWITCHING)
    (choice,) = experiment.workloads
    assert choice.scenario
    assert [s.name for s in choice.strategies] == [v.name for v in catalog.scenario("switching").variants]


def test_variants_can_be_chosen_and_lists_of_parameters_are_conditions(load_text: LoadText) -> None:
    experiment = load_text(HEAD + SWITCHING + 'variant = ["tasks", "threads"]\ncpus = ["free", "one"]\n')
    assert [w.parameters["cpus"] for w in experiment.workloads] == ["free", "one"]
    assert [s.name for s in experiment.workloads[0].strategies] == ["tasks", "threads"]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ('[[scenario]]\nname = "switchng"\n', "scenario[0].name: there is no scenario 'switchng'"),
        (SWITCHING + 'variant = ["thread"]\n', "scenario[0].variant: there is no variant 'thread'"),
        (SWITCHING + 'cpu = "one"\n', "scenario[0].cpu"),
        (SWITCHING + 'cpus = "two"\n', "scenario[0].cpus"),
        (SWITCHING + SWITCHING, "leave one of them out"),
        (SWITCHING + "max_workers = 4\n", "scenario[0].max_workers"),
    ],
)
def test_what_is_wrong_is_said_with_its_key_and_what_there_is(
    load_text: LoadText, lines: str, expected: str
) -> None:
    with pytest.raises(BadInput) as refused:
        load_text(HEAD + lines)
    assert expected in refused.value.message


def test_workloads_may_have_strategies_of_their_own(load_text: LoadText) -> None:
    experiment = load_text(
        HEAD
        + '[[workload]]\nname = "wait"\n[[workload.strategy]]\nname = "serial"\n[[workload.strategy]]\n'
        + 'name = "threads"\nmax_workers = 8\n'
        + '[[workload]]\nname = "integer_sum"\n'
        + '[[strategy]]\nname = "serial"\n[[strategy]]\nname = "processes"\n'
    )
    own, shared = experiment.workloads
    assert [(s.name, s.max_workers) for s in own.strategies] == [("serial", 1), ("threads", 8)]
    assert shared.strategies == ()


def test_a_workload_whose_strategies_lack_the_baseline_is_refused(load_text: LoadText) -> None:
    with pytest.raises(BadInput) as refused:
        load_text(HEAD + '[[workload]]\nname = "wait"\n[[workload.strategy]]\nname = "threads"\n')
    assert "workload[0].strategy: serial is not among them" in refused.value.message


def test_what_is_sent_to_a_lab_reads_back_as_the_same(load_text: LoadText) -> None:
    experiment = load_text(
        HEAD
        + SWITCHING
        + 'cpus = ["free", "one"]\n'
        + '[[workload]]\nname = "wait"\n[[workload.strategy]]\nname = "serial"\n'
        + '[stop]\nbudget = "5m"\nbudget_per = "build"\n'
    )
    sent = json.loads(json.dumps(document_of(experiment)))
    assert parse("sent", sent) == experiment
    assert decode(Experiment, encode(experiment)) == experiment


def planned(load_text: LoadText, lines: str, *nodes: NodeRegistration) -> Plan:
    return make_plan("7f3a", load_text(HEAD + lines), list(nodes), 1)


def test_each_condition_is_a_group_with_its_variants_compared_with_the_first(
    load_text: LoadText, make_node: MakeNode
) -> None:
    plan = planned(
        load_text, SWITCHING + 'variant = ["threads", "tasks"]\ncpus = ["free", "one"]\n', make_node()
    )
    assert [group.label for group in plan.groups] == ["switching(cpus=free)", "switching(cpus=one)"]
    first = plan.groups[0]
    assert [c.label for c in first.configurations] == ["threads", "tasks"]
    (comparison,) = first.comparisons
    assert comparison.baseline == first.configurations[0].id


def test_shares_are_not_compared(load_text: LoadText, make_node: MakeNode) -> None:
    (group,) = planned(load_text, '[[scenario]]\nname = "counter"\n', make_node()).groups
    assert group.configurations
    assert group.comparisons == ()


def test_what_a_build_cannot_do_is_skipped_with_its_reason(load_text: LoadText, make_node: MakeNode) -> None:
    (group,) = planned(load_text, '[[scenario]]\nname = "creation"\n', make_node()).groups
    reasons = {skip.configuration.strategy: skip.reason for skip in group.skipped}
    assert "3.14" in reasons["interpreter"]


def test_a_node_without_the_scenario_is_passed_over(load_text: LoadText, make_node: MakeNode) -> None:
    with pytest.raises(BadInput, match="has no scenario switching: its parlab is"):
        planned(load_text, SWITCHING, make_node(scenarios=()))


def test_a_budget_per_build_is_the_runs_times_the_builds_of_a_host(
    load_text: LoadText, make_node: MakeNode
) -> None:
    lines = SWITCHING + '[stop]\nbudget = "5m"\nbudget_per = "build"\n'
    node = make_node(versions=("3.11.7", "3.13.5t"))
    plan = planned(load_text, lines, node)
    assert plan.experiment.stop.budget_seconds == 600
    assert plan.experiment.stop.budget_per == "run"
