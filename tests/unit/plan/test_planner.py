"""An experiment laid out over nodes: which configurations there are, and what each is compared with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from parlab.orchestrator.experiment.model import Experiment, PythonChoice, StrategyChoice, WorkloadChoice
from parlab.orchestrator.plan.model import Configuration, Group, Plan, places
from parlab.orchestrator.plan.planner import make_plan
from parlab.workers.errors import BadInput, EnvironmentFault
from parlab.workers.wire.codec import decode, encode
from parlab.workers.wire.registration import NodeRegistration

MakeNode = Callable[..., NodeRegistration]

SERIAL = StrategyChoice("serial")
THREADS = StrategyChoice("threads", max_workers=4)


def experiment(
    *strategies: StrategyChoice, pythons: Sequence[PythonChoice] = (), **changes: object
) -> Experiment:
    made = Experiment(
        "e",
        "?",
        (WorkloadChoice("wait", {}),),
        strategies or (SERIAL, THREADS),
        tuple(pythons) or (PythonChoice(),),
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def the_group(plan: Plan) -> Group:
    (group,) = plan.groups
    return group


def labels(group: Group) -> list[str]:
    return [configuration.label for configuration in group.configurations]


def compared(group: Group) -> dict[str, str]:
    """What is compared with what, by build and label."""
    named = {c.id: f"{c.python} {c.label}" for c in group.configurations}
    return {named[c.configuration]: named[c.baseline] for c in group.comparisons}


def test_each_configuration_is_compared_with_the_baseline_which_comes_first(make_node: MakeNode) -> None:
    group = the_group(make_plan("7f3a", experiment(THREADS, SERIAL), [make_node()], 1))
    assert labels(group) == ["serial", "threads ×4"]
    assert compared(group) == {"3.11.7 threads ×4": "3.11.7 serial"}


def test_each_build_has_its_own_baseline_and_further_ones_are_compared_with_the_first(
    make_node: MakeNode,
) -> None:
    group = the_group(make_plan("7f3a", experiment(), [make_node(versions=("3.11.7", "3.13.5t"))], 1))
    assert compared(group) == {
        "3.11.7 threads ×4": "3.11.7 serial",
        "3.13.5t threads ×4": "3.13.5t serial",
        "3.13.5t serial": "3.11.7 serial",
    }


def test_another_baseline_than_serial_is_taken(make_node: MakeNode) -> None:
    group = the_group(make_plan("7f3a", experiment(baseline="threads"), [make_node()], 1))
    assert compared(group) == {"3.11.7 serial": "3.11.7 threads ×4"}


def test_the_number_of_workers_is_worked_out_from_the_effective_cpus_of_each_host(
    make_node: MakeNode,
) -> None:
    asked = experiment(SERIAL, *(StrategyChoice("threads", {}, e) for e in ("cpus", 2, "2*cpus", "cpus/2")))
    plan = make_plan("7f3a", asked, [make_node("a", cpus=2), make_node("b", host="host-b", cpus=8)], 1)
    assert [labels(group) for group in plan.groups] == [
        ["serial", "threads ×2", "threads ×4", "threads ×1"],
        ["serial", "threads ×8", "threads ×2", "threads ×16", "threads ×4"],
    ]


def test_more_workers_than_any_host_is_good_for_are_refused_when_its_cpus_are_known(
    make_node: MakeNode,
) -> None:
    with pytest.raises(BadInput, match="gives 8192 workers; at most 4096 are allowed"):
        make_plan("7f3a", experiment(SERIAL, StrategyChoice("threads", {}, "4096*cpus")), [make_node()], 1)


def test_one_split_of_a_hybrid_is_one_configuration_however_it_is_written(make_node: MakeNode) -> None:
    splits = [
        StrategyChoice("hybrid", options, 4)
        for options in ({}, {"processes": 2}, {"threads": 2}, {"threads": 1})
    ]
    group = the_group(make_plan("7f3a", experiment(SERIAL, *splits), [make_node()], 1))
    assert labels(group) == ["serial", "hybrid 2×2", "hybrid 4×1"]
    assert group.configurations[1].options["processes"] == 2


def test_the_same_strategy_under_two_labels_is_two_configurations(make_node: MakeNode) -> None:
    twice = experiment(StrategyChoice("serial", label="A"), StrategyChoice("serial", label="B"))
    group = the_group(make_plan("7f3a", twice, [make_node()], 1))
    assert labels(group) == ["serial (A)", "serial (B)"]
    assert compared(group) == {"3.11.7 serial (B)": "3.11.7 serial (A)"}


@pytest.mark.parametrize(
    ("choice", "label"),
    [
        (StrategyChoice("processes", {}, 4), "processes ×4 forkserver"),
        (
            StrategyChoice("processes", {"start_method": "spawn", "chunksize": 8}, 4),
            "processes ×4 spawn chunks of 8",
        ),
        (StrategyChoice("hybrid", {"processes": 4}, 8), "hybrid 4×2"),
        (StrategyChoice("hybrid", {"start_method": "fork"}, 2), "hybrid 2×1 fork"),
    ],
)
def test_a_label_says_what_sets_a_configuration_apart(
    choice: StrategyChoice, label: str, make_node: MakeNode
) -> None:
    assert labels(the_group(make_plan("7f3a", experiment(SERIAL, choice), [make_node()], 1)))[1] == label


def test_a_workload_is_called_by_its_parameters_and_tasks(make_node: MakeNode) -> None:
    asked = experiment(
        workloads=(WorkloadChoice("integer_sum", {"steps": 10_000_000}, 4), WorkloadChoice("wait", {}))
    )
    plan = make_plan("7f3a", asked, [make_node()], 1)
    assert [group.label for group in plan.groups] == ["integer_sum(steps=10⁷) × 4", "wait"]


def test_a_build_that_lacks_the_start_method_skips_the_configuration_with_a_reason(
    make_node: MakeNode,
) -> None:
    node = make_node(start_methods=("spawn",))
    group = the_group(make_plan("7f3a", experiment(SERIAL, StrategyChoice("processes", {}, 2)), [node], 1))
    assert labels(group) == ["serial"]
    assert [s.reason for s in group.skipped] == ["this Python build cannot start processes by forkserver"]


def test_no_gil_is_a_reason_to_skip_on_builds_that_cannot_do_without(make_node: MakeNode) -> None:
    off = experiment(pythons=[PythonChoice(gil="off")])
    group = the_group(make_plan("7f3a", off, [make_node(versions=("3.11.7", "3.13.5t"))], 1))
    assert {c.python for c in group.configurations} == {"3.13.5t"}
    assert {s.configuration.python for s in group.skipped} == {"3.11.7"}
    assert "only a free-threaded build can run without it" in group.skipped[0].reason


def test_an_experiment_of_which_nothing_can_run_is_refused_with_the_reasons(make_node: MakeNode) -> None:
    with pytest.raises(BadInput, match="the GIL cannot be off on Python 3"):
        make_plan("7f3a", experiment(pythons=[PythonChoice(gil="off")]), [make_node()], 1)


def test_both_states_of_the_gil_of_one_build_are_compared(make_node: MakeNode) -> None:
    both = experiment(SERIAL, pythons=[PythonChoice(gil="on"), PythonChoice(gil="off")])
    group = the_group(make_plan("7f3a", both, [make_node(versions=("3.13.5t",))], 1))
    assert [(c.python, c.gil) for c in group.configurations] == [("3.13.5t", "on"), ("3.13.5t", "off")]
    assert len(group.comparisons) == 1


@pytest.mark.parametrize(
    ("version", "found"),
    [
        ("3.13", ["3.13.0", "3.13.5"]),
        ("3.13.5", ["3.13.5"]),
        ("3.13t", ["3.13.5t"]),
        ("3.13.5t", ["3.13.5t"]),
        ("3", ["3.1.9", "3.13.0", "3.13.5"]),
        ("3.1", ["3.1.9"]),
    ],
)
def test_a_version_matches_by_its_parts_and_by_whether_it_is_free_threaded(
    version: str, found: list[str], make_node: MakeNode
) -> None:
    node = make_node(versions=("3.1.9", "3.13.0", "3.13.5", "3.13.5t"))
    group = the_group(
        make_plan("7f3a", experiment(SERIAL, pythons=[PythonChoice(version=version)]), [node], 1)
    )
    assert [c.python for c in group.configurations] == found


def test_an_executable_matches_the_build_that_it_is(make_node: MakeNode) -> None:
    chosen = experiment(pythons=[PythonChoice(executable="/opt/3.12.1/bin/python")])
    group = the_group(make_plan("7f3a", chosen, [make_node(versions=("3.11.7", "3.12.1"))], 1))
    assert {c.python for c in group.configurations} == {"3.12.1"}


def test_a_build_that_no_node_offers_is_refused_with_those_that_are(make_node: MakeNode) -> None:
    with pytest.raises(EnvironmentFault, match=r"no node offers Python 3\.14") as refused:
        make_plan("7f3a", experiment(pythons=[PythonChoice(version="3.14")]), [make_node()], 1)
    assert "3.11.7" in refused.value.hint


def test_nodes_of_one_host_share_its_groups_and_hosts_do_not(make_node: MakeNode) -> None:
    nodes = [make_node("a"), make_node("b", ("3.13.5t",)), make_node("c", host="host-b")]
    plan = make_plan("7f3a", experiment(), nodes, 1)
    assert [(host.id, host.nodes) for host in plan.hosts] == [("host-a", ("a", "b")), ("host-b", ("c",))]
    first, second = plan.groups
    assert {c.node for c in first.configurations} == {"a", "b"}
    assert compared(first)["3.13.5t serial"] == "3.11.7 serial"
    assert {c.node for c in second.configurations} == {"c"}


def test_only_the_named_nodes_are_used(make_node: MakeNode) -> None:
    nodes = [make_node("a"), make_node("b", schema_version=0), make_node("c")]
    group = the_group(make_plan("7f3a", experiment(nodes=("c",)), nodes, 1))
    assert {c.node for c in group.configurations} == {"c"}


@pytest.mark.parametrize(
    ("names", "asked", "message", "hint"),
    [
        ([], (), "no node answers", "Start one"),
        (["a"], ("b",), "node b does not answer", "There are: a."),
    ],
)
def test_a_node_that_does_not_answer_is_said(
    names: list[str], asked: tuple[str, ...], message: str, hint: str, make_node: MakeNode
) -> None:
    with pytest.raises(EnvironmentFault, match=message) as refused:
        make_plan("7f3a", experiment(nodes=asked), [make_node(name) for name in names], 1)
    assert hint in refused.value.hint


def test_a_node_of_another_version_is_refused_with_the_cure(make_node: MakeNode) -> None:
    with pytest.raises(EnvironmentFault, match="node local uses version 99") as refused:
        make_plan("7f3a", experiment(), [make_node(schema_version=99)], 1)
    assert "Install the same parlab on both" in refused.value.hint


def test_an_old_node_that_nobody_asked_for_keeps_no_other_from_measuring(make_node: MakeNode) -> None:
    nodes = [make_node("old", schema_version=0), make_node("new")]
    group = the_group(make_plan("7f3a", experiment(), nodes, 1))
    assert {c.node for c in group.configurations} == {"new"}
    with pytest.raises(EnvironmentFault, match="node old uses version 0"):
        make_plan("7f3a", experiment(nodes=("old", "new")), nodes, 1)


def test_one_hosts_name_for_two_machines_is_refused_with_the_cure(make_node: MakeNode) -> None:
    here = make_node("a")
    there = make_node("b")
    there = replace(there, host=replace(there.host, boot_id="another"))
    with pytest.raises(
        EnvironmentFault, match="a and b both name host host-a, but run on two machines"
    ) as refused:
        make_plan("7f3a", experiment(), [here, there], 1)
    assert "--host" in refused.value.hint


def test_what_a_nodes_installation_lacks_is_skipped_there_with_the_reason(make_node: MakeNode) -> None:
    nodes = [
        make_node("full", workloads=("wait",), strategies=("serial", "threads")),
        make_node("bare", workloads=("wait",), strategies=("serial",)),
    ]
    plan = make_plan("7f3a", experiment(), nodes, 1)
    group = the_group(plan)
    assert {(c.node, c.strategy) for c in group.configurations} == {
        ("full", "serial"), ("full", "threads"), ("bare", "serial"),
    }  # fmt: skip
    assert any("node bare has no strategy threads" in skip.reason for skip in group.skipped)
    without = make_node("none", workloads=("integer_sum",))
    with pytest.raises((BadInput, EnvironmentFault), match="node none has no workload wait"):
        make_plan("7f3a", experiment(), [without], 1)


def test_places_tell_builds_and_nodes_apart_and_say_no_more_than_that(make_node: MakeNode) -> None:
    def said(*nodes: NodeRegistration) -> set[str]:
        group = the_group(make_plan("7f3a", experiment(), list(nodes), 1))
        return set(places(group.configurations).values())

    assert said(make_node()) == {""}
    assert said(make_node("a", ("3.11.7", "3.13.5"))) == {" on 3.11.7", " on 3.13.5"}
    assert said(make_node("a"), make_node("b")) == {" on a", " on b"}
    # As many builds as pairs: the build says it.
    assert said(make_node("a"), make_node("b", ("3.13.5",))) == {" on 3.11.7", " on 3.13.5"}
    assert said(make_node("a", ("3.11.7", "3.13.5")), make_node("b")) == {
        " on 3.11.7 of a", " on 3.13.5 of a", " on 3.11.7 of b",
    }  # fmt: skip


def test_a_fingerprint_is_of_the_content_alone(make_node: MakeNode) -> None:
    def ids(asked: Experiment, seed: int = 1) -> set[str]:
        return {c.id for c in the_group(make_plan("7f3a", asked, [make_node()], seed)).configurations}

    base = ids(experiment())
    assert all(len(one) == 12 and set(one) <= set("0123456789abcdef") for one in base)
    assert ids(experiment(), seed=2) == base
    assert ids(experiment(workloads=(WorkloadChoice("wait", {"seconds": 0.02}),))) == base
    for other in (
        experiment(workloads=(WorkloadChoice("wait", {"seconds": 0.03}),)),
        experiment(workloads=(WorkloadChoice("wait", {}, 4),)),
        experiment(pythons=[PythonChoice(gil="on")]),
        experiment(replace(SERIAL, label="A"), replace(THREADS, label="A")),
    ):
        assert not ids(other) & base


def test_a_plan_survives_its_canonical_form(make_node: MakeNode) -> None:
    nodes = [make_node("a"), make_node("b", ("3.13.5t",), start_methods=("spawn",))]
    plan = make_plan("7f3a", experiment(SERIAL, StrategyChoice("processes", {}, "cpus")), nodes, 1)
    assert the_group(plan).skipped
    assert decode(Plan, encode(plan)) == plan


def test_parameters_and_options_are_complete_in_a_configuration(make_node: MakeNode) -> None:
    group = the_group(
        make_plan("7f3a", experiment(SERIAL, StrategyChoice("processes", {}, 2)), [make_node()], 1)
    )
    processes: Configuration = group.configurations[1]
    assert dict(processes.parameters) == {"seconds": 0.02}
    assert dict(processes.options) == {
        "start_method": "forkserver",
        "chunksize": 1,
        "max_tasks_per_child": None,
    }


def test_a_workload_whose_target_a_node_does_not_have_is_skipped_there(make_node: MakeNode) -> None:
    both = experiment(workloads=(WorkloadChoice("http_get", {}), WorkloadChoice("postgres_query", {})))
    with_http = replace(make_node("a"), targets=("http",))
    fetching, asking = make_plan("7f3a", both, [with_http], 1).groups
    assert fetching.configurations
    assert not fetching.skipped
    assert not asking.configurations
    assert {skip.reason for skip in asking.skipped} == {
        "node a has no target named postgres: set PARLAB_TARGET_POSTGRES there"
    }
    with pytest.raises(BadInput, match="node b has no target named http: set PARLAB_TARGET_HTTP there"):
        make_plan("7f3a", both, [make_node("b")], 1)
