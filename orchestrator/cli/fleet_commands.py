"""What the fleet's commands do."""

from __future__ import annotations

import sys
from contextlib import suppress
from dataclasses import dataclass

from parlab.orchestrator.control.client import LabClient
from parlab.orchestrator.control.served_fleet import (
    _JOIN_SECONDS,
    _waiter,
    await_nodes,
    bring_up,
    check_name,
    place_of,
    remove_host_volume,
    take_out,
)
from parlab.orchestrator.experiment.model import NodeLimits
from parlab.orchestrator.lab.fleet.container import FLEET, NODE, RUN, find
from parlab.orchestrator.lab.fleet.engine import connect, reaching
from parlab.orchestrator.lab.fleet.for_run import remove_abandoned
from parlab.orchestrator.settings import Settings
from parlab.workers.errors import BadInput, LabError


@dataclass(frozen=True)
class Engine:
    """Which Docker engine is meant."""

    host: str | None = None
    context: str | None = None


def say(text: str) -> None:
    """Tell people."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def up(
    settings: Settings,
    lab_url: str | None,
    engine: Engine,
    fleet: str,
    limits: NodeLimits,
    count: int,
    network: str | None,
    address: str | None,
) -> None:
    """Have ``count`` nodes of a kind in a lab, and wait until they answer there."""
    url = lab_url or settings.lab_url
    if url is None:
        raise BadInput("a fleet joins a lab, and none is named", "Give --lab http://127.0.0.1:8000.")
    check_name(fleet)
    client = connect(engine.host, engine.context)
    place = place_of(client, network, address)
    with LabClient(url, settings.token, settings.version) as lab:
        # Asked first: an image takes a minute to build, and would be for nothing.
        lab.nodes()
        made = bring_up(client, lab, fleet, limits, count, place, say)
        try:
            await_nodes(lab, client, made, _waiter(_JOIN_SECONDS))
        except BaseException:
            for container in find(client, f"{FLEET}={fleet}"):
                if container.labels.get(NODE) in made:
                    with suppress(LabError):
                        take_out(lab, container, say)
            raise
    say(
        f"fleet {fleet}: {count} node{'s' * (count != 1)} of {limits.label}" + ("" if made else ", as before")
    )


def listing(settings: Settings, engine: Engine) -> None:
    """Print the containers of all fleets on an engine."""
    client = connect(engine.host, engine.context)
    remove_abandoned(client, settings.home)
    found = find(client, FLEET)
    if not found:
        say("no fleet on this engine")
    for container in found:
        with reaching("of the fleet"):
            state = str(container.status)
        say(f"{container.labels[FLEET]:12}  {container.labels[NODE]:32}  {state}")


def logs(engine: Engine, node: str) -> None:
    """Print what a node's container said."""
    client = connect(engine.host, engine.context)
    found = [container for container in find(client, FLEET) if container.labels.get(NODE) == node]
    if not found:
        names = ", ".join(str(container.labels[NODE]) for container in find(client, FLEET))
        raise BadInput(f"no fleet has a node {node}", f"There are: {names}." if names else "There is none.")
    with reaching("of the fleet"):
        sys.stdout.write(found[0].logs(tail=200).decode("utf-8", "replace"))


def down(settings: Settings, lab_url: str | None, engine: Engine, fleet: str | None) -> None:
    """Remove a fleet, or all of them, and take its nodes out of the lab where one is named."""
    client = connect(engine.host, engine.context)
    remove_abandoned(client, settings.home)
    wanted = FLEET if fleet is None else f"{FLEET}={check_name(fleet)}"
    # What a run has made goes with the run.
    found = [container for container in find(client, wanted) if RUN not in container.labels]
    url = lab_url or settings.lab_url
    lab = LabClient(url, settings.token, settings.version) if url is not None else None
    for container in found:
        take_out(lab, container, say)
    remove_host_volume(client)
    if not found:
        say("there is nothing to remove")
    elif lab is None:
        say("their users at the lab's server stay: name the lab (--lab URL) to take them out there, too")
