"""``parlab fleet``: nodes in containers on Docker engines, made and removed by hand."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from parlab.orchestrator.cli import options
from parlab.orchestrator.cli.help import LAB, Family
from parlab.workers.errors import BadInput, LabError

DockerHost = Annotated[
    str | None,
    typer.Option(metavar="URL", help="Docker engine: unix://, tcp://, ssh:// (default: docker's own)."),
]
Context = Annotated[str | None, typer.Option(metavar="NAME", help="Docker engine, as the name of a context.")]
commands = Family(
    LAB, "fleet", "Start, list and remove nodes in Docker containers.", "parlab fleet up --count 2"
)


@commands.add(
    "parlab fleet up --python 3.14 --cpus 2 --memory 1g --count 2",
    "parlab fleet up --name small --cpuset 0-1",
)
def up(
    python: Annotated[
        str, typer.Option(metavar="VERSION", help="Python of the nodes: 3.13, 3.14, 3.13t.")
    ] = "3.13",
    cpus: Annotated[
        float | None,
        typer.Option(metavar="NUMBER", help="CPUs for each (default: no limit)."),
    ] = None,
    memory: Annotated[str | None, typer.Option(metavar="SIZE", help="Memory for each: 512m, 2g.")] = None,
    cpuset: Annotated[
        str | None, typer.Option(metavar="CPUS", help="CPUs they may run on: 0-1, 0,2.")
    ] = None,
    count: Annotated[
        int,
        typer.Option(
            metavar="N", min=0, max=50, help="Number of nodes of this kind, with those already there."
        ),
    ] = 1,
    name: Annotated[
        str, typer.Option(metavar="NAME", help="Name of the fleet; its nodes' names begin with it.")
    ] = "fleet",
    docker_host: DockerHost = None,
    context: Context = None,
    lab: options.LabOnly = None,
    network: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Network of the engine to join (default: the compose lab's)."),
    ] = None,
    redis: Annotated[
        str | None, typer.Option(metavar="HOST:PORT", help="Where the containers reach the lab's Redis.")
    ] = None,
) -> None:
    """Bring a fleet to a number of nodes of one kind. Run again, it starts only what is missing."""
    from contextlib import suppress

    from parlab.orchestrator.cli.lab import client_of
    from parlab.orchestrator.control import served_fleet
    from parlab.orchestrator.experiment.model import NodeLimits
    from parlab.orchestrator.experiment.quantities import memory_bytes
    from parlab.orchestrator.lab.fleet.container import FLEET, NODE, find
    from parlab.orchestrator.lab.fleet.engine import connect

    limits = NodeLimits(python, cpus, options.quantity("--memory", memory_bytes, memory, "2g"), cpuset)
    with client_of(lab) as client:
        served_fleet.check_name(name)
        engine = connect(docker_host, context)
        route = served_fleet.route_of(engine, network, redis)
        # Asked first: an image takes a minute to build, and would be for nothing.
        client.nodes()
        made = served_fleet.bring_up(engine, client, name, limits, count, route, _say)
        try:
            served_fleet.await_nodes(client, engine, made)
        except BaseException:
            for container in find(engine, f"{FLEET}={name}"):
                if container.labels.get(NODE) in made:
                    with suppress(LabError):
                        served_fleet.take_out(client, container, _say)
            raise
    nodes = f"{count} node{'s' * (count != 1)} of {limits.label}"
    _say(f"fleet {name}: {nodes}" + ("" if made else ", as before"))


@commands.add("parlab fleet ls", "parlab fleet ls --context other-machine")
def ls(docker_host: DockerHost = None, context: Context = None) -> None:
    """List the nodes of all fleets on an engine."""
    from parlab.orchestrator.lab.fleet.container import FLEET, NODE, find
    from parlab.orchestrator.lab.fleet.engine import connect, reaching
    from parlab.orchestrator.lab.fleet.for_run import remove_abandoned
    from parlab.orchestrator.settings import from_process

    engine = connect(docker_host, context)
    remove_abandoned(engine, from_process().home)
    containers = find(engine, FLEET)
    if not containers:
        _say("no fleet on this engine")
    for container in containers:
        with reaching("of the fleet"):
            state = str(container.status)
        _say(f"{container.labels[FLEET]:12}  {container.labels[NODE]:32}  {state}")


@commands.add("parlab fleet logs fleet-py314-2cpu-1")
def logs(
    node: Annotated[str, typer.Argument(metavar="NODE", help="Name of the node.")],
    docker_host: DockerHost = None,
    context: Context = None,
) -> None:
    """Print the log of a node's container."""
    from parlab.orchestrator.lab.fleet.container import FLEET, NODE, find
    from parlab.orchestrator.lab.fleet.engine import connect, reaching

    containers = {str(c.labels[NODE]): c for c in find(connect(docker_host, context), FLEET)}
    if node not in containers:
        names = ", ".join(containers)
        raise BadInput(
            f"no fleet has a node {node}", f"There are: {names}." if names else "Make one: parlab fleet up."
        )
    with reaching("of the fleet"):
        sys.stdout.write(containers[node].logs(tail=200).decode("utf-8", "replace"))


@commands.add("parlab fleet down", "parlab fleet down --name small --lab http://127.0.0.1:8000")
def down(
    name: Annotated[str | None, typer.Option(metavar="NAME", help="Fleet to remove (default: all).")] = None,
    docker_host: DockerHost = None,
    context: Context = None,
    lab: options.LabOnly = None,
) -> None:
    """Remove a fleet's containers, and its nodes from the lab if one is named."""
    from parlab.orchestrator.control.client import LabClient
    from parlab.orchestrator.control.served_fleet import check_name, remove_host_volume, take_out
    from parlab.orchestrator.lab.fleet.container import FLEET, RUN, find
    from parlab.orchestrator.lab.fleet.engine import connect
    from parlab.orchestrator.lab.fleet.for_run import remove_abandoned
    from parlab.orchestrator.settings import from_process

    settings = from_process()
    engine = connect(docker_host, context)
    remove_abandoned(engine, settings.home)
    # What a run has made goes with the run.
    wanted = FLEET if name is None else f"{FLEET}={check_name(name)}"
    containers = [container for container in find(engine, wanted) if RUN not in container.labels]
    url = lab or settings.lab_url
    client = LabClient(url, settings.token, settings.version) if url is not None else None
    for container in containers:
        take_out(client, container, _say)
    remove_host_volume(engine)
    if not containers:
        _say("there is nothing to remove")
    elif client is None:
        _say("their users stay at the lab's server; to remove them there too, name the lab: --lab URL")


def _say(text: str) -> None:
    print(text, flush=True)
