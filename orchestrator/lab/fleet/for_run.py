"""Nodes for one run on this machine: in containers without a network, gone when the run ends."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from parlab.orchestrator.experiment.model import NodeLimits
from parlab.orchestrator.lab.backend import Lab
from parlab.orchestrator.lab.embedded import EmbeddedServer
from parlab.orchestrator.lab.fleet.container import HOME, RUN, NodeContainer, find, last_words, remove
from parlab.orchestrator.lab.fleet.engine import connect, reaching
from parlab.orchestrator.lab.fleet.image import ensure_image
from parlab.orchestrator.lab.queue import LabQueue
from parlab.orchestrator.settings import Settings
from parlab.orchestrator.store.folder import is_running, run_folder
from parlab.workers.errors import EnvironmentFault, LabError
from parlab.workers.host.environment import read_host
from parlab.workers.wire.connection import connect as connect_server
from parlab.workers.wire.lab_key import ensure_lab_key
from parlab.workers.wire.signing import node_key

if TYPE_CHECKING:
    from docker import DockerClient
    from docker.models.containers import Container

_FLEET = "run"
_START_SECONDS = 60.0
_LOOK_SECONDS = 0.2
_SERVER = "/run/parlab"


def node_names(fleet: Sequence[NodeLimits]) -> list[str]:
    """Name the nodes of a run's fleet: the same for the same limits, so that a run can go on."""
    return [f"fleet-{limits.label}" for limits in fleet]


class RunFleet(Lab):
    """An embedded server, and nodes in containers that see its socket and nothing else."""

    def __init__(self, server: EmbeddedServer, queue: LabQueue, containers: dict[str, Container]) -> None:
        """Watch over what has been started; ``containers`` by their nodes' names."""
        super().__init__(queue)
        self._server = server
        self._containers = containers

    def supervise(self) -> list[str]:
        """Restart what died: the server over its data, a node with its spool."""
        done = []
        if self._server.restart_if_died():
            done.append("the embedded server had died; it was restarted on its data")
        for name, container in self._containers.items():
            with reaching("of the fleet"):
                container.reload()
                if container.status in ("exited", "dead"):
                    container.start()
                    done.append(f"node {name} had died; it was restarted")
        return done


@contextmanager
def fleet_lab(
    settings: Settings, run: str, fleet: Sequence[NodeLimits], say: Callable[[str], None]
) -> Iterator[Lab]:
    """Start a server and a node for each of the limits, and remove all of it afterwards, whatever happens.

    Raises:
        EnvironmentFault: no engine answers, or a node does not start.
    """
    key = ensure_lab_key(settings.lab_key_path)
    client = connect()
    remove_abandoned(client, settings.home)
    images = {python: ensure_image(client, python, say) for python in dict.fromkeys(f.python for f in fleet)}
    server = EmbeddedServer(run_folder(settings.home, run) / "server", apart=True)
    containers: dict[str, Container] = {}
    try:
        server.start()
        queue = LabQueue(connect_server(server.url), key, "of this command", run)
        for name, limits in zip(node_names(fleet), fleet, strict=True):
            node = _node(settings.home, run, name, limits, server.socket_folder, key)
            containers[name] = node.start(client, images[limits.python])
        _await(queue, containers)
        yield RunFleet(server, queue, containers)
    finally:
        for container in containers.values():
            with suppress(LabError):
                remove(container)
        server.stop()


def remove_abandoned(client: DockerClient, home: Path) -> None:
    """Remove the containers of runs of this home that nobody runs any more: a killed command left them."""
    for container in find(client, RUN, f"{HOME}={_home_label(home)}"):
        if not is_running(home, str(container.labels[RUN])):
            remove(container)


def _node(home: Path, run: str, name: str, limits: NodeLimits, sockets: Path, key: bytes) -> NodeContainer:
    spool = run_folder(home, run) / "fleet" / name
    spool.mkdir(mode=0o700, parents=True, exist_ok=True)
    return NodeContainer(
        node=name,
        fleet=f"{_FLEET}-{run}",
        limits=limits,
        environment={
            "PARLAB_REDIS_URL": f"unix://{_SERVER}/server.sock",
            "PARLAB_NODE_NAME": name,
            "PARLAB_NODE_KEY": node_key(key, name).hex(),
            # The same machine as outside of the container.
            "PARLAB_HOST": read_host().id,
        },
        mounts={_SERVER: str(sockets), "/var/lib/parlab": str(spool)},
        # The socket is its owner's alone.
        user=f"{os.getuid()}:{os.getgid()}",
        labels={RUN: run, HOME: _home_label(home)},
        restart=False,
    )


def _await(queue: LabQueue, containers: dict[str, Container]) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while True:
        there = {registration.node for registration, _ in queue.nodes()}
        away = [name for name in containers if name not in there]
        if not away:
            return
        for name in away:
            with reaching("of the fleet"):
                containers[name].reload()
            late = time.monotonic() > deadline
            if late or containers[name].status in ("exited", "dead"):
                raise EnvironmentFault(
                    f"node {name} did not start: {last_words(containers[name])}",
                    "Give it more memory or CPU; parlab doctor looks at this machine.",
                )
        time.sleep(_LOOK_SECONDS)


def _home_label(home: Path) -> str:
    return hashlib.sha256(str(home).encode()).hexdigest()[:12]
