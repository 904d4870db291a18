"""Looks at a machine: what can be measured here, how well, and what to do about the rest."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, TextIO

from parlab.orchestrator.settings import Settings
from parlab.orchestrator.show.text.figures import ascii_only, can_show, printable
from parlab.workers.errors import LabError

#: ok: nothing to do. warn: it can be measured, with care. problem: a run would not work.
Status = Literal["ok", "warn", "problem"]

#: Exit code where a problem would prevent a run (docs/exit-codes.md).
_PREVENTED = 3


@dataclass(frozen=True)
class Check:
    """One thing that was looked at."""

    name: str
    status: Status
    #: What was found, with figures.
    finding: str
    #: What to do about it; empty where there is nothing to do.
    cure: str = ""


def examine(settings: Settings) -> list[Check]:
    """Make all checks; takes two seconds, one of which keeps a CPU busy."""
    from parlab.orchestrator.doctor import (
        home as doctor_home,
    )
    from parlab.orchestrator.doctor import (
        host as doctor_host,
    )
    from parlab.orchestrator.doctor import (
        pythons as doctor_pythons,
    )

    checks: list[Callable[[], Iterable[Check]]] = [
        *doctor_host.checks(),
        *doctor_pythons.checks(),
        *doctor_home.checks(settings),
    ]
    return [found for check in checks for found in carefully(check)]


def carefully(check: Callable[[], Iterable[Check]]) -> list[Check]:
    """Make one check; what it cannot read is a finding, not the end of the others."""
    try:
        return list(check())
    except LabError as error:
        return [Check(_name(check), "problem", error.message, error.hint)]
    except OSError as error:
        return [Check(_name(check), "warn", f"could not be looked at: {error}")]


def exit_code(checks: Iterable[Check]) -> int:
    """Return 3 where something would prevent a run, else 0."""
    return _PREVENTED if any(check.status == "problem" for check in checks) else 0


def write(checks: Sequence[Check], stream: TextIO, closing: str | None = None) -> None:
    """Write the checks as a table, each cure below its finding, and what they come to.

    ``closing`` is said instead of that; "": nothing is, since more follows.
    """
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from parlab.orchestrator.show.text.tables import print_trimmed

    plain = not can_show(stream)

    def text(words: str, style: str = "") -> Text:
        clean = printable(words)
        return Text(ascii_only(clean) if plain else clean, style=style)

    styles = {"ok": "green", "warn": "yellow", "problem": "bold red"}
    console = Console(file=stream, highlight=False, width=None if stream.isatty() else 120)
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for check in checks:
        table.add_row(text(check.status, styles[check.status]), text(check.name), text(check.finding))
        if check.cure:
            table.add_row("", "", text(f"→ {check.cure}", "dim"))
    print_trimmed(console, table)
    if closing != "":
        console.print()
        console.print(text(summary(checks) if closing is None else closing))


def summary(checks: Iterable[Check]) -> str:
    """Say in a line what the checks come to."""
    found = [check.status for check in checks]
    problems, warnings = found.count("problem"), found.count("warn")
    if problems:
        return f"{problems} problem{'s' * (problems != 1)} would prevent a run; what to do is said above."
    if warnings:
        return (
            f"Ready to measure, with {warnings} thing{'s' * (warnings != 1)} to know. Start with: parlab run"
        )
    return "Ready to measure. Start with: parlab run"


def _name(check: Callable[[], Iterable[Check]]) -> str:
    function = getattr(check, "func", check)
    return str(getattr(function, "__name__", "check")).strip("_").replace("_", " ")
