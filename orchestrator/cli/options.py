"""Options and arguments that several commands have, each declared once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from parlab.workers.errors import BadInput

_Quantity = TypeVar("_Quantity")

# Runs

Run = Annotated[str, typer.Argument(metavar="RUN", help="A run's id, or its first characters (parlab list).")]
Runs = Annotated[
    list[str], typer.Argument(metavar="RUN", help="Ids of runs, or their first characters (parlab list).")
]
Lab = Annotated[
    str | None,
    typer.Option("--lab", metavar="URL", help="Address of a lab (default: PARLAB_LAB, or this machine)."),
]
LabOnly = Annotated[
    str | None, typer.Option("--lab", metavar="URL", help="Address of the lab (default: PARLAB_LAB).")
]
Redis = Annotated[
    str | None,
    typer.Option(
        metavar="URL",
        help="Use this server and its nodes (default: PARLAB_REDIS_URL, or a server of parlab's own).",
    ),
]

# How long, how precisely

Seed = Annotated[
    int | None, typer.Option(metavar="N", help="Seed of every random order (default: drawn, and shown).")
]
Budget = Annotated[str | None, typer.Option(metavar="TIME", help="How long the run may take: 90s, 10m.")]
Blocks = Annotated[
    int | None,
    typer.Option(metavar="N", help="Blocks: at most N (sequential rule), exactly N (fixed rule)."),
]
Precision = Annotated[
    str | None, typer.Option(metavar="PERCENT", help="Wanted half-width of a speed-up's interval: 5%.")
]

# Interpreters

Pythons = Annotated[
    list[str] | None,
    typer.Option("--python", metavar="EXE", help="Interpreter to measure; repeat it to compare builds."),
]
Gil = Annotated[
    str | None,
    typer.Option("--gil", metavar="on|off", help="The GIL of free-threaded builds (default: the build's)."),
]

# A function of the user's own

Function = Annotated[
    str, typer.Argument(metavar="MODULE:FUNCTION", help="The function, as Python imports it.")
]
Inputs = Annotated[
    str | None,
    typer.Option(
        metavar="FILE|MODULE:NAME", help="Its inputs: JSON, JSON lines, or a function that makes them."
    ),
]
AsyncFunction = Annotated[
    str | None,
    typer.Option("--async", metavar="MODULE:NAME", help="The same work as a coroutine function."),
]
CheckResult = Annotated[
    str | None,
    typer.Option(
        "--check", metavar="MODULE:NAME", help="Checks a result: called with an input and its result."
    ),
]
Setup = Annotated[
    str | None, typer.Option(metavar="MODULE:NAME", help="Called once in each worker before its tasks.")
]
Teardown = Annotated[
    str | None, typer.Option(metavar="MODULE:NAME", help="Called once in each worker after its tasks.")
]

# What is written

Output = Annotated[
    Path | None, typer.Option("--output", "-o", metavar="FILE", help="Default: standard output.")
]
Json = Annotated[
    Path | None, typer.Option("--json", metavar="FILE", help="Write the result to FILE as JSON.")
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Show neither progress nor result, only errors.")]


def quantity(
    option: str, read: Callable[[str], _Quantity], text: str | None, example: str
) -> _Quantity | None:
    """Read what an option says, or None where it was not given.

    Raises:
        BadInput: it cannot be read.
    """
    try:
        return None if text is None else read(text)
    except ValueError as error:
        raise BadInput(f"{option}: {error}", f"Write {option} {example}.") from None
