"""Lists: what ships, by ``parlab experiments`` and its like, and the table that all lists are printed as."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING

from parlab.orchestrator.cli.help import LOOK, Family

if TYPE_CHECKING:
    from parlab.workers.parameter import Parameter

#: Of a line where nobody's terminal says: a pipe, a file.
_WIDTH = 120

commands = Family(LOOK)


class Listing:
    """Rows under heads. Text in them is shown as it is: brackets are no markup."""

    def __init__(self, columns: Iterable[str], whole: Collection[str] = ()) -> None:
        """Begin with heads; the columns in ``whole`` are never folded."""
        from rich.table import Table

        self._table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
        for column in columns:
            self._table.add_column(column, no_wrap=column in whole, overflow="fold")

    def add(self, *cells: str) -> None:
        """Add a row."""
        from rich.text import Text

        self._table.add_row(*map(Text, cells))

    def show(self, note: str = "") -> None:
        """Print it, with a note below it."""
        from rich.console import Console

        console = Console(width=None if sys.stdout.isatty() else _WIDTH, highlight=False, markup=False)
        console.print(self._table)
        if note:
            console.print(f"\n{note}", style="dim")


@commands.add("parlab experiments")
def experiments() -> None:
    """List the experiments that come with parlab, with the question each one answers."""
    from parlab.orchestrator.experiment.file import shipped
    from parlab.orchestrator.figures import waiting

    listing = Listing(("name", "question", "at most"), whole=("name", "at most"))
    for experiment in shipped():
        per = " per build" if experiment.budget_per == "build" else ""
        listing.add(experiment.name, experiment.question, waiting(experiment.budget_seconds) + per)
    listing.show("parlab run NAME runs one of them")


@commands.add("parlab workloads")
def workloads() -> None:
    """List the workloads with their parameters."""
    from parlab.workers import catalog

    listing = Listing(("name", "kind", "what it does", "parameters"), whole=("name", "kind"))
    for name, workload in catalog.workloads().items():
        listing.add(name, workload.kind, workload.summary, _parameters(workload.parameters))
    listing.show("an experiment names one in a [[workload]] table")


@commands.add("parlab strategies")
def strategies() -> None:
    """List the strategies with their options."""
    from parlab.workers import catalog

    listing = Listing(("name", "how tasks are run", "options"), whole=("name",))
    for name, strategy in catalog.strategies().items():
        listing.add(name, strategy.summary, _parameters(strategy.options))
    listing.show("an experiment names one in a [[strategy]] table, with max_workers")


@commands.add("parlab scenarios")
def scenarios() -> None:
    """List the scenarios, which measure other things than tasks per second."""
    from parlab.workers import catalog

    listing = Listing(("name", "what it measures", "variants", "conditions"), whole=("name",))
    for name, scenario in catalog.scenarios().items():
        measures = [
            f"{measure.name}, {measure.unit}, {measure.better} is better" for measure in scenario.measures
        ]
        summary = "\n".join([f"{scenario.summary.rstrip('.')}:", *measures])
        variants = ", ".join(variant.name for variant in scenario.variants)
        listing.add(name, summary, variants, _parameters(scenario.parameters))
    listing.show("an experiment names one in a [[scenario]] table")


def _parameters(parameters: Mapping[str, Parameter]) -> str:
    return "\n".join(_described(name, parameter) for name, parameter in parameters.items()) or "–"


def _described(name: str, parameter: Parameter) -> str:
    default = "worked out" if parameter.default is None else str(parameter.default)
    choices = f": {', '.join(map(str, parameter.choices))}" if parameter.choices else ""
    return f"{name} = {default}{choices} ({parameter.summary.rstrip('.')})"
