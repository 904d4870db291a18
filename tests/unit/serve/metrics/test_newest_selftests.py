"""Self-tests of the store are looked at once, when their run has ended; the newest of each build counts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from parlab.orchestrator.analysis.selftest.judged import found_in
from parlab.orchestrator.experiment.file import load
from parlab.orchestrator.plan.model import Plan
from parlab.orchestrator.plan.planner import make_plan
from parlab.orchestrator.serve.metrics.selftests import NewestSelfTests
from parlab.orchestrator.store.facade import Store
from parlab.orchestrator.store.observation import Observation
from parlab.orchestrator.store.records import RunRecord
from parlab.workers.clock import SystemClock
from parlab.workers.wire.result import Reading, Round, SittingResult, TrialResult
from tests.support.selftest_cases import node, observations

if TYPE_CHECKING:
    from parlab.orchestrator.analysis.findings.selftest import SelfTestFinding
    from parlab.workers.wire.registration import NodeRegistration

NOBODY: set[str] = set()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "parlab.db", SystemClock()) as opened:
        yield opened


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The runs that were worked out, in order."""
    found: list[str] = []

    def noted(store: Store, run: str) -> tuple[SelfTestFinding, ...]:
        found.append(run)
        return found_in(store, run)

    monkeypatch.setattr("parlab.orchestrator.serve.metrics.selftests.found_in", noted)
    return found


def begin(store: Store, run: str, created: float, name: str = "self-test", *nodes: NodeRegistration) -> Plan:
    experiment = load(name)
    store.create_run(RunRecord(run, experiment, 7, created))
    plan = make_plan(run, experiment, nodes or (node(),), 7)
    store.save_plan(plan)
    store.set_state(run, "running")
    return plan


def measure(store: Store, plan: Plan, blocks: int, end: str = "budget") -> None:
    """Store trials as nodes send them."""
    by_sitting: dict[str, list[Observation]] = {}
    for o in observations(plan, blocks):
        by_sitting.setdefault(o.sitting, []).append(o)
    for name, own in by_sitting.items():
        group, block, place = own[0].group, own[0].block, name.rpartition("-")[2]
        store.sittings.dispatched(plan.run, name, 1, group, block, place, f"{place}-{name}", 1.0)
        trials = tuple(
            TrialResult(
                f"{name}-{o.configuration}",
                o.configuration,
                "measured",
                rounds=(Round(0, 0, o.seconds or 0.0),),
                readings=tuple(Reading(probe, "seconds", value) for probe, value in o.readings.items()),
            )
            for o in own
        )
        assert store.sittings.record(
            SittingResult(plan.run, name, 1, place, "h1", "boot-h1", 1.0, 2.4, trials)
        )
    store.add_running_seconds(plan.run, 10.0)
    store.set_state(plan.run, end)  # type: ignore[arg-type]


def test_a_self_test_is_told_when_its_run_has_ended_and_worked_out_once(
    store: Store, looks: list[str]
) -> None:
    tests = NewestSelfTests()
    assert tests.read(store, NOBODY) == ()
    plan = begin(store, "5e1f", 100.0)
    assert tests.read(store, {"5e1f"}) == ()
    assert looks == []
    measure(store, plan, 25)
    found = tests.read(store, NOBODY)
    (one,) = found
    assert (one.run, one.created_unix_seconds, one.finding.node) == ("5e1f", 100.0, "local")
    assert one.finding.wrong is not None
    assert one.finding.wrong.tried == 4
    assert one.finding.block_seconds is not None
    assert tests.read(store, NOBODY) == found
    assert looks == ["5e1f"], "a scrape works nothing out"


def test_other_runs_are_none_whatever_they_are_called(store: Store, looks: list[str]) -> None:
    begin(store, "0a0a", 100.0, "smoke")
    store.set_state("0a0a", "done")
    assert NewestSelfTests().read(store, NOBODY) == ()
    assert looks == []


def test_the_newest_of_each_node_and_build_counts_and_one_without_a_block_does_not(store: Store) -> None:
    a, b = node("a", host="h1"), node("b", host="h2")
    measure(store, begin(store, "1111", 100.0, "self-test", a, b), 22)
    tests = NewestSelfTests()
    assert [one.run for one in tests.read(store, NOBODY)] == ["1111", "1111"]
    measure(store, begin(store, "2222", 200.0, "self-test", a), 21)
    begin(store, "3333", 300.0, "self-test", b)
    store.set_state("3333", "interrupted")
    found = {one.finding.node: one.run for one in tests.read(store, NOBODY)}
    assert found == {"a": "2222", "b": "1111"}


def test_one_that_was_taken_further_is_worked_out_again_and_one_that_was_removed_is_gone(
    store: Store, looks: list[str]
) -> None:
    measure(store, begin(store, "5e1f", 100.0), 21)
    tests = NewestSelfTests()
    assert tests.read(store, NOBODY)
    store.set_state("5e1f", "running")
    assert tests.read(store, {"5e1f"}) == ()
    store.add_running_seconds("5e1f", 60.0)
    store.set_state("5e1f", "budget")
    assert tests.read(store, NOBODY)
    assert looks == ["5e1f", "5e1f"]
    store.space.remove_run("5e1f")
    assert tests.read(store, NOBODY) == ()
