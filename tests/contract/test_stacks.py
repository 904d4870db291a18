"""A trial that hangs says where: the stacks of its processes come with its end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest

from parlab.workers.host import stacks
from parlab.workers.host.tree import stat_fields
from parlab.workers.wire.result import TrialResult
from tests.support.checkout import SOURCE
from tests.support.sittings import Bench, bench, sitting_trialpath, until

__all__ = ["bench", "sitting_trialpath"]

_LIMIT_SECONDS = 1.0

#: Hangs in two threads that wait for each other, and has a handler.
_DEADLOCK = """
import sys, threading
sys.path.insert(0, {root!r})
from parlab.workers.host import stacks
descriptor = stacks.register()
both = threading.Barrier(2)
first, second = threading.Lock(), threading.Lock()
def first_before_second():
    with first:
        both.wait()
        with second:
            pass
def second_before_first():
    with second:
        both.wait()
        print("locked", descriptor, flush=True)
        with first:
            pass
threading.Thread(target=first_before_second).start()
second_before_first()
"""


@pytest.fixture
def deadlocked(request: pytest.FixtureRequest) -> Iterator[subprocess.Popen[str]]:
    """A process, of the build that is asked for, whose two threads wait for each other."""
    executable = request.getfixturevalue(request.param) if request.param else sys.executable
    script = _DEADLOCK.format(root=SOURCE)
    with subprocess.Popen([executable, "-c", script], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline().startswith("locked")
            yield process
        finally:
            process.kill()


def hung(bench: Bench, workload: str = "faulty", **other: Any) -> TrialResult:
    """Run a sitting whose one trial hangs in its tasks."""
    parameters = {"fault": "hang", "after": 0, "seconds": 0.002}
    trial = bench.trial("hung", workload, parameters=parameters, timeout_seconds=_LIMIT_SECONDS, **other)
    result = bench.run(bench.sitting(trial)).trial("hung")
    assert (result.outcome, result.cause) == ("failed", "timeout")
    return result


@pytest.mark.parametrize("deadlocked", ["", "python314", "free_threaded"], indirect=True)
def test_both_threads_of_a_deadlock_are_shown_with_their_functions(
    deadlocked: subprocess.Popen[str],
) -> None:
    # The last line that it printed came before its last step into the lock.
    until(lambda: stat_fields(deadlocked.pid)[0] == b"S")
    told = stacks.collected(deadlocked.pid)
    assert told is not None
    assert told.startswith(f"Process {deadlocked.pid}:\n")
    lines = _DEADLOCK.splitlines()
    for function, waits_for in (
        ("first_before_second", "with second:"),
        ("second_before_first", "with first:"),
    ):
        places = [number for number, line in enumerate(lines, 1) if line.strip() == waits_for]
        assert any(f"line {place} in {function}" in told for place in places), told


def test_a_serial_trial_that_hangs_says_in_which_line(bench: Bench) -> None:
    told = hung(bench).traceback
    assert told is not None
    assert "faulty.py" in told
    assert " in run\n" in told


@pytest.mark.parametrize("method", ["fork", "forkserver", "spawn"])
def test_a_pools_processes_say_where_they_hang(bench: Bench, method: str) -> None:
    told = hung(bench, strategy="processes", max_workers=2, options={"start_method": method}).traceback
    assert told is not None
    own, *below = told.split("\n\nProcess ")
    assert own.startswith("Process ")
    # The trial itself waits for its pool: that the work hangs shows in the processes only.
    assert "faulty.py" not in own
    assert len(below) == 2
    for one in below:
        assert ", below " in one
        assert "faulty.py" in one


def test_threads_of_a_hybrid_show_in_their_process(bench: Bench) -> None:
    told = hung(bench, strategy="hybrid", max_workers=4).traceback
    assert told is not None
    assert told.count("faulty.py") >= 4


def test_what_was_started_without_the_handler_is_not_signalled() -> None:
    starts_another = (
        f"import subprocess, sys; sys.path.insert(0, {SOURCE!r})\n"
        "from parlab.workers.host import stacks; stacks.register()\n"
        "with subprocess.Popen(['sleep', '60']) as child:\n"
        "    print(child.pid, flush=True); child.wait()\n"
        "print('ended by', child.returncode, flush=True)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", starts_another], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        child = int(process.stdout.readline())
        told = stacks.collected(process.pid)
        os.kill(child, signal.SIGKILL)
        assert process.stdout.readline() == f"ended by {-signal.SIGKILL}\n"
    assert told is not None
    assert f"Process {child}" not in told


@pytest.mark.parametrize("deadlocked", [""], indirect=True)
def test_a_stopped_process_is_given_up_in_time(deadlocked: subprocess.Popen[str]) -> None:
    os.kill(deadlocked.pid, signal.SIGSTOP)
    until(lambda: stat_fields(deadlocked.pid)[0] == b"T")
    began = time.monotonic()
    assert stacks.collected(deadlocked.pid) is None
    assert time.monotonic() - began < stacks.LIMIT_SECONDS + 0.5
