"""A node's hold on processes, tried where the moments that matter cannot be met by chance."""

from __future__ import annotations

import os
import subprocess
import sys
from types import SimpleNamespace
from typing import Any

from parlab.workers.node.worker import NodeWorker

#: A horse that has not left its node's group yet, as in the moment after the fork.
SAME_GROUP = """
import os, signal, time
from types import SimpleNamespace
from parlab.workers.node.worker import NodeWorker
horse = os.fork()
if horse == 0:
    time.sleep(60)
NodeWorker.kill_horse(SimpleNamespace(horse_pid=horse))
assert os.waitstatus_to_exitcode(os.waitpid(horse, 0)[1]) == -signal.SIGKILL
print("alive")
"""

#: A command to stop that came when the job was taken and its process not there yet.
STOPPED_BEFORE = """
import os, signal, time
from types import SimpleNamespace
from parlab.workers.node.worker import NodeWorker
worker = object.__new__(NodeWorker)
worker.name, worker._stopped_job_id, worker._horse_pid = "n", "n-7f3a-s1-a1", 0
worker.main_work_horse = lambda job, queue: time.sleep(60)
NodeWorker.fork_work_horse(worker, SimpleNamespace(id="n-7f3a-s1-a1"), None)
assert worker.horse_pid > 0
assert os.waitstatus_to_exitcode(os.waitpid(worker.horse_pid, 0)[1]) == -signal.SIGKILL
print("alive")
"""


def says(script: str) -> str:
    # In a session of its own: what goes wrong here kills a whole group.
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        start_new_session=True,
    )
    return done.stdout + done.stderr


def test_killing_a_guardian_that_has_no_group_yet_spares_the_node() -> None:
    assert says(SAME_GROUP) == "alive\n"


def test_a_guardian_whose_job_was_stopped_before_it_began_is_killed_at_once() -> None:
    assert says(STOPPED_BEFORE) == "alive\n"


def test_killing_without_a_guardian_kills_nothing() -> None:
    worker: Any = SimpleNamespace(horse_pid=0)
    NodeWorker.kill_horse(worker)
    assert os.getpid()
