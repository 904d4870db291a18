"""The command that says how to run a function of the user's own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def add_advise_command(app: typer.Typer) -> None:
    """Put the command beside the others."""
    app.command(epilog="Example:  parlab advise shop.images:thumbnail --inputs uploads.jsonl --budget 60s")(
        advise
    )


def advise(
    function: Annotated[str, typer.Argument(metavar="MODULE:FUNCTION", help="What is to be made faster.")],
    inputs: Annotated[
        str | None,
        typer.Option(metavar="FILE|MODULE:NAME", help="Its inputs: JSON, JSON lines, or what makes them."),
    ] = None,
    async_function: Annotated[
        str | None,
        typer.Option("--async", metavar="MODULE:NAME", help="The same work as a coroutine function."),
    ] = None,
    check: Annotated[
        str | None, typer.Option(metavar="MODULE:NAME", help="Called with an input and its result.")
    ] = None,
    setup: Annotated[
        str | None, typer.Option(metavar="MODULE:NAME", help="Called once in each worker before its tasks.")
    ] = None,
    teardown: Annotated[
        str | None, typer.Option(metavar="MODULE:NAME", help="Called once in each worker after its tasks.")
    ] = None,
    python: Annotated[
        list[str] | None,
        typer.Option("--python", metavar="EXE", help="Interpreter to consider; repeat it for several."),
    ] = None,
    gil: Annotated[
        str | None,
        typer.Option("--gil", metavar="on|off", help="GIL of free-threaded builds (default: the build's)."),
    ] = None,
    goal: Annotated[
        str,
        typer.Option(
            metavar="GOAL",
            help="throughput: the shortest round of a pool that is there; latency: from nothing to the last "
            "result; memory: the least of what is faster than one by one.",
        ),
    ] = "throughput",
    max_memory: Annotated[
        str | None, typer.Option(metavar="SIZE", help="The most memory it may take: 512m, 2g.")
    ] = None,
    max_workers: Annotated[
        int | None, typer.Option(min=1, max=4096, help="The most workers it may have.")
    ] = None,
    budget: Annotated[str, typer.Option(metavar="TIME", help="Wall time all of it may take.")] = "60s",
    seed: Annotated[
        int | None, typer.Option(help="Seed of all random orders (default: drawn, and shown).")
    ] = None,
    lab: Annotated[
        str | None,
        typer.Option(
            "--lab", metavar="URL", help="A lab's orchestrator (default: PARLAB_LAB; none: this machine)."
        ),
    ] = None,
    json: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write the advice there as JSON.")
    ] = None,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="No progress and no text; only errors.")
    ] = False,
) -> None:
    """Say how to run a function of yours: which executor, how many workers, and how sure that is."""
    from parlab.orchestrator.cli.advise_command import AdviseOptions, advise_function

    options = AdviseOptions(
        function={
            "function": function,
            "inputs": inputs,
            "async_function": async_function,
            "check": check,
            "setup": setup,
            "teardown": teardown,
        },
        pythons=tuple(python or ()),
        gil=gil,
        goal=goal,
        max_memory=max_memory,
        max_workers=max_workers,
        budget=budget,
        seed=seed,
        lab_url=lab,
        json_file=json,
        quiet=quiet,
    )
    raise typer.Exit(advise_function(options))
