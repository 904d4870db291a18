"""Users of a lab's server, with a real server that has them: what each may do, and what none may."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import redis

from parlab.orchestrator.lab.access import acl
from parlab.orchestrator.lab.access.admission import RedisAdmission
from parlab.orchestrator.lab.access.generation import generate, generate_database
from parlab.orchestrator.lab.embedded import EmbeddedNode, EmbeddedServer, server_binary
from parlab.orchestrator.lab.queue import LabQueue
from parlab.workers.errors import BadInput, EnvironmentFault, ServerUnreachable
from parlab.workers.node.settings import server_url
from parlab.workers.wire import keys as rediskeys
from parlab.workers.wire.connection import connect
from parlab.workers.wire.join_token import JoinToken, decode_token
from parlab.workers.wire.lab_key import read_lab_key
from tests.support.checkout import SOURCE
from tests.support.laboratory import Laboratory, wait_until


@dataclass
class Guarded:
    """A server whose users are those of a lab's secrets."""

    folder: Path
    socket: Path
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.process = subprocess.Popen(
            [server_binary(), "--port", "0", "--unixsocket", str(self.socket), "--save", "",
             "--aclfile", str(self.folder / "redis" / "users.acl"), "--dir", str(self.folder)],
            stdout=subprocess.DEVNULL,
        )  # fmt: skip
        probe = self.as_user(acl.PROBE, "none")
        wait_until(lambda: answers(probe), 15)

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(10)
            self.process = None

    @property
    def orchestrator_url(self) -> str:
        password = (self.folder / "orchestrator" / "redis-url").read_text().split(":")[2].partition("@")[0]
        return f"unix://{acl.ORCHESTRATOR}:{password}@{self.socket}"

    @property
    def lab_key(self) -> bytes:
        return read_lab_key(self.folder / "orchestrator" / "lab.key")

    def token(self, node: str) -> JoinToken:
        return decode_token((self.folder / "nodes" / node / "join").read_text())

    def as_user(self, name: str, password: str) -> redis.Redis:
        return connect(f"unix://{name}:{password}@{self.socket}")

    def as_node(self, token: JoinToken) -> redis.Redis:
        return connect(server_url(f"unix://{self.socket}", token))

    def admission(self) -> RedisAdmission:
        return RedisAdmission(self.orchestrator_url, self.lab_key, self.folder / "ca" / "ca.crt")


def answers(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.ConnectionError:
        return False


@pytest.fixture
def guarded(home: Path) -> Iterator[Guarded]:
    generate(home / "secrets", ["n1", "n2"])
    server = Guarded(home / "secrets", home / "s.sock")
    server.start()
    yield server
    server.stop()


def start_node(
    guarded: Guarded, home: Path, name: str, token: str
) -> tuple[EmbeddedNode, LabQueue, Callable[[], None]]:
    """Start a node as its token has it, with nothing else of the lab's in its environment."""
    queue = LabQueue(connect(guarded.orchestrator_url), guarded.lab_key, "of the test")
    environment = {
        "PATH": "/usr/bin:/bin",
        "TMPDIR": str(home),
        "PARLAB_HOME": str(home / name),
        "PARLAB_REDIS": f"unix://{guarded.socket}",
        "PARLAB_JOIN": token,
    }
    node = EmbeddedNode(name, (sys.executable,), home / name, environment, queue)
    node.start()
    return node, queue, node.stop


def test_a_node_works_with_its_own_user_only(guarded: Guarded, home: Path, build_id: str) -> None:
    token = guarded.token("n1")
    node, queue, stop = start_node(guarded, home, "n1", token.encode())
    try:
        server = EmbeddedServer(home / "unused")
        client = connect(guarded.orchestrator_url)
        lab = Laboratory(server, client, queue, home, guarded.lab_key, build=build_id)
        for _ in range(2):
            queue.dispatch(lab.sitting("n1"))
            (entry,) = lab.entries("n1")
            assert entry.result is not None, entry
        # A job that is stopped, a node that goes in order and comes back: no command of them is denied.
        slow = lab.sitting("n1", 5.0)
        queue.dispatch(slow)
        wait_until(lambda: queue.state_of(rediskeys.job_id(slow), "n1") == "started")
        queue.cancel("n1", rediskeys.job_id(slow))
        (entry,) = lab.entries("n1")
        assert entry.lost
        node.stop()
        assert lab.client.hexists("rq:worker:n1", "death")
        node.start()
        queue.dispatch(lab.sitting("n1"))
        assert lab.entries("n1")[0].result is not None
        assert "permit" not in node.log.read_text().lower()
        assert "NOPERM" not in node.log.read_text()
    finally:
        stop()


OTHERS = (
    ("LRANGE", "rq:queue:n2", "0", "-1"),
    ("RPUSH", "rq:queue:n2", "x"),
    ("HSET", "rq:job:n2-7f3a-s1-a1", "data", "x"),
    ("HGETALL", "rq:job:n2-7f3a-s1-a1"),
    ("XADD", "parlab:results:n2", "*", "body", "x"),
    ("HSET", "parlab:node:n2", "heartbeat", "x"),
    ("HGETALL", "parlab:node:n2"),
    ("DEL", "rq:worker:n2"),
    ("SUBSCRIBE", "rq:pubsub:n2"),
    ("PUBLISH", "rq:pubsub:n2", "x"),
    ("SREM", "parlab:nodes", "n2"),
    ("SET", "parlab:controller", "me"),
    ("DEL", "parlab:slot:abc"),
    ("XREAD", "STREAMS", "parlab:results:n1", "0"),
    ("XTRIM", "parlab:results:n1", "MAXLEN", "0"),
    ("FLUSHALL",),
    ("FLUSHDB",),
    ("KEYS", "*"),
    ("SCAN", "0"),
    ("CONFIG", "GET", "*"),
    ("ACL", "LIST"),
    ("EVAL", "return 1", "0"),
    ("SHUTDOWN", "NOSAVE"),
    ("MONITOR",),
    ("REPLICAOF", "127.0.0.1", "1"),
    ("MODULE", "LIST"),
    ("BGREWRITEAOF",),
    ("CLIENT", "LIST"),
)


@pytest.mark.parametrize("command", OTHERS, ids=" ".join)
def test_a_node_reaches_nothing_that_is_not_its_own(guarded: Guarded, command: tuple[str, ...]) -> None:
    client = guarded.as_node(guarded.token("n1"))
    with pytest.raises(redis.exceptions.NoPermissionError):
        order(client, *command)
    client.close()


def test_nobody_comes_in_without_a_user_and_the_probe_can_only_see_that_it_answers(guarded: Guarded) -> None:
    bare = connect(f"unix://{guarded.socket}")
    with pytest.raises(redis.exceptions.RedisError, match=r"(?i)auth"):
        bare.ping()
    wrong = guarded.token("n1")
    for client in (guarded.as_user("n1", "guess"), guarded.as_user("default", ""), bare):
        with pytest.raises(redis.exceptions.RedisError):
            client.get("x")
    probe = guarded.as_user(acl.PROBE, "none")
    assert probe.ping()
    for command in (("GET", "x"), ("INFO",), ("ACL", "WHOAMI")):
        with pytest.raises(redis.exceptions.NoPermissionError):
            order(probe, *command)
    assert wrong.password not in (guarded.folder / "redis" / "users.acl").read_text()


def test_the_orchestrator_cannot_reconfigure_or_end_the_server(guarded: Guarded) -> None:
    client = connect(guarded.orchestrator_url)
    for command in (("CONFIG", "SET", "dir", "/"), ("SHUTDOWN",), ("BGREWRITEAOF",), ("FLUSHALL",)):
        with pytest.raises(redis.exceptions.NoPermissionError):
            order(client, *command)
    assert client.set("x", "y")


def test_nodes_are_let_in_and_out_while_the_lab_runs(guarded: Guarded, home: Path) -> None:
    admission = guarded.admission()
    text = admission.grant("guest", group=False)
    node, queue, stop = start_node(guarded, home, "guest", text)
    try:
        # The server keeps the new user: it is there after a restart.
        guarded.stop()
        guarded.start()
        wait_until(lambda: "guest" in live(queue), 20)
        # Another token, another password: who has the old one is out.
        again = decode_token(admission.grant("guest", group=False))
        with pytest.raises(redis.exceptions.RedisError):
            guarded.as_node(decode_token(text)).ping()
        assert guarded.as_node(again).ping()
        inside = guarded.as_node(again)
        inside.ping()
        admission.revoke("guest")
        with pytest.raises(redis.exceptions.RedisError):
            inside.ping()
        admission.revoke("guest")
    finally:
        stop()
    assert node.pid is None


def live(queue: LabQueue) -> list[str]:
    try:
        return [registration.node for registration, _ in queue.nodes()]
    except ServerUnreachable:
        return []


def order(client: redis.Redis, *command: str) -> object:
    """Send a command as it is."""
    return client.execute_command(*command)  # type: ignore[no-untyped-call]


def test_a_group_has_one_token_for_all_its_nodes_and_none_of_anothers(guarded: Guarded) -> None:
    token = decode_token(guarded.admission().grant("swarm", group=True))
    client = guarded.as_node(token)
    assert client.rpush("rq:queue:swarm--host1", "x")
    assert client.xadd("parlab:results:swarm--host2", {"a": "b"})
    for key in ("rq:queue:swarm", "rq:queue:swarmer", "rq:queue:n1", "parlab:results:swarm"):
        with pytest.raises(redis.exceptions.NoPermissionError):
            client.rpush(key, "x")
    assert token.key_of("swarm--host1") != token.key_of("swarm--host2")
    with pytest.raises(BadInput, match="nodes named swarm--…"):
        token.key_of("n1")


def test_a_name_whose_rights_would_cover_anothers_is_refused(guarded: Guarded) -> None:
    admission = guarded.admission()
    # Jobs are named "<node>-<run>-…": a node n1-x would have jobs that n1 can write.
    with pytest.raises(BadInput, match="n1 would cover those of n1-x"):
        admission.grant("n1-x", group=False)
    admission.grant("n", group=False)
    admission.grant("rack-a", group=False)
    with pytest.raises(BadInput, match="would cover those of rack-a"):
        admission.grant("rack", group=False)
    admission.grant("rack", group=True)
    for name in ("default", acl.ORCHESTRATOR, acl.PROBE, "a--b", "UPPER", "x" * 42, ""):
        with pytest.raises(BadInput):
            admission.grant(name, group=False)


def test_a_server_that_keeps_no_users_lets_nobody_in_by_halves(own_lab: Laboratory, home: Path) -> None:
    admission = RedisAdmission(own_lab.server.url, own_lab.key, None)
    with pytest.raises(EnvironmentFault, match="cannot keep users") as told:
        admission.grant("guest", group=False)
    assert "aclfile" in told.value.hint
    assert set(own_lab.client.acl_users()) <= {"default", b"default"}


def test_a_token_that_is_anothers_or_broken_is_refused_without_being_repeated(
    guarded: Guarded, home: Path
) -> None:
    whole = guarded.token("n1").encode()
    for text, says in (
        (whole[:-9], "cannot be read"),
        ("parlab1.", "cannot be read"),
        (guarded.token("n1").encode(), "is that of node n1, not of n2"),
    ):
        said = subprocess.run(
            [sys.executable, "-m", "parlab.workers.node", "--name", "n2"], capture_output=True, text=True,
            env={"PARLAB_JOIN": text, "PARLAB_REDIS": f"unix://{guarded.socket}", "PARLAB_HOME": str(home),
                 "PYTHONPATH": SOURCE},
            timeout=30, check=False,
        )  # fmt: skip
        assert said.returncode == 2, said.stderr
        assert says in said.stderr
        assert not re.search(r"parlab1\.\w{5}", said.stderr)


def test_a_password_that_is_refused_is_not_waited_for(guarded: Guarded, home: Path) -> None:
    token = replace(guarded.token("n1"), password="guess")
    said = subprocess.run(
        [sys.executable, "-m", "parlab.workers.node"], capture_output=True, text=True,
        env={"PARLAB_JOIN": token.encode(), "PARLAB_REDIS": f"unix://{guarded.socket}",
             "PARLAB_HOME": str(home), "PARLAB_WAIT_SECONDS": "60",
             "PYTHONPATH": SOURCE},
        timeout=30, check=False,
    )  # fmt: skip
    assert said.returncode == 3
    assert "refuses the password" in said.stderr
    assert "guess" not in said.stderr + said.stdout


def test_secrets_are_made_once_and_only_their_owner_reads_them(home: Path) -> None:
    folder = home / "secrets"
    made = generate(folder, ["n1"])
    assert made == [
        "the lab's certificate authority",
        "the server's certificate",
        "the lab's key",
        "the token of its API",
        "the orchestrator's user",
        "node n1's user and join token",
    ]
    files = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}
    assert generate(folder, ["n1"]) == []
    assert {path: path.read_bytes() for path in files} == files
    assert generate(folder, ["n1", "n2"]) == ["node n2's user and join token"]
    # Nobody's place has what is another's.
    redis_place = b"".join(p.read_bytes() for p in (folder / "redis").iterdir())
    token = decode_token((folder / "nodes" / "n1" / "join").read_text())
    assert token.password.encode() not in redis_place
    assert (folder / "orchestrator" / "lab.key").read_bytes().strip() not in redis_place
    assert not list((folder / "redis").glob("ca.key"))
    with pytest.raises(BadInput):
        generate(home / "none", ["n1", "Not a name"])
    assert not (home / "none").exists()
    # Lost or cut short: made anew, with the user's password to go with it.
    (folder / "nodes" / "n1" / "join").unlink()
    assert generate(folder, ["n1", "n2"]) == ["node n1's user and join token"]
    assert decode_token((folder / "nodes" / "n1" / "join").read_text()).password != token.password


def test_a_database_has_one_password_that_each_nodes_address_holds(home: Path) -> None:
    folder = home / "secrets"
    generate(folder, ["n1"])
    assert not (folder / "nodes" / "n1" / "postgres").exists()
    assert generate_database(folder, ["n1", "n2"]) == [
        "the database's password",
        "node n1's address of the database",
        "node n2's address of the database",
    ]
    password = (folder / "postgres" / "password").read_text()
    for name in ("n1", "n2"):
        path = folder / "nodes" / name / "postgres"
        assert path.read_text() == f"postgresql://parlab:{password}@postgres:5432/parlab\n"
        assert path.stat().st_mode & 0o777 == 0o600
    assert generate_database(folder, ["n1", "n2"]) == []
