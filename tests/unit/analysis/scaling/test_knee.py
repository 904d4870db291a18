"""Curves and their knees: which count is enough, and how surely."""

from __future__ import annotations

from dataclasses import replace

import pytest

from parlab.orchestrator.experiment.model import Stop
from parlab.orchestrator.plan.model import Skip
from parlab.orchestrator.store.observation import Observation
from parlab.orchestrator.store.records import Failure
from parlab.workers.wire.spec import Gil
from tests.support.scaling_cases import Counted, Swept, configuration, found, observed, plan_of, scaled

#: Up to 4 workers, each helps; beyond, none does.
PLATEAU = {1: 1.0, 2: 1.95, 4: 3.8, 8: 3.82, 16: 3.81}


def swept(speed_ups: dict[int, float], strategy: str = "processes", python: str = "3.11.7") -> Swept:
    return Swept(strategy, {n: Counted(s) for n, s in speed_ups.items()}, python)


def test_the_knee_is_the_smallest_count_that_ties_with_the_best() -> None:
    knee = scaled(PLATEAU, 25, noise=0.01).knee
    assert (knee.max_workers, knee.relation, knee.tied) == (4, "tied", 4)
    assert knee.best in (8, 16)
    assert knee.ratio is not None
    assert knee.ratio.low is not None
    assert knee.ratio.high is not None
    # Within the margin of 5 %, at the level of as many comparisons as there are other points.
    assert 1 / 1.05 <= knee.ratio.low <= 3.8 / 3.82 <= knee.ratio.high <= 1.05
    assert knee.ratio.level == pytest.approx(1 - 0.05 / 4)


def test_a_count_that_noise_leaves_open_is_not_called_tied() -> None:
    knee = scaled(PLATEAU, 12, noise=0.08).knee
    assert (knee.max_workers, knee.relation) == (4, "not distinguished")
    assert knee.ratio is not None
    assert knee.ratio.low is not None
    assert knee.ratio.low < 1 / 1.05
    # The best itself is the smallest that is known to be as good.
    assert knee.tied == knee.best


def test_a_lead_outside_of_the_margin_is_no_tie() -> None:
    knee = scaled({1: 1.0, 2: 1.95, 4: 3.4, 8: 3.8}, 25, noise=0.01).knee
    assert (knee.max_workers, knee.relation, knee.best) == (8, "best", 8)
    assert knee.ratio is None
    assert knee.close == ()


def test_where_more_workers_only_slow_down_one_is_enough() -> None:
    knee = scaled({1: 0.99, 2: 0.93, 4: 0.85, 8: 0.8}, 25, noise=0.01, strategy="threads").knee
    assert (knee.max_workers, knee.relation, knee.best) == (1, "best", 1)


def test_the_best_says_which_larger_counts_may_be_as_good() -> None:
    knee = scaled({2: 1.9, 4: 1.85, 8: 0.5}, 14, noise=0.1).knee
    assert (knee.max_workers, knee.relation, knee.close) == (2, "best", (4,))


@pytest.mark.parametrize("blocks", [1, 2, 6])
def test_below_seven_blocks_there_is_no_knee_and_the_reason(blocks: int) -> None:
    knee = scaled(PLATEAU, blocks).knee
    assert (knee.max_workers, knee.relation, knee.ratio) == (None, None, None)
    assert knee.reason is not None
    what = "1 block gives" if blocks == 1 else f"{blocks} blocks give"
    assert knee.reason == f"{what} no interval at the level that is needed; 9 would"
    assert knee.best in PLATEAU


def test_blocks_that_suffice_for_two_counts_may_not_for_five() -> None:
    # 7 blocks have an interval at 5 %, and none at the level of 4 comparisons.
    assert scaled({1: 1.0, 2: 1.95}, 7).knee.max_workers == 2
    assert scaled(PLATEAU, 7).knee.max_workers is None


def test_what_declared_verdicts_put_behind_needs_no_interval_of_its_own() -> None:
    # 7 blocks again, but only the smallest counts are in question, and those are declared slower.
    knee = scaled({1: 1.0, 2: 1.9, 4: 3.4, 8: 6.0, 16: 9.0}, 7, noise=0.002).knee
    assert (knee.max_workers, knee.relation) == (16, "best")


def test_the_fixed_rule_waits_for_its_blocks() -> None:
    stop = Stop(rule="fixed", blocks=12)
    early = scaled(PLATEAU, 9, stop=stop).knee
    assert early.max_workers is None
    assert early.reason == "9 blocks give no result yet: the fixed rule waits for 12"
    assert scaled(PLATEAU, 12, stop=stop).knee.max_workers == 4


def test_a_single_count_is_no_curve() -> None:
    one = [swept({4: 3.8})]
    plan = plan_of(one)
    assert found(plan, observed(plan, one, 9)) == ()


def test_without_a_block_there_is_no_curve() -> None:
    assert found(plan_of([swept(PLATEAU)]), []) == ()


def test_points_show_the_intervals_of_the_runs_own_comparisons() -> None:
    finding = scaled(PLATEAU, 12)
    point = finding.points[1]
    assert (point.max_workers, point.verdict, point.blocks) == (2, "faster", 12)
    assert point.interval is not None
    assert point.interval.ratio == pytest.approx(point.speed_up)
    # Four declared of five comparisons (×1 is not): the run's level, not that of the knee.
    assert point.interval.level == pytest.approx(1 - 0.05 * 4 / 5)
    assert point.efficiency == pytest.approx(point.speed_up / 2)


def test_each_build_has_its_own_curve_against_its_own_serial() -> None:
    both = [swept({1: 1.0, 2: 0.9}, "threads"), swept({1: 1.0, 2: 1.9}, "threads", "3.13.5t")]
    plan = plan_of(both)
    # The second build is slower by half, which is none of its speed-up.
    observations = [
        replace(o, seconds=o.seconds * 1.5) if o.seconds and "3.13.5t" in o.configuration else o
        for o in observed(plan, both, 12)
    ]
    first, second = found(plan, observations)
    assert (first.python, second.python) == ("3.11.7", "3.13.5t")
    assert first.points[1].speed_up == pytest.approx(0.9, rel=0.02)
    assert second.points[1].speed_up == pytest.approx(1.9, rel=0.02)
    assert (first.knee.max_workers, second.knee.max_workers) == (1, 2)


def test_strategies_and_options_are_curves_by_themselves() -> None:
    two = [swept(PLATEAU), swept({1: 1.0, 4: 0.9}, "threads")]
    plan = plan_of(two)
    assert [f.label for f in found(plan, observed(plan, two, 9))] == ["processes", "threads"]


def test_a_failed_count_is_left_out_with_its_reason_and_the_rest_remains_a_curve() -> None:
    one = [swept(PLATEAU)]
    skip = Skip(configuration("processes", 32), "too many open files")
    plan = plan_of(one, skipped=[skip])
    failed = {"processes-16-3.11.7-None": Failure("processes-16-3.11.7-None", "it raised", None, 0.0)}
    (finding,) = found(plan, observed(plan, one, 25), failed)
    assert [point.max_workers for point in finding.points] == [1, 2, 4, 8]
    assert finding.left_out == ("processes ×16: it raised", "processes ×32: too many open files")
    assert finding.knee.max_workers == 4


def test_a_serial_strategy_that_failed_is_nothing_to_compare_with() -> None:
    one = [swept(PLATEAU)]
    plan = plan_of(one)
    name = "serial-1-3.11.7-None"
    (finding,) = found(plan, observed(plan, one, 12), {name: Failure(name, "it raised", None, 0.0)})
    assert (finding.reference, finding.against_serial) == ("processes ×1", False)
    # The run compares with serial; no interval of that belongs to these figures.
    assert {point.interval for point in finding.points} == {None}
    assert finding.points[1].speed_up == pytest.approx(1.95, rel=0.02)


def test_rejected_trials_do_not_count() -> None:
    one = [swept(PLATEAU)]
    plan = plan_of(one)

    def spoilt(o: Observation) -> Observation:
        bad = o.block < 4 and o.configuration.startswith("processes-2-")
        return replace(o, outcome="rejected", cause="steal", seconds=None) if bad else o

    (finding,) = found(plan, [spoilt(o) for o in observed(plan, one, 12)])
    assert [point.blocks for point in finding.points] == [12, 8, 12, 12, 12]


@pytest.mark.parametrize(
    ("python", "gil", "on"),
    [
        ("3.11.7", None, True),
        ("3.13.5t", None, False),
        ("3.13.5t", "on", True),
        ("3.13.5t#2", None, False),
        ("3.13.5#2", None, True),
    ],
)
def test_the_gil_is_as_asked_for_else_as_the_build_has_it(python: str, gil: Gil | None, on: bool) -> None:
    assert configuration("threads", 2, python, gil).gil_is_on is on
