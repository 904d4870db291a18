"""Commands of a lab: serve one, let nodes in, pause them, stop and pin its runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

nodes = typer.Typer(
    name="nodes",
    help="See, let in, pause and take out a lab's nodes.",
    no_args_is_help=True,
    add_completion=False,
)

LabUrl = Annotated[
    str | None, typer.Option("--lab", metavar="URL", help="The lab's orchestrator (default: PARLAB_LAB).")
]
RunId = Annotated[str, typer.Argument(metavar="RUN", help="A run's id or the start of it (parlab list).")]
NodeName = Annotated[str, typer.Argument(metavar="NAME", help="Name of the node.")]


def add_lab_commands(app: typer.Typer) -> None:
    """Put the lab's commands beside the others."""
    app.command(epilog="Example:  PARLAB_REDIS_URL=redis://localhost PARLAB_TOKEN=… parlab serve")(serve)
    app.command(epilog="Example:  parlab stop 7f3a --lab http://127.0.0.1:8000")(stop)
    app.command(epilog="Example:  parlab pin 7f3a --lab http://127.0.0.1:8000")(pin)
    app.command(epilog="Example:  parlab unpin 7f3a --lab http://127.0.0.1:8000")(unpin)
    app.command(epilog="Example:  parlab secrets --to secrets/")(secrets)
    app.add_typer(nodes)


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0: any free one.")] = 8000,
) -> None:
    """Be a lab's orchestrator: API, metrics, and the controller of every run. Needs a Redis server.

    PARLAB_REDIS_URL names the server, PARLAB_TOKEN (or PARLAB_TOKEN_FILE) allows changes.
    """
    from parlab.orchestrator.cli.run import serve_lab

    raise typer.Exit(serve_lab(host, port))


def stop(run: RunId, lab: LabUrl = None) -> None:
    """Stop a run of a lab; what was measured stays."""
    from parlab.orchestrator.cli.run import in_lab
    from parlab.orchestrator.control.remote import stop_run

    stop_run(*in_lab(lab), run)


def pin(run: RunId, lab: LabUrl = None) -> None:
    """Export a run's figures to Prometheus beside the current run's (at most three)."""
    from parlab.orchestrator.cli.run import in_lab
    from parlab.orchestrator.control.remote import pin_run

    pin_run(*in_lab(lab), run, pinned=True)


def unpin(run: RunId, lab: LabUrl = None) -> None:
    """Export a run's figures no longer."""
    from parlab.orchestrator.cli.run import in_lab
    from parlab.orchestrator.control.remote import pin_run

    pin_run(*in_lab(lab), run, pinned=False)


def secrets(
    to: Annotated[Path, typer.Option(metavar="FOLDER", help="Folder of the secrets.")] = Path("secrets"),
    node: Annotated[
        list[str] | None, typer.Option("--node", metavar="NAME", help="Node that joins; repeatable.")
    ] = None,
    postgres: Annotated[
        bool, typer.Option("--postgres", help="Also the password of a database for the nodes' workloads.")
    ] = False,
) -> None:
    """Make a lab's secrets, those that are not there yet: keys, token, users, certificates."""
    from parlab.orchestrator.cli.run import make_secrets

    make_secrets(to, tuple(node or ()), postgres=postgres)


@nodes.command("list", epilog="Example:  parlab nodes list --lab http://127.0.0.1:8000")
def list_nodes(lab: LabUrl = None) -> None:
    """List the nodes with their builds, CPUs and what runs there."""
    from parlab.orchestrator.cli.run import in_lab
    from parlab.orchestrator.control import remote as commands

    commands.list_nodes(*in_lab(lab))


@nodes.command(epilog="Example:  parlab nodes add workstation --lab http://127.0.0.1:8000")
def add(
    name: NodeName,
    group: Annotated[
        bool, typer.Option("--group", help="One token for many hosts: nodes NAME--host1, NAME--host2, …")
    ] = False,
    lab: LabUrl = None,
) -> None:
    """Let a node in: make its user at the server and print what its host needs."""
    from parlab.orchestrator.cli.run import in_lab
    from parlab.orchestrator.control.remote import add_node

    add_node(*in_lab(lab), name, group=group)


@nodes.command(epilog="Example:  parlab nodes remove workstation --lab http://127.0.0.1:8000")
def remove(name: NodeName, lab: LabUrl = None) -> None:
    """Take a node out: its user goes, what it measured stays."""
    from parlab.orchestrator.cli.run import in_lab
    from parlab.orchestrator.control.remote import remove_node

    remove_node(*in_lab(lab), name)


@nodes.command(epilog="Example:  parlab nodes pause workstation --lab http://127.0.0.1:8000")
def pause(name: NodeName, lab: LabUrl = None) -> None:
    """Give a node no further sittings; the one that runs there ends in peace."""
    from parlab.orchestrator.cli.run import in_lab
    from parlab.orchestrator.control.remote import pause_node

    pause_node(*in_lab(lab), name, paused=True)


@nodes.command(epilog="Example:  parlab nodes resume workstation --lab http://127.0.0.1:8000")
def resume(name: NodeName, lab: LabUrl = None) -> None:
    """Give a paused node sittings again."""
    from parlab.orchestrator.cli.run import in_lab
    from parlab.orchestrator.control.remote import pause_node

    pause_node(*in_lab(lab), name, paused=False)
