"""Runs in the store: records, states, plans, registrations, calibrations, failures, events."""

from __future__ import annotations

import dataclasses
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import get_args

import pytest

from parlab.orchestrator.experiment.model import (
    Experiment,
    PythonChoice,
    Stop,
    StrategyChoice,
    WorkloadChoice,
)
from parlab.orchestrator.plan.model import Comparison, Configuration, Group, Plan, PlannedHost, Skip
from parlab.orchestrator.store.facade import Store, make_run_id
from parlab.orchestrator.store.records import Event, RunRecord, RunState
from parlab.workers.errors import BadInput, EnvironmentFault, LabError
from parlab.workers.wire.registration import EffectiveCpus, Host, NodeRegistration, PythonBuild
from parlab.workers.wire.result import Calibration
from parlab.workers.wire.spec import Expected

CPUS = EffectiveCpus(2, 2, None, 1.5, 4, "affinity 2, quota 1.5")
EXPERIMENT = Experiment(
    name="resize",
    question="Wie rechnen wir größere Bilder – schnell?",
    workloads=(
        WorkloadChoice("integer_sum", {"steps": 10**7, "label": "a", "deep": True, "x": 1.5, "n": None}),
    ),
    strategies=(StrategyChoice("threads", {}, "2*cpus"), StrategyChoice("hybrid", {"processes": 2}, 4)),
    pythons=(PythonChoice("python3.13t", None, "off"),),
    stop=Stop(precision=0.05, blocks=40),
    seed=7,
)


class SteppedClock:
    """A clock that stands where it is put."""

    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def monotonic_ns(self) -> int:
        return int(self.now * 1e9)

    def unix_seconds(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock() -> SteppedClock:
    return SteppedClock()


@pytest.fixture
def store(tmp_path: Path, clock: SteppedClock) -> Iterator[Store]:
    with Store.open(tmp_path / "parlab.db", clock) as opened:
        yield opened


def run_record(run: str = "7f3a", created: float = 1.0) -> RunRecord:
    return RunRecord(
        run,
        EXPERIMENT,
        42,
        created,
        command=("parlab", "run", "a b.toml", "--seed=42"),
        parlab_version="0.1.0",
    )


def registration(boot_id: str = "b1", node: str = "n1") -> NodeRegistration:
    host = Host("h1", boot_id, "desk", "Linux", "6.1", "a CPU", None, 2, CPUS)
    build = PythonBuild(
        "3.13.5t", "/usr/bin/python3.13t", "3.13.5", "CPython", True, ("fork", "spawn"), ("x",)
    )
    return NodeRegistration(node, host, (build,), "3.11.7", "0.1.0", 123)


def plan(run: str = "7f3a") -> Plan:
    first = Configuration("c0", "integer_sum", {"steps": 1}, None, "serial", {}, 1, "n1", "3.11.7")
    other = dataclasses.replace(
        first, id="c1", strategy="threads", gil="off", label="threads ×4", max_workers=4
    )
    group = Group(
        "h1-integer_sum-9f2c41",
        "h1",
        EXPERIMENT.workloads[0],
        "integer_sum(10⁷) × 4",
        (first, other),
        (Comparison("c1", "c0"),),
        (Skip(other, "no GIL to turn off"),),
    )
    return Plan(run, 42, EXPERIMENT, (PlannedHost("h1", ("n1",), CPUS),), (group,))


def test_a_run_comes_back_as_it_was_stored(store: Store) -> None:
    store.create_run(run_record())
    assert store.run("7f3a") == run_record()


def test_a_run_survives_closing_and_opening_the_file(tmp_path: Path, clock: SteppedClock) -> None:
    with Store.open(tmp_path / "parlab.db", clock) as first:
        first.create_run(run_record())
        first.save_plan(plan())
    with Store.open(tmp_path / "parlab.db", clock) as second:
        assert second.run("7f3a") == run_record()
        assert second.plan("7f3a") == plan()


def test_a_runs_version_changes_with_what_is_stored_of_it_and_with_nothing_else(store: Store) -> None:
    with pytest.raises(BadInput, match="no run '7f3a'"):
        store.version("7f3a")
    store.create_run(run_record())
    versions = [store.version("7f3a")]
    for change in (
        lambda: store.save_plan(plan()),
        lambda: store.set_state("7f3a", "running"),
        lambda: store.add_running_seconds("7f3a", 1.0),
        lambda: store.event("7f3a", "noted", "something happened"),
        lambda: store.sittings.void_block("7f3a", "h1-integer_sum-9f2c41", 0, "reboot"),
        lambda: store.fail_configuration("7f3a", "c1", "it fails"),
        lambda: store.set_state("7f3a", "done", "all is settled"),
    ):
        change()
        versions.append(store.version("7f3a"))
    assert len(set(versions)) == len(versions)
    store.create_run(run_record("81c0"))
    store.event("81c0", "noted", "of another run")
    store.pin("7f3a")
    assert store.version("7f3a") == versions[-1]


def test_runs_are_listed_oldest_first(store: Store) -> None:
    for run, created in (("bbbb", 2.0), ("aaaa", 3.0), ("cccc", 1.0)):
        store.create_run(run_record(run, created))
    assert [record.id for record in store.runs()] == ["cccc", "bbbb", "aaaa"]


def test_a_second_run_of_the_same_id_is_refused(store: Store) -> None:
    store.create_run(run_record())
    with pytest.raises(BadInput, match="exists already"):
        store.create_run(run_record())


def test_a_seed_beyond_64_bits_is_refused_with_a_cure(store: Store) -> None:
    with pytest.raises(BadInput, match="seed") as refused:
        store.create_run(dataclasses.replace(run_record(), seed=2**63))
    assert refused.value.hint
    store.create_run(dataclasses.replace(run_record(), seed=2**63 - 1))
    assert store.run("7f3a").seed == 2**63 - 1


@pytest.mark.parametrize("asked", ["7f3a", "7f", "7F3A", " 7f3 "])
def test_a_run_is_found_by_the_start_of_its_id(store: Store, asked: str) -> None:
    store.create_run(run_record("7f3a"))
    store.create_run(run_record("81bc"))
    assert store.run(asked).id == "7f3a"


def test_a_whole_id_is_never_ambiguous(store: Store) -> None:
    store.create_run(run_record("7f3a"))
    store.create_run(run_record("7f3a9"))
    assert store.run("7f3a").id == "7f3a"


def test_an_ambiguous_start_of_an_id_names_the_runs_it_could_be(store: Store) -> None:
    store.create_run(run_record("7f3a"))
    store.create_run(run_record("7f81"))
    with pytest.raises(BadInput, match="7f3a, 7f81"):
        store.run("7f")


def test_an_unknown_run_is_answered_with_near_ones(store: Store) -> None:
    store.create_run(run_record("7f3a"))
    store.create_run(run_record("c0de"))
    with pytest.raises(BadInput, match="no run '7f4a'") as refused:
        store.run("7f4a")
    assert "7f3a" in refused.value.hint
    assert "c0de" not in refused.value.hint


@pytest.mark.parametrize("asked", ["", "%", "_", "zz"])
def test_an_unknown_run_in_an_empty_store_is_answered_with_what_to_do(store: Store, asked: str) -> None:
    with pytest.raises(BadInput) as refused:
        store.run(asked)
    assert "parlab run" in refused.value.hint


@pytest.mark.parametrize("state", get_args(RunState))
def test_each_state_can_be_set_with_its_reason(store: Store, state: str) -> None:
    store.create_run(run_record())
    store.set_state("7f3a", state, "because")  # type: ignore[arg-type]
    assert (store.run("7f3a").state, store.run("7f3a").reason) == (state, "because")


def test_running_seconds_add_up_over_resumes(store: Store) -> None:
    store.create_run(run_record())
    store.add_running_seconds("7f3a", 1.5)
    store.add_running_seconds("7f3a", 2.0)
    assert store.run("7f3a").running_seconds == 3.5


def test_changing_a_run_that_is_not_there_is_refused(store: Store) -> None:
    changes: tuple[Callable[[], object], ...] = (
        lambda: store.set_state("dead", "done"),
        lambda: store.add_running_seconds("dead", 1.0),
        lambda: store.set_experiment("dead", EXPERIMENT),
        lambda: store.save_plan(plan("dead")),
        lambda: store.plan("dead"),
    )
    for change in changes:
        with pytest.raises(BadInput, match="no run 'dead'"):
            change()


def test_a_stop_rule_changes_in_run_and_plan_and_is_noted(store: Store) -> None:
    store.create_run(run_record())
    store.save_plan(plan())
    finer = dataclasses.replace(EXPERIMENT, stop=dataclasses.replace(EXPERIMENT.stop, precision=0.02))
    store.set_experiment("7f3a", finer)
    stored = store.plan("7f3a")
    assert stored is not None
    assert store.run("7f3a").experiment == stored.experiment == finer
    assert [event.kind for event in store.events("7f3a")] == ["stop-rule-changed"]
    store.set_experiment("7f3a", finer)
    assert len(store.events("7f3a")) == 1, "nothing changed the second time"


def test_nothing_but_the_stop_rule_of_a_run_can_change(store: Store) -> None:
    store.create_run(run_record())
    with pytest.raises(BadInput, match="a different experiment"):
        store.set_experiment("7f3a", dataclasses.replace(EXPERIMENT, trial_seconds=2.0))
    assert store.run("7f3a").experiment == EXPERIMENT


def test_a_plan_comes_back_as_it_was_stored(store: Store) -> None:
    store.create_run(run_record())
    assert store.plan("7f3a") is None
    store.save_plan(plan())
    assert store.plan("7f3a") == plan()


def test_a_plan_cannot_be_replaced_once_trials_were_sent_by_it(store: Store) -> None:
    store.create_run(run_record())
    store.save_plan(dataclasses.replace(plan(), seed=1))
    store.save_plan(plan())
    store.sittings.dispatched("7f3a", "s", 1, "g", 0, "n1", "n1-7f3a-s-a1", 1.0)
    store.save_plan(plan())
    with pytest.raises(LabError, match="another plan"):
        store.save_plan(dataclasses.replace(plan(), seed=1))


def test_a_registration_is_kept_again_only_when_it_changed(store: Store, clock: SteppedClock) -> None:
    store.create_run(run_record())
    for boot_id in ("b1", "b1", "b2", "b1"):
        clock.now += 10
        store.save_registrations("7f3a", [registration(boot_id), registration("b9", "n2")])
    seen = [(s.registration.node, s.registration.host.boot_id) for s in store.registrations("7f3a")]
    assert seen == [("n1", "b1"), ("n2", "b9"), ("n1", "b2"), ("n1", "b1")]
    assert store.registrations("7f3a")[0].registration == registration()
    assert store.registrations("7f3a")[2].first_seen_unix_seconds == 1_700_000_030.0


def test_calibrations_are_kept_by_group(store: Store) -> None:
    store.create_run(run_record())
    first = Calibration(4, 0.25, Expected("d", ("e", "f")))
    store.save_calibration("7f3a", "g1", Calibration(2, 0.5, None))
    store.save_calibration("7f3a", "g1", first)
    store.save_calibration("7f3a", "g2", Calibration(1, 0.5, None))
    assert store.calibrations("7f3a") == {"g1": first, "g2": Calibration(1, 0.5, None)}


def test_a_configuration_fails_once_and_keeps_its_first_traceback(store: Store, clock: SteppedClock) -> None:
    store.create_run(run_record())
    store.fail_configuration("7f3a", "c1", "it raised \udcff", "Traceback …")
    clock.now += 1
    store.fail_configuration("7f3a", "c1", "it raised again", None)
    failure = store.failed("7f3a")["c1"]
    assert (failure.reason, failure.traceback) == ("it raised \\udcff", "Traceback …")
    assert failure.unix_seconds == 1_700_000_000.0


def test_events_are_told_in_order_and_by_run(store: Store, clock: SteppedClock) -> None:
    store.create_run(run_record())
    store.event("7f3a", "node-restarted", "laptop came back")
    store.event("c0de", "other", "another run's")
    clock.now -= 3600
    store.event("7f3a", "clock", "the clock stepped back")
    assert store.events("7f3a") == [
        Event(1_700_000_000.0, "node-restarted", "laptop came back"),
        Event(1_699_996_400.0, "clock", "the clock stepped back"),
    ]


def test_a_flooding_event_is_cut(store: Store) -> None:
    store.event("7f3a", "flood", "x" * 10**6)
    assert len(store.events("7f3a")[0].text) == 2000


def test_what_something_else_wrote_into_the_file_is_an_error_with_a_cure(
    store: Store, tmp_path: Path
) -> None:
    store.create_run(run_record())
    with sqlite3.connect(tmp_path / "parlab.db") as other:
        other.execute("UPDATE runs SET experiment = '{\"colour\": 1}'")
    other.close()
    with pytest.raises(EnvironmentFault, match="run 7f3a, its experiment") as refused:
        store.run("7f3a")
    assert "prune" in refused.value.hint


def test_run_ids_are_short_unique_and_no_beginning_of_each_other() -> None:
    ids: set[str] = set()
    for _ in range(500):
        ids.add(make_run_id(ids))
    assert len(ids) == 500
    for run in ids:
        assert 4 <= len(run) <= 6
        int(run, 16)
        assert not run.isdigit(), "a spreadsheet would make a number of it"
        assert not any(other != run and other.startswith(run) for other in ids if len(other) > len(run))


def test_running_out_of_run_ids_is_an_error_with_a_cure() -> None:
    with pytest.raises(EnvironmentFault, match="run id") as fault:
        make_run_id({f"{number:x}" for number in range(16)})
    assert "prune" in fault.value.hint


def test_runs_are_pinned_once_in_the_order_of_pinning_and_unpinned(store: Store) -> None:
    for run in ("7f3a", "8e2b", "9d1c"):
        store.create_run(RunRecord(run, EXPERIMENT, 1, 1.0))
    for run in ("9d1c", "7f3a", "9d1c"):
        store.pin(run)
    assert set(store.pinned()) == {"9d1c", "7f3a"}
    store.unpin("9d1c")
    store.unpin("9d1c")
    assert store.pinned() == ["7f3a"]
    with pytest.raises(BadInput, match="0000"):
        store.pin("0000")
    store.space.remove_run("7f3a")
    assert store.pinned() == []
