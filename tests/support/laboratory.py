"""A real server, and real nodes that come and go with a test."""

from __future__ import annotations

import itertools
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from parlab.orchestrator.lab.embedded import EmbeddedNode, EmbeddedServer
from parlab.orchestrator.lab.queue import LabQueue, ResultEntry
from parlab.workers.errors import LabError
from parlab.workers.host.builds import read_build
from parlab.workers.wire.connection import connect
from parlab.workers.wire.signing import Signer, node_key
from parlab.workers.wire.spec import CalibrationSpec, Expected, SittingSpec, TrialSpec

if TYPE_CHECKING:
    import redis

LAB_KEY = bytes(range(32))
_numbers = itertools.count(1)


def wait_until(condition: Callable[[], object], seconds: float = 15.0) -> None:
    """Look until a condition holds; fail when it does not within the limit."""
    limit, pause = time.monotonic() + seconds, 0.01
    while not condition():
        assert time.monotonic() < limit, f"it did not happen within {seconds:g} s"
        time.sleep(pause)
        # What takes long is asked more seldom: each question is work for whoever answers it.
        pause = min(pause * 1.3, 0.05)


def alive(pid: int) -> bool:
    """Whether a process runs; a zombie does not."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] not in ("Z", "X")


def below(pid: int) -> list[int]:
    """All processes below one."""
    found, ahead = [], [pid]
    while ahead:
        parent = ahead.pop()
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    stat = (entry / "stat").read_text()
                except OSError:
                    continue
                if int(stat.rpartition(")")[2].split()[1]) == parent:
                    found.append(int(entry.name))
                    ahead.append(int(entry.name))
    return found


@dataclass
class Laboratory:
    """A server with a queue, from which nodes can be started."""

    server: EmbeddedServer
    client: redis.Redis
    queue: LabQueue
    folder: Path
    key: bytes = LAB_KEY
    #: Ended with the test.
    nodes: list[EmbeddedNode] = field(default_factory=list)
    #: Of the interpreter that runs the tests.
    build: str = ""

    wait_until = staticmethod(wait_until)
    alive = staticmethod(alive)
    below = staticmethod(below)

    def fresh_name(self) -> str:
        return f"n{next(_numbers)}"

    def signer(self, node: str) -> Signer:
        return Signer(node, node_key(self.key, node))

    def environment(self, node: str, **more: str) -> dict[str, str]:
        return {
            **os.environ,
            "PARLAB_REDIS_URL": self.server.url,
            "PARLAB_NODE_KEY": node_key(self.key, node).hex(),
            # The host's lock is there: what else measures on this machine must not keep a test waiting.
            "TMPDIR": str(self.folder),
            **more,
        }

    def node(
        self, name: str | None = None, pythons: tuple[str, ...] = (sys.executable,), **more: str
    ) -> EmbeddedNode:
        """Prepare a node; it is ended with the test."""
        name = name or self.fresh_name()
        node = EmbeddedNode(name, pythons, self.folder / name, self.environment(name, **more), self.queue)
        self.nodes.append(node)
        return node

    def spool(self, name: str) -> Path:
        return self.folder / name / "spool"

    def sitting(
        self, node: str, seconds: float = 0.001, *, strategy: str = "serial", fence: int = 0
    ) -> SittingSpec:
        """A sitting whose tasks wait: serially a calibration; with processes a measurement (that fails)."""
        measured = strategy == "processes"
        number = next(_numbers)
        trial = TrialSpec(
            trial=f"t{number}",
            configuration="c",
            workload="wait",
            parameters={"seconds": seconds},
            tasks=2 if measured else 0,
            strategy=strategy,
            options={"start_method": "fork", "chunksize": 1} if measured else {},
            max_workers=2 if measured else 1,
            python=self.build,
            expected=Expected("not so") if measured else None,
        )
        return SittingSpec(
            run="7f3a",
            sitting=f"s{number}",
            attempt=1,
            node=node,
            kind="measure" if measured else "calibrate",
            trials=(trial,),
            turns=1,
            seed=1,
            calibration=None if measured else CalibrationSpec(round_seconds=0.001, tasks=1),
            fence=fence,
        )

    def entries(
        self, node: str, count: int = 1, seconds: float = 15.0, queue: LabQueue | None = None
    ) -> list[ResultEntry]:
        """Collect and acknowledge until so many came from a node."""
        source = queue or self.queue
        found: list[ResultEntry] = []
        limit = time.monotonic() + seconds
        while len(found) < count:
            assert time.monotonic() < limit, f"{len(found)} of {count} came within {seconds:g} s"
            try:
                came = source.collect(0.2)
                source.acknowledge(came)
            except LabError:
                time.sleep(0.05)
                continue
            found += [entry for entry in came if entry.node == node]
        return found


@pytest.fixture(scope="session")
def build_id() -> str:
    return read_build(sys.executable).id


@pytest.fixture(scope="module")
def shared_server() -> Iterator[EmbeddedServer]:
    with tempfile.TemporaryDirectory(prefix="pl-") as folder:
        server = EmbeddedServer(Path(folder))
        server.start()
        yield server
        server.stop()


def laboratory(server: EmbeddedServer, folder: Path, build: str, stack: ExitStack) -> Laboratory:
    """Make a laboratory at a server; its nodes end with ``stack``."""
    client = connect(server.url)
    stack.callback(client.close)
    lab = Laboratory(server, client, LabQueue(client, LAB_KEY, "of the tests"), folder, build=build)

    def end() -> None:
        for node in lab.nodes:
            node.stop()

    stack.callback(end)
    return lab


@pytest.fixture
def lab(shared_server: EmbeddedServer, build_id: str, home: Path) -> Iterator[Laboratory]:
    """A laboratory at a server that a file's tests share; each test has nodes of its own."""
    with ExitStack() as stack:
        yield laboratory(shared_server, home, build_id, stack)


@pytest.fixture
def own_lab(build_id: str, home: Path) -> Iterator[Laboratory]:
    """A laboratory with a server of its own, which the test may stop, kill or fill."""
    server = EmbeddedServer(home / "server")
    server.start()
    with ExitStack() as stack:
        stack.callback(server.stop)
        yield laboratory(server, home, build_id, stack)
