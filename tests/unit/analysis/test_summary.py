"""From observations to verdicts, on data whose answer is known."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import pytest

from parlab.orchestrator.analysis.findings.run import ComparisonFinding, ConfigurationFinding, RunFinding
from parlab.orchestrator.analysis.measurements import Measurements
from parlab.orchestrator.analysis.summary import summarize
from parlab.orchestrator.experiment.model import Stop
from parlab.orchestrator.plan.model import Configuration, Plan
from parlab.orchestrator.store.observation import Observation
from parlab.orchestrator.store.records import Failure
from parlab.workers.wire.result import Calibration
from tests.unit.analysis.conftest import configuration

MakePlan = Callable[..., Plan]
MakeObservations = Callable[..., list[Observation]]

SERIAL = configuration("s", "serial")
THREADS = configuration("t", "threads")
PROCESSES = configuration("p", "processes")
HYBRID = configuration("y", "hybrid")
FOUR = [SERIAL, THREADS, PROCESSES, HYBRID]
LIKE_THE_ARTICLE = {"s": 2.0, "t": 2.3, "p": 1.05, "y": 1.06}


def rows(finding: RunFinding) -> dict[str, ConfigurationFinding]:
    return {row.configuration: row for row in finding.groups[0].configurations}


def compared(finding: RunFinding, name: str) -> ComparisonFinding:
    comparison = rows(finding)[name].comparison
    assert comparison is not None
    return comparison


def summary(plan: Plan, observations: list[Observation], failed: dict[str, str] | None = None) -> RunFinding:
    failures = {name: Failure(name, why, None, 0.0) for name, why in (failed or {}).items()}
    return summarize(Measurements(plan, observations, {"g": Calibration(4, 0.5, None)}, failures))


def test_without_a_block_nothing_is_said(make_plan: MakePlan) -> None:
    finding = summary(make_plan(FOUR), [])
    assert not finding.done
    assert finding.groups[0].sentences == ()
    assert {row.best for row in rows(finding).values()} == {None}
    assert compared(finding, "t").speed_up is None
    assert compared(finding, "t").verdict == "unresolved"


def test_six_blocks_give_no_verdict_however_clear_they_are(
    make_plan: MakePlan, make_observations: MakeObservations
) -> None:
    finding = summary(make_plan(FOUR), make_observations(LIKE_THE_ARTICLE, 6))
    assert {compared(finding, name).verdict for name in "tpy"} == {"unresolved"}
    speed_up = compared(finding, "p").speed_up
    assert speed_up is not None
    assert speed_up.low is None
    assert finding.declared == 0


def test_clear_differences_are_declared_with_the_interval_of_their_number(
    make_plan: MakePlan, make_observations: MakeObservations
) -> None:
    finding = summary(make_plan(FOUR), make_observations(LIKE_THE_ARTICLE, 9))
    assert {name: compared(finding, name).verdict for name in "tpy"} == {
        "t": "slower",
        "p": "faster",
        "y": "faster",
    }
    assert (finding.comparisons, finding.declared, finding.done) == (3, 3, True)
    speed_up = compared(finding, "p").speed_up
    assert speed_up is not None
    assert speed_up.ratio == pytest.approx(2.0 / 1.05, rel=0.03)
    assert speed_up.level == pytest.approx(0.95)
    assert speed_up.low is not None
    assert speed_up.high is not None
    assert speed_up.low < 2.0 / 1.05 < speed_up.high
    assert speed_up.blocks == 9


def test_an_interval_excludes_one_exactly_when_its_verdict_stands(
    make_plan: MakePlan, make_observations: MakeObservations
) -> None:
    for seed in range(12):
        observations = make_observations(
            {"s": 1.0, "t": 1.01, "p": 0.97, "y": 1.3}, 14, noise=0.03, seed=seed
        )
        finding = summary(make_plan(FOUR), observations)
        for name in "tpy":
            comparison = compared(finding, name)
            assert comparison.speed_up is not None
            low, high = comparison.speed_up.low, comparison.speed_up.high
            excludes = (low is not None and low > 1) or (high is not None and high < 1)
            assert excludes == (comparison.verdict in ("faster", "slower"))


def test_equal_configurations_are_tied_once_that_is_known_and_unresolved_before(
    make_plan: MakePlan, make_observations: MakeObservations
) -> None:
    pair = [SERIAL, THREADS]
    few = summary(make_plan(pair), make_observations({"s": 1.0, "t": 1.0}, 8, noise=0.1))
    assert compared(few, "t").verdict == "unresolved"
    many = summary(make_plan(pair), make_observations({"s": 1.0, "t": 1.0}, 30, noise=0.01))
    assert compared(many, "t").verdict == "tied"


def test_the_cheapest_of_those_tied_with_the_fastest_is_recommended(
    make_plan: MakePlan, make_observations: MakeObservations
) -> None:
    observations = make_observations(LIKE_THE_ARTICLE, 30, noise=0.005)
    observations = [
        replace(o, readings={**o.readings, "memory_peak": 40e6 if o.configuration == "p" else 26e6})
        for o in observations
    ]
    found = rows(summary(make_plan(FOUR), observations))
    assert (found["p"].best, found["y"].best) == ("fastest", "tied")
    assert found["y"].recommended
    assert not found["p"].recommended
    assert found["s"].best is None


def test_what_a_verdict_puts_behind_the_fastest_is_not_called_undistinguished(
    make_plan: MakePlan, make_observations: MakeObservations
) -> None:
    # 7 blocks: enough to declare all three, too few for the best set's own level.
    found = rows(summary(make_plan(FOUR), make_observations(LIKE_THE_ARTICLE, 7)))
    assert found["s"].best is None
    assert found["t"].best is None
    assert found["y"].best == "not distinguished"


def test_a_rejected_trial_voids_its_block_for_its_own_comparisons_only(
    make_plan: MakePlan,
    make_observations: MakeObservations,
    lose: Callable[[Observation, str], Observation],
) -> None:
    observations = make_observations(LIKE_THE_ARTICLE, 9)
    observations = [lose(o, "steal") if o.block == 3 and o.configuration == "t" else o for o in observations]
    finding = summary(make_plan(FOUR), observations)
    blocks = {name: compared(finding, name).speed_up for name in "tp"}
    assert blocks["t"] is not None
    assert blocks["p"] is not None
    assert (blocks["t"].blocks, blocks["p"].blocks) == (8, 9)
    assert rows(finding)["t"].outcomes == {"measured": 8, "rejected": 1}
    assert rows(finding)["t"].causes == {"steal": 1}


def test_selective_rejections_are_warned_of(
    make_plan: MakePlan,
    make_observations: MakeObservations,
    lose: Callable[[Observation, str], Observation],
) -> None:
    observations = make_observations(LIKE_THE_ARTICLE, 12)
    observations = [
        lose(o, "throttled") if o.block < 5 and o.configuration == "p" else o for o in observations
    ]
    finding = summary(make_plan(FOUR), observations)
    assert any(
        "5 of 12 trials of processes ×4 do not count (throttled 5)" in text for text in finding.warnings
    )


def test_a_failed_configuration_is_shown_and_does_not_count_among_the_comparisons(
    make_plan: MakePlan, make_observations: MakeObservations
) -> None:
    finding = summary(make_plan(FOUR), make_observations(LIKE_THE_ARTICLE, 9), failed={"p": "it raised"})
    assert finding.comparisons == 2
    assert compared(finding, "p").verdict == "failed"
    assert rows(finding)["p"].problem == "it raised"
    assert rows(finding)["p"].best is None
    assert any("processes ×4 could not be measured" in s.lower() for s in finding.groups[0].sentences)


def test_when_the_baseline_fails_no_comparison_is_left_and_the_run_is_done(
    make_plan: MakePlan, make_observations: MakeObservations
) -> None:
    finding = summary(make_plan(FOUR), [], failed={"s": "it raised"})
    assert (finding.comparisons, finding.done) == (0, True)


def test_efficiency_is_the_share_of_what_the_cpus_allow(
    make_plan: MakePlan, make_observations: MakeObservations
) -> None:
    found = rows(summary(make_plan(FOUR), make_observations(LIKE_THE_ARTICLE, 9)))
    assert found["p"].efficiency == pytest.approx(2.0 / 1.05 / 2, rel=0.03)
    assert found["s"].efficiency is None
    assert found["t"].cpus_used == pytest.approx(1.0)


def test_a_second_build_is_compared_with_its_own_baseline_and_that_with_the_first(
    make_plan: MakePlan, make_observations: MakeObservations
) -> None:
    free_serial = replace(SERIAL, id="fs", python="3.13.5t")
    free_threads: Configuration = replace(THREADS, id="ft", python="3.13.5t")
    plan = make_plan([SERIAL, THREADS, free_serial, free_threads], ft="fs")
    observations = make_observations({"s": 2.0, "t": 2.2, "fs": 2.6, "ft": 1.35}, 10)
    finding = summary(plan, observations)
    verdicts = {name: compared(finding, name).verdict for name in ("t", "fs", "ft")}
    assert verdicts == {"t": "slower", "fs": "slower", "ft": "faster"}
    speed_up = compared(finding, "ft").speed_up
    assert speed_up is not None
    assert speed_up.ratio == pytest.approx(2.6 / 1.35, rel=0.03)
    assert rows(finding)["fs"].efficiency is None
    assert "on 3.13.5t" in finding.groups[0].sentences[0]


def test_the_fixed_rule_looks_once_at_exactly_its_number_of_blocks(
    make_plan: MakePlan, make_observations: MakeObservations
) -> None:
    stop = Stop(rule="fixed", blocks=12)
    early = summary(make_plan(FOUR, stop), make_observations(LIKE_THE_ARTICLE, 11))
    assert (early.declared, early.done) == (0, False)
    there = summary(make_plan(FOUR, stop), make_observations(LIKE_THE_ARTICLE, 12))
    assert (there.declared, there.done) == (3, True)


def test_a_single_configuration_is_described_and_needs_no_comparison(
    make_plan: MakePlan, make_observations: MakeObservations
) -> None:
    finding = summary(make_plan([SERIAL]), make_observations({"s": 2.0}, 7))
    assert finding.done
    seconds = rows(finding)["s"].seconds
    assert seconds is not None
    assert seconds.trials == 7
    assert math.isclose(seconds.median, 2.3, rel_tol=0.2)


def test_sentences_say_what_wins_what_does_not_help_and_why(
    make_plan: MakePlan, make_observations: MakeObservations
) -> None:
    finding = summary(make_plan(FOUR), make_observations(LIKE_THE_ARTICLE, 9))
    said = " ".join(finding.groups[0].sentences)
    assert "times as fast as serial (95 %: " in said
    assert "9 blocks" in said
    assert "Threads ×4 does not help: the GIL is on, and its threads kept 1.0 CPUs busy." in said


def test_sentences_say_what_it_would_take_to_know(
    make_plan: MakePlan, make_observations: MakeObservations
) -> None:
    finding = summary(make_plan([SERIAL, THREADS]), make_observations({"s": 1.0, "t": 1.02}, 10, noise=0.2))
    said = " ".join(finding.groups[0].sentences)
    assert "Not known yet: whether threads ×4 differs from the baseline; about " in said
    assert "more block" in said


def test_an_interval_that_lies_wholly_below_the_fastests_is_behind_it(
    make_plan: MakePlan, make_observations: MakeObservations
) -> None:
    # As seen on a GIL build: threads neither slower nor faster than serial, processes twice as fast.
    seconds = {"s": 2.0, "t": 2.0, "p": 1.0, "y": 1.005}
    found = rows(summary(make_plan(FOUR), make_observations(seconds, 7, noise=0.02)))
    threads = found["t"].comparison
    assert threads is not None
    assert threads.verdict == "unresolved"
    assert found["t"].best is None


def test_what_lies_behind_by_way_of_another_nodes_baseline_is_not_called_undistinguished(
    make_plan: MakePlan, make_observations: MakeObservations
) -> None:
    # Three nodes with a baseline each; those of the second and third are compared with the first's.
    seconds: dict[str, float] = {}
    baselines: dict[str, str] = {}
    configurations = []
    for node in range(3):
        configurations.append(configuration(f"s{node}", "serial"))
        seconds[f"s{node}"] = 1.0
        if node:
            baselines[f"s{node}"] = "s0"
        for workers in (2, 4, 8):
            name = f"t{node}-{workers}"
            configurations.append(configuration(name, "threads", workers))
            seconds[name], baselines[name] = 1 / workers, f"s{node}"
    plan = make_plan(configurations, **baselines)
    # Too few for a verdict on each pair at its share of the rate, enough for the declared ones.
    finding = summarize(Measurements(plan, make_observations(seconds, 8)))
    best = {row.configuration: row.best for row in finding.groups[0].configurations}
    assert {name for name, mark in best.items() if mark is not None} == {"t0-8", "t1-8", "t2-8"}
