"""Labs: an embedded server with one node, or an existing server with its nodes."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from parlab.orchestrator.lab.embedded import EmbeddedNode, EmbeddedServer
from parlab.orchestrator.lab.queue import LabQueue
from parlab.orchestrator.lab.targets import HttpTarget, http_target
from parlab.orchestrator.settings import Settings
from parlab.orchestrator.store.folder import run_folder
from parlab.workers.function.place import ANYTHING
from parlab.workers.host.processes import Prctl, children, end_and_reap
from parlab.workers.host.scratch import remove_abandoned
from parlab.workers.wire.connection import connect, masked
from parlab.workers.wire.lab_key import ensure_lab_key
from parlab.workers.wire.registration import NodeRegistration
from parlab.workers.wire.signing import node_key

#: Name of the embedded node: its queue, its results, its rows.
EMBEDDED_NODE = "local"


class Lab:
    """A place to measure at: the nodes that a queue knows. Unless said so, none is ours to restart."""

    def __init__(self, queue: LabQueue) -> None:
        """Use the nodes of ``queue``."""
        #: The queues and result streams of its nodes.
        self.queue = queue

    def registrations(self) -> list[NodeRegistration]:
        """Nodes that answer now."""
        return [registration for registration, _ in self.queue.nodes()]

    def paused(self) -> frozenset[str]:
        """Nodes that are to get no further sittings; none where they are there for one run only."""
        return frozenset()

    def supervise(self) -> list[str]:
        """Restart what died, where that is ours to do, and say what was done."""
        return []


class EmbeddedLab(Lab):
    """A server and a node of our own."""

    def __init__(
        self, server: EmbeddedServer, node: EmbeddedNode, queue: LabQueue, target: HttpTarget | None
    ) -> None:
        """Watch over ``server`` and ``node``; they have been started, and ``target`` beside them."""
        super().__init__(queue)
        self._target = target
        self._server = server
        self._node = node

    def supervise(self) -> list[str]:
        """Restart server and node if they died: the server over its data, the node with its spool."""
        done = []
        if self._server.restart_if_died():
            done.append("the embedded server had died; it was restarted on its data")
        if self._node.restart_if_died():
            done.append("the node had died; it was restarted")
            # Killed together with its guardian, it leaves trials' processes, which come to us.
            own = {self._server.pid, self._node.pid, self._target.pid if self._target is not None else None}
            end_and_reap([pid for pid in children() if pid not in own])
        return done


class ExistingLab(Lab):
    """Somebody else's server and nodes."""

    def paused(self) -> frozenset[str]:
        """Nodes that somebody paused."""
        return self.queue.paused()


def project_folders(environ: Mapping[str, str]) -> list[str]:
    """List where a user's own modules are looked for: the current folder, and PYTHONPATH's."""
    given = environ.get("PYTHONPATH", "").split(os.pathsep)
    return [str(Path.cwd()), *(str(Path(folder).absolute()) for folder in given if folder)]


@contextmanager
def embedded_lab(
    settings: Settings,
    run: str,
    executables: Sequence[str],
    targets: Collection[str] = (),
    say: Callable[[str], object] = str,
) -> Iterator[Lab]:
    """Start a server and a node that offers ``executables``, and end both afterwards.

    Args:
        settings: of the command.
        run: whose folder gets data and logs.
        executables: interpreters to offer.
        targets: names of what the run's workloads talk to; those that can be started here and have no
            address in the environment are, and ended as well.
        say: tells people what runs beside the measurement.

    Raises:
        EnvironmentFault: one of them does not start.
    """
    key = ensure_lab_key(settings.lab_key_path)
    folder = run_folder(settings.home, run)
    # Of commands that were killed: they could not do it themselves.
    remove_abandoned()
    # What leaves the node's own tree comes to us, and ends with us.
    Prctl().adopt_orphans()
    server = EmbeddedServer(folder / "server")
    node = None
    target = http_target(targets, os.environ)
    try:
        server.start()
        if target is not None:
            target.start()
            say(target.place)
        queue = LabQueue(connect(server.url), key, "of this command", run)
        environment = {
            **os.environ,
            "PARLAB_REDIS_URL": server.url,
            "PARLAB_NODE_KEY": node_key(key, EMBEDDED_NODE).hex(),
            **(target.environment if target is not None else {}),
            # Whoever runs the command may run whatever they like with it.
            "PARLAB_ALLOW": ANYTHING,
            "PARLAB_PROJECT": os.pathsep.join(project_folders(os.environ)),
        }
        node = EmbeddedNode(EMBEDDED_NODE, executables, folder, environment, queue)
        node.start()
        yield EmbeddedLab(server, node, queue, target)
    finally:
        if node is not None:
            node.stop()
        if target is not None:
            target.stop()
        server.stop()
        end_and_reap(children())
        remove_abandoned()


@contextmanager
def existing_lab(settings: Settings, url: str, run: str) -> Iterator[Lab]:
    """Use an existing server and its nodes.

    Raises:
        ServerUnreachable: it does not answer, or refuses the password.
    """
    queue = LabQueue(connect(url), ensure_lab_key(settings.lab_key_path), masked(url), run)
    queue.ping()
    yield ExistingLab(queue)
