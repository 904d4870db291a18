"""The command that makes a report of runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def add_report_command(app: typer.Typer) -> None:
    """Put the command beside the others."""
    app.command(epilog="Example:  parlab report 7f3a -o report.html")(report)


def report(
    runs: Annotated[
        list[str], typer.Argument(metavar="RUN...", help="Ids of runs, or the starts of them (parlab list).")
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="FILE|DIR", help="Where it goes (default: the run's folder, and said)."
        ),
    ] = None,
    format_: Annotated[
        str,
        typer.Option(
            "--format",
            "-f",
            help="html: one file that can be mailed. svg, png: a folder of pictures. md: Markdown, with its "
            "pictures in a folder beside it.",
        ),
    ] = "html",
    chart: Annotated[
        list[str] | None,
        typer.Option("--chart", metavar="NAME", help="Only charts of this kind: speed_up; repeatable."),
    ] = None,
    scheme: Annotated[
        str, typer.Option(metavar="light|dark", help="Of png; the others follow the reader's own.")
    ] = "light",
    force: Annotated[
        bool,
        typer.Option(
            "--force",
            help="Write over what is there. Without it, only what parlab itself made before is replaced.",
        ),
    ] = False,
    lab: Annotated[
        str | None,
        typer.Option(
            "--lab", metavar="URL", help="The lab that has the runs (default: PARLAB_LAB, else here)."
        ),
    ] = None,
) -> None:
    """Write a report of runs: the answer in words, pictures, tables, where and how it was measured."""
    from parlab.orchestrator.cli.report_command import ReportOptions, report_runs

    report_runs(
        ReportOptions(
            runs=tuple(runs),
            output=output,
            format=format_,
            charts=tuple(chart or ()),
            scheme=scheme,
            force=force,
            lab_url=lab,
        )
    )
