"""Trees of processes are ended whole, orphans are adopted, and nothing is mistaken for another."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from parlab.workers.host.processes import describe, end_and_reap, end_tree, is_ending, reap, trial_of
from tests.support.checkout import SOURCE

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="there is no /proc here")

#: Says "ready", and waits below itself for two that ignore SIGTERM, one of them in another session.
_TREE = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
if os.fork() == 0:
    if os.fork() == 0:
        os.setsid()
    # In one call: where output is not buffered, print writes a line in two, and those of both mix.
    os.write(1, b"%d\\n" % os.getpid())
time.sleep(600)
"""

#: Adopts what its child leaves, and says whose it is.
_ADOPTS = """
import os, time
from parlab.workers.host.processes import Prctl, children, end_and_reap
assert Prctl().adopt_orphans()
if os.fork() == 0:
    if os.fork() == 0:
        time.sleep(600)
    os._exit(0)
os.wait()
(orphan,) = children()
assert end_and_reap([orphan]) == []
print(children())
"""

#: As a guardian that has started one process in a session of its own, and one in its group.
_GUARDS = """
import os, subprocess, sys, time
from parlab.workers.host.processes import Prctl, guard
guard(Prctl(), os.getppid())
apart = subprocess.Popen(["sleep", "600"], start_new_session=True)
near = subprocess.Popen(["sleep", "600"])
print(apart.pid, near.pid, flush=True)
time.sleep(600)
"""


@pytest.fixture
def child() -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        ["sleep", "600"], env={"PARLAB_TRIAL": "r-1", "PATH": os.defpath}, text=True
    ) as process:
        yield process
        process.kill()


def _until_ended(*pids: int) -> None:
    limit = time.monotonic() + 5
    while not all(map(is_ending, pids)):
        assert time.monotonic() < limit, [describe(pid) for pid in pids]
        time.sleep(0.005)


def _python(code: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": _checkout()},
    )


def _checkout() -> str:
    return SOURCE


def test_a_tree_is_ended_with_all_that_ignore_sigterm_or_left_the_group() -> None:
    with _python(_TREE) as process:
        assert process.stdout is not None
        below = [int(process.stdout.readline()) for _ in range(2)]
        assert not any(map(is_ending, [process.pid, *below]))
        end_tree(process.pid)
        assert process.wait(5) == -signal.SIGKILL
        _until_ended(*below)


def test_an_orphan_comes_to_who_adopts_and_can_be_ended_there() -> None:
    with _python(_ADOPTS) as process:
        assert process.communicate(timeout=20)[0] == "[]\n"


def test_a_guardian_that_is_told_to_end_takes_other_sessions_along() -> None:
    with _python(_GUARDS) as process:
        assert process.stdout is not None
        below = [int(pid) for pid in process.stdout.readline().split()]
        process.terminate()
        assert process.wait(5) == -signal.SIGKILL
        _until_ended(*below)


def test_a_process_is_told_by_its_command_and_its_trial(child: subprocess.Popen[str]) -> None:
    limit = time.monotonic() + 5
    while trial_of(child.pid) != "r-1":
        assert time.monotonic() < limit
    assert describe(child.pid) == f"'sleep 600' (pid {child.pid})"
    assert trial_of(1) != "r-1"


def test_what_has_ended_is_not_taken_for_a_running_process(child: subprocess.Popen[str]) -> None:
    assert not is_ending(child.pid)
    child.kill()
    _until_ended(child.pid)
    assert describe(child.pid) == f"a process (pid {child.pid})"
    assert trial_of(child.pid) is None
    child.wait()
    assert is_ending(child.pid)


def test_a_child_is_reaped_once_and_what_is_no_child_counts_as_gone() -> None:
    pid = os.spawnlp(os.P_NOWAIT, "sleep", "sleep", "600")
    assert not reap(pid)
    assert end_and_reap([pid]) == []
    assert reap(pid)
    with pytest.raises(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
