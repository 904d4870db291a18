"""A cell's evidence: which effects it is about, block by block, and what they prove about its bound."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import replace

import pytest

from parlab.orchestrator.analysis.claims.cells import Cell, claim_cells
from parlab.orchestrator.analysis.claims.evidence import Evidence, Trials, directed, evidence, silence
from parlab.orchestrator.plan.model import Configuration, Group, Plan
from parlab.orchestrator.store.observation import Observation
from tests.support.claim_cases import by_strategy, node, plan_of, trials_of

CLAIM = '[[claim]]\nid = "mine"\ntext = "So it is."\n'
SUM = '[[claim.workload]]\nname = "integer_sum"\nsteps = 1000\n'
CONTRAST = '[[claim.contrast]]\nof = "threads"\nagainst = "processes"\nbound = 2\nsupports = "above"\n'
COUNTER = '[[claim.scenario]]\nname = "counter"\n[[claim.contrast]]\nof = "thread"\n'
VALUE = COUNTER + 'rule = "value"\nmeasure = "lost_updates"\nbound = 0.5\nsupports = "above"\n'


def cell_of(plan: Plan) -> Cell:
    ((_, _, (cell,)),) = claim_cells(plan, {})
    return cell


def trials(plan: Plan, observations: Sequence[Observation]) -> Trials:
    return Trials(observations, {c.id for group in plan.groups for c in group.configurations})


def said(plan: Plan, observations: Sequence[Observation], most: int | None = None) -> Evidence:
    return evidence(cell_of(plan), trials(plan, observations), most)


# One side of a bound


def test_evidence_is_that_of_the_count_where_it_is_more_than_half() -> None:
    assert directed(6, 6) == pytest.approx(14.44, abs=0.01)
    assert directed(7, 7) == pytest.approx(26.81, abs=0.01)
    assert directed(17, 20) == pytest.approx(39.04, abs=0.01)
    assert directed(30, 40) == pytest.approx(23.44, abs=0.01)


@pytest.mark.parametrize("blocks", [0, 1, 2, 5, 12, 40])
def test_there_is_none_up_to_half_and_it_grows_with_the_count_above(blocks: int) -> None:
    found = [directed(count, blocks) for count in range(blocks + 1)]
    assert all(e == 0.0 for e in found[: blocks // 2 + 1])
    assert found[blocks // 2 + 1 :] == sorted(set(found[blocks // 2 + 1 :]))


def test_thousands_of_blocks_on_one_side_are_a_number_still() -> None:
    assert math.isfinite(directed(5000, 5000))


def reached(chance: float, alpha: float, blocks: int, *, both: bool = False) -> float:
    """Give the chance that directed evidence ever reaches 1/α, with a look after each block: exactly."""
    going, ever = {0: 1.0}, 0.0
    for n in range(1, blocks + 1):
        after: dict[int, float] = {}
        for count, mass in going.items():
            for more, share in ((0, 1 - chance), (1, chance)):
                after[count + more] = after.get(count + more, 0.0) + mass * share
        there = {
            count
            for count in after
            if directed(count, n) >= 1 / alpha or (both and directed(n - count, n) >= 1 / alpha)
        }
        ever += math.fsum(after.pop(count) for count in there)
        going = after
    return ever


@pytest.mark.parametrize("alpha", [0.2, 0.05, 0.05 / 16, 0.05 / 48])
def test_it_is_never_above_what_a_fair_coin_allows_whenever_one_looks(alpha: float) -> None:
    # The least that the null hypothesis allows to be against it: an effect lies there every other time.
    assert reached(0.5, alpha, 300) <= alpha / 2
    # To both sides together, which is what a claim of one cell can be wrong by, and no more.
    assert alpha / 4 < reached(0.5, alpha, 300, both=True) <= alpha
    assert reached(0.45, alpha, 300) < reached(0.5, alpha, 300)


def test_a_coin_that_is_not_fair_is_found_which_shows_that_this_can_fail() -> None:
    assert reached(0.6, 0.05, 300) > 10 * 0.05


def test_effects_that_equal_the_bound_count_to_neither_side() -> None:
    plan = plan_of(CLAIM + VALUE)
    found = said(plan, trials_of(plan, 9, lambda *_: 0.5))
    assert found.effects == (0.5,) * 9
    assert (found.towards, found.away) == (0.0, 0.0)
    assert said(plan, trials_of(plan, 9, lambda *_: 0.5000001)).towards == directed(9, 9)
    assert said(plan, trials_of(plan, 9, lambda *_: 0.4999999)).away == directed(9, 9)


def test_which_side_is_the_claims_is_the_claims_to_say() -> None:
    plan = plan_of(CLAIM + VALUE.replace('"above"', '"below"'))
    found = said(plan, trials_of(plan, 9, by_strategy(thread=0.9)))
    assert (found.towards, found.away) == (0.0, directed(9, 9))


# Which effects


def test_a_ratio_is_how_many_times_as_good_the_one_side_is() -> None:
    plan = plan_of(CLAIM + SUM + CONTRAST)
    found = said(
        plan, trials_of(plan, 8, lambda _, c, *__: {"threads": 1.0, "processes": 3.0}.get(c.strategy))
    )
    assert found.effects == pytest.approx([math.log(3)] * 8)
    assert (found.bound, found.towards, found.away) == (math.log(2), directed(8, 8), 0.0)


def test_where_more_is_better_it_is_turned_round() -> None:
    lines = (
        '[[claim.scenario]]\nname = "ipc"\n[[claim.contrast]]\nof = "thread-queue"\nagainst = "mp-queue"\n'
        'measure = "ipc_bandwidth"\nbound = 2\nsupports = "above"\n'
    )
    plan = plan_of(CLAIM + lines)
    level = {"thread-queue": 6.0, "mp-queue": 2.0}
    found = said(plan, trials_of(plan, 7, lambda _, c, *__: level[c.strategy]))
    assert found.effects == pytest.approx([math.log(3)] * 7)


def test_a_reading_is_looked_at_where_one_is_named() -> None:
    plan = plan_of(CLAIM + SUM + CONTRAST + 'measure = "cpu_user"\n')
    observations = [
        replace(o, readings={"cpu_user": 2.0 if "processes" in name(plan, o) else 1.0})
        for o in trials_of(plan, 7, by_strategy(serial=1, threads=1, processes=9))
    ]
    assert said(plan, observations).effects == pytest.approx([math.log(2)] * 7)


def name(plan: Plan, observation: Observation) -> str:
    return next(c.label for g in plan.groups for c in g.configurations if c.id == observation.configuration)


def test_of_a_set_the_best_in_each_block_counts() -> None:
    ways = '{ name = "threads", max_workers = ["cpus", "2*cpus"] }'
    against = '{ name = "processes", max_workers = ["cpus", "2*cpus"] }'
    plan = plan_of(CLAIM + SUM + CONTRAST.replace('"threads"', ways).replace('"processes"', against))

    def level(group: Group, configuration: Configuration, index: int, draw: random.Random) -> float:
        del group, draw
        # Which one is best changes from block to block; its level does not.
        slow = 5.0 if (configuration.max_workers == 2) == (index % 2 == 0) else 1.0
        return slow * {"serial": 1.0, "threads": 1.0, "processes": 3.0}[configuration.strategy]

    assert said(plan, trials_of(plan, 8, level)).effects == pytest.approx([math.log(3)] * 8)


def drifting(levels: dict[str, float]) -> list[float]:
    """Measure in sittings of which each has a level of its own, and give the effects."""
    plan = plan_of(f"sitting_size = 2\n{CLAIM}{SUM}{CONTRAST}")
    drift: dict[str, float] = {}
    draw = random.Random(3)
    observations = [
        replace(o, seconds=o.seconds * drift.setdefault(o.sitting, math.exp(draw.gauss(0, 1))))
        for o in trials_of(plan, 6, lambda _, c, *__: levels[c.strategy])
        if o.seconds is not None
    ]
    assert len(drift) == 12, "two sittings in each block"
    return list(said(plan, observations).effects)


def test_trials_of_several_sittings_are_compared_by_the_baseline_that_each_has() -> None:
    assert drifting({"serial": 2.0, "threads": 1.0, "processes": 3.0}) == pytest.approx([math.log(3)] * 6)


def test_a_block_that_lacks_a_trial_is_not_counted() -> None:
    plan = plan_of(CLAIM + SUM + CONTRAST)

    def level(group: Group, configuration: Configuration, index: int, draw: random.Random) -> float | None:
        del group, draw
        lost = {2: "threads", 3: "processes", 4: "serial"}.get(index)
        return None if configuration.strategy == lost else 1.0 + index

    # The baseline of block 4 is in neither side.
    assert len(said(plan, trials_of(plan, 8, level)).effects) == 6


def test_a_trend_is_how_the_ratio_changes_from_one_end_to_the_other() -> None:
    lines = '[[claim.workload]]\nname = "payload"\nbytes_in = [10, 1000]\n'
    plan = plan_of(CLAIM + lines + CONTRAST + 'rule = "trend"\nover = "bytes_in"\n')

    def level(group: Group, configuration: Configuration, index: int, draw: random.Random) -> float | None:
        del draw
        large = group.workload.parameters["bytes_in"] == 1000
        if large and index == 5:
            return None
        return {"serial": 1.0, "threads": 1.0, "processes": 12.0 if large else 4.0}[configuration.strategy]

    found = said(plan, trials_of(plan, 8, level))
    # Block 5 has one end only.
    assert found.effects == pytest.approx([math.log(3)] * 7)
    assert (found.bound, found.towards) == (math.log(2), directed(7, 7))


def test_a_value_is_one_per_block() -> None:
    plan = plan_of(CLAIM + VALUE)
    observations = trials_of(plan, 8, lambda _, __, index, ___: index / 10)
    assert said(plan, [*observations[4:], *observations[:4]]).effects == pytest.approx(
        [i / 10 for i in range(8)]
    )


def test_by_the_fixed_rule_the_first_blocks_count_and_no_more() -> None:
    plan = plan_of(CLAIM + VALUE)
    observations = trials_of(plan, 12, lambda _, __, index, ___: 0.9 if index < 8 else 0.1)
    assert said(plan, observations, 8).effects == (0.9,) * 8
    assert said(plan, observations, 8).towards == directed(8, 8)
    assert len(said(plan, observations).effects) == 12


def test_builds_are_not_mixed() -> None:
    plan = plan_of(CLAIM + VALUE, node(versions=("3.11.7", "3.13.5t")))
    levels = {"3.11.7": 0.1, "3.13.5t": 0.9}
    observations = trials_of(plan, 7, lambda _, c, *__: levels[c.python])
    both = [evidence(cell, trials(plan, observations)) for _, _, (cell,) in claim_cells(plan, {})]
    assert [(one.towards, one.away) for one in both] == [(0.0, directed(7, 7)), (directed(7, 7), 0.0)]


# Nothing to look at


def test_a_reading_that_no_trial_gives_is_told_with_its_reason_once_there_are_blocks_enough() -> None:
    plan = plan_of(CLAIM + VALUE)

    def blind(blocks: int) -> str | None:
        observations = [
            replace(o, readings={}, unread={"lost_updates": "no counter here"})
            for o in trials_of(plan, blocks, lambda *_: 0.5)
        ]
        return silence(cell_of(plan), trials(plan, observations))

    assert blind(4) is None
    assert blind(5) == "no trial gave lost_updates: no counter here"


def test_what_is_0_has_no_ratio_and_says_so() -> None:
    plan = plan_of(CLAIM + SUM + CONTRAST + 'measure = "cpu_user"\n')
    observations = [
        replace(o, readings={"cpu_user": 0.0 if "processes" in name(plan, o) else 1.0})
        for o in trials_of(plan, 7, by_strategy(serial=1, threads=1, processes=9))
    ]
    assert said(plan, observations).effects == ()
    assert (
        silence(cell_of(plan), trials(plan, observations))
        == "there was no sitting in which both sides were above 0"
    )
