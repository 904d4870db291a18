"""Sittings and trials in the store: each result whole, once, and only what was asked for."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from parlab.orchestrator.experiment.model import Experiment, StrategyChoice, WorkloadChoice
from parlab.orchestrator.store.facade import Store
from parlab.orchestrator.store.observation import Observation
from parlab.orchestrator.store.records import RunRecord
from parlab.workers.clock import SystemClock
from parlab.workers.errors import LabError
from parlab.workers.wire.result import Calibration, Reading, Round, SittingResult, TrialResult

EXPERIMENT = Experiment("e", "?", (WorkloadChoice("wait", {}),), (StrategyChoice("threads"),))
RUN = "7f3a"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "parlab.db", SystemClock()) as opened:
        opened.create_run(RunRecord(RUN, EXPERIMENT, 1, 1.0))
        yield opened


def trial(name: str, **changes: Any) -> TrialResult:
    whole = TrialResult(
        name,
        "c-" + name[-1],
        "measured",
        rounds=(Round(0, 1, 0.25, 0.5), Round(1, 0, 0.5)),
        start_up_seconds=0.01,
        tear_down_seconds=0.002,
        readings=(
            Reading("wall", "seconds", 0.75),
            Reading("switches", "switches", 0.0),
            Reading("throttled", "seconds", None, "no cgroup"),
        ),
        python_version="3.11.7",
        gil_enabled=True,
        output_tail="grüße",
    )
    return dataclasses.replace(whole, **changes)


def result(sitting: str, attempt: int = 1, **changes: Any) -> SittingResult:
    trials = (trial(f"{sitting}-0"), trial(f"{sitting}-1"))
    whole = SittingResult(RUN, sitting, attempt, "n1", "h1", "b1", 5.0, 1.5, trials)
    return dataclasses.replace(whole, **changes)


def send(store: Store, sitting: str, attempt: int = 1, block: int | None = 0, node: str = "n1") -> None:
    job_id = f"{node}-{RUN}-{sitting}-a{attempt}"
    store.sittings.dispatched(RUN, sitting, attempt, "g", block, node, job_id, 2.0 + attempt)


def test_a_result_is_stored_with_all_its_trials(store: Store) -> None:
    send(store, "s0", block=3)
    whole = result("s0", left_behind=("sleep (pid 7)",), clock_step_seconds=0.5)
    receipt = store.sittings.record(whole)
    assert receipt
    assert receipt.outcome == "stored"
    assert [t.result for t in store.sittings.trials(RUN)] == list(whole.trials)
    assert {(t.group, t.block, t.sitting, t.attempt, t.node) for t in store.sittings.trials(RUN)} == {
        ("g", 3, "s0", 1, "n1")
    }
    (stored,) = store.sittings.stored(RUN)
    assert stored.result == dataclasses.replace(whole, trials=())
    assert stored.attempt == store.sittings.attempts(RUN, "s0")[0]


def test_an_observation_holds_the_total_of_a_trials_rounds(store: Store) -> None:
    send(store, "s0", block=3)
    store.sittings.record(result("s0"))
    assert store.sittings.observations(RUN)[1] == Observation(
        group="g",
        block=3,
        sitting="s0",
        configuration="c-1",
        outcome="measured",
        cause=None,
        reason=None,
        seconds=0.75,
        rounds=2,
        start_up_seconds=0.01,
        tear_down_seconds=0.002,
        readings={"wall": 0.75, "switches": 0.0},
        unread={"throttled": "no cgroup"},
    )


@pytest.mark.parametrize("outcome", ["skipped", "failed", "rejected", "lost"])
def test_a_trial_that_was_not_measured_has_no_seconds(store: Store, outcome: str) -> None:
    send(store, "s0")
    store.sittings.record(
        result("s0", trials=(trial("s0-0", outcome=outcome, cause="why", reason="a sentence"),))
    )
    (seen,) = store.sittings.observations(RUN)
    assert (seen.outcome, seen.cause, seen.reason) == (outcome, "why", "a sentence")
    assert seen.seconds is None
    assert seen.rounds == 2


def test_seconds_add_up_without_rounding(store: Store) -> None:
    send(store, "s0")
    rounds = tuple(Round(i, 0, 0.1) for i in range(10))
    store.sittings.record(result("s0", trials=(trial("s0-0", rounds=rounds),)))
    assert store.sittings.observations(RUN)[0].seconds == 1.0
    assert next(store.sittings.trials(RUN)).result.rounds == rounds


def test_the_same_result_again_changes_nothing(store: Store) -> None:
    send(store, "s0")
    assert store.sittings.record(result("s0"))
    before = store.sittings.observations(RUN)
    receipt = store.sittings.record(result("s0"))
    assert not receipt
    assert receipt.outcome == "duplicate"
    assert store.sittings.observations(RUN) == before
    assert store.events(RUN) == []


def test_of_two_attempts_the_first_to_come_counts(store: Store) -> None:
    send(store, "s0", 1)
    store.sittings.lost(RUN, "s0", 1, "the node was restarted")
    send(store, "s0", 2)
    assert store.sittings.record(result("s0", 2))
    late = store.sittings.record(result("s0", 1))
    assert (late.outcome, bool(late)) == ("duplicate", False)
    assert {t.attempt for t in store.sittings.trials(RUN)} == {2}
    assert store.sittings.accepted(RUN) == {"s0"}


def test_a_late_result_of_an_attempt_given_up_counts_if_no_other_does(store: Store) -> None:
    send(store, "s0", 1)
    store.sittings.lost(RUN, "s0", 1, "silence")
    send(store, "s0", 2)
    assert store.sittings.record(result("s0", 1))
    assert [a.state for a in store.sittings.attempts(RUN, "s0")] == ["accepted", "open"]
    assert store.sittings.attempts(RUN, "s0")[0].lost_reason == "silence"
    assert [event.kind for event in store.events(RUN)] == ["sitting-lost", "late-result"]
    assert store.sittings.open(RUN) == [], "nothing is awaited of a sitting that counts"
    assert not store.sittings.record(result("s0", 2))


@pytest.mark.parametrize(
    "stranger",
    [
        result("s9"),
        result("s0", 2),
        result("s0", run="dead"),
        result("s0", node="n2"),
        result("s0", run="\ud800"),
        result("s0", attempt=2**70),
        result("s0", trials=(trial("s0-0"), trial("s0-0"))),
        result("s0", trials=(trial("s0-0", start_up_seconds=float("nan")),)),
    ],
    ids=["sitting", "attempt", "run", "node", "surrogate", "overflow", "trial twice", "nan"],
)
def test_a_result_that_was_not_asked_for_is_refused_and_noted(store: Store, stranger: SittingResult) -> None:
    send(store, "s0")
    receipt = store.sittings.record(stranger)
    assert not receipt
    assert receipt.outcome == "refused"
    assert receipt.reason
    assert store.sittings.observations(RUN) == []
    assert store.sittings.open(RUN), "the attempt is still awaited"
    (event,) = store.events(stranger.run.replace("\ud800", "\\ud800"))
    assert (event.kind, receipt.reason in event.text) == ("result-refused", True)


def test_a_trial_that_counts_already_is_refused_under_another_sitting(store: Store) -> None:
    send(store, "s0")
    send(store, "s1", block=1)
    store.sittings.record(result("s0"))
    assert store.sittings.record(result("s1", trials=(trial("s0-0"),))).outcome == "refused"
    assert len(store.sittings.observations(RUN)) == 2


def test_one_bad_result_does_not_keep_the_others_out(store: Store) -> None:
    send(store, "s0")
    send(store, "s1", block=1)
    receipts = map(store.sittings.record, (result("s0"), result("s9"), result("s0"), result("s1")))
    assert [r.outcome for r in receipts] == ["stored", "refused", "duplicate", "stored"]
    assert store.sittings.accepted(RUN) == {"s0", "s1"}


def test_bytes_that_are_no_text_do_not_cost_a_result(store: Store) -> None:
    send(store, "s0")
    odd = trial("s0-0", outcome="failed", reason="said \udcff\0", output_tail="\udcfe\0")
    assert store.sittings.record(result("s0", trials=(odd,)))
    assert next(store.sittings.trials(RUN)).result == odd
    assert store.sittings.observations(RUN)[0].reason == "said \\udcff\0"


def test_sending_the_same_attempt_twice_changes_nothing(store: Store) -> None:
    send(store, "s0")
    send(store, "s0")
    assert len(store.sittings.attempts(RUN, "s0")) == 1
    with pytest.raises(LabError, match="before"):
        send(store, "s0", node="n2")


def test_sending_of_an_unknown_run_is_an_error(store: Store) -> None:
    with pytest.raises(LabError, match="FOREIGN KEY"):
        store.sittings.dispatched("dead", "s0", 1, "g", 0, "n1", "j", 1.0)


def test_open_sittings_are_those_sent_and_neither_stored_nor_lost(store: Store) -> None:
    for index, sitting in enumerate(("s0", "s1", "s2")):
        send(store, sitting, block=index)
    store.sittings.record(result("s0"))
    assert store.sittings.lost(RUN, "s1", 1, "killed")
    (left,) = store.sittings.open(RUN)
    assert (left.sitting, left.attempt, left.group, left.block, left.node) == ("s2", 1, "g", 2, "n1")
    assert (left.job_id, left.dispatched_unix_seconds, left.state) == (f"n1-{RUN}-s2-a1", 3.0, "open")
    assert store.sittings.blocks_begun(RUN) == {"g": 3}
    assert store.sittings.group_of(RUN, "s1") == "g"
    with pytest.raises(LabError, match="s9"):
        store.sittings.group_of(RUN, "s9")


def test_giving_up_what_is_not_open_changes_nothing(store: Store) -> None:
    send(store, "s0")
    store.sittings.record(result("s0"))
    assert not store.sittings.lost(RUN, "s0", 1, "silence")
    assert not store.sittings.lost(RUN, "s9", 1, "never sent")
    assert store.sittings.accepted(RUN) == {"s0"}
    assert store.events(RUN) == []


def test_giving_up_twice_notes_it_once(store: Store) -> None:
    send(store, "s0")
    assert store.sittings.lost(RUN, "s0", 1, "first")
    assert not store.sittings.lost(RUN, "s0", 1, "second")
    assert [a.lost_reason for a in store.sittings.attempts(RUN, "s0")] == ["first"]
    assert len(store.events(RUN)) == 1


def test_a_calibration_is_stored_with_its_result_and_is_no_observation(store: Store) -> None:
    send(store, "cal", block=None)
    found = Calibration(4, 0.25, None)
    assert store.sittings.record(result("cal", calibration=found))
    assert store.calibrations(RUN) == {"g": found}
    assert store.sittings.observations(RUN) == []
    assert [t.block for t in store.sittings.trials(RUN)] == [None, None]
    assert store.sittings.accepted(RUN) == {"cal"}
    assert store.sittings.blocks_begun(RUN) == {}


def test_a_calibration_that_gave_none_leaves_the_way_free_for_another_attempt(store: Store) -> None:
    send(store, "cal", block=None)
    died = trial("cal-0", outcome="lost")
    assert store.sittings.record(result("cal", trials=(died,)))
    assert not store.sittings.record(result("cal", trials=(died,)))
    assert store.sittings.accepted(RUN) == set()
    assert [a.state for a in store.sittings.attempts(RUN, "cal")] == ["void"]
    send(store, "cal", 2, block=None)
    assert store.sittings.record(
        result("cal", 2, trials=(trial("cal-0"),), calibration=Calibration(4, 0.25, None))
    )
    assert store.sittings.accepted(RUN) == {"cal"}


def test_only_what_is_new_is_read_since_a_cursor(store: Store) -> None:
    for index in range(3):
        send(store, f"s{index}", block=index)
    store.sittings.record(result("s0"))
    first, cursor = store.sittings.observations_since(RUN, 0)
    assert store.sittings.observations_since(RUN, cursor) == ([], cursor)
    store.sittings.record(result("s1"))
    store.sittings.record(result("s2"))
    later, end = store.sittings.observations_since(RUN, cursor)
    assert (len(first), [o.block for o in later]) == (2, [1, 1, 2, 2])
    assert first + later == store.sittings.observations(RUN)
    assert end > cursor


def test_runs_do_not_see_each_other(store: Store) -> None:
    store.create_run(RunRecord("c0de", EXPERIMENT, 1, 1.0))
    send(store, "s0")
    store.sittings.dispatched("c0de", "s0", 1, "g", 0, "n1", "j", 1.0)
    store.sittings.record(result("s0"))
    assert store.sittings.record(result("s0", run="c0de", trials=(trial("s0-0"),)))
    assert (len(store.sittings.observations(RUN)), len(store.sittings.observations("c0de"))) == (2, 1)


def test_trials_are_read_in_pages_and_in_order(store: Store) -> None:
    send(store, "s0")
    many = tuple(trial(f"t{index}", rounds=(), readings=()) for index in range(1203))
    store.sittings.record(result("s0", trials=many))
    assert [t.result.trial for t in store.sittings.trials(RUN)] == [t.trial for t in many]


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["send", "record", "lost"]), st.integers(min_value=0, max_value=2), st.integers(1, 3)
    ),
    max_size=25,
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_whatever_is_delivered_in_whatever_order_a_trial_counts_once(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int, int]]
) -> None:
    with Store.open(tmp_path_factory.mktemp("any") / "parlab.db", SystemClock()) as store:
        store.create_run(RunRecord(RUN, EXPERIMENT, 1, 1.0))
        stored = set()
        for step, index, attempt in steps:
            sitting = f"s{index}"
            if step == "send":
                send(store, sitting, attempt, block=index)
            elif step == "lost":
                store.sittings.lost(RUN, sitting, attempt, "lost")
            elif store.sittings.record(result(sitting, attempt)):
                assert sitting not in stored
                stored.add(sitting)
        assert store.sittings.accepted(RUN) == stored
        names = [t.result.trial for t in store.sittings.trials(RUN)]
        assert sorted(names) == sorted(f"{s}-{i}" for s in stored for i in (0, 1))
        assert len(store.sittings.observations(RUN)) == 2 * len(stored)
        assert not {a.sitting for a in store.sittings.open(RUN)} & stored


def test_a_voided_block_counts_for_nothing_and_its_trials_stay(store: Store) -> None:
    for block in (0, 1):
        send(store, f"b{block}", block=block)
        store.sittings.record(result(f"b{block}", trials=(trial(f"b{block}-0"),)))
    seen, cursor = store.sittings.observations_since(RUN, 0)
    assert {o.block for o in seen} == {0, 1}
    assert store.sittings.void_block(RUN, "g", 1, "reboot") is True
    assert store.sittings.void_block(RUN, "g", 1, "reboot") is False
    assert [(void.group, void.block, void.cause) for void in store.sittings.voided_blocks(RUN)] == [
        ("g", 1, "reboot")
    ]
    assert {o.block for o in store.sittings.observations(RUN)} == {0}
    assert {t.block for t in store.sittings.trials(RUN)} == {0, 1}
    # What comes in of it afterwards counts for nothing either.
    send(store, "late", block=1)
    store.sittings.record(result("late", trials=(trial("late-0"),)))
    assert store.sittings.observations_since(RUN, cursor)[0] == []
    assert [e.kind for e in store.events(RUN)].count("block-voided") == 1


def test_a_block_whose_sittings_sat_on_two_boots_counts_for_nothing(store: Store) -> None:
    for sitting, block, boot in (("s0", 0, "one"), ("s1", 1, "one"), ("s2", 1, "two"), ("s3", 2, "two")):
        send(store, sitting, block=block)
        receipt = store.sittings.record(result(sitting, boot_id=boot, trials=(trial(f"{sitting}-0"),)))
        assert receipt.outcome == "stored"
        assert receipt.voided_block == (1 if sitting == "s2" else None)
    assert [(void.block, void.cause) for void in store.sittings.voided_blocks(RUN)] == [(1, "reboot")]
    assert {o.block for o in store.sittings.observations(RUN)} == {0, 2}


def test_what_a_block_holds_is_kept_from_its_first_sitting_on(store: Store) -> None:
    send(store, "s0", block=0)
    store.sittings.dispatched(RUN, "s1", 1, "g", 1, "n1", "j1", 2.0, members=("c-0", "c-1"))
    # The block's other sittings, and another attempt, change nothing of it.
    store.sittings.dispatched(RUN, "s2", 1, "g", 1, "n1", "j2", 3.0, members=("c-0",))
    assert store.sittings.block_members(RUN) == {("g", 1): ("c-0", "c-1")}
