"""The load beside a trial: what counts as kept from CPUs, at the limits, and what others are told of."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from parlab.workers.errors import NotReadable
from parlab.workers.host.tree import CpuTimes, Tree
from parlab.workers.probes.others import OthersMeter, busy_ticks
from parlab.workers.sitting import background_load, gates
from parlab.workers.sitting.background_load import BackgroundLoad
from parlab.workers.sitting.session import TrialSession
from parlab.workers.wire.registration import EffectiveCpus
from parlab.workers.wire.result import Reading, Round
from parlab.workers.wire.spec import TrialSpec

TICKS = os.sysconf("SC_CLK_TCK")


def cpus(count: int, quota: float | None = None) -> EffectiveCpus:
    return EffectiveCpus(count, count, None, quota, count, f"affinity {count}")


def session(
    *,
    others: float | None,
    own: float,
    max_workers: int = 2,
    strategy: str = "processes",
    seconds: float = 1.0,
    inner_threads: float = 0,
) -> TrialSession:
    """A trial that was measured: in its rounds it used so many CPUs, and all others so many."""
    made = TrialSession(TrialSpec("t0", "c0", "integer_sum", {}, 4, strategy, {}, max_workers, "3.11.7"))
    made.rounds = [Round(turn, 0, seconds / 2, own * seconds / 2) for turn in range(2)]
    made.readings = [Reading("inner_threads", "count", inner_threads)]
    if others is not None:
        made.readings.append(Reading("others_cpu", "seconds", others * seconds))
    made.ended = ("measured", None, None, None)
    return made


def judged(one: TrialSession, effective: EffectiveCpus, found: BackgroundLoad | None = None) -> str | None:
    """The cause after a look that finds what there was in the rounds, or what is given."""
    seconds = sum(r.seconds for r in one.rounds)
    there = BackgroundLoad((one.reading("others_cpu") or 0.0) / seconds) if found is None else found
    gates.judge_load([one], effective, lambda: there)
    assert one.ended is not None
    return one.ended[1]


@pytest.mark.parametrize(
    ("others", "own", "expected"),
    [(0.26, 1.74, "load"), (0.24, 1.76, None), (1.0, 1.0, "load"), (0.5, 1.2, None), (None, 2.0, None)],
    ids=["above", "below", "a third", "a CPU was idle", "not readable"],
)
def test_more_than_an_eighth_of_what_two_workers_wanted_is_too_much(
    others: float | None, own: float, expected: str | None
) -> None:
    assert judged(session(others=others, own=own), cpus(2), BackgroundLoad(2.0)) == expected


def test_a_worker_beside_a_program_that_has_a_cpu_of_its_own_is_not_disturbed() -> None:
    assert judged(session(others=1.0, own=1.0, max_workers=1, strategy="serial"), cpus(2)) is None
    assert judged(session(others=1.0, own=1.0, max_workers=100, strategy="asyncio"), cpus(2)) is None
    # … unless its work computes on several by itself.
    inner = session(others=0.7, own=1.3, max_workers=1, strategy="serial", inner_threads=1)
    assert judged(inner, cpus(2)) == "load"


def test_work_that_waits_wanted_no_cpu() -> None:
    assert judged(session(others=2.0, own=0.02, max_workers=32, strategy="threads"), cpus(2)) is None


def test_a_crowd_of_others_leaves_little_and_that_is_seen() -> None:
    assert judged(session(others=1.8, own=0.2), cpus(2)) == "load"


def test_beyond_its_quota_a_trial_wanted_nothing() -> None:
    assert judged(session(others=1.0, own=1.0), cpus(2, quota=1.0)) is None
    assert judged(session(others=1.4, own=0.6), cpus(2, quota=1.0)) == "load"


def test_on_many_cpus_it_is_the_share_that_counts() -> None:
    assert judged(session(others=56.0, own=8.0, max_workers=8), cpus(64)) is None
    assert judged(session(others=60.0, own=4.0, max_workers=8), cpus(64)) == "load"
    assert judged(session(others=1.0, own=63.0, max_workers=64), cpus(64)) is None


def test_a_few_ticks_in_a_short_trial_are_no_share() -> None:
    assert judged(session(others=1.0, own=1.0, seconds=0.09), cpus(2)) is None
    assert judged(session(others=1.0, own=1.0, seconds=0.3), cpus(2)) == "load"


def test_load_that_is_gone_with_the_trial_may_be_its_own_servers() -> None:
    asked = session(others=0.9, own=1.0, strategy="threads")
    assert judged(asked, cpus(2), BackgroundLoad(0.02)) is None
    # What cannot be looked at is believed of the rounds.
    assert judged(session(others=0.9, own=1.0), cpus(2), BackgroundLoad(None)) == "load"


def test_nothing_is_looked_at_where_nobody_was_busy() -> None:
    def looked() -> BackgroundLoad:
        raise AssertionError("it takes a quarter of a second")

    gates.judge_load([session(others=0.2, own=1.8)], cpus(2), looked)


def test_the_reason_has_the_figures_and_names_the_busiest() -> None:
    one = session(others=0.9, own=1.1)
    judged(one, cpus(2), BackgroundLoad(0.97, ("cc1plus (pid 77)", 0.95)))
    assert one.ended is not None
    assert one.ended[2] == (
        "other programs kept 0.9 of 2 CPUs busy during its rounds, and it could have used 2: stop them "
        "(the busiest is cc1plus (pid 77) with 0.95), or measure when they have ended"
    )
    unseen = session(others=0.9, own=1.1)
    judged(unseen, cpus(2), BackgroundLoad(0.97))
    assert unseen.ended is not None
    assert "they are not visible from here" in (unseen.ended[2] or "")


@pytest.mark.parametrize(
    ("used", "expected"), [(0.3, "other-measurement"), (float("inf"), "other-measurement"), (0.2, None)]
)
def test_another_measurement_disturbs_also_what_had_a_cpu_of_its_own(used: float, expected: str) -> None:
    one = session(others=0.9, own=0.95, max_workers=1, strategy="serial")
    assert judged(one, cpus(2), BackgroundLoad(0.9, None, ("a trial of another (pid 7)", used))) == expected


def test_beside_another_measurement_work_that_waits_is_as_undisturbed_as_beside_anybody() -> None:
    other = BackgroundLoad(1.9, None, ("a trial of another (pid 7)", 1.9))
    assert judged(session(others=1.9, own=0.02, max_workers=32, strategy="threads"), cpus(2), other) is None
    # … and so is what has left CPUs idle.
    assert judged(session(others=0.7, own=1.0, max_workers=1, strategy="serial"), cpus(2), other) is None


# The look


def test_a_busy_process_is_found_and_named() -> None:
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as process:
        try:
            limit = time.monotonic() + 20
            while True:
                found = background_load.look(seconds=0.2)
                assert found.cpus is not None
                assert found.busiest is not None
                # Whatever else runs here may be busier for a moment.
                if f"(pid {process.pid})" in found.busiest[0]:
                    break
                assert time.monotonic() < limit, found
        finally:
            process.kill()
    assert 0.1 < found.busiest[1] <= 1.2
    assert found.cpus > 0.1


def test_a_trials_interpreter_is_found_with_what_its_processes_use() -> None:
    # As a trial's looks from outside: its work is in a process below it.
    program = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'while True: pass'])"
    marked = f"{program}  # from _parlab_trial.trial.main import main"
    with subprocess.Popen([sys.executable, "-c", marked], start_new_session=True) as process:
        try:
            limit = time.monotonic() + 20
            while process.pid not in background_load.trials():
                assert time.monotonic() < limit
            while True:
                found = background_load.look(seconds=0.2).measurement
                assert found is not None
                if found[1] > 0.1:
                    break
                assert time.monotonic() < limit, found
        finally:
            os.killpg(process.pid, 9)
    assert "a trial of another measurement (pid " in found[0]


def test_trials_that_have_ended_meanwhile_are_remembered(tmp_path: Path) -> None:
    (tmp_path / "stat").write_text("cpu 1 0 1 9 0 0 0 0 0 0\n")
    found = background_load.look((7, 5), seconds=0.0, proc=str(tmp_path))
    assert found.measurement == ("a trial of another measurement (pid 5)", float("inf"))
    assert background_load.look(seconds=0.0, proc=str(tmp_path)).measurement is None


def test_without_a_proc_nothing_is_known_of_others(tmp_path: Path) -> None:
    assert background_load.look(seconds=0.0, proc=str(tmp_path / "none")) == BackgroundLoad(None)
    assert background_load.trials(str(tmp_path / "none")) == []


# The probe

STAT = "cpu {} 0 0 900 0 0 0 0 0 0\ncpu0 {} 1 1 450 9 1 1 50 0 0\ncpu1 0 0 0 450 0 0 0 0 0 0\nintr 5\n"


def test_others_have_what_the_cpus_were_in_use_beyond_the_trial(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0})
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    tree = Tree(7)
    (tmp_path / "stat").write_text(STAT.format(500, 100))
    tree.noted = {7: CpuTimes(0, 0, 0)}
    meter = OthersMeter(tree, str(tmp_path))
    meter.begin()
    # A worker, and the trial itself, of which less than a tick is known.
    tree.noted = {7: CpuTimes(200_000_000, 0, 0), 8: CpuTimes(300_000_000, 0, 0)}
    (tmp_path / "stat").write_text(STAT.format(10**6, 100 + 2 * TICKS))
    meter.end(1.0)
    assert meter.values() == [1.5]
    # Ticks are coarse: others cannot have used less than nothing.
    meter.begin()
    tree.noted = {7: CpuTimes(9_000_000_000, 0, 0), 8: CpuTimes(300_000_000, 0, 0)}
    meter.end(1.0)
    assert meter.values() == [0.0]


def test_only_the_cpus_that_the_trial_may_run_on_are_counted() -> None:
    stat = STAT.format(500, 100).encode()
    assert busy_ticks(stat, None) == 500
    # In use are user, nice, system and both kinds of interrupts; not idle, waiting and stolen.
    assert busy_ticks(stat, {0}) == 104
    assert busy_ticks(stat, {0, 1}) == 104
    with pytest.raises(NotReadable, match="does not tell of cpu5"):
        busy_ticks(stat, {1, 5})


def test_without_a_proc_or_a_tree_there_is_a_reason(tmp_path: Path) -> None:
    with pytest.raises(NotReadable, match=r"no .*stat here"):
        OthersMeter(Tree(7), str(tmp_path))
    tree = Tree(7)
    tree.unreadable = "no /proc on another"
    with pytest.raises(NotReadable, match="no /proc on another"):
        OthersMeter(tree).begin()


def test_the_reading_of_this_machine_moves_with_a_program_beside_it() -> None:
    tree = Tree(os.getpid())

    def others(seconds: float) -> float:
        meter = OthersMeter(tree)
        tree.cpu_times()
        meter.begin()
        time.sleep(seconds)
        tree.cpu_times()
        meter.end(seconds)
        (value,) = meter.values()
        assert isinstance(value, float)
        return value

    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as process:
        try:
            # It has a share of a CPU, however many others there are.
            assert others(0.5) > 0.1
        finally:
            process.kill()
