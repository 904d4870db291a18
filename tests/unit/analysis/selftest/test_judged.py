"""Findings of a self-test over runs whose truth is known."""

from __future__ import annotations

import math
import random
import statistics
from dataclasses import replace

import pytest

from parlab.orchestrator.analysis.findings.selftest import SelfTestFinding
from parlab.orchestrator.analysis.selftest.judged import LIMIT_BLOCKS, is_self_test, self_tests
from parlab.orchestrator.experiment.file import load
from parlab.orchestrator.experiment.model import Experiment
from parlab.orchestrator.statistics import inference
from tests.support.selftest_cases import node, observations, plan_of, sittings

PLAN = plan_of()


def found(blocks: int, **how: float) -> SelfTestFinding:
    seen = observations(PLAN, blocks, **how)  # type: ignore[arg-type]
    (finding,) = self_tests(PLAN, seen, sittings(seen))
    return finding


@pytest.fixture(scope="module")
def long() -> SelfTestFinding:
    return found(800, sd=0.05)


def test_the_experiment_that_ships_is_known_by_what_it_measures() -> None:
    shipped = load("self-test")
    assert is_self_test(shipped)
    assert not is_self_test(load("smoke"))
    # Anybody may call an experiment so.
    assert not is_self_test(replace(load("smoke"), name="self-test"))
    assert shipped.stop.rule == "fixed", "it runs to its budget, with all configurations in each block"


def test_three_strategies_and_the_loop_are_entered_twice(long: SelfTestFinding) -> None:
    assert [pair.label for pair in long.pairs] == [
        "serial",
        "threads ×2",
        "processes ×2 forkserver",
        "planted loop",
    ]
    assert {pair.blocks for pair in long.pairs} == {800}


def test_of_what_is_equal_few_are_called_different_and_every_try_is_counted(long: SelfTestFinding) -> None:
    assert long.wrong is not None
    assert long.wrong.tried == 4 * 800 // 20
    assert sum(pair.wrong.count for pair in long.pairs if pair.wrong) == long.wrong.count
    assert long.wrong.ratio <= 0.05
    assert not long.is_wrong_too_often


def test_a_machine_on_which_the_second_of_two_is_slower_is_a_problem() -> None:
    bad = found(200, sd=0.05, twice_slower=0.05)
    assert bad.wrong is not None
    assert bad.wrong.low > 0.05
    assert bad.is_wrong_too_often


def test_three_of_four_wrong_are_no_proof_and_thirteen_of_forty_are() -> None:
    good = found(40, sd=0.05)
    assert good.wrong is not None
    assert not replace(good, wrong=replace(good.wrong, low=0.049)).is_wrong_too_often
    assert replace(good, wrong=replace(good.wrong, low=0.051)).is_wrong_too_often
    assert not replace(good, wrong=None).is_wrong_too_often


def test_blocks_that_follow_each_other_are_told_and_wrong_more_often(long: SelfTestFinding) -> None:
    assert long.dependent_pairs == ()
    following = found(800, sd=0.05, follows=0.6)
    assert len(following.dependent_pairs) == 4
    for pair in following.pairs:
        assert pair.autocorrelation is not None
        assert pair.autocorrelation[0] == pytest.approx(0.6, abs=0.15)
    assert following.wrong is not None
    assert long.wrong is not None
    assert following.wrong.ratio > 2 * max(long.wrong.ratio, 0.02)


def test_the_block_sd_is_the_one_that_was_drawn(long: SelfTestFinding) -> None:
    for pair in long.pairs:
        assert pair.spread is not None
        assert pair.spread.low is not None
        assert pair.spread.high is not None
        assert pair.spread.low < 0.05 < pair.spread.high
        assert pair.spread.high - pair.spread.low < 0.01


def test_planted_slowdowns_are_found_as_often_as_is_to_be_expected(long: SelfTestFinding) -> None:
    assert [one.slowdown_ratio for one in long.planted] == [0.02, 0.05, 0.10]
    for one in long.planted:
        assert one.limit_blocks == LIMIT_BLOCKS[round(100 * one.slowdown_ratio)]
        assert one.seen_ratio == pytest.approx(one.slowdown_ratio, abs=0.01)
        assert one.found is not None
        assert one.expected_ratio is not None
        error = math.sqrt(max(one.expected_ratio * (1 - one.expected_ratio), 0.01) / one.found.tried)
        assert one.found.ratio == pytest.approx(one.expected_ratio, abs=4 * error)
        assert one.wrong_sign is not None
        assert one.wrong_sign.count == 0
    two, five, ten = long.planted
    assert ten.median_blocks is not None
    assert five.median_blocks is not None
    assert ten.median_blocks < five.median_blocks
    assert ten.found is not None
    assert two.found is not None
    assert ten.found.tried > two.found.tried


def test_what_is_slower_and_comes_out_faster_is_a_wrong_sign() -> None:
    turned = found(200, sd=0.05, times={"slower-10-percent": -1.0})  # type: ignore[arg-type]
    (ten,) = [one for one in turned.planted if one.slowdown_ratio == 0.10]
    assert ten.found is not None
    assert ten.wrong_sign is not None
    assert ten.found.count == 0
    assert ten.wrong_sign.ratio > 0.9
    assert ten.median_blocks is None


def test_a_run_shorter_than_a_try_may_be_has_one_try_and_says_of_how_many_blocks() -> None:
    short = found(60, sd=0.05)
    two = short.planted[0]
    assert two.limit_blocks == 60
    assert two.found is not None
    assert two.found.tried == 1
    # Expected is what the limit that is asked for would give.
    assert two.expected_ratio == pytest.approx(found(800, sd=0.05).planted[0].expected_ratio, abs=0.25)


def test_too_few_blocks_have_no_figures_and_none_at_all_is_no_zero() -> None:
    few = found(6)
    assert (few.wrong, few.t_test_wrong, few.precision) == (None, None, ())
    assert all((pair.autocorrelation, pair.spread) == (None, None) for pair in few.pairs)
    assert all(one.seen_ratio is None for one in few.planted)
    assert all((one.found, one.limit_blocks, one.expected_ratio) == (None, None, None) for one in few.planted)
    (nothing,) = self_tests(PLAN, [], {})
    assert all(pair.spread is None and pair.blocks == 0 for pair in nothing.pairs)
    assert all(one.seen_ratio is None for one in nothing.planted)
    assert (nothing.block_seconds, nothing.trials) == (None, 0)


def test_an_experiments_block_is_as_many_trials_of_its_own_length(long: SelfTestFinding) -> None:
    # 2.4 s for six trials with about 0.15 s of rounds each: a quarter of a second besides them.
    assert long.block_seconds == pytest.approx(
        long.configurations * (Experiment.trial_seconds + 0.25), rel=0.1
    )
    assert [one.seconds for one in long.precision] == [60, 300, 900]


def test_precision_is_that_of_one_of_three_intervals_which_share_the_error_rate(
    long: SelfTestFinding,
) -> None:
    draw = random.Random(2)
    for one in long.precision:
        widths = []
        for _ in range(100):
            low, high = inference.interval([draw.gauss(0, 0.05) for _ in range(one.blocks)], 0.05 / 3)
            widths.append(math.expm1((high - low) / 2))
        assert one.half_width_ratio == pytest.approx(statistics.fmean(widths), rel=0.1)


def test_rejected_trials_are_counted_by_cause_and_void_their_block() -> None:
    seen = observations(PLAN, 30)
    group = PLAN.groups[0]
    first = group.configurations[0].id
    disturbed = [
        replace(o, outcome="rejected", cause="steal", seconds=None)
        if o.configuration == first and o.block < 3
        else o
        for o in seen
    ]
    (finding,) = self_tests(PLAN, disturbed, sittings(seen))
    assert finding.not_counted == {"steal": 3}
    assert finding.trials == len(seen)
    assert [pair.blocks for pair in finding.pairs] == [27, 30, 30, 30]


def test_each_node_and_build_has_figures_of_its_own() -> None:
    plan = plan_of(node("a", ("3.11.7", "3.13.5t"), "h1"), node("b", ("3.14.0",), "h2"))
    seen = observations(plan, 40)
    findings = self_tests(plan, seen, sittings(seen))
    assert [(f.host, f.node, f.python) for f in findings] == [
        ("h1", "a", "3.11.7"),
        ("h1", "a", "3.13.5t"),
        ("h2", "b", "3.14.0"),
    ]
    assert {f.trials for f in findings} == {40 * 11}
    assert len({f.pairs[0].spread for f in findings}) == 3
