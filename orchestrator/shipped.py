"""What ships, as lists: experiments, workloads, strategies."""

from __future__ import annotations

from collections.abc import Mapping

from workers.catalog import strategies, workloads
from workers.parameter import Parameter

from .experiment_file import shipped
from .listing import Listing
from .outputs.figures import waiting


def list_experiments() -> None:
    """Print the experiments that ship, with the question each answers and the time it may take."""
    listing = Listing(("name", "question", "at most"), whole=("name", "at most"))
    for one in shipped():
        listing.add(one.name, one.question, waiting(one.budget_seconds))
    listing.show("parlab run NAME runs one of them")


def list_workloads() -> None:
    """Print the workloads with their parameters."""
    listing = Listing(("name", "kind", "what it does", "parameters"), whole=("name", "kind"))
    for name, workload in workloads().items():
        listing.add(name, workload.kind, workload.summary, _parameters(workload.parameters))
    listing.show("an experiment names one in a [[workload]] table")


def list_strategies() -> None:
    """Print the strategies with their options."""
    listing = Listing(("name", "how tasks are run", "options"), whole=("name",))
    for name, strategy in strategies().items():
        listing.add(name, strategy.summary, _parameters(strategy.options))
    listing.show("an experiment names one in a [[strategy]] table, with max_workers")


def _parameters(parameters: Mapping[str, Parameter]) -> str:
    return "\n".join(_described(name, parameter) for name, parameter in parameters.items()) or "–"


def _described(name: str, parameter: Parameter) -> str:
    default = "worked out" if parameter.default is None else str(parameter.default)
    choices = f": {', '.join(map(str, parameter.choices))}" if parameter.choices else ""
    return f"{name} = {default}{choices} ({parameter.summary.rstrip('.')})"
