"""A fleet for a lab that is served: nodes that stay until they are taken down."""

from __future__ import annotations

import re
import secrets
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from parlab.orchestrator.control.client import LabClient
from parlab.orchestrator.experiment.model import NodeLimits
from parlab.orchestrator.lab.fleet.container import FLEET, KIND, NODE, NodeContainer, find, last_words, remove
from parlab.orchestrator.lab.fleet.engine import connect, reaching
from parlab.orchestrator.lab.fleet.image import ensure_image
from parlab.workers.errors import BadInput, EnvironmentFault, LabError

if TYPE_CHECKING:
    from docker import DockerClient
    from docker.models.containers import Container

#: Of the network of a compose lab; fleets on its engine join it.
LAB_NETWORK = "parlab.lab"
#: … where the lab's own nodes of the machine have none.
HOST_VOLUME = "parlab-fleet-host"
_NAME = re.compile(r"[a-z][a-z0-9]{0,11}")
#: Within a compose lab's network.
_ADDRESS_WITHIN = "redis:6380"
_TARGET_WITHIN = "http://http-target:8080"
#: Time to join the lab, and between two looks.
_JOIN_SECONDS = 60.0
_LOOK_SECONDS = 0.5


@dataclass(frozen=True)
class Route:
    """How a fleet's nodes reach the lab's server."""

    address: str
    network: str
    #: Volume by which nodes of one machine know that they are (see ``workers/node/identity.py``).
    host_volume: str = HOST_VOLUME


def check_name(name: str) -> str:
    """Return a fleet's name if it can be one; raises BadInput."""
    if not _NAME.fullmatch(name):
        raise BadInput(f"{name!r} cannot be a fleet's name", "Use at most 12 small letters and digits.")
    return name


def bring_up(
    client: DockerClient,
    lab: LabClient,
    fleet: str,
    limits: NodeLimits,
    count: int,
    route: Route,
    say: Callable[[str], None],
) -> list[str]:
    """Have exactly ``count`` nodes of a kind in a fleet; the names of those made now are returned.

    Asked again, it makes what is missing and removes what is too many. Where one cannot be made,
    those that this call made are removed.
    """
    check_name(fleet)
    there = find(client, f"{FLEET}={fleet}", f"{KIND}={limits.fingerprint}")
    for surplus in there[count:]:
        take_out(lab, surplus, say)
    for container in there[:count]:
        with reaching("of the fleet"):
            container.start()
    taken = {str(container.labels[NODE]) for container in there[:count]}
    names = [name for name in (f"{fleet}-{limits.label}-{i}" for i in range(1, 100)) if name not in taken]
    missing = names[: count - len(taken)]
    if not missing:
        return []
    image = ensure_image(client, limits.python, say)
    made: list[Container] = []
    try:
        for name in missing:
            joined = lab.add_node(name, group=False)
            node = NodeContainer(
                node=name,
                fleet=fleet,
                limits=limits,
                environment={
                    "PARLAB_REDIS": route.address,
                    "PARLAB_JOIN": str(joined["join_token"]),
                    "PARLAB_WAIT_SECONDS": "60",
                    "PARLAB_HOST_DIR": "/var/lib/parlab-host",
                    **({"PARLAB_TARGET_HTTP": _TARGET_WITHIN} if route.address == _ADDRESS_WITHIN else {}),
                },
                network=route.network,
                volumes={"/var/lib/parlab-host": route.host_volume},
                # Its spool and its log; all else of the container is read-only.
                kept=("/var/lib/parlab",),
            )
            made.append(node.start(client, image))
            say(f"node {name} is started")
    except BaseException:
        for container in made:
            with suppress(LabError):
                take_out(lab, container, say)
        for name in missing[len(made) : len(made) + 1]:
            with suppress(LabError):
                lab.remove_node(name)
        raise
    return missing


def take_out(lab: LabClient | None, container: Container, say: Callable[[str], None]) -> None:
    """Remove a node's container, and take it out of its lab where that is known."""
    name = str(container.labels.get(NODE, container.name))
    remove(container)
    if lab is not None:
        lab.remove_node(name)
    say(f"node {name} is removed")


def route_of(client: DockerClient, network: str | None, address: str | None) -> Route:
    """Say how the nodes reach the lab: in its own network on its own engine, else by an address.

    Raises:
        BadInput: neither is known.
    """
    if address is not None:
        return Route(address, network or "bridge")
    with reaching("of the fleet"):
        networks = client.networks.list(names=[network] if network else None, filters={"label": LAB_NETWORK})
    if network is not None and not networks:
        return Route(_ADDRESS_WITHIN, network)
    if len(networks) == 1:
        shared = networks[0]
        project = (shared.attrs.get("Labels") or {}).get("com.docker.compose.project")
        return Route(_ADDRESS_WITHIN, str(shared.name), f"{project}_host" if project else HOST_VOLUME)
    if networks:
        raise BadInput(
            f"this engine has several labs' networks: {', '.join(str(n.name) for n in networks)}",
            "Name one: --network.",
        )
    raise BadInput(
        "this engine has no lab's network",
        "Say where its containers reach the lab's Redis: --redis HOST:6380.",
    )


def remove_host_volume(client: DockerClient) -> None:
    """Remove the fleets' own volume where no container has it any more."""
    import docker.errors

    with reaching("of the fleet"):
        try:
            client.volumes.get(HOST_VOLUME).remove()
        except docker.errors.NotFound:
            return
        except docker.errors.APIError as error:
            # In use by another fleet.
            if error.status_code != 409:
                raise


def await_nodes(lab: LabClient, client: DockerClient, names: Sequence[str]) -> None:
    """Wait until nodes answer.

    Raises:
        EnvironmentFault: one does not, with its last words.
    """
    deadline = time.monotonic() + _JOIN_SECONDS
    while True:
        up = {str(node["name"]) for node in lab.nodes() if node["up"] and node["problem"] is None}
        away = [name for name in names if name not in up]
        if not away:
            return
        if time.monotonic() > deadline:
            containers = [c for c in find(client, FLEET) if c.labels.get(NODE) == away[0]]
            last = last_words(containers[0]) if containers else "its container is gone"
            raise EnvironmentFault(
                f"node {away[0]} did not join in time: {last}",
                "What had been started was removed again. Can the engine's containers reach the lab's Redis?",
            )
        time.sleep(_LOOK_SECONDS)


@contextmanager
def nodes_for_a_run(lab: LabClient, kinds: Sequence[NodeLimits]) -> Iterator[list[str]]:
    """Have a node of each kind in a lab, and none of them any more afterwards."""
    client = connect()
    route = route_of(client, None, None)
    fleet = f"run{secrets.token_hex(3)}"
    names: list[str] = []
    try:
        for limits in kinds:
            names += bring_up(client, lab, fleet, limits, 1, route, _whisper)
        await_nodes(lab, client, names)
        yield names
    finally:
        for container in find(client, f"{FLEET}={fleet}"):
            with suppress(LabError):
                take_out(lab, container, _whisper)
        with suppress(LabError):
            remove_host_volume(client)


def _whisper(text: str) -> None:
    sys.stderr.write(f"parlab: {text}\n")
