"""Examination of a machine: what can be measured here, how well, and what to do about the rest."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, TextIO

from parlab.orchestrator.doctor.check import Check, carefully
from parlab.orchestrator.figures import ascii_only, can_show, counted, printable
from parlab.orchestrator.settings import Settings

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

#: Exit code where a problem would prevent a run (docs/exit-codes.md).
_PREVENTED = 3


def examine(settings: Settings) -> list[Check]:
    """Make all checks; takes two seconds, one of which keeps a CPU busy."""
    from parlab.orchestrator.doctor import home as doctor_home
    from parlab.orchestrator.doctor import host as doctor_host
    from parlab.orchestrator.doctor import pythons as doctor_pythons

    checks: list[Callable[[], Iterable[Check]]] = [
        *doctor_host.checks(),
        *doctor_pythons.checks(),
        *doctor_home.checks(settings),
    ]
    return [finding for check in checks for finding in carefully(check)]


def exit_code(checks: Iterable[Check]) -> int:
    """Return 3 where something would prevent a run, else 0."""
    return _PREVENTED if any(check.status == "problem" for check in checks) else 0


def write(checks: Sequence[Check], stream: TextIO, closing: str | None = None) -> None:
    """Write the checks as a table, each cure below its finding, and what they come to.

    ``closing`` is said instead of that; "": nothing is, since more follows.
    """
    from rich.table import Table

    from parlab.orchestrator.show.text.tables import print_trimmed

    console, text = screen(stream)
    styles = {"ok": "green", "warn": "yellow", "problem": "bold red"}
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


def screen(stream: TextIO) -> tuple[Console, Callable[..., Text]]:
    """Give a console on a stream, and what makes a text, with a style, of signs that it can show."""
    from rich.console import Console
    from rich.text import Text

    plain = not can_show(stream)

    def text(words: str, style: str = "") -> Text:
        clean = printable(words)
        return Text(ascii_only(clean) if plain else clean, style=style)

    return Console(file=stream, highlight=False, width=None if stream.isatty() else 120), text


def summary(checks: Iterable[Check]) -> str:
    """Say in a line what the checks come to."""
    statuses = [check.status for check in checks]
    problems, warnings = statuses.count("problem"), statuses.count("warn")
    if problems:
        return f"{counted(problems, 'problem')} would prevent a run; see above for what to do."
    if warnings:
        return f"Ready to measure, with {counted(warnings, 'warning')}. Start with: parlab run"
    return "Ready to measure. Start with: parlab run"
