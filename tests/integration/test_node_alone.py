"""`parlab node` as people start it: what it says, how it ends, and what keeps it from starting."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from parlab.orchestrator.lab.embedded import EmbeddedServer
from parlab.orchestrator.lab.queue import LabQueue
from parlab.workers.wire import keys as rediskeys
from parlab.workers.wire.lab_key import ensure_lab_key
from tests.support.checkout import CHECKOUT
from tests.support.laboratory import Laboratory


def stand_alone(lab: Laboratory, name: str, *arguments: str, **environment: str) -> subprocess.Popen[str]:
    root = CHECKOUT
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "parlab.workers.node", "--name", name, *arguments],
        env={
            **lab.environment(name),
            "PYTHONPATH": str(root / "src"),
            "PARLAB_HOME": str(lab.folder),
            **environment,
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def test_the_first_ctrl_c_lets_the_sitting_end_and_the_node_says_so(lab: Laboratory) -> None:
    name = lab.fresh_name()
    process = stand_alone(lab, name)
    spec = lab.sitting(name, 0.4)
    lab.queue.dispatch(spec)
    lab.wait_until(lambda: lab.queue.state_of(rediskeys.job_id(spec), name) == "started")
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=15)
    assert process.returncode == 0
    (entry,) = lab.entries(name)
    assert entry.result is not None
    lines = said.splitlines()
    assert lines[0].startswith(f"node {name} · unix://")
    assert "effective CPU" in lines[0]
    assert lines[1] == "will stop after the current sitting; press Ctrl-C again to stop now"
    assert lines[2].startswith(rediskeys.job_id(spec))
    assert lines[3] == f"node {name} has ended"
    assert len(lines) == 4, "RQ's own log stays out of the terminal"


def test_the_second_ctrl_c_ends_the_sitting(lab: Laboratory) -> None:
    name = lab.fresh_name()
    process = stand_alone(lab, name)
    spec = lab.sitting(name, 30.0)
    lab.queue.dispatch(spec)
    lab.wait_until(lambda: len(lab.below(process.pid)) >= 2)
    below = lab.below(process.pid)
    process.send_signal(signal.SIGINT)
    # RQ takes a second signal within a second for the first one.
    time.sleep(1.1)
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=15)
    assert process.returncode == 130
    assert "stopping now" in said
    lab.wait_until(lambda: not [pid for pid in below if lab.alive(pid)], 2)


def test_a_server_that_is_not_there_yet_is_waited_for(lab: Laboratory, home: Path) -> None:
    server = EmbeddedServer(home / "late")
    server.start()
    url = server.url
    server.stop()
    process = stand_alone(lab, "patient", "--wait", "30", PARLAB_REDIS_URL=url)
    try:
        assert process.stdout is not None
        assert "waiting up to 30 s" in process.stdout.readline()
        server.start()
        assert "node patient" in process.stdout.readline()
    finally:
        process.terminate()
        process.communicate(timeout=15)
        server.stop()


def test_ctrl_c_ends_a_node_that_waits(lab: Laboratory) -> None:
    name = lab.fresh_name()
    process = stand_alone(lab, name)
    lab.wait_until(lambda: name in [r.node for r, _ in lab.queue.nodes()])
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=15)
    assert (process.returncode, said.splitlines()[1:]) == (0, [f"node {name} has ended"])


@pytest.mark.parametrize(
    ("arguments", "environment", "message", "code"),
    [
        ((), {"PARLAB_REDIS_URL": "redis://:hush@127.0.0.1:9"}, "does not answer", 3),
        ((), {"PARLAB_REDIS_URL": "unix:///no/such.sock?password=hush"}, "does not answer", 3),
        ((), {"PARLAB_REDIS_URL": ""}, "a node needs a server", 2),
        ((), {"PARLAB_NODE_KEY": ""}, "cannot read the lab's key", 3),
        ((), {"PARLAB_NODE_KEY": "hush"}, "PARLAB_NODE_KEY is not hexadecimal", 2),
        (("--python", "python0.1"), {}, "there is no python0.1 on the PATH", 3),
        (("--spool", "/dev/null/x"), {}, "cannot write to the spool", 3),
        (("--name", "Not a name"), {}, "cannot be a node's name", 2),
    ],
    ids=["no-server", "no-socket", "no-url", "no-key", "bad-key", "no-python", "no-spool", "bad-name"],
)
def test_what_keeps_a_node_from_starting_is_told_without_a_traceback(
    lab: Laboratory, arguments: tuple[str, ...], environment: dict[str, str], message: str, code: int
) -> None:
    process = stand_alone(lab, lab.fresh_name(), *arguments, **environment)
    said, _ = process.communicate(timeout=15)
    assert process.returncode == code, said
    assert message in said
    assert "Traceback" not in said
    assert "hush" not in said


def test_a_node_whose_password_is_wrong_says_so(lab: Laboratory) -> None:
    url = lab.server.url.replace("unix://", "unix://somebody:hush@")
    process = stand_alone(lab, lab.fresh_name(), PARLAB_REDIS_URL=url)
    said, _ = process.communicate(timeout=15)
    assert process.returncode == 3
    assert "refuses the password" in said
    assert "hush" not in said


def test_a_node_of_the_lab_s_key_file_is_believed(lab: Laboratory, tmp_path: Path) -> None:
    name = lab.fresh_name()
    key = ensure_lab_key(tmp_path / "lab.key")
    queue = LabQueue(lab.client, key, "here")
    process = stand_alone(lab, name, PARLAB_NODE_KEY="", PARLAB_LAB_KEY_FILE=str(tmp_path / "lab.key"))
    queue.dispatch(lab.sitting(name))
    (entry,) = lab.entries(name, queue=queue)
    assert entry.result is not None
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=15)
