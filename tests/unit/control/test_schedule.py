"""The next step on a host: what the plan says, less what is stored."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from parlab.orchestrator.control.schedule import (
    Calibrate,
    MeasureSitting,
    Schedule,
    Step,
    live_comparisons,
    sitting_id,
)
from parlab.orchestrator.experiment.model import Experiment, StrategyChoice, WorkloadChoice
from parlab.orchestrator.plan.model import Plan
from parlab.orchestrator.plan.planner import make_plan
from parlab.workers.wire.registration import NodeRegistration
from parlab.workers.wire.result import Calibration

MakeNode = Callable[..., NodeRegistration]

CALIBRATION = Calibration(4, 0.01, None)
WIDTHS = [StrategyChoice("threads", max_workers=n) for n in (2, 3, 4, 5)]
HOST = "host-a"


def make(make_node: MakeNode, *, size: int = 3, nodes: int = 1, workloads: int = 2) -> Plan:
    asked = Experiment(
        "e",
        "?",
        (WorkloadChoice("wait", {}), WorkloadChoice("integer_sum", {}, 4))[:workloads],
        (StrategyChoice("serial"), *WIDTHS),
        sitting_size=size,
    )
    return make_plan("7f3a", asked, [make_node(f"n{i}") for i in range(nodes)], 5)


def fresh(plan: Plan, failed: Collection[str] = ()) -> Schedule:
    return Schedule(plan, calibrations={}, accepted=(), begun={}, failed=dict.fromkeys(failed, "raised"))


def do(schedule: Schedule, step: Step) -> None:
    """Take a step to its end, as the controller does."""
    schedule.begin(step)
    if isinstance(step, Calibrate):
        schedule.calibrated(step.group)
    else:
        schedule.accepted(sitting_id(step))


def run(schedule: Schedule, steps: int, done: Collection[str] = ()) -> list[Step]:
    taken: list[Step] = []
    for _ in range(steps):
        step = schedule.next(HOST, done, new_blocks=True)
        if step is None:
            break
        do(schedule, step)
        taken.append(step)
    return taken


def test_each_group_is_calibrated_before_its_first_block(make_node: MakeNode) -> None:
    plan = make(make_node)
    steps = run(fresh(plan), 30)
    for group in plan.groups:
        own = [step for step in steps if step.group == group.id]
        assert isinstance(own[0], Calibrate)
        assert all(isinstance(step, MeasureSitting) for step in own[1:])


def test_groups_advance_block_by_block_and_each_block_is_done_whole(make_node: MakeNode) -> None:
    plan = make(make_node)
    measures = [step for step in run(fresh(plan), 42) if isinstance(step, MeasureSitting)]
    # Two sittings a block and two groups: four in a row have one index.
    assert [step.block for step in measures] == [index for index in range(10) for _ in range(4)]
    assert all(one.group == two.group for one, two in zip(measures[::2], measures[1::2], strict=True))


def test_nothing_new_is_begun_when_the_budget_is_used_up_but_a_begun_block_is_finished(
    make_node: MakeNode,
) -> None:
    plan = make(make_node, workloads=1)
    schedule = fresh(plan)
    run(schedule, 2)
    rest = schedule.next(HOST, (), new_blocks=False)
    assert isinstance(rest, MeasureSitting)
    assert rest.block == 0
    do(schedule, rest)
    assert schedule.next(HOST, (), new_blocks=False) is None
    assert schedule.next(HOST, (), new_blocks=True) is not None


def test_a_group_that_is_done_gets_no_more_blocks(make_node: MakeNode) -> None:
    plan = make(make_node)
    finished, other = (group.id for group in plan.groups)
    assert {step.group for step in run(fresh(plan), 9, done={finished})} == {other}
    assert fresh(plan).next(HOST, {finished, other}, new_blocks=True) is None


def test_a_sitting_that_was_not_accepted_is_named_again(make_node: MakeNode) -> None:
    schedule = fresh(make(make_node))
    run(schedule, 2)
    step = schedule.next(HOST, (), new_blocks=True)
    assert step is not None
    schedule.begin(step)
    assert schedule.next(HOST, (), new_blocks=True) == step


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(before=st.integers(0, 25))
def test_a_resumed_run_goes_on_as_the_uninterrupted_one(before: int, make_node: MakeNode) -> None:
    plan = make(make_node)
    whole = run(fresh(plan), 30)
    stored = whole[:before]
    begun: dict[str, int] = {}
    for step in stored:
        if isinstance(step, MeasureSitting):
            begun[step.group] = step.block + 1
    resumed = Schedule(
        plan,
        calibrations={step.group: CALIBRATION for step in stored if isinstance(step, Calibrate)},
        accepted=[sitting_id(step) for step in stored if isinstance(step, MeasureSitting)],
        begun=begun,
        failed={},
    )
    assert run(resumed, 30 - before) == whole[before:]


def test_a_configuration_that_failed_is_left_out_and_the_others_keep_their_places(
    make_node: MakeNode,
) -> None:
    plan = make(make_node, workloads=1, size=12)
    failed = plan.groups[0].configurations[2].id
    whole = [step for step in run(fresh(plan), 6) if isinstance(step, MeasureSitting)]
    less = [step for step in run(fresh(plan, [failed]), 6) if isinstance(step, MeasureSitting)]
    assert less == [
        replace(
            step,
            sitting=replace(
                step.sitting, configurations=tuple(c for c in step.sitting.configurations if c != failed)
            ),
        )
        for step in whole
    ]


def test_a_sitting_of_which_baselines_alone_are_left_is_not_done(make_node: MakeNode) -> None:
    plan = make(make_node, workloads=1)
    group = plan.groups[0]
    alive = group.configurations[1].id
    failed = [c.id for c in group.configurations[2:]]
    measures = [step for step in run(fresh(plan, failed), 8) if isinstance(step, MeasureSitting)]
    assert [step.block for step in measures] == list(range(7))
    assert all(set(step.sitting.configurations) == {group.configurations[0].id, alive} for step in measures)


def test_the_baseline_of_a_second_node_is_still_measured_when_all_else_there_failed(
    make_node: MakeNode,
) -> None:
    plan = make(make_node, workloads=1, nodes=2, size=12)
    group = plan.groups[0]
    failed = [c.id for c in group.configurations if c.node == "n1" and c.strategy != "serial"]
    measures = [step for step in run(fresh(plan, failed), 21) if isinstance(step, MeasureSitting)]
    assert len(measures) == 20
    for index in range(10):
        here = [step.sitting.node for step in measures if step.block == index]
        assert sorted(here) == ["n0", "n1"]


def test_a_group_whose_baseline_failed_is_given_up(make_node: MakeNode) -> None:
    plan = make(make_node, workloads=1)
    group = plan.groups[0]
    baseline = group.configurations[0].id
    assert live_comparisons(group, [baseline]) == []
    assert run(fresh(plan, [baseline]), 5) == []


def test_a_comparison_lives_while_neither_side_failed(make_node: MakeNode) -> None:
    group = make(make_node, workloads=1).groups[0]
    _, *others = (configuration.id for configuration in group.configurations)
    assert live_comparisons(group, []) == others
    assert live_comparisons(group, others[:1]) == others[1:]


def test_a_host_has_steps_of_its_own_groups_only(make_node: MakeNode) -> None:
    asked = Experiment("e", "?", (WorkloadChoice("wait", {}),), (StrategyChoice("serial"), *WIDTHS))
    plan = make_plan("7f3a", asked, [make_node("a"), make_node("b", host="host-b")], 5)
    by_host = {group.host: group.id for group in plan.groups}
    step = fresh(plan).next("host-b", (), new_blocks=True)
    assert step == Calibrate(by_host["host-b"])
    assert fresh(plan).next("elsewhere", (), new_blocks=True) is None


def test_a_new_block_holds_what_is_needed_and_keeps_it_until_it_ends(make_node: MakeNode) -> None:
    plan = make(make_node, workloads=1, size=3)
    group = plan.groups[0]
    serial, *others = (c.id for c in group.configurations)
    schedule = fresh(plan)
    run(schedule, 3)
    needed = (serial, *others[:3])
    step = schedule.next(HOST, (), new_blocks=True, needed={group.id: needed})
    assert isinstance(step, MeasureSitting)
    do(schedule, step)
    # By now less is needed: the block that was begun is ended as it was begun.
    rest = schedule.next(HOST, (), new_blocks=True, needed={group.id: (serial, others[0])})
    assert isinstance(rest, MeasureSitting)
    assert rest.block == step.block
    assert {*step.sitting.configurations, *rest.sitting.configurations} == set(needed)
    do(schedule, rest)
    less = schedule.next(HOST, (), new_blocks=True, needed={group.id: (serial, others[0])})
    assert isinstance(less, MeasureSitting)
    assert set(less.sitting.configurations) == {serial, others[0]}


def test_a_resumed_run_ends_a_block_with_what_it_was_begun_with(make_node: MakeNode) -> None:
    plan = make(make_node, workloads=1, size=3)
    group = plan.groups[0]
    serial, *others = (c.id for c in group.configurations)
    needed = (serial, *others[:3])
    schedule = fresh(plan)
    run(schedule, 3)
    first = schedule.next(HOST, (), new_blocks=True, needed={group.id: needed})
    assert isinstance(first, MeasureSitting)
    do(schedule, first)
    resumed = Schedule(
        plan,
        calibrations={group.id: CALIBRATION},
        accepted=[sitting_id(first)],
        begun={group.id: first.block + 1},
        failed={},
        members={(group.id, first.block): needed},
    )
    assert resumed.next(HOST, (), new_blocks=True) == schedule.next(HOST, (), new_blocks=True)
