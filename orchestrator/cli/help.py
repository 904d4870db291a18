"""Help of the commands: plain text, commands under headings, examples last."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from typing import Any, TypeVar

import typer
from typer.core import TyperArgument, TyperCommand, TyperGroup

from parlab.orchestrator.figures import ascii_only, can_show

#: Headings of the commands: what measures, what looks at what was measured, and what a lab needs.
MEASURE, LOOK, LAB = "measure", "look", "lab"
#: Of all commands.
SETTINGS = {"help_option_names": ["-h", "--help"]}

_Action = TypeVar("_Action", bound=Callable[..., Any])


class _Help:
    """Parts of the help of a command that commands of commands have, too."""

    epilog: str | None

    def get_help(self, ctx: Any) -> str:
        """Write all of it. What an ASCII terminal lacks is replaced here: typer would send it UTF-8."""
        text: str = super().get_help(ctx)  # type: ignore[misc]
        return text if can_show(sys.stdout) else ascii_only(text)

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        """Write the examples, not wrapped: they are to be copied."""
        del ctx
        lines = (self.epilog or "").splitlines()
        if lines:
            with formatter.section("Examples" if len(lines) > 1 else "Example"):
                for line in lines:
                    formatter.write(f"{'':{formatter.current_indent}}{line}\n")


class PlainCommand(_Help, TyperCommand):
    """A command whose help shows names of arguments, not their types, and examples."""

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """Give the parts of the first line: an argument that must be there has no brackets."""
        return [re.sub("[{}]", "", piece) for piece in super().collect_usage_pieces(ctx)]

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write arguments and options."""
        _write_parameters(self, ctx, formatter)


class PlainGroup(_Help, TyperGroup):
    """Several commands; without one of them it shows its help."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the command line."""
        return super().parse_args(ctx, args or ["--help"])

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write options and commands."""
        _write_parameters(self, ctx, formatter)
        headings: dict[str, list[tuple[str, str]]] = {}
        for name in self.list_commands(ctx):
            command: Any = self.get_command(ctx, name)
            summary = command.get_short_help_str(limit=200).rstrip(".")
            headings.setdefault(command.rich_help_panel or "Commands", []).append((name, summary))
        width = max(len(name) for rows in headings.values() for name, _ in rows)
        for heading, rows in headings.items():
            with formatter.section(heading):
                formatter.write_dl([(f"{name:{width}}", summary) for name, summary in rows])


class Family(typer.Typer):
    """Commands of one file."""

    def __init__(
        self, heading: str, name: str | None = None, summary: str | None = None, example: str | None = None
    ) -> None:
        """Put commands under a heading; with a name, they are commands of a command: ``nodes list``."""
        super().__init__(name=name, help=summary, epilog=example, cls=PlainGroup)
        #: Of these commands, or of the command that they are commands of.
        self.heading = heading
        self._named = name is not None

    def add(self, *examples: str, name: str | None = None) -> Callable[[_Action], _Action]:
        """Make a function a command, with examples of its use."""
        panel = None if self._named else self.heading
        return self.command(name, cls=PlainCommand, epilog="\n".join(examples), rich_help_panel=panel)


def _write_parameters(command: Any, ctx: Any, formatter: Any) -> None:
    arguments, options = [], []
    for parameter in command.get_params(ctx):
        record = parameter.get_help_record(ctx)
        if record is None:
            continue
        if isinstance(parameter, TyperArgument):
            several = "..." if parameter.nargs != 1 else ""
            arguments.append((f"{parameter.metavar}{several}", record[1]))
        else:
            options.append(record)
    for heading, rows in (("Arguments", arguments), ("Options", options)):
        if rows:
            with formatter.section(heading):
                formatter.write_dl(rows)
