"""Words for claims, from trials with effects that are known: the data give each, and nothing else does."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from dataclasses import replace

import pytest

from parlab.orchestrator.analysis.claims.evidence import Evidence, directed
from parlab.orchestrator.analysis.claims.judging import claims_of, likeliest, words_of
from parlab.orchestrator.analysis.findings.claims import CellFinding, ClaimFinding
from parlab.orchestrator.analysis.measurements import Measurements
from parlab.orchestrator.analysis.summary import summarize
from parlab.orchestrator.plan.model import Configuration, Group, Plan
from parlab.orchestrator.store.records import Failure
from tests.support.claim_cases import FOUR, LOST, ONE, Level, failures, faster, node, plan_of, trials_of


def only(plan: Plan, blocks: int, level: Level, failed: Mapping[str, Failure] | None = None) -> ClaimFinding:
    (claim,) = claims_of(Measurements(plan, trials_of(plan, blocks, level), failed=failed or {}))
    return claim


def sides(claim: ClaimFinding) -> dict[str, str]:
    return {str(cell.conditions["algorithm"]): cell.side for cell in claim.cells}


# Words


def test_a_claim_that_holds_in_all_its_conditions_is_supported() -> None:
    claim = only(plan_of(FOUR), 9, faster(zlib=2.0, bz2=1.9))
    assert claim.word == "supported"
    assert {cell.side for cell in claim.cells} == {"towards"}
    assert claim.depends_on is None
    assert claim.e_value == directed(9, 9) / 2
    assert claim.sentence.startswith("True in all 4 conditions, least clearly in: compress(algorithm=")


def test_one_that_fails_in_all_of_them_is_refuted() -> None:
    claim = only(plan_of(FOUR), 9, faster(zlib=1.0, bz2=0.9))
    assert claim.word == "refuted"
    assert {cell.side for cell in claim.cells} == {"away"}


def test_one_that_holds_here_and_fails_there_depends_and_says_on_what() -> None:
    claim = only(plan_of(FOUR), 12, faster(zlib=1.0, bz2=1.9))
    assert claim.word == "depends"
    assert claim.depends_on == "algorithm"
    assert sides(claim) == {"zlib": "away", "bz2": "towards"}
    assert claim.sentence.startswith("True where algorithm is bz2: compress(algorithm=bz2, size=")


def test_one_that_is_exactly_at_its_bound_has_no_word() -> None:
    claim = only(plan_of(FOUR), 12, faster(zlib=1.1, bz2=1.1))
    assert claim.word == "unresolved"


def test_before_there_is_evidence_enough_there_is_no_word() -> None:
    plan = plan_of(ONE)
    words = [only(plan, blocks, faster(integer_sum=1.0)).word for blocks in range(9)]
    assert words == ["unresolved"] * 7 + ["supported"] * 2
    assert only(plan, 0, faster(integer_sum=1.0)).cells[0].effect is None


def test_several_cells_take_a_block_more() -> None:
    plan = plan_of(FOUR)
    words = [only(plan, blocks, faster(zlib=2.0, bz2=2.0)).word for blocks in range(10)]
    assert words == ["unresolved"] * 8 + ["supported"] * 2


def test_what_one_cell_lacks_the_others_cannot_make_up_for() -> None:
    plan = plan_of(FOUR)

    def level(group: Group, configuration: Configuration, index: int, draw: random.Random) -> float:
        del draw
        hard = group.workload.parameters == {"algorithm": "bz2", "size": 1000}
        doubtful = hard and index % 2 == 0
        return 1.0 if configuration.strategy != "processes" or doubtful else 0.5

    claim = only(plan, 30, level)
    assert claim.word == "unresolved"
    assert [cell.side for cell in claim.cells] == ["towards", "towards", "open", "towards"]


def test_no_word_is_written_down_the_same_claim_turned_round_is_refuted() -> None:
    turned = FOUR.replace('"above"', '"below"')
    assert only(plan_of(turned), 9, faster(zlib=2.0, bz2=1.9)).word == "refuted"
    assert only(plan_of(turned), 9, faster(zlib=1.0, bz2=0.9)).word == "supported"


def test_each_build_has_a_word_of_its_own() -> None:
    plan = plan_of(ONE, node(versions=("3.11.7", "3.13.5t")))

    def level(group: Group, configuration: Configuration, index: int, draw: random.Random) -> float:
        del group, index, draw
        return 0.5 if configuration.strategy == "threads" and configuration.python == "3.13.5t" else 1.0

    claims = claims_of(Measurements(plan, trials_of(plan, 9, level)))
    assert [(claim.python, claim.word) for claim in claims] == [
        ("3.11.7", "supported"),
        ("3.13.5t", "refuted"),
    ]


def test_a_rare_loss_of_updates_in_a_few_blocks_is_no_proof_and_none_at_all_is_one() -> None:
    plan = plan_of(LOST)
    assert only(plan, 12, lambda *_: 0.0).word == "refuted"
    assert only(plan, 12, lambda *_: 0.3).word == "supported"
    claim = only(plan, 12, lambda _, __, index, ___: 0.3 if index % 2 else 0.0)
    assert claim.word == "unresolved"


# The error control


def certain(towards: float = 0.0, away: float = 0.0) -> Evidence:
    return Evidence((), 0.0, towards, away)


def test_the_word_is_the_one_that_there_is_most_evidence_for() -> None:
    assert likeliest([certain(50)]) == ("supported", 50)
    assert likeliest([certain(away=50)]) == ("refuted", 50)
    assert likeliest([certain(50), certain(70)]) == ("supported", 25)
    assert likeliest([certain(away=50), certain(away=70)]) == ("refuted", 25)
    # The means are 200/3 and 100/3, and half of the lesser counts.
    word, e_value = likeliest([certain(100), certain(100), certain(away=100)])
    assert word == "depends"
    assert e_value == pytest.approx(100 / 6)
    assert likeliest([]) == ("skipped", 0.0)


def test_words_stand_by_e_bh_over_all_claims_that_can_be_tried() -> None:
    skipped: list[Evidence] = []
    alone = words_of([[certain(39)], skipped], 0.05)
    assert alone.words == ("supported", "skipped")
    assert alone.alpha == pytest.approx(0.05)
    # Of two, one alone needs 40, and both together 20 each.
    assert words_of([[certain(39)], [certain(0)]], 0.05).words == ("unresolved", "unresolved")
    both = words_of([[certain(39)], [certain(away=21)]], 0.05)
    assert both.words == ("supported", "refuted")
    assert both.alpha == pytest.approx(0.05)
    assert words_of([[certain(39)], [certain(0)]], 0.05).alpha == pytest.approx(0.025)


def test_all_claims_and_builds_of_a_run_are_one_family() -> None:
    one = plan_of(ONE)
    assert only(one, 7, faster(integer_sum=1.0)).word == "supported"
    many = plan_of(
        ONE
        + "".join(LOST.replace('"lost"', f'"lost{i}"').replace("1e-9", str((i + 1) / 1000)) for i in range(4))
    )

    def level(group: Group, configuration: Configuration, index: int, draw: random.Random) -> float:
        del draw
        if not group.workload.scenario:
            return 1.0 if configuration.strategy == "threads" else 0.9
        return float(index % 2)

    words = {c.claim: c.word for c in claims_of(Measurements(many, trials_of(many, 7, level)))}
    assert words == {"one": "unresolved", **{f"lost{i}": "unresolved" for i in range(4)}}


@pytest.mark.parametrize("blocks", [7, 9, 15])
@pytest.mark.parametrize("speed", [1.0, 1.09, 1.1, 1.12, 1.3])
def test_the_interval_of_a_claim_of_one_cell_has_its_bound_in_it_exactly_when_no_word_stands(
    blocks: int, speed: float
) -> None:
    plan = plan_of(ONE + LOST.replace('form = ["augmented", "call"]', 'form = "call"'))

    def level(group: Group, configuration: Configuration, index: int, draw: random.Random) -> float:
        del index
        if group.workload.scenario:
            return draw.gauss(0, 1)
        return math.exp(draw.gauss(0, 0.05)) / (speed if configuration.strategy == "threads" else 1.0)

    for seed in range(20):
        for claim in claims_of(Measurements(plan, trials_of(plan, blocks, level, seed))):
            (cell,) = claim.cells
            low, high = (
                (-math.inf if cell.low is None else cell.low),
                (math.inf if cell.high is None else cell.high),
            )
            assert (low <= cell.bound <= high) == (claim.word == "unresolved")


def test_every_cell_of_a_claim_that_agrees_excludes_its_bound() -> None:
    for claim in (
        only(plan_of(FOUR), 9, faster(zlib=2.0, bz2=1.9)),
        only(plan_of(FOUR), 9, faster(zlib=1.0, bz2=0.9)),
    ):
        assert claim.word != "unresolved"
        for cell in claim.cells:
            assert cell.low is not None
            assert cell.high is not None
            assert not cell.low <= cell.bound <= cell.high


# On what it depends


def cells_by(plan: Plan, level: Level, blocks: int = 12) -> str | None:
    claim = only(plan, blocks, level)
    assert claim.word == "depends"
    return claim.depends_on


def test_what_it_depends_on_is_the_condition_with_the_fewest_values_that_parts_the_cells() -> None:
    plan = plan_of(FOUR.replace("[1000, 100000]", "[1000, 100000, 500000]"))

    def by_size(group: Group, configuration: Configuration, index: int, draw: random.Random) -> float:
        del index, draw
        large = group.workload.parameters["size"] != 1000
        return 0.5 if large and configuration.strategy == "processes" else 1.0

    assert cells_by(plan, by_size) == "size"
    assert cells_by(plan, faster(zlib=0.9, bz2=1.9)) == "algorithm"

    def by_neither(group: Group, configuration: Configuration, index: int, draw: random.Random) -> float:
        del index, draw
        odd = (group.workload.parameters["size"] == 1000) == (group.workload.parameters["algorithm"] == "bz2")
        return 0.5 if odd and configuration.strategy == "processes" else 1.0

    assert cells_by(plan, by_neither) is None


TWO_WORKS = FOUR.replace("[[claim.contrast]]", '[[claim.workload]]\nname = "integer_sum"\n[[claim.contrast]]')


def test_a_parameter_that_only_some_of_the_work_has_is_not_what_it_depends_on() -> None:
    plan = plan_of(TWO_WORKS.replace("[1000, 100000]", "1000"))
    assert cells_by(plan, faster(zlib=1.9, bz2=1.8, integer_sum=1.0)) == "work"


def test_ways_part_cells_too() -> None:
    plan = plan_of(
        ONE + '[[claim.contrast]]\nof = "processes"\nagainst = "serial"\nbound = 1.1\nsupports = "below"\n'
    )
    assert cells_by(plan, faster(integer_sum=2.0)) == "of"


# What is left out


def test_a_cell_that_its_build_cannot_do_is_out_and_the_others_settle_the_claim() -> None:
    plan = plan_of(FOUR)
    claim = only(plan, 9, faster(zlib=1.0, bz2=1.9), failures(plan, "processes", algorithm="zlib"))
    assert claim.word == "supported"
    assert [cell.side for cell in claim.cells] == ["out", "out", "towards", "towards"]
    assert claim.sentence.endswith(
        "(2 of 4 conditions left out: processes ×2 forkserver: no zlib in this Python)."
    )
    assert claim.cells[0].effect is None
    assert claim.cells[0].reason == "processes ×2 forkserver: no zlib in this Python"


def test_a_claim_without_a_cell_is_skipped_and_counts_for_no_error_control() -> None:
    plan = plan_of(ONE + LOST)
    failed = failures(plan, "threads")
    first, second = claims_of(Measurements(plan, trials_of(plan, 9, lambda *_: 1.0), failed=failed))
    assert (first.word, first.e_value) == ("skipped", 0.0)
    assert first.sentence == "Threads ×2: no zlib in this Python."
    assert second.word == "supported"
    assert second.cells[0].level == pytest.approx(1 - 0.05 / 2)


def test_what_no_trial_can_read_is_out_and_not_waited_for() -> None:
    plan = plan_of(LOST)
    blind = [
        replace(o, readings={}, unread={"lost_updates": "nothing to count with"})
        for o in trials_of(plan, 5, lambda *_: 1.0)
    ]
    (claim,) = claims_of(Measurements(plan, blind))
    assert claim.word == "skipped"
    assert claim.sentence == "No trial gave lost_updates: nothing to count with."
    finding = summarize(Measurements(plan, blind))
    assert finding.done


# What a finding says of a cell


def cell(plan: Plan, level: Level, blocks: int = 9) -> CellFinding:
    return only(plan, blocks, level).cells[0]


def test_a_ratio_is_shown_as_one_with_its_interval_and_its_level() -> None:
    found = cell(plan_of(ONE), lambda _, c, *__: 1 / 1.5 if c.strategy == "threads" else 1.0)
    assert (found.effect, found.low, found.high) == pytest.approx((1.5, 1.5, 1.5))
    assert (found.level, found.blocks, found.rule, found.unit) == (0.95, 9, "ratio", "seconds")
    assert (found.of, found.against, found.measure) == ("threads ×2", "serial", "")
    assert (found.e_towards, found.e_away) == (0.0, directed(9, 9))


def test_a_value_is_shown_in_its_unit() -> None:
    found = cell(plan_of(LOST), lambda *_: 0.25)
    assert (found.effect, found.low, found.high, found.unit) == (0.25, 0.25, 0.25, "ratio")
    assert (found.measure, found.better, found.against) == ("lost_updates", "lower", "")


def test_an_interval_that_is_not_finite_yet_has_no_bounds() -> None:
    found = cell(plan_of(LOST), lambda *_: 0.25, blocks=4)
    assert (found.effect, found.low, found.high, found.blocks) == (0.25, None, None, 4)


def test_only_conditions_that_differ_are_told() -> None:
    claim = only(plan_of(FOUR), 9, faster(zlib=2.0, bz2=2.0))
    assert [dict(c.conditions) for c in claim.cells] == [
        {"algorithm": "zlib", "size": 1000},
        {"algorithm": "zlib", "size": 100000},
        {"algorithm": "bz2", "size": 1000},
        {"algorithm": "bz2", "size": 100000},
    ]
