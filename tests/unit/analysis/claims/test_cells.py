"""Claims laid out over a plan: each cell is about trials on one build, or says why there are none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from parlab.orchestrator.analysis.claims.cells import Cell, builds, claim_cells
from parlab.orchestrator.experiment.model import WorkloadChoice
from parlab.orchestrator.plan.model import Configuration, Plan, PlannedBuild
from parlab.orchestrator.store.records import Failure
from tests.support.claim_cases import node, plan_of

CLAIM = '[[claim]]\nid = "mine"\ntext = "So it is."\n'
SUM = '[[claim.workload]]\nname = "integer_sum"\nsteps = 1000\n'
CONTRAST = '[[claim.contrast]]\nof = "processes"\nagainst = "serial"\nbound = 1.1\nsupports = "above"\n'
COUNTER = (
    '[[claim.scenario]]\nname = "counter"\nform = ["augmented", "call"]\n'
    '[[claim.contrast]]\nof = "thread"\nrule = "value"\nmeasure = "lost_updates"\nbound = 0\n'
    'supports = "above"\n'
)
BUILDS = '[[python]]\nversion = ["3.11", "3.13t"]\ngil = ["on", "off"]\n'


def laid_out(plan: Plan, failed: Mapping[str, Failure] | None = None) -> dict[PlannedBuild, list[Cell]]:
    """Give the cells of the one claim by their builds."""
    return {place: cells for _, place, cells in claim_cells(plan, failed or {})}


def only(plan: Plan, failed: Mapping[str, Failure] | None = None) -> Cell:
    ((cell,),) = laid_out(plan, failed).values()
    return cell


def configurations(plan: Plan) -> dict[str, Configuration]:
    return {c.id: c for group in plan.groups for c in group.configurations}


def failure(name: str, reason: str = "ValueError: broken") -> dict[str, Failure]:
    return {name: Failure(name, reason, None, 0.0)}


def test_a_run_without_claims_has_no_cells() -> None:
    lines = '[[workload]]\nname = "wait"\n[[strategy]]\nname = "serial"\n'
    assert claim_cells(plan_of(lines), {}) == []


def test_each_claim_has_its_cells_on_each_build_of_each_host() -> None:
    nodes = [
        node("a", ("3.11.7", "3.13.5t"), host="small", cpus=2),
        node("b", ("3.11.7",), host="large", cpus=8),
    ]
    plan = plan_of(
        CLAIM + SUM + CONTRAST.replace("1.1", '"0.7*cpus"') + CLAIM.replace("mine", "2") + COUNTER, *nodes
    )
    found = claim_cells(plan, {})
    assert [(claim.id, place.host, place.python) for claim, place, _ in found] == [
        ("mine", "small", "3.11.7"),
        ("mine", "small", "3.13.5t"),
        ("mine", "large", "3.11.7"),
        ("2", "small", "3.11.7"),
        ("2", "small", "3.13.5t"),
        ("2", "large", "3.11.7"),
    ]
    known = configurations(plan)
    for _, place, cells in found:
        for cell in cells:
            assert cell.reason is None
            (group,) = cell.groups
            assert group.host == place.host
            for name in (*cell.of[0], *cell.against[0]):
                assert (known[name].node, known[name].python) == (place.node, place.python)
                assert name in {c.id for c in group.configurations}
    (small,), (_,), (large,), *counters = (cells for _, _, cells in found)
    assert [small.bound, large.bound] == pytest.approx([1.4, 5.6])
    assert [known[cell.of[0][0]].max_workers for cell in (small, large)] == [2, 8]
    assert [[cell.label for cell in cells] for cells in counters] == [
        [
            "counter(form=augmented): thread, lost_updates",
            "counter(form=call): thread, lost_updates",
        ]
    ] * 3


def test_the_gils_states_are_builds_and_one_that_cannot_be_is_out_with_its_reason() -> None:
    plan = plan_of(CLAIM + SUM + CONTRAST + BUILDS, node(versions=("3.11.7", "3.13.5t")))
    found = laid_out(plan)
    assert list(found) == builds(plan)
    reasons = {(place.python, place.gil): cells[0].reason for place, cells in found.items()}
    (impossible,) = (reason for reason in reasons.values() if reason)
    assert "only a free-threaded build can run without it" in impossible
    assert reasons == {
        ("3.11.7", "on"): None,
        ("3.13.5t", "on"): None,
        ("3.13.5t", "off"): None,
        ("3.11.7", "off"): impossible,
    }


def test_what_has_failed_is_out_with_the_reason_and_only_on_its_build() -> None:
    plan = plan_of(CLAIM + SUM + CONTRAST, node(versions=("3.11.7", "3.13.5t")))
    first, second = (cells[0] for cells in laid_out(plan).values())
    after = laid_out(plan, failure(first.of[0][0]))
    assert [cells[0].reason for cells in after.values()] == [
        "processes ×2 forkserver: ValueError: broken",
        None,
    ]
    serial = laid_out(plan, failure(second.against[0][0], "it was killed"))
    assert [cells[0].reason for cells in serial.values()] == [None, "serial: it was killed"]


def test_what_was_ruled_out_beforehand_is_out_with_the_reason() -> None:
    def ruled_out(workload: WorkloadChoice, configuration: Configuration) -> str | None:
        del workload
        return "no fork here" if configuration.strategy == "processes" else None

    plan = plan_of(CLAIM + SUM + CONTRAST, ruled_out=ruled_out)
    assert only(plan).reason == "processes ×2 forkserver: no fork here"


def test_a_build_on_which_nothing_can_be_tried_is_still_there() -> None:
    def ruled_out(workload: WorkloadChoice, configuration: Configuration) -> str | None:
        del workload
        return "too old" if configuration.python == "3.11.7" else None

    plan = plan_of(CLAIM + SUM + CONTRAST, node(versions=("3.11.7", "3.13.5t")), ruled_out=ruled_out)
    reasons = {place.python: cells[0].reason for place, cells in laid_out(plan).items()}
    assert reasons == {"3.13.5t": None, "3.11.7": "processes ×2 forkserver: too old"}


# Sets


SET = CONTRAST.replace('"processes"', '{ name = "threads", max_workers = ["cpus", "2*cpus"] }')


def test_a_side_of_several_ways_is_the_best_of_them() -> None:
    cell = only(plan_of(CLAIM + SUM + SET))
    assert cell.label == "integer_sum(steps=1000): the best of threads ×2 and threads ×4 against serial"
    assert (len(cell.of[0]), len(cell.against[0])) == (2, 1)


def test_a_set_goes_on_without_a_member_that_failed() -> None:
    plan = plan_of(CLAIM + SUM + SET)
    first, second = only(plan).of[0]
    cell = only(plan, failure(first))
    assert (cell.reason, cell.of, cell.label.partition(": ")[2]) == (
        None,
        ((second,),),
        "threads ×4 against serial",
    )
    assert only(plan, {**failure(first), **failure(second, "too")}).reason == "threads ×2: ValueError: broken"


def test_two_of_a_set_that_are_the_same_on_a_small_host_are_one() -> None:
    lines = SET.replace('"2*cpus"', '"cpus/2"')
    assert len(only(plan_of(CLAIM + SUM + lines, node(cpus=2))).of[0]) == 2
    assert len(only(plan_of(CLAIM + SUM + lines, node(cpus=1))).of[0]) == 1


# CPUs


def test_what_is_the_same_on_both_sides_on_a_small_host_is_not_compared() -> None:
    lines = CONTRAST.replace('"serial"', '{ name = "processes", max_workers = "cpus/2" }')
    assert only(plan_of(CLAIM + SUM + lines, node(cpus=2))).reason is None
    assert only(plan_of(CLAIM + SUM + lines, node(cpus=1))).reason == (
        "processes ×1 forkserver and processes ×1 forkserver are the same with 1 effective CPU"
    )


@pytest.mark.parametrize(
    ("cpus", "reason"),
    [
        (1, "it needs 3 effective CPUs; there is 1"),
        (2, "it needs 3 effective CPUs; there are 2"),
        (3, None),
        (8, None),
    ],
)
def test_a_host_with_fewer_cpus_than_it_takes_says_so(cpus: int, reason: str | None) -> None:
    assert only(plan_of(CLAIM + SUM + CONTRAST + "least_cpus = 3\n", node(cpus=cpus))).reason == reason


WIDTHS = (
    CONTRAST.replace('"processes"', '{ name = "threads", max_workers = "cpus" }').replace("1.1", '"0.5*cpus"')
    + CONTRAST.replace('"processes"', '{ name = "threads", max_workers = ["cpus/2", "2*cpus", "4*cpus"] }')
    + "least_cpus = 4\n"
)


@pytest.mark.parametrize("small", [1, 2, 3, 4])
def test_nodes_of_one_host_with_fewer_cpus_have_widths_and_bounds_of_their_own(small: int) -> None:
    nodes = [node("big", cpus=8), node("little", cpus=small)]
    plan = plan_of(CLAIM + SUM + WIDTHS, *nodes)
    known = configurations(plan)
    for place, (first, second) in laid_out(plan).items():
        cpus = 8 if place.node == "big" else small
        assert first.reason is None
        assert [known[name].max_workers for name in first.of[0]] == [cpus]
        assert first.bound == pytest.approx(cpus / 2)
        assert [known[name].max_workers for name in second.of[0]] == [max(cpus // 2, 1), 2 * cpus, 4 * cpus]
        assert (second.reason is None) == (cpus >= 4)


def test_so_they_have_where_a_claim_is_about_what_the_experiment_measures() -> None:
    lines = (
        '[[workload]]\nname = "integer_sum"\n[[strategy]]\nname = "serial"\n'
        '[[strategy]]\nname = "processes"\nmax_workers = ["cpus", "2*cpus"]\n'
    )
    plan = plan_of(lines + CLAIM + CONTRAST, node("big", cpus=8), node("little", cpus=4))
    found = {place.node: cells[0] for place, cells in laid_out(plan).items()}
    known = configurations(plan)
    assert {name: cell.reason for name, cell in found.items()} == {"big": None, "little": None}
    assert {name: known[cell.of[0][0]].max_workers for name, cell in found.items()} == {"big": 8, "little": 4}


# Ways and conditions


def test_what_is_entered_twice_is_told_apart_by_its_label() -> None:
    ways = '{ name = "threads", label = "A" }', '{ name = "threads", label = "B" }'
    plan = plan_of(CLAIM + SUM + CONTRAST.replace('"processes"', ways[0]).replace('"serial"', ways[1]))
    cell = only(plan)
    known = configurations(plan)
    assert [known[side[0][0]].alias for side in (cell.of, cell.against)] == ["A", "B"]


def test_options_that_are_not_said_have_their_defaults() -> None:
    way = '{ name = "processes", start_method = "spawn" }'
    hybrid = '{ name = "hybrid", threads = 2, max_workers = "2*cpus" }'
    plan = plan_of(
        CLAIM
        + SUM
        + CONTRAST
        + CONTRAST.replace('"processes"', way)
        + CONTRAST.replace('"processes"', hybrid).replace('"serial"', way)
    )
    known = configurations(plan)
    ((first, second, third),) = laid_out(plan).values()
    assert [known[cell.of[0][0]].label for cell in (first, second, third)] == [
        "processes ×2 forkserver",
        "processes ×2 spawn",
        "hybrid 2×2",
    ]


def test_a_trend_has_a_group_at_each_end_and_is_named_after_both() -> None:
    lines = (
        '[[claim.workload]]\nname = "payload"\nbytes_in = [1000, 30, 1000000]\nbytes_out = 1\n'
        + CONTRAST
        + 'rule = "trend"\nover = "bytes_in"\n'
    )
    cell = only(plan_of(CLAIM + lines))
    assert [group.workload.parameters["bytes_in"] for group in cell.groups] == [30, 1000000]
    assert len(cell.of) == len(cell.against) == 2
    assert cell.label == ("payload(bytes_in=30→1000000, bytes_out=1): processes ×2 forkserver against serial")


def test_conditions_are_parameters_work_ways_and_measure() -> None:
    plan = plan_of(CLAIM + COUNTER)
    ((first, _),) = laid_out(plan).values()
    assert first.conditions == {
        "form": "augmented",
        "work": "counter",
        "of": "thread",
        "against": "",
        "measure": "lost_updates",
    }
    assert (first.measure, first.unit, first.better) == ("lost_updates", "ratio", "lower")


def test_what_a_workload_is_measured_by_is_its_seconds_or_a_reading() -> None:
    plan = plan_of(CLAIM + SUM + CONTRAST + CONTRAST + 'measure = "cpu_user"\n')
    ((seconds, reading),) = laid_out(plan).values()
    assert (seconds.measure, seconds.unit, seconds.better) == ("", "seconds", "lower")
    assert (reading.measure, reading.unit, reading.better) == ("cpu_user", "seconds", "lower")


def test_a_scenario_is_compared_by_its_first_measure_where_none_is_named() -> None:
    lines = (
        '[[claim.scenario]]\nname = "ipc"\n[[claim.contrast]]\nof = "thread-queue"\nagainst = "mp-queue"\n'
        'bound = 2\nsupports = "above"\n'
    )
    named = lines.replace("bound", 'measure = "ipc_bandwidth"\nbound')
    assert (only(plan_of(CLAIM + lines)).measure, only(plan_of(CLAIM + lines)).better) == (
        "ipc_latency",
        "lower",
    )
    assert only(plan_of(CLAIM + named)).better == "higher"


# Other installations' runs


def renamed(plan: Plan, **changes: object) -> Plan:
    """Give a plan as another installation could have made it, with work that is called otherwise there."""
    choices = tuple(replace(c, **changes) for c in plan.experiment.workloads)  # type: ignore[arg-type]  # any field
    names = {"name": "workload"}
    cells = {names.get(key, key): value for key, value in changes.items()}
    claims = tuple(
        replace(claim, contrasts=tuple(replace(c, **cells) for c in claim.contrasts))  # type: ignore[arg-type]  # same
        for claim in plan.experiment.claims
    )
    groups = tuple(replace(g, workload=replace(g.workload, **changes)) for g in plan.groups)  # type: ignore[arg-type]  # same
    return replace(plan, experiment=replace(plan.experiment, workloads=choices, claims=claims), groups=groups)


def test_a_run_with_parameters_that_are_not_known_here_keeps_its_claims() -> None:
    plan = renamed(plan_of(CLAIM + SUM + CONTRAST), parameters={"unheard_of": 7, "steps": 1000})
    cell = only(plan)
    assert cell.reason is None
    assert cell.label == "integer_sum(unheard_of=7, steps=1000): processes ×2 forkserver against serial"
    assert only(renamed(plan, name="mandelbrot")).reason is None


def test_a_scenario_or_measure_that_is_not_known_here_is_not_guessed_at() -> None:
    plan = plan_of(CLAIM + COUNTER)
    ((first, _),) = laid_out(renamed(plan, name="weather")).values()
    assert first.reason == "this installation does not know what weather measures"
    claims = tuple(
        replace(claim, contrasts=tuple(replace(c, measure="updates_found") for c in claim.contrasts))
        for claim in plan.experiment.claims
    )
    ((first, _),) = laid_out(replace(plan, experiment=replace(plan.experiment, claims=claims))).values()
    assert first.reason == "this installation does not know what counter measures"


def test_a_way_that_a_run_does_not_have_is_named() -> None:
    plan = plan_of(CLAIM + SUM + CONTRAST)
    groups = tuple(
        replace(g, configurations=tuple(c for c in g.configurations if c.strategy != "processes"))
        for g in plan.groups
    )
    assert only(replace(plan, groups=groups)).reason == "processes: it is not measured in this run"
