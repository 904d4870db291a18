"""A plan's blocks: the same for the same seed, whole, and in sittings that hold what is compared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from parlab.orchestrator.experiment.model import Experiment, StrategyChoice, WorkloadChoice
from parlab.orchestrator.plan.blocks import (
    block,
    calibration_sitting,
    groups_in_order,
    longest_seconds,
    measuring_sitting,
)
from parlab.orchestrator.plan.model import Plan
from parlab.orchestrator.plan.planner import make_plan
from parlab.workers.wire.codec import decode, encode
from parlab.workers.wire.registration import NodeRegistration
from parlab.workers.wire.result import Calibration
from parlab.workers.wire.spec import Expected, SittingSpec

MakeNode = Callable[..., NodeRegistration]

WIDTHS = [StrategyChoice("threads", max_workers=n) for n in range(1, 13)]
EXPECTED = Expected("c0ffee", ("a", "b"))


def make(
    make_node: MakeNode, *, widths: int = 3, nodes: int = 1, builds: int = 1, size: int = 12, seed: int = 1
) -> Plan:
    versions = ["3.11.7", "3.12.1", "3.13.5t"]
    wanted = Experiment(
        "e",
        "?",
        (WorkloadChoice("wait", {}), WorkloadChoice("integer_sum", {}, 4)),
        (StrategyChoice("serial"), *WIDTHS[:widths]),
        sitting_size=size,
    )
    return make_plan("7f3a", wanted, [make_node(f"n{i}", versions[:builds]) for i in range(nodes)], seed)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    widths=st.integers(0, 12),
    nodes=st.integers(1, 3),
    builds=st.integers(1, 3),
    size=st.integers(2, 16),
    seed=st.integers(0, 2**31 - 1),
    index=st.integers(0, 1000),
)
def test_a_block_holds_every_configuration_once_beside_its_baseline(
    widths: int, nodes: int, builds: int, size: int, seed: int, index: int, make_node: MakeNode
) -> None:
    plan = make(make_node, widths=widths, nodes=nodes, builds=builds, size=size, seed=seed)
    for group in plan.groups:
        made = block(plan, group.id, index)
        assert made == block(plan, group.id, index)
        assert len({sitting.id for sitting in made.sittings}) == len(made.sittings)
        baselines = {comparison.baseline for comparison in group.comparisons}
        where = {configuration.id: configuration.node for configuration in group.configurations}
        seen = Counter(name for sitting in made.sittings for name in sitting.configurations)
        assert set(seen) == set(where)
        assert all(count == 1 for name, count in seen.items() if name not in baselines)
        against = {c.configuration: c.baseline for c in group.comparisons}
        for sitting in made.sittings:
            assert {where[name] for name in sitting.configurations} == {sitting.node}
            assert len(set(sitting.configurations)) == len(sitting.configurations)
            # A node with as many builds as a sitting holds takes one configuration beside the baselines.
            own = baselines & set(sitting.configurations)
            assert len(sitting.configurations) <= max(size, len(own) + 1)
            for name in sitting.configurations:
                wanted = against.get(name)
                assert wanted is None or wanted in sitting.configurations or where[wanted] != sitting.node


def test_sittings_and_seeds_differ_from_block_to_block_and_from_seed_to_seed(make_node: MakeNode) -> None:
    plan = make(make_node, widths=12, size=5)
    group = plan.groups[0].id
    drawn = {block(plan, group, index).sittings[0].configurations for index in range(20)}
    assert len(drawn) > 10
    seeds = {sitting.seed for index in range(20) for sitting in block(plan, group, index).sittings}
    assert len(seeds) == 20 * 3
    other = make(make_node, widths=12, size=5, seed=2)
    assert block(other, group, 0).sittings != block(plan, group, 0).sittings


def test_a_block_is_the_same_in_every_version_of_parlab(make_node: MakeNode) -> None:
    # A resumed run makes its blocks anew: another draw would measure some configurations twice.
    plan = make(make_node, widths=4, size=3)
    group = plan.groups[0]
    labels = {configuration.id: configuration.label for configuration in group.configurations}
    drawn = [[labels[name] for name in s.configurations] for s in block(plan, group.id, 3).sittings]
    assert drawn == [["serial", "threads ×4", "threads ×3"], ["serial", "threads ×2", "threads ×1"]]


def test_configurations_are_dealt_evenly_over_the_sittings_of_a_block(make_node: MakeNode) -> None:
    plan = make(make_node, widths=12, size=6)
    sizes = [len(s.configurations) for s in block(plan, plan.groups[0].id, 0).sittings]
    assert sizes == [5, 5, 5]


def test_groups_take_turns_in_an_order_of_their_own_for_each_block(make_node: MakeNode) -> None:
    plan = make(make_node)
    orders = [tuple(groups_in_order(plan, "host-a", index)) for index in range(40)]
    assert orders == [tuple(groups_in_order(plan, "host-a", index)) for index in range(40)]
    assert {frozenset(order) for order in orders} == {frozenset(group.id for group in plan.groups)}
    assert len(set(orders)) == 2


def test_a_calibration_is_one_serial_trial_on_the_first_build(make_node: MakeNode) -> None:
    plan = make(make_node, widths=4, builds=2)
    spec = calibration_sitting(plan, plan.groups[0].id, attempt=2, fence=7)
    (trial,) = spec.trials
    assert (spec.kind, spec.attempt, spec.fence, spec.turns) == ("calibrate", 2, 7, 0)
    assert (trial.strategy, trial.max_workers, trial.tasks, trial.python) == ("serial", 1, 0, "3.11.7")
    assert spec.calibration is not None
    assert spec.calibration.tasks is None
    assert spec.calibration.multiple_of == 12
    # Two effective CPUs: the fastest round there is may be half as long as a serial one.
    assert spec.calibration.round_seconds == pytest.approx(0.04)
    assert decode(SittingSpec, encode(spec)) == spec


def test_a_number_of_tasks_that_all_workers_divide_is_not_taken_where_it_is_large(
    make_node: MakeNode,
) -> None:
    plan = make(make_node, widths=12)
    spec = calibration_sitting(plan, plan.groups[0].id, attempt=1, fence=0)
    assert spec.calibration is not None
    assert spec.calibration.multiple_of == 12


def test_a_fixed_number_of_tasks_is_calibrated_as_it_is(make_node: MakeNode) -> None:
    plan = make(make_node, widths=12)
    spec = calibration_sitting(plan, plan.groups[1].id, attempt=1, fence=0)
    assert spec.calibration is not None
    assert (spec.calibration.tasks, spec.calibration.multiple_of) == (4, 1)


@pytest.mark.parametrize(
    ("task_seconds", "turns", "warm_up", "memory_blocks"),
    [
        (0.0, 50, 1, 3),
        (0.001, 50, 1, 3),
        (0.0075, 7, 1, 3),
        (0.05, 1, 1, 3),
        (0.06, 1, 1, 1),
        (0.5, 1, 0, 1),
    ],
)
def test_the_length_of_a_round_decides_on_turns_warm_up_and_memory(
    task_seconds: float, turns: int, warm_up: int, memory_blocks: int, make_node: MakeNode
) -> None:
    plan = make(make_node)
    group = plan.groups[0].id
    specs = []
    for index in range(5):
        planned = block(plan, group, index).sittings[0]
        calibration = Calibration(4, task_seconds, EXPECTED)
        specs.append(measuring_sitting(plan, group, index, planned, calibration, attempt=1, fence=3))
    assert {spec.turns for spec in specs} == {turns}
    assert {trial.warm_up_rounds for spec in specs for trial in spec.trials} == {warm_up}
    assert [spec.memory_pass for spec in specs] == [index < memory_blocks for index in range(5)]


def test_a_warm_up_is_left_out_where_a_configurations_own_round_is_long(make_node: MakeNode) -> None:
    # One by one it takes 0.8 s. With that as everybody's measure, many workers' short rounds held what
    # their first tasks cost: an import in each process of a forkserver, 0.26 s for 0.09.
    plan = make(make_node)
    group = plan.groups[0]
    planned = block(plan, group.id, 0).sittings[0]
    spec = measuring_sitting(plan, group.id, 0, planned, Calibration(4, 0.2, EXPECTED), attempt=1, fence=3)
    workers = {c.id: c.max_workers for c in group.configurations}
    assert {(workers[t.configuration] == 1, t.warm_up_rounds) for t in spec.trials} == {(True, 0), (False, 1)}


def test_a_sitting_is_sent_whole(make_node: MakeNode) -> None:
    plan = make(make_node)
    group = plan.groups[0]
    planned = block(plan, group.id, 0).sittings[0]
    spec = measuring_sitting(plan, group.id, 0, planned, Calibration(8, 0.01, EXPECTED), attempt=2, fence=3)
    assert (spec.run, spec.sitting, spec.attempt, spec.fence, spec.node) == ("7f3a", planned.id, 2, 3, "n0")
    assert (spec.seed, spec.kind) == (planned.seed, "measure")
    assert [trial.configuration for trial in spec.trials] == list(planned.configurations)
    assert len({trial.trial for trial in spec.trials}) == len(spec.trials)
    assert {(trial.tasks, trial.expected) for trial in spec.trials} == {(8, EXPECTED)}
    assert decode(SittingSpec, encode(spec)) == spec


def test_the_limit_of_a_sitting_leaves_every_step_of_every_trial_its_own(make_node: MakeNode) -> None:
    plan = make(make_node)
    group = plan.groups[0].id
    planned = block(plan, group, 0).sittings[0]
    spec = measuring_sitting(plan, group, 0, planned, Calibration(4, 0.001, None), attempt=1, fence=0)
    assert len(spec.trials) == 4
    assert longest_seconds(spec) > 4 * (50 + 1 + 1 + 2) * 60.0
