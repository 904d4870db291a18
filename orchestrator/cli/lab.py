"""A lab: serve one, stop and pin its runs, let its nodes in, pause them and take them out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from parlab.orchestrator.cli import options
from parlab.orchestrator.cli.help import LAB, Family
from parlab.workers.errors import BadInput

if TYPE_CHECKING:
    from parlab.orchestrator.control.client import LabClient

_Name = Annotated[str, typer.Argument(metavar="NAME", help="Name of the node.")]

commands = Family(LAB)
nodes = Family(LAB, "nodes", "List, add, pause and remove a lab's nodes.", "parlab nodes list")
commands.add_typer(nodes, rich_help_panel=nodes.heading)


def client_of(url: str | None) -> LabClient:
    """Give a client of the lab that is named by an option, else by the environment.

    Raises:
        BadInput: none is named, or the address is none.
    """
    from parlab.orchestrator.settings import from_process

    settings = from_process()
    url = url or settings.lab_url
    if url is None:
        raise BadInput("no lab was named", "Give --lab http://127.0.0.1:8000, or set PARLAB_LAB.")
    from parlab.orchestrator.control.client import LabClient

    return LabClient(url, settings.token, settings.version)


@commands.add(
    "PARLAB_REDIS_URL=redis://localhost PARLAB_TOKEN=… parlab serve", "parlab serve --host 0.0.0.0 --port 80"
)
def serve(
    host: Annotated[str, typer.Option(metavar="ADDRESS", help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(metavar="N", min=0, max=65535, help="Port to listen on; 0: any free one.")
    ] = 8000,
) -> None:
    """Serve a lab: its API, metrics, and the controller of every run. Needs a Redis server.

    PARLAB_REDIS_URL names the server, PARLAB_TOKEN (or PARLAB_TOKEN_FILE) allows changes.
    """
    from parlab.orchestrator.serve.server import serve as serve_lab
    from parlab.orchestrator.settings import from_process

    raise typer.Exit(serve_lab(from_process(), host, port))


@commands.add("parlab stop 7f3a", "parlab stop 7f3a --lab http://127.0.0.1:8000")
def stop(run: options.Run, lab: options.LabOnly = None) -> None:
    """Stop a lab's run; what was measured is kept."""
    with client_of(lab) as client:
        stopped = client.stop(run)
    print(f"run {stopped['run']}: {stopped['state']}, {stopped['reason']}")


@commands.add("parlab pin 7f3a", "parlab pin 7f3a --lab http://127.0.0.1:8000")
def pin(run: options.Run, lab: options.LabOnly = None) -> None:
    """Export a run's figures to Prometheus beside the current run's (at most three runs)."""
    with client_of(lab) as client:
        client.pin(run, pinned=True)
    print(f"run {run} is pinned")


@commands.add("parlab unpin 7f3a", "parlab unpin 7f3a --lab http://127.0.0.1:8000")
def unpin(run: options.Run, lab: options.LabOnly = None) -> None:
    """Stop exporting the figures of a pinned run."""
    with client_of(lab) as client:
        client.pin(run, pinned=False)
    print(f"run {run} is no longer pinned")


@commands.add("parlab secrets --to secrets/", "parlab secrets --to secrets/ --node laptop --node server")
def secrets(
    to: Annotated[Path, typer.Option(metavar="FOLDER", help="Folder for the secrets.")] = Path("secrets"),
    node: Annotated[
        list[str] | None, typer.Option("--node", metavar="NAME", help="Node that joins; repeatable.")
    ] = None,
    postgres: Annotated[
        bool,
        typer.Option("--postgres", help="Also make the password of a database for the nodes' workloads."),
    ] = False,
) -> None:
    """Make the secrets of a lab that are not there yet: keys, token, users, certificates."""
    from parlab.orchestrator.lab.access.generation import generate, generate_database

    names = tuple(node or ())
    for line in generate(to, names) + (generate_database(to, names) if postgres else []):
        print(line)


@nodes.add("parlab nodes list", "parlab nodes list --lab http://127.0.0.1:8000", name="list")
def list_nodes(lab: options.LabOnly = None) -> None:
    """List the nodes with their builds, CPUs and what runs there."""
    from parlab.orchestrator.cli.listing import Listing

    with client_of(lab) as client:
        joined = client.nodes()
        if not joined:
            print(f"no node has joined yet; let one in: parlab nodes add NAME --lab {client.url}")
            return
    listing = Listing(("node", "host", "Python", "CPUs", "state", "runs"), whole=("node", "host"))
    for node in joined:
        builds = ", ".join(build["id"] for build in node["builds"])
        cpus = f"{node['effective_cpus']} ({node['effective_cpus_why']})" if node["effective_cpus"] else "–"
        job = node["running_job"] or "–"
        listing.add(node["name"], node["host"] or "–", builds or "–", cpus, _state(node), job)
    listing.show()


def _state(node: dict[str, Any]) -> str:
    if not node["up"]:
        return "does not answer"
    notes = ["up", node["problem"], "paused" if node["paused"] else None]
    return ", ".join(note for note in notes if note)


@nodes.add("parlab nodes add workstation --lab http://127.0.0.1:8000", "parlab nodes add --group classroom")
def add(
    name: _Name,
    group: Annotated[
        bool,
        typer.Option("--group", help="One token for many hosts, whose nodes are NAME--host1, NAME--host2, …"),
    ] = False,
    lab: options.LabOnly = None,
) -> None:
    """Add a node: create its user on the server and print what its host needs."""
    with client_of(lab) as client:
        joining = client.add_node(name, group=group)
    address = joining["address"] or "HOST:6380"
    named = f"{name}--$(hostname)" if group else name
    print(
        f"{'the group' if group else 'node'} {name} may join. Its join token is a secret; "
        "it is shown only once; asking again makes a new one.\n\n"
        f"With Docker, in a folder with docker-compose.node.yml:\n\n"
        f"  export PARLAB_REDIS={address}\n"
        f"  export PARLAB_JOIN={joining['join_token']}\n"
        "  docker compose -f docker-compose.node.yml up --detach\n\n"
        "Without:\n\n"
        f"  PARLAB_JOIN={joining['join_token']} \\\n  parlab node --redis {address} --name {named}"
    )
    if joining["address"] is None:
        print("\nHOST is where that machine reaches this lab's Redis; see docs/lab.md (joining a host).")


@nodes.add("parlab nodes remove workstation", "parlab nodes remove workstation --lab http://127.0.0.1:8000")
def remove(name: _Name, lab: options.LabOnly = None) -> None:
    """Remove a node: its user is removed, what it measured is kept."""
    with client_of(lab) as client:
        client.remove_node(name)
    print(f"{name} is removed; what it measured is kept")


@nodes.add("parlab nodes pause workstation", "parlab nodes pause workstation --lab http://127.0.0.1:8000")
def pause(name: _Name, lab: options.LabOnly = None) -> None:
    """Give a node no more sittings; the one that is running is finished."""
    _set_paused(name, lab, paused=True)


@nodes.add("parlab nodes resume workstation", "parlab nodes resume workstation --lab http://127.0.0.1:8000")
def resume(name: _Name, lab: options.LabOnly = None) -> None:
    """Give a paused node sittings again."""
    _set_paused(name, lab, paused=False)


def _set_paused(name: str, lab: str | None, *, paused: bool) -> None:
    with client_of(lab) as client:
        node = client.pause(name, paused=paused)
    print(f"node {node['name']}: {_state(node)}")
