"""The command that compares runs, hosts, nodes, builds or workloads."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def add_compare_command(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command(epilog="Example:  parlab compare 7f3a 81c0 --fail-on gains-less:5%")(compare)


def compare(
    runs: Annotated[
        list[str], typer.Argument(metavar="RUN...", help="Ids of runs, or the starts of them (parlab list).")
    ],
    by: Annotated[
        str | None,
        typer.Option(
            metavar="AXIS",
            help="Side by side: run, host, node, python or workload (default: what there are several of).",
        ),
    ] = None,
    baseline: Annotated[
        str | None,
        typer.Option(metavar="VALUE", help="What the others are held against (default: the first)."),
    ] = None,
    fail_on: Annotated[
        list[str] | None,
        typer.Option(
            metavar="WORD:PERCENT",
            help="End with 10 where the last one is shown to be so: slower:5%, gains-less:5%; repeatable.",
        ),
    ] = None,
    format_: Annotated[
        str, typer.Option("--format", "-f", help="terminal, markdown or json (docs/compare.md).")
    ] = "terminal",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Default: standard output.")
    ] = None,
    lab: Annotated[
        str | None,
        typer.Option(
            "--lab", metavar="URL", help="The lab that has the runs (default: PARLAB_LAB, else here)."
        ),
    ] = None,
) -> None:
    """Compare runs, or the hosts, nodes, builds or workloads of one: what differs first, then ratios."""
    from parlab.orchestrator.cli.compare_command import CompareOptions, compare_runs

    options = CompareOptions(
        runs=tuple(runs),
        by=by,
        baseline=baseline,
        fail_on=tuple(fail_on or ()),
        format=format_,
        output=output,
        lab_url=lab,
    )
    raise typer.Exit(compare_runs(options))
