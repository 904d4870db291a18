"""Commands of a fleet: nodes in containers on Docker engines, made and removed by hand."""

from __future__ import annotations

from typing import Annotated

import typer

fleet = typer.Typer(
    name="fleet",
    help="Nodes in containers on a Docker engine: make, see and remove them.",
    no_args_is_help=True,
    add_completion=False,
)

DockerHost = Annotated[
    str | None,
    typer.Option(metavar="URL", help="Engine: unix://, tcp://, ssh:// (default: as docker has it)."),
]
Context = Annotated[str | None, typer.Option(help="Engine, by the name of a Docker context.")]
LabUrl = Annotated[
    str | None, typer.Option("--lab", metavar="URL", help="The lab's orchestrator (default: PARLAB_LAB).")
]
FleetName = Annotated[str, typer.Option("--name", help="Name of the fleet, the start of its nodes' names.")]


@fleet.command(epilog="Example:  parlab fleet up --python 3.14 --cpus 2 --memory 1g --count 2")
def up(
    python: Annotated[str, typer.Option(help="Python of the nodes: 3.13, 3.14, 3.13t.")] = "3.13",
    cpus: Annotated[
        float | None, typer.Option(help="CPUs' worth of time for each (default: no limit).")
    ] = None,
    memory: Annotated[str | None, typer.Option(metavar="SIZE", help="Memory of each: 512m, 2g.")] = None,
    cpuset: Annotated[
        str | None, typer.Option(metavar="CPUS", help="CPUs they may run on: 0-1, 0,2.")
    ] = None,
    count: Annotated[int, typer.Option(min=0, max=50, help="Nodes of this kind, those there included.")] = 1,
    name: FleetName = "fleet",
    docker_host: DockerHost = None,
    context: Context = None,
    lab: LabUrl = None,
    network: Annotated[
        str | None, typer.Option(help="Engine's network to join (default: the compose lab's).")
    ] = None,
    redis: Annotated[
        str | None, typer.Option(metavar="HOST:PORT", help="Where the containers reach the lab's Redis.")
    ] = None,
) -> None:
    """Have so many nodes of a kind in a lab. Asked again, it makes what is missing and no more."""
    from parlab.orchestrator.cli import fleet_commands as commands
    from parlab.orchestrator.experiment.model import NodeLimits
    from parlab.orchestrator.experiment.quantities import memory_bytes
    from parlab.orchestrator.settings import from_process
    from parlab.workers.errors import BadInput

    try:
        limit = memory_bytes(memory) if memory is not None else None
    except ValueError as error:
        raise BadInput(f"--memory {error}", "Write 512m or 2g.") from error
    limits = NodeLimits(python, cpus, limit, cpuset)
    engine = commands.Engine(docker_host, context)
    commands.up(from_process(), lab, engine, name, limits, count, network, redis)


@fleet.command(epilog="Example:  parlab fleet ls")
def ls(docker_host: DockerHost = None, context: Context = None) -> None:
    """List the nodes of all fleets on an engine."""
    from parlab.orchestrator.cli import fleet_commands as commands
    from parlab.orchestrator.settings import from_process

    commands.listing(from_process(), commands.Engine(docker_host, context))


@fleet.command(epilog="Example:  parlab fleet logs fleet-py314-2cpu-1")
def logs(
    node: Annotated[str, typer.Argument(metavar="NODE", help="Name of the node.")],
    docker_host: DockerHost = None,
    context: Context = None,
) -> None:
    """Print what a node's container said."""
    from parlab.orchestrator.cli import fleet_commands as commands

    commands.logs(commands.Engine(docker_host, context), node)


@fleet.command(epilog="Example:  parlab fleet down --name fleet")
def down(
    name: Annotated[str | None, typer.Option("--name", help="Fleet to remove (default: all).")] = None,
    docker_host: DockerHost = None,
    context: Context = None,
    lab: LabUrl = None,
) -> None:
    """Remove a fleet's containers, and take its nodes out of the lab."""
    from parlab.orchestrator.cli import fleet_commands as commands
    from parlab.orchestrator.settings import from_process

    commands.down(from_process(), lab, commands.Engine(docker_host, context), name)
