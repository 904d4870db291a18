"""What ships, as lists: experiments, workloads, strategies."""

from __future__ import annotations

import sys
from collections.abc import Mapping

from rich.console import Console
from rich.table import Table
from rich.text import Text

from workers.catalog import strategies, workloads
from workers.parameter import Parameter

from .experiment_file import shipped
from .outputs.figures import waiting


def list_experiments() -> None:
    """Print the experiments that ship, with the question each answers and the time it may take."""
    table = _table("name", "question", "at most")
    for one in shipped():
        table.add_row(one.name, one.question, waiting(one.budget_seconds))
    _print(table, "parlab run NAME runs one of them")


def list_workloads() -> None:
    """Print the workloads with their parameters."""
    table = _table("name", "kind", "what it does", "parameters")
    for name, workload in workloads().items():
        table.add_row(name, workload.kind, Text(workload.summary), _parameters(workload.parameters))
    _print(table, "an experiment names one in a [[workload]] table")


def list_strategies() -> None:
    """Print the strategies with their options."""
    table = _table("name", "how tasks are run", "options")
    for name, strategy in strategies().items():
        table.add_row(name, Text(strategy.summary), _parameters(strategy.options))
    _print(table, "an experiment names one in a [[strategy]] table, with max_workers")


def _parameters(parameters: Mapping[str, Parameter]) -> Text:
    return Text("\n".join(_described(name, parameter) for name, parameter in parameters.items()) or "–")


def _described(name: str, parameter: Parameter) -> str:
    default = "worked out" if parameter.default is None else str(parameter.default)
    choices = f": {', '.join(map(str, parameter.choices))}" if parameter.choices else ""
    return f"{name} = {default}{choices} ({parameter.summary.rstrip('.')})"


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for column in columns:
        table.add_column(column, no_wrap=column in {"name", "kind", "at most"}, overflow="fold")
    return table


def _print(table: Table, note: str) -> None:
    console = Console(width=None if sys.stdout.isatty() else 120, highlight=False, markup=False)
    console.print(table)
    console.print(f"\n{note}", style="dim")
