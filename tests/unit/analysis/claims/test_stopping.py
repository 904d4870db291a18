"""Blocks enough for claims: what is settled is measured no more, what is open goes on."""

from __future__ import annotations

import math
import random

from parlab.orchestrator.analysis.claims.judging import claims_of, needed_groups
from parlab.orchestrator.analysis.measurements import Measurements
from parlab.orchestrator.analysis.summary import summarize
from parlab.orchestrator.control.lifecycle import _done_reason
from parlab.orchestrator.plan.model import Configuration, Group
from tests.support.claim_cases import FOUR, ONE, failures, faster, plan_of, trials_of


def test_what_a_settled_claim_is_about_needs_no_more_blocks() -> None:
    plan = plan_of(ONE + FOUR)
    observations = trials_of(plan, 12, faster(zlib=2.0, bz2=1.1, integer_sum=1.0))
    finding = summarize(Measurements(plan, observations))
    assert {claim.claim: claim.word for claim in finding.claims} == {"one": "supported", "four": "unresolved"}
    done = {group.label: group.done for group in finding.groups}
    assert done.pop("integer_sum")
    # A cell that alone could bring a word waits for the others.
    assert {label for label, enough in done.items() if not enough} == {
        label for label in done if "bz2" in label
    }
    assert not finding.done


def test_cells_that_are_certain_each_go_on_until_they_are_evidence_enough_that_the_claim_depends() -> None:
    plan = plan_of(FOUR.replace("[1000, 100000]", "1000"))
    words = []
    for blocks in (8, 9):
        claims = claims_of(Measurements(plan, trials_of(plan, blocks, faster(zlib=1.0, bz2=1.9))))
        (claim,) = claims
        words.append(claim.word)
        assert {cell.side for cell in claim.cells} == {"towards", "away"}
        assert set(needed_groups(claims).values()) == {claim.word == "unresolved"}
    assert words == ["unresolved", "depends"]


def test_a_group_is_measured_as_long_as_one_claim_needs_it() -> None:
    other = ONE.replace('"one"', '"other"').replace('of = "threads"', 'of = "processes"')
    plan = plan_of(ONE + other)
    observations = trials_of(plan, 9, faster(integer_sum=1.1))
    claims = claims_of(Measurements(plan, observations))
    assert [claim.word for claim in claims] == ["supported", "unresolved"]
    assert list(needed_groups(claims).values()) == [True]


def test_a_group_that_no_claim_is_about_stops_by_its_comparisons() -> None:
    lines = '[[workload]]\nname = "wait"\n[[strategy]]\nname = "serial"\n[[strategy]]\nname = "threads"\n'
    plan = plan_of(lines + ONE)

    def level(group: Group, configuration: Configuration, index: int, draw: random.Random) -> float:
        noise = 0.3 if group.workload.name == "wait" else 0.01
        return math.exp(draw.gauss(0, noise))

    finding = summarize(Measurements(plan, trials_of(plan, 9, level)))
    assert {group.label: group.done for group in finding.groups} == {"wait": False, "integer_sum": True}


def test_no_more_blocks_are_measured_than_were_asked_for() -> None:
    plan = plan_of(FOUR + "[stop]\nblocks = 9\n")
    finding = summarize(Measurements(plan, trials_of(plan, 9, faster(zlib=1.1, bz2=1.1))))
    assert finding.done
    assert _done_reason(finding) == "all requested blocks are done; 1 of its claims is unresolved"


def test_a_run_whose_claims_have_their_words_is_done_however_wide_its_comparisons_are() -> None:
    plan = plan_of(ONE + "[stop]\nprecision = 0.001\n")
    finding = summarize(Measurements(plan, trials_of(plan, 9, faster(integer_sum=1.0))))
    assert finding.done
    assert _done_reason(finding) == "every claim is settled"


def test_a_group_whose_baseline_has_failed_is_not_waited_for() -> None:
    plan = plan_of(FOUR)
    finding = summarize(
        Measurements(plan, trials_of(plan, 3, faster(zlib=2.0, bz2=2.0)), failed=failures(plan, "serial"))
    )
    assert finding.claims[0].word == "unresolved"
    assert finding.done


def test_by_the_fixed_rule_later_blocks_change_no_word() -> None:
    plan = plan_of(ONE + '[stop]\nrule = "fixed"\nblocks = 8\n')
    first = trials_of(plan, 8, faster(integer_sum=1.0))

    def slow(group: Group, configuration: Configuration, index: int, draw: random.Random) -> float:
        del group, index, draw
        return 0.1 if configuration.strategy == "threads" else 1.0

    (claim,) = claims_of(Measurements(plan, [*first, *trials_of(plan, 20, slow, first=8)]))
    assert (claim.word, claim.cells[0].blocks) == ("supported", 8)
