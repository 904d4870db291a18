"""Conditions of --fail-on and their ends: each of the four words, right at the stated rate."""

from __future__ import annotations

import pytest

from parlab.orchestrator.analysis.across.compare import compare
from parlab.orchestrator.analysis.across.gate import EXIT_CODES, read_condition
from parlab.orchestrator.analysis.across.measured_run import MeasuredRun
from parlab.orchestrator.analysis.findings.across import GateFinding
from parlab.workers.errors import BadInput
from tests.support.compared_runs import SECONDS, measured_run


def gate(runs: list[MeasuredRun], *conditions: str, baseline: str | None = None) -> GateFinding:
    finding = compare(runs, None, baseline, [read_condition(text) for text in conditions])
    assert finding.gate is not None
    return finding.gate


def builds(factor: float, blocks: int = 40, seed: int = 1, noise: float = 0.02) -> list[MeasuredRun]:
    """One run of two builds, the second of which takes ``factor`` times the seconds."""
    made = {"3.11.7": 1.0, "3.11.7#2": factor}
    return [measured_run(builds=made, blocks=blocks, seed=seed, noise=noise)]


def test_a_gate_fails_on_what_is_declared_slower_by_as_much() -> None:
    found = gate(builds(1.15), "slower:5%")
    assert (found.word, found.column, found.judged) == ("failed", "3.11.7#2", 3)
    assert len(found.reasons) == 3
    assert "it is slower by 5 % or more" in found.reasons[0]


def test_a_gate_passes_where_all_are_shown_not_to_be() -> None:
    assert gate(builds(1.0), "slower:5%").word == "passed"
    assert gate(builds(0.8), "slower:5%").word == "passed"
    # Certainly slower, and certainly by less than that.
    assert gate(builds(1.02, blocks=60, noise=0.01), "slower:10%").word == "passed"


def test_a_gate_that_does_not_know_does_not_pass() -> None:
    found = gate(builds(1.05, blocks=30), "slower:5%")
    assert found.word == "unresolved"
    assert "30 blocks are not enough to tell whether it is slower by 5 %" in found.reasons[0]
    assert gate(builds(3.0, blocks=4), "slower:5%").word == "unresolved"


def test_seconds_of_two_runs_are_unresolved_whatever_they_are() -> None:
    twice = {name: 2 * seconds for name, seconds in SECONDS.items()}
    found = gate([measured_run(), measured_run("bbbb", seconds=twice)], "slower:5%")
    assert found.word == "unresolved"
    assert found.reasons[0].startswith("not paired: seconds of two runs differ by more")


def test_speed_ups_of_two_runs_can_fail_and_pass() -> None:
    worse = {**SECONDS, "processes": 0.0085}
    assert gate([measured_run(), measured_run("bbbb", seconds=worse)], "gains-less:5%").word == "failed"
    same = [measured_run(blocks=40, noise=0.01), measured_run("bbbb", blocks=40, noise=0.01)]
    assert gate(same, "gains-less:5%").word == "passed"
    # Less of a gain is none of more.
    better = [measured_run(blocks=40), measured_run("bbbb", seconds=worse, blocks=40)]
    assert gate(better, "gains-more:5%").word == "passed"


def test_a_failure_that_the_reference_does_not_have_is_broken() -> None:
    found = gate([measured_run(), measured_run("bbbb", failed=["threads"])], "gains-less:5%")
    assert (found.word, found.reasons) == (
        "broken",
        ("integer_sum(steps=100) threads ×2: ValueError: broken",),
    )
    both = [measured_run(failed=["threads"]), measured_run("bbbb", failed=["threads"])]
    assert gate(both, "gains-less:50%").word == "passed"


def test_nothing_to_judge_is_broken() -> None:
    found = gate([measured_run(), measured_run("bbbb", workloads=["wait"])], "slower:5%")
    assert found.reasons == ("slower:5%: no configuration was measured on both sides",)
    assert gate([measured_run(), measured_run("bbbb", blocks=0)], "slower:5%").word == "broken"
    found = gate(builds(1.0), "gains-less:5%")
    assert found.word == "broken"
    assert "use --fail-on slower:5%" in found.reasons[0]


def test_it_is_about_the_last_column_only() -> None:
    worse = {**SECONDS, "processes": 0.0085}
    runs = [measured_run("aaaa", noise=0.01, blocks=40), measured_run("bbbb", seconds=worse, blocks=40)]
    last = measured_run("cccc", noise=0.01, blocks=40)
    assert gate([*runs, last], "gains-less:5%").word == "passed"
    assert gate([runs[0], last, runs[1]], "gains-less:5%").word == "failed"


def test_several_conditions_share_one_error_control() -> None:
    found = gate(builds(1.0), "slower:5%", "faster:5%")
    assert (found.word, found.judged) == ("passed", 6)
    assert gate(builds(0.8), "slower:5%", "faster:5%").word == "failed"


def test_at_the_bound_itself_a_gate_fails_and_passes_at_most_at_the_rate() -> None:
    words = [gate(builds(1.05, seed=seed, blocks=24), "slower:5%").word for seed in range(120)]
    assert words.count("failed") <= 12
    assert words.count("passed") <= 12
    assert words.count("unresolved") >= 96


def test_exit_codes_are_four_and_none_is_another_ones() -> None:
    assert sorted(EXIT_CODES.values()) == [0, 10, 11, 12]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("nonsense", "'nonsense' is not a condition"),
        ("slower", "--fail-on slower:"),
        ("slower:", "--fail-on slower:"),
        ("slower:fast", "--fail-on slower:fast"),
        ("slower:0%", "--fail-on slower:0%"),
        ("slower:200%", "--fail-on slower:200%"),
        ("tied:5%", "'tied' is not a condition"),
    ],
)
def test_what_is_no_condition_is_refused_with_one_that_is(text: str, said: str) -> None:
    with pytest.raises(BadInput) as refused:
        read_condition(text)
    assert said in refused.value.message
    assert "slower:5%" in refused.value.hint
