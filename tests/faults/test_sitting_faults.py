"""A sitting meets real faults: it ends in time, the other trials are measured, and nothing is left."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from parlab.workers.host.processes import is_ending
from parlab.workers.wire.spec import SittingSpec
from tests.support.sittings import Bench, Sat, until

Waiting = Callable[..., tuple[subprocess.Popen[bytes], int]]

_FORK: dict[str, Any] = {"strategy": "processes", "max_workers": 2, "options": {"start_method": "fork"}}
_FORKSERVER: dict[str, Any] = {
    "strategy": "processes",
    "max_workers": 2,
    "options": {"start_method": "forkserver"},
}
_THREADS: dict[str, Any] = {"strategy": "threads", "max_workers": 2}

#: After the warm-up and one round of four tasks each, serially.
_SECOND_ROUND = 8


@pytest.fixture(scope="module")
def sat(bench: Bench) -> Sat:
    """One sitting in which nearly everything goes wrong that can."""
    quick: dict[str, Any] = {"timeout_seconds": 2.0}
    return bench.run(
        bench.sitting(
            bench.faulty("fine"),
            bench.faulty("killed", "kill", _SECOND_ROUND),
            bench.faulty("killed-fork", "kill", 6, **_FORK),
            bench.faulty("killed-forkserver", "kill", 6, **_FORKSERVER),
            bench.faulty("exited", "_exit", _SECOND_ROUND),
            bench.faulty("exited-fork", "_exit", **_FORK),
            bench.faulty("segfault", "segfault", _SECOND_ROUND),
            bench.faulty("hung", "hang", _SECOND_ROUND, **quick),
            bench.faulty("hung-forkserver", "hang", **_FORKSERVER, **quick),
            bench.faulty("stubborn", "stubborn", **_FORK, **quick),
            bench.faulty("raised", "raise", _SECOND_ROUND),
            bench.faulty("exit", "exit", **_THREADS),
            bench.faulty("sudden", "sudden", warm_up_rounds=0),
            bench.faulty("sudden-fork", "sudden", **_FORK),
            bench.faulty("wrong", "wrong", _SECOND_ROUND),
            bench.faulty("said", "print", **_FORKSERVER),
            bench.faulty("fine-fork", **_FORK),
            turns=3,
        )
    )


@pytest.mark.parametrize(
    ("name", "outcome", "cause", "said", "rounds"),
    [
        ("killed", "lost", "died", "its interpreter died during round 2: killed by SIGKILL", 1),
        ("killed-fork", "lost", "died", ": killed by SIGKILL", None),
        ("killed-forkserver", "lost", "died", ": killed by SIGKILL", None),
        ("exited", "lost", "died", "its interpreter died during round 2: ended with exit code 7", 1),
        ("exited-fork", "lost", "died", "ended by itself with exit code 7", 0),
        ("segfault", "lost", "died", "its interpreter died during round 2: killed by SIGSEGV", 1),
        ("hung", "failed", "timeout", "it did not finish round 2 within 2 s", 1),
        ("hung-forkserver", "failed", "timeout", "it did not finish warm-up within 2 s", 0),
        ("stubborn", "failed", "timeout", "it did not finish warm-up within 2 s", 0),
        ("raised", "failed", "raised", "round 2: faulty raised ValueError: no such thing as task 0", 1),
        ("exit", "failed", "raised", "warm-up: faulty raised SystemExit: enough of it", 0),
        ("sudden", "failed", "raised", "Sudden: not an Exception", 0),
        ("sudden-fork", "failed", "raised", "Sudden: not an Exception", 0),
        ("wrong", "failed", "wrong-result", "round 2: task 0 of 4 gave 1", 1),
    ],
)
def test_what_goes_wrong_fails_alone_and_says_how(
    sat: Sat, name: str, outcome: str, cause: str, said: str, rounds: int | None
) -> None:
    trial = sat.trial(name)
    assert (trial.outcome, trial.cause) == (outcome, cause), trial.reason
    assert said in str(trial.reason)
    if rounds is not None:
        assert len(trial.rounds) == rounds


@pytest.mark.parametrize("name", ["fine", "fine-fork", "said"])
def test_the_others_are_measured(sat: Sat, name: str) -> None:
    trial = sat.trial(name)
    assert (trial.outcome, trial.reason) == ("measured", None)
    assert [round_.turn for round_ in trial.rounds] == [0, 1, 2]


def test_what_a_task_raised_keeps_its_traceback(sat: Sat) -> None:
    for name in ("raised", "exit", "sudden", "sudden-fork"):
        assert "faulty.py" in str(sat.trial(name).traceback)
    assert sat.trial("killed").traceback is None


def test_what_a_trial_prints_is_kept_with_it(sat: Sat) -> None:
    assert "a word on stdout" in sat.trial("said").output_tail
    assert sat.trial("fine").output_tail == ""


def test_the_pools_of_failed_trials_are_no_news(sat: Sat) -> None:
    assert sat.result.left_behind == ()


def test_a_hang_costs_its_limit_and_no_more(sat: Sat) -> None:
    # Three trials hang for two seconds each.
    assert 6.0 < sat.result.seconds < 30.0


def _semaphores() -> set[str]:
    return {entry.name for entry in Path("/dev/shm").glob("sem.mp-*")}


@pytest.mark.parametrize("method", ["fork", "forkserver", "spawn"])
@pytest.mark.parametrize(("fault", "outcome"), [("kill", "lost"), ("hang", "failed")])
def test_nothing_is_left_of_the_last_trial_s_pool(
    bench: Bench, method: str, fault: str, outcome: str
) -> None:
    before = _semaphores()
    pool: dict[str, Any] = {"strategy": "processes", "max_workers": 2, "options": {"start_method": method}}
    limit = 0.5 if fault == "hang" else 20.0
    sat = bench.run(bench.sitting(bench.faulty("last", fault, timeout_seconds=limit, **pool), turns=1))
    assert sat.trial("last").outcome == outcome
    # Other programs have semaphores, too, which come and go.
    new = _semaphores() - before
    until(lambda: not new & _semaphores(), 3)


def test_a_flood_of_output_neither_blocks_nor_is_kept(bench: Bench) -> None:
    sat = bench.run(bench.sitting(bench.faulty("fine"), bench.faulty("flood", "flood", 11), turns=2))
    # What other virtual machines and programs take is none of the pools' doing.
    assert {t.cause for t in sat.result.trials} <= {None, "steal", "load", "other-measurement"}
    assert {t.outcome for t in sat.result.trials} <= {"measured", "rejected"}
    tail = sat.trial("flood").output_tail
    assert len(tail) == 4096
    assert tail.endswith("x\nthe end")
    # 105 MB were printed.
    assert sat.peak_bytes < 80e6


def test_pools_of_processes_that_wait_are_idle(bench: Bench) -> None:
    trials = [bench.faulty("fork", seconds=0.01, **_FORK), bench.faulty("threads", seconds=0.01, **_THREADS)]
    sat = bench.run(bench.sitting(*trials, turns=10))
    assert {(t.outcome, t.reason) for t in sat.result.trials} == {("measured", None)}


@pytest.fixture
def waiting(bench: Bench) -> Iterator[Waiting]:
    """Starts a guardian whose trials have opened their pools and wait; gives process and guardian's pid."""

    def start(*through: str) -> tuple[subprocess.Popen[bytes], int]:
        process = bench.start(_long(bench), *through)
        # In the order of their warm-ups, so that all pools are open by then.
        until(lambda: "sleep 600" in bench.processes().values())
        assert process.poll() is None
        first = min(pid for pid, line in bench.processes().items() if "_parlab_trial" in line)
        return process, int(Path(f"/proc/{first}/stat").read_text().rpartition(")")[2].split()[1])

    yield start
    bench.end()


def _long(bench: Bench) -> SittingSpec:
    return bench.sitting(
        bench.faulty("fork", **_FORK),
        bench.faulty("forkserver", **_FORKSERVER),
        bench.faulty("session", "session", tasks=1),
        bench.faulty("long", "hang", timeout_seconds=60.0),
    )


def _gone(bench: Bench) -> bool:
    return bench.processes() == {}


def test_a_guardian_that_is_told_to_end_takes_all_along(bench: Bench, waiting: Waiting) -> None:
    process, guardian = waiting()
    assert guardian == process.pid
    process.send_signal(signal.SIGTERM)
    process.wait(10)
    until(lambda: _gone(bench), 5)


def test_a_guardian_whose_parent_is_killed_takes_all_along(bench: Bench, waiting: Waiting) -> None:
    between = "import subprocess, sys; sys.exit(subprocess.call(sys.argv[1:]))"
    process, guardian = waiting(sys.executable, "-c", between)
    assert guardian != process.pid
    process.kill()
    until(lambda: _gone(bench) and is_ending(guardian), 5)


def test_the_interpreters_go_with_a_guardian_that_is_killed(bench: Bench, waiting: Waiting) -> None:
    process, guardian = waiting()
    interpreters = {
        pid
        for pid in bench.processes()
        if int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1]) == guardian
    }
    assert len(interpreters) == 4
    process.kill()
    until(lambda: not interpreters & bench.processes().keys(), 5)
    # What a pool has started may stay: to end that is its node's part.
    bench.end()
    until(lambda: _gone(bench), 5)
