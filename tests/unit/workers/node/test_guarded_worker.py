"""A guardian's end: its group and whatever left it are ended, and its status is told."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from parlab.workers.node.guarded_worker import take_end, wait_for_end

#: A child that leaves behind: a process in a session of its own, below one that ignores SIGTERM and ends.
ESCAPE = """
import os, signal, sys, time
from parlab.workers.host.processes import Prctl, children
from parlab.workers.node.guarded_worker import end_descendants, take_end, wait_for_end

Prctl().adopt_orphans()
read, write = os.pipe()
guardian = os.fork()
if guardian == 0:
    os.setpgid(0, 0)
    if os.fork() == 0:
        os.setsid()
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        for _ in range(2):
            os.fork()
        os.write(write, b"x")
        time.sleep(60)
    time.sleep(60)
for _ in range(4):
    os.read(read, 1)
os.kill(guardian, signal.SIGKILL)
assert wait_for_end(guardian, 10)
assert os.WTERMSIG(take_end(guardian)) == signal.SIGKILL
assert len(children()) >= 1, "they are ours now"
assert end_descendants() == []
assert children() == []
print("clean")
"""


def test_processes_that_left_the_guardian_s_group_are_ended_too() -> None:
    done = subprocess.run(
        [sys.executable, "-c", ESCAPE], capture_output=True, text=True, timeout=30, check=False
    )
    assert done.stdout == "clean\n", done.stderr


@pytest.mark.parametrize("handle", [True, False], ids=["with-a-handle", "by-looking"])
def test_an_end_is_waited_for_and_taken_once(handle: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not handle:
        monkeypatch.delattr(os, "pidfd_open", raising=False)
    pid = os.fork()
    if pid == 0:
        signal.pause()
        os._exit(0)
    assert not wait_for_end(pid, 0.05)
    os.kill(pid, signal.SIGUSR1)
    assert wait_for_end(pid, 10)
    assert wait_for_end(pid, 10), "looking does not take it"
    status = take_end(pid)
    assert status is not None
    assert os.WTERMSIG(status) == signal.SIGUSR1
    assert take_end(pid) is None
