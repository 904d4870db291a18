"""Gates that a trial must pass to count: each by its figure, at its limit."""

from __future__ import annotations

from dataclasses import replace

import pytest

from parlab.workers.sitting import gates
from parlab.workers.sitting.session import TrialSession
from parlab.workers.wire.registration import EffectiveCpus
from parlab.workers.wire.result import Reading, Round
from parlab.workers.wire.spec import TrialSpec

SPEC = TrialSpec("t0", "c0", "integer_sum", {}, 4, "threads", {}, 2, "3.11.7")
NO_QUOTA = EffectiveCpus(2, 2, None, None, 2, "affinity 2, no quota")


def session(spec: TrialSpec = SPEC, **readings: float) -> TrialSession:
    """A trial that was measured: two rounds of half a second."""
    made = TrialSession(spec)
    made.rounds = [Round(0, 0, 0.5), Round(1, 0, 0.5)]
    made.readings = [Reading(name, "x", value) for name, value in readings.items()]
    made.ended = ("measured", None, None, None)
    return made


def outcome(judged: TrialSession) -> tuple[str, str | None]:
    assert judged.ended is not None
    return judged.ended[0], judged.ended[1]


@pytest.mark.parametrize(
    ("stolen", "expected"),
    [(0.051, ("rejected", "steal")), (0.05, ("measured", None)), (0.0, ("measured", None))],
)
def test_more_than_five_percent_of_steal_rejects_a_trial(
    stolen: float, expected: tuple[str, str | None]
) -> None:
    judged = session(steal=stolen)
    gates.judge([judged], NO_QUOTA)
    assert outcome(judged) == expected


def test_a_few_ticks_of_steal_in_a_short_trial_are_no_share() -> None:
    judged = session(steal=0.2)
    judged.rounds = [Round(0, 0, 0.1)]
    gates.judge([judged], NO_QUOTA)
    assert outcome(judged) == ("measured", None)


@pytest.mark.parametrize(
    ("quota", "expected"), [(None, "measured"), (1.5, "measured"), (2.0, "rejected"), (4.0, "rejected")]
)
def test_throttling_disturbs_only_where_the_quota_would_have_sufficed(
    quota: float | None, expected: str
) -> None:
    judged = session(throttled=0.2)
    gates.judge([judged], replace(NO_QUOTA, quota=quota))
    assert outcome(judged)[0] == expected


@pytest.mark.parametrize(
    ("asked", "seen", "expected"),
    [
        ("off", True, "rejected"),
        ("on", False, "rejected"),
        ("on", True, "measured"),
        (None, True, "measured"),
    ],
)
def test_a_gil_in_another_state_than_asked_for_rejects_a_trial(
    asked: str | None, seen: bool, expected: str
) -> None:
    judged = session(replace(SPEC, gil=asked))  # type: ignore[arg-type]
    judged.gil_enabled = seen
    gates.judge([judged], NO_QUOTA)
    assert outcome(judged)[0] == expected


def test_a_trial_is_noisy_by_all_its_pauses_together() -> None:
    judged = session()
    judged.idle_seconds = 1.0
    judged.idle_cpu_seconds = 0.049
    assert not gates.noisy(judged)
    judged.idle_cpu_seconds = 0.051
    assert gates.noisy(judged)
    judged.idle_seconds, judged.idle_cpu_seconds = 0.01, 0.01
    assert not gates.noisy(judged)


def test_beside_a_noisy_trial_the_others_do_not_count_and_what_failed_stays_failed() -> None:
    noisy, beside, failed = session(), session(), session()
    failed.ended = ("failed", "raised", "ValueError", None)
    gates.disturbed([noisy, beside, failed], noisy)
    assert [outcome(s) for s in (noisy, beside, failed)] == [
        ("measured", None),
        ("rejected", "disturbed"),
        ("failed", "raised"),
    ]


@pytest.mark.parametrize(
    ("at_start", "seen", "expected"),
    [(False, True, ("failed", "gil")), (True, True, ("measured", None)), (False, False, ("measured", None))],
)
def test_a_gil_that_something_turned_on_where_none_was_asked_for_fails_a_trial(
    at_start: bool, seen: bool, expected: tuple[str, str | None]
) -> None:
    judged = session()
    judged.gil_at_start, judged.gil_enabled = at_start, seen
    gates.judge([judged], NO_QUOTA)
    assert outcome(judged) == expected


def test_a_clock_that_stepped_rejects_what_was_measured_and_says_which_way() -> None:
    measured, failed = session(), session()
    failed.ended = ("failed", "raised", "ValueError", None)
    gates.clock_stepped([measured, failed], -2.5)
    assert [outcome(s) for s in (measured, failed)] == [("rejected", "clock"), ("failed", "raised")]
    assert measured.ended is not None
    assert "jumped 2.5 s back" in (measured.ended[2] or "")
