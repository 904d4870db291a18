"""Text for Prometheus: valid, names and units by its practice, bounded labels, nothing invented."""

from __future__ import annotations

import re
from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from parlab.orchestrator.analysis.findings.claims import ClaimFinding
from parlab.orchestrator.analysis.selftest.judged import self_tests
from parlab.orchestrator.analysis.view import RunView
from parlab.orchestrator.control.progress import state_of
from parlab.orchestrator.serve.metrics.durations import Durations
from parlab.orchestrator.serve.metrics.exposition import Exposition
from parlab.orchestrator.serve.snapshot import (
    LabHealth,
    LabSnapshot,
    NodeSnapshot,
    RunSnapshot,
    SelfTestSnapshot,
)
from parlab.orchestrator.store.records import RunRecord
from parlab.workers.wire.registration import CoreSeconds, Heartbeat, NodeReadings, Pressure
from parlab.workers.wire.result import Round, SittingResult, TrialResult
from tests.support import dashboard_queries as queries
from tests.support.checkout import CHECKOUT
from tests.support.selftest_cases import observations, plan_of, sittings

if TYPE_CHECKING:
    from prometheus_client import Metric

HEALTH = LabHealth(
    leading=True, loop_seconds=0.01, store_bytes=4096, server_up=True, active_runs=1, waiting_runs=0
)
LABELS = {"host", "node", "python", "workload", "strategy", "max_workers", "run"}
#: Of a claim: its cells are bounded by number, its texts by length.
CLAIM_LABELS = {
    "claim", "title", "text", "depends_on", "cell", "contrast", "rule", "supports", "side",
}  # fmt: skip
#: Labels beside those that name a configuration: each with few values, by what the program can say.
FURTHER = {
    "quartile", "outcome", "cause", "verdict", "state", "experiment", "core", "mode", "resource", "share",
    "cpu_model", "kernel", "cgroup_version", "version", "effective_cpus_why", "implementation", "gil",
    "flags", "compiler", "c_library", "virtualization", "container", "governor", "smt", "turbo",
    "le", "probe", "unit", "pair", "planted", "after",
}  # fmt: skip


def run_of(view: RunView, *, active: bool = False) -> RunSnapshot:
    record = RunRecord(view.run, view.experiment, 7, view.started_unix_seconds, state=view.state)
    return RunSnapshot(
        record=record,
        plan=view.plan,
        registrations=view.registrations,
        finding=view.finding,
        progress=state_of(view.plan, view.finding),
        active=active,
        changed_unix_seconds=1000.0,
    )


def node_of(view: RunView, *, up: bool = True, group_cpu_seconds: float | None = 0.7) -> NodeSnapshot:
    readings = NodeReadings(
        cores=(CoreSeconds(0, 1.0, 2.0, 3.0, 4.0, 5.0), CoreSeconds(1, 1.0, 2.0, 3.0, 4.0, 5.0)),
        pressure=(Pressure("cpu", 1.5, None), Pressure("io", 0.5, 0.25)),
        throttled_seconds=0.5,
        throttled_periods=7,
        periods=9,
        cgroup_cpu_seconds=group_cpu_seconds,
        memory_bytes=1 << 20,
        memory_available_bytes=1 << 30,
        context_switches=11,
        sampler_cpu_seconds=0.01,
    )
    registration = view.registrations[0]
    beat = Heartbeat(
        node=registration.node,
        unix_seconds=1.0,
        sitting="laptop-py311-7f3a-h1-integer_sum-9f2c41-b1-s0-a1",
        load_1m=0.5,
        readings=readings,
    )
    return NodeSnapshot(
        name=registration.node, up=up, paused=False, registration=registration if up else None,
        heartbeat=beat if up else None, problem=None, queued=2, oldest_queued_seconds=1.5, running_job=None,
        uncollected=3, clock_offset_seconds=0.1 if up else None,
    )  # fmt: skip


def counted() -> Durations:
    """Times of a sitting of one trial."""
    threads = SimpleNamespace(id="c1", python="3.13.5", workload="integer_sum", strategy="threads")
    plan: Any = SimpleNamespace(
        groups=(SimpleNamespace(configurations=(threads,)),), hosts=(SimpleNamespace(id="h", nodes=("n",)),)
    )
    trial = TrialResult("t1", "c1", "measured", rounds=(Round(0, 0, 0.3),))
    durations = Durations()
    durations.take(plan, SittingResult("7f3a", "s1", 1, "n", "h", "boot", 1.0, 0.4, (trial,)), 0.02)
    return durations


def exposed(
    *runs: RunSnapshot,
    nodes: tuple[NodeSnapshot, ...] = (),
    self_tests: tuple[SelfTestSnapshot, ...] = (),
) -> dict[str, Metric]:
    exposition = Exposition(counted())
    # Twice: what a rendering took is in the one after it.
    exposition.update(LabSnapshot(runs, nodes, HEALTH, self_tests))
    exposition.body()
    exposition.update(LabSnapshot(runs, nodes, HEALTH, self_tests))
    text = exposition.body().decode()
    heads = re.findall(r"^# HELP (\S+) ", text, re.MULTILINE)
    assert len(heads) == len(set(heads)), "a family is written twice"
    return {family.name: family for family in text_string_to_metric_families(text)}


@pytest.fixture
def everything(article: RunView, troubled: RunView, claims: tuple[ClaimFinding, ...]) -> dict[str, Metric]:
    other = replace(troubled, run="0bad")
    claiming = replace(article, run="c1a1", finding=replace(article.finding, claims=claims))
    runs = (run_of(article, active=True), run_of(other), run_of(claiming))
    return exposed(*runs, nodes=(node_of(article),), self_tests=newest_self_tests())


def newest_self_tests() -> tuple[SelfTestSnapshot, ...]:
    """A self-test that was long enough for every figure."""
    plan = plan_of()
    seen = observations(plan, 120, sd=0.03)
    return tuple(SelfTestSnapshot("5e1f", 9.0, found) for found in self_tests(plan, seen, sittings(seen)))


def samples(family: Metric, **labels: str) -> list[float]:
    return [s.value for s in family.samples if labels.items() <= s.labels.items()]


def test_names_say_what_is_counted_and_in_which_unit(everything: dict[str, Metric]) -> None:
    for name, family in everything.items():
        assert name.startswith("parlab_"), name
        assert re.fullmatch(r"[a-z][a-z0-9_]*", name)
        assert family.documentation.endswith("."), name
        for sample in family.samples:
            if family.type == "counter":
                assert sample.name.endswith(("_total", "_created")), sample.name
            elif family.type == "gauge":
                assert not sample.name.endswith("_total"), sample.name
        # Base units only: seconds, bytes, ratios.
        assert not re.search(r"_(ms|milliseconds|kb|mb|percent|minutes)(_|$)", name), name


def test_labels_are_bounded(everything: dict[str, Metric]) -> None:
    for family in everything.values():
        for sample in family.samples:
            assert set(sample.labels) <= LABELS | FURTHER | CLAIM_LABELS, (sample.name, sample.labels)


def test_a_configurations_figures_are_those_of_its_finding(article: RunView) -> None:
    found = exposed(run_of(article))
    (group,) = article.finding.groups
    for row in group.configurations:
        workers = str(row.max_workers)
        own = {"run": article.run, "max_workers": workers, "strategy": row.label.replace(f" ×{workers}", "")}
        assert row.seconds is not None
        for quartile, value in (("0.25", row.seconds.low), ("0.5", row.seconds.median)):
            assert samples(found["parlab_round_seconds"], **own, quartile=quartile) == [value]
        assert samples(found["parlab_memory_bytes"], **own) == [row.memory_bytes]
        (measured,) = samples(found["parlab_trials"], **own, outcome="measured")
        assert measured == row.outcomes["measured"]
        effect = row.comparison.speed_up if row.comparison is not None else None
        ratio = samples(found["parlab_speedup_ratio"], **own)
        assert ratio == ([1.0] if effect is None else [effect.ratio])
        lower = samples(found["parlab_speedup_lower_ratio"], **own)
        assert lower == ([] if effect is None else [effect.low])
        verdict = row.comparison.verdict if row.comparison is not None else "baseline"
        assert samples(found["parlab_verdict"], **own, verdict=verdict) == [1.0]


def test_rejections_and_blocks_that_they_void_are_counted(article: RunView) -> None:
    (group,) = article.finding.groups
    serial, threads, *others = group.configurations
    outcomes = {"measured": 10, "rejected": 3, "lost": 1}
    threads = replace(threads, outcomes=outcomes, causes={"load": 2, "steal": 1, "died": 1})
    changed = replace(group, configurations=(serial, threads, *others))
    found = exposed(run_of(replace(article, finding=replace(article.finding, groups=(changed,)))))
    own = {"strategy": "threads", "max_workers": "4"}
    for cause, count in (("load", 2), ("steal", 1), ("died", 1)):
        assert samples(found["parlab_trials_not_counted"], **own, cause=cause) == [count]
    # Its comparison has 9 blocks: one of its ten was voided by its baseline.
    assert samples(found["parlab_comparison_void_blocks"], **own) == [5.0]


def test_what_is_missing_is_not_there_and_never_zero(article: RunView, troubled: RunView) -> None:
    found = exposed(run_of(troubled), nodes=(node_of(article, group_cpu_seconds=None),))
    rows = [row for group in troubled.finding.groups for row in group.configurations]
    without = [row for row in rows if row.seconds is None]
    assert without
    counted = {tuple(sorted(s.labels.items())) for s in found["parlab_round_seconds"].samples}
    assert len(counted) == 3 * sum(row.seconds is not None for row in rows)
    assert samples(found["parlab_node_pressure_seconds"], resource="cpu", share="full") == []
    assert samples(found["parlab_node_pressure_seconds"], resource="io", share="full") == [0.25]
    assert "parlab_node_group_cpu_seconds" not in found
    gone = exposed(nodes=(node_of(article, up=False),))
    assert samples(gone["parlab_node_up"]) == [0.0]
    assert "parlab_node_load1" not in gone


def test_every_reading_is_exported_with_its_unit_and_no_other(article: RunView) -> None:
    (group,) = article.finding.groups
    first, *others = group.configurations
    given = {"task_p99": 0.003, "pickled_in": 4096.0, "memory_unique": 9e6, "of_nobodys_probe": 1.0}
    changed = replace(group, configurations=(replace(first, readings=given), *others))
    found = exposed(run_of(replace(article, finding=replace(article.finding, groups=(changed,)))))
    own = {"strategy": "serial", "max_workers": "1"}
    for probe, unit, value in (
        ("task_p99", "seconds", 0.003),
        ("pickled_in", "bytes", 4096.0),
        ("memory_unique", "bytes", 9e6),
    ):
        assert samples(found["parlab_reading"], probe=probe, unit=unit, **own) == [value]
    assert samples(found["parlab_reading"], probe="of_nobodys_probe") == []
    # Where there is no value there is no sample: missing is never zero.
    assert samples(found["parlab_reading"], probe="throttled") == []


def test_what_a_node_runs_is_named_by_run_and_workload(article: RunView) -> None:
    found = exposed(run_of(article), nodes=(node_of(article),))
    (group,) = article.finding.groups
    assert samples(found["parlab_node_sitting_info"], run=article.run, workload=group.label) == [1.0]


def test_runs_are_rendered_again_only_when_one_changed(article: RunView) -> None:
    exposition = Exposition(Durations())
    run = run_of(article)
    exposition.update(LabSnapshot((run,), (), HEALTH))
    before = exposition.body()
    exposition.update(LabSnapshot((replace(run),), (), replace(HEALTH, store_bytes=8192)))
    after = exposition.body()
    assert before != after
    runs = len(before.partition(b"# HELP parlab_build_info")[0])
    assert before[:runs] == after[:runs]
    waiting = replace(run, waiting_for="host h1")
    exposition.update(LabSnapshot((waiting,), (), HEALTH))
    assert b'parlab_run_waiting{run="7f3a"} 1.0' in exposition.body()


def test_labels_with_quotes_and_line_breaks_stay_readable(article: RunView) -> None:
    odd = replace(article.experiment, name='a "quoted"\nname\\')
    found = exposed(run_of(replace(article, experiment=odd)))
    assert found["parlab_run_info"].samples[0].labels["experiment"] == odd.name


def test_every_metric_that_is_asked_for_is_one_that_is_exported(everything: dict[str, Metric]) -> None:
    names = {sample.name for family in everything.values() for sample in family.samples}
    rules = (CHECKOUT / "prometheus/rules/recording.yml").read_text()
    alerts = (CHECKOUT / "prometheus/rules/alerts.yml").read_text()
    recorded = set(re.findall(r"record: (\S+)", rules))
    asked = " ".join([*(q.expr for q in queries.all_queries()), rules, alerts])
    unknown = set(re.findall(r"\b(?:\w+:)*parlab_[\w:]+", asked)) - names - recorded
    # There only where a node has a quota.
    assert unknown <= {"parlab_node_quota_cpus"}, unknown
