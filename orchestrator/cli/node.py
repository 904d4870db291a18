"""``parlab node``: this machine as a node of a lab."""

from __future__ import annotations

from typing import Annotated

import typer

from parlab.orchestrator.cli.help import LAB, Family

commands = Family(LAB)


@commands.add(
    "PARLAB_REDIS_URL=redis://lab:6379 parlab node --name laptop --python python3.13",
    "PARLAB_JOIN=… parlab node --redis lab:6380 --wait 60",
)
def node(
    name: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Name of the node: its queue, its results, its row in the lab."),
    ] = None,
    redis: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="The lab's server: a URL, or host:port with a join token."),
    ] = None,
    python: Annotated[
        list[str] | None,
        typer.Option("--python", metavar="EXE", help="Interpreter to offer; repeatable (default: this one)."),
    ] = None,
    host: Annotated[
        str | None, typer.Option(metavar="NAME", help="Name of this host (default: the machine's own id).")
    ] = None,
    wait: Annotated[
        float | None,
        typer.Option(metavar="SECONDS", help="How long to wait for a server that is not there yet."),
    ] = None,
) -> None:
    """Offer this machine's Python builds to a lab until Ctrl-C.

    PARLAB_JOIN (or PARLAB_JOIN_FILE) holds the join token that parlab nodes add printed.
    """
    import os

    from parlab.workers.node.__main__ import serve
    from parlab.workers.node.settings import settings_of

    pythons = tuple(python or ())
    raise typer.Exit(
        serve(settings_of(os.environ, name=name, redis=redis, pythons=pythons, host=host, wait=wait))
    )
