"""Comparisons of runs whose ratios are known: what is matched, paired and declared, and what is not."""

from __future__ import annotations

import io
import json
from dataclasses import replace

import pytest

from parlab.orchestrator.analysis.across.compare import compare
from parlab.orchestrator.analysis.across.measured_run import run_of
from parlab.orchestrator.analysis.findings.across import Compared, CompareFinding
from parlab.orchestrator.analysis.view import RunView
from parlab.orchestrator.experiment.model import Stop
from parlab.orchestrator.show.text.comparison import WRITERS, writer
from parlab.workers.errors import BadInput
from tests.support.compared_runs import SECONDS, host, measured_run


def found(finding: CompareFinding, quantity: str, label: str) -> Compared:
    (one,) = [c for c in finding.comparisons if c.quantity == quantity and c.label == label]
    return one


def differing(finding: CompareFinding) -> dict[str, tuple[str | None, ...]]:
    return {d.field: d.values for d in finding.differences}


def test_two_runs_are_compared_by_their_speed_ups_and_their_seconds_get_no_verdict() -> None:
    worse = {**SECONDS, "processes": 0.0085}
    finding = compare([measured_run("aaaa"), measured_run("bbbb", seconds=worse)])
    assert (finding.by, finding.reference) == ("run", "aaaa")
    speed_up = found(finding, "speed-up", "processes ×2")
    assert (speed_up.verdict, speed_up.paired) == ("gains less", False)
    assert speed_up.ratio is not None
    assert speed_up.ratio.ratio == pytest.approx(0.0055 / 0.0085, rel=0.05)
    assert speed_up.ratio.high is not None
    assert speed_up.ratio.high < 1
    assert found(finding, "speed-up", "threads ×2").verdict in ("tied", "unresolved")
    seconds = [c for c in finding.comparisons if c.quantity == "seconds"]
    assert len(seconds) == 3
    for one in seconds:
        assert (one.verdict, one.paired, one.e_value) == ("unresolved", False, None)
        assert one.reason is not None
        assert one.reason.startswith("not paired: seconds of two runs")
        assert one.ratio is not None
        assert (one.ratio.low, one.ratio.high) == (None, None)
    assert (finding.controlled, finding.declared) == (2, 1)


def test_builds_of_one_run_are_paired_in_their_blocks() -> None:
    finding = compare([measured_run(builds={"3.11.7": 1.0, "3.13.5": 0.9})])
    assert finding.by == "python"
    assert {c.quantity for c in finding.comparisons} == {"seconds"}
    assert all(c.paired and c.verdict == "faster" for c in finding.comparisons)
    for one in finding.comparisons:
        assert one.ratio is not None
        assert one.ratio.ratio == pytest.approx(1 / 0.9, rel=0.03)
    assert differing(finding)["Python"] == ("CPython 3.11.7", "CPython 3.13.5")


def test_hosts_of_one_run_are_never_paired_though_one_takes_twice_as_long() -> None:
    two = [host(), host("h2", "server", "b00t2222", "6.9")]
    finding = compare([measured_run(hosts=two)])
    assert finding.by == "host"
    assert not any(c.paired for c in finding.comparisons)
    assert not any(c.verdict in ("faster", "slower") for c in finding.comparisons)
    serial = found(finding, "seconds", "serial")
    assert serial.reason == "not paired: seconds of different machines"
    assert found(finding, "speed-up", "processes ×2").verdict in ("tied", "unresolved")
    # A boot of another host is no difference of its own.
    assert list(differing(finding)) == ["host", "kernel"]
    assert differing(finding)["kernel"] == ("6.8", "6.9")


def test_a_reboot_between_two_runs_is_a_difference_and_so_are_stop_rules_and_rounds() -> None:
    later = measured_run("bbbb", hosts=[host(boot="b00t9999")], stop=Stop(precision=0.02), tasks=8)
    finding = compare([measured_run(), later])
    assert differing(finding) == {
        "boot": ("b00t0000", "b00t9999"),
        "precision": ("10 %", "2 %"),
        "tasks in a round of integer_sum(steps=100)": ("4", "8"),
    }
    # Seconds are of a task, so that the length of a round is none of it.
    serial = found(finding, "seconds", "serial")
    assert serial.of_reference.level is not None
    assert serial.of_reference.level.median == pytest.approx(0.01, rel=0.9)


def test_a_node_that_does_not_say_is_no_difference() -> None:
    silent = measured_run("bbbb")
    telling = replace(host(), virtualization="none", container=False, smt=True)
    finding = compare([measured_run(hosts=[telling]), silent])
    assert finding.differences == ()


def test_where_a_run_has_several_builds_like_is_held_against_like() -> None:
    both = measured_run("bbbb", builds={"3.11.7": 1.0, "3.13.5": 1.0})
    finding = compare([measured_run(), both])
    labels = {c.label for c in finding.comparisons}
    assert labels == {"serial on 3.11.7", "threads ×2 on 3.11.7", "processes ×2 on 3.11.7"}
    assert {u.label for u in finding.unmatched} == {
        "serial on 3.13.5", "threads ×2 on 3.13.5", "processes ×2 on 3.13.5",
    }  # fmt: skip
    # Where each has one, they are compared, and the difference is said.
    other = compare([measured_run(), measured_run("cccc", builds={"3.13.5": 1.0})])
    assert {c.label for c in other.comparisons} == {"serial", "threads ×2", "processes ×2"}
    assert "Python" in differing(other)


def test_speed_ups_over_different_baselines_are_not_compared() -> None:
    by_threads = {name: SECONDS[name] for name in ("threads", "serial", "processes")}
    finding = compare([measured_run(), measured_run("bbbb", seconds=by_threads)])
    assert {c.quantity for c in finding.comparisons} == {"seconds"}
    assert finding.controlled == 0


def test_the_first_is_the_reference_unless_another_is_named() -> None:
    runs = [measured_run("aaaa"), measured_run("bbbb"), measured_run("bccc")]
    assert [c.value for c in compare(runs).columns] == ["aaaa", "bbbb", "bccc"]
    assert [c.value for c in compare(runs, baseline="bc").columns] == ["bccc", "aaaa", "bbbb"]
    with pytest.raises(BadInput, match="--baseline b: several of them"):
        compare(runs, baseline="b")
    with pytest.raises(BadInput, match="there is no such run"):
        compare(runs, baseline="zzzz")


def test_one_value_on_the_axis_is_refused_with_the_other_axes() -> None:
    with pytest.raises(BadInput, match=r"there is only one Python build, 3\.11\.7") as refused:
        compare([measured_run()], "python")
    assert "--by run or host or node or workload" in refused.value.hint


def test_runs_without_a_common_configuration_are_refused() -> None:
    other = measured_run("bbbb", workloads=["wait"])
    with pytest.raises(BadInput, match="aaaa and bbbb have no configuration in common"):
        compare([measured_run(), other])


def test_a_run_without_a_measured_trial_is_broken_not_left_out() -> None:
    finding = compare([measured_run(), measured_run("bbbb", blocks=0)])
    assert finding.comparisons == ()
    assert {b.reason for b in finding.broken} == {"no trial of it was measured"}


def test_what_has_no_counterpart_is_told_with_its_reason() -> None:
    finding = compare([measured_run(skipped=["processes"]), measured_run("bbbb")])
    (one,) = finding.unmatched
    assert (one.label, one.column, one.reason) == ("processes ×2", "bbbb", "the reference: this build cannot")


def test_what_could_not_be_run_although_the_reference_has_it_is_broken() -> None:
    finding = compare([measured_run(), measured_run("bbbb", skipped=list(SECONDS))])
    assert [c.value for c in finding.columns] == ["aaaa", "bbbb"]
    assert {(b.column, b.reason) for b in finding.broken} == {("bbbb", "this build cannot")}
    assert len(finding.broken) == len(SECONDS)


def test_what_failed_although_the_reference_has_it_is_broken() -> None:
    finding = compare([measured_run(), measured_run("bbbb", failed=["processes"])])
    (one,) = finding.broken
    assert (one.label, one.column, one.reason) == ("processes ×2", "bbbb", "ValueError: broken")
    assert finding.unmatched == ()
    assert not [c for c in finding.comparisons if c.label == "processes ×2"]


def test_few_blocks_give_no_verdict_and_say_so() -> None:
    worse = {**SECONDS, "processes": 0.02}
    finding = compare([measured_run(blocks=5), measured_run("bbbb", seconds=worse, blocks=30)])
    one = found(finding, "speed-up", "processes ×2")
    assert one.verdict == "unresolved"
    assert one.reason == "5 blocks: too few for any verdict"


def test_means_are_over_workloads_and_their_bounds_hold_those_of_each() -> None:
    worse = {**SECONDS, "processes": 0.0085}
    works = ["integer_sum", "wait", "mixed"]
    finding = compare([measured_run(workloads=works), measured_run("bbbb", seconds=worse, workloads=works)])
    (mean,) = [m for m in finding.means if m.label == "processes ×2" and m.quantity == "speed-up"]
    assert mean.workloads == 3
    assert mean.ratio.ratio == pytest.approx(0.0055 / 0.0085, rel=0.05)
    assert mean.ratio.low is not None
    assert mean.ratio.high is not None
    assert mean.ratio.low < 0.0055 / 0.0085 < mean.ratio.high < 1
    described = [m for m in finding.means if m.quantity == "seconds"]
    assert {(m.ratio.low, m.ratio.high) for m in described} == {(None, None)}


def test_workloads_of_one_run_are_compared_by_what_they_gain() -> None:
    finding = compare([measured_run(workloads=["integer_sum", "wait"])])
    assert finding.by == "workload"
    assert finding.means == ()
    assert {c.workload for c in finding.comparisons} == {""}
    assert (
        found(finding, "seconds", "serial").reason
        == "not paired: each ran in its own blocks, and levels drift"
    )


def test_equal_runs_are_not_told_apart() -> None:
    wrong = 0
    for seed in range(40):
        finding = compare([measured_run("aaaa", seed=seed), measured_run("bbbb", seed=1000 + seed)])
        wrong += finding.declared > 0
    assert wrong <= 4


def test_a_run_that_is_not_done_is_compared_and_said_to_be() -> None:
    running = replace(measured_run("bbbb"), state="running")
    assert compare([measured_run(), running]).notes == (
        "run bbbb is still running, or its command was killed; this is what is known so far",
    )


@pytest.mark.parametrize("name", WRITERS)
def test_each_format_says_what_differs_before_any_ratio(name: str) -> None:
    evil = host(hostname="a|b<script>\x1b[31m")
    finding = compare([measured_run(hosts=[evil]), measured_run("bbbb", hosts=[host(kernel="6.9")])])
    stream = io.StringIO()
    writer(name)(finding, stream)
    text = stream.getvalue()
    assert text.index("6.9") < text.index("ratio" if name != "json" else '"ratio"')
    assert "\x1b" not in text
    if name == "markdown":
        assert "<script>" not in text
        assert "a\\|b" in text
    if name == "json":
        assert json.loads(text)["schema"] == "parlab/compare/1"


def test_a_stream_without_unicode_gets_none() -> None:
    written = io.BytesIO()
    stream = io.TextIOWrapper(written, encoding="ascii")
    writer("terminal")(compare([measured_run(), measured_run("bbbb")]), stream)
    stream.flush()
    assert b"processes x2" in written.getvalue()


def test_there_is_no_other_format() -> None:
    with pytest.raises(BadInput, match="there is no format 'csv' of a comparison"):
        writer("csv")


def test_a_view_gives_the_trials_that_count(article: RunView) -> None:
    run = run_of(article)
    assert [o.seconds for o in run.observations] == [2.08, 1.09]
    assert {o.rounds for o in run.observations} == {1}
