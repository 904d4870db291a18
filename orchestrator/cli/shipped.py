"""What ships, as lists: experiments, workloads, scenarios, strategies."""

from __future__ import annotations

from collections.abc import Mapping

from parlab.orchestrator.cli.listing import Listing
from parlab.orchestrator.experiment.file import shipped
from parlab.orchestrator.figures import waiting
from parlab.workers.catalog import scenarios, strategies, workloads
from parlab.workers.parameter import Parameter


def list_experiments() -> None:
    """Print the experiments that ship, with the question each answers and the time it may take."""
    listing = Listing(("name", "question", "at most"), whole=("name", "at most"))
    for one in shipped():
        per = " per build" if one.budget_per == "build" else ""
        listing.add(one.name, one.question, waiting(one.budget_seconds) + per)
    listing.show("parlab run NAME runs one of them")


def list_workloads() -> None:
    """Print the workloads with their parameters."""
    listing = Listing(("name", "kind", "what it does", "parameters"), whole=("name", "kind"))
    for name, workload in workloads().items():
        listing.add(name, workload.kind, workload.summary, _parameters(workload.parameters))
    listing.show("an experiment names one in a [[workload]] table")


def list_scenarios() -> None:
    """Print the scenarios: what each measures, in which unit, and what is better; variants, conditions."""
    listing = Listing(("name", "what it measures", "variants", "conditions"), whole=("name",))
    for name, scenario in scenarios().items():
        measures = [f"{one.name}, {one.unit}, {one.better} is better" for one in scenario.measures]
        said = "\n".join([f"{scenario.summary.rstrip('.')}:", *measures])
        variants = ", ".join(variant.name for variant in scenario.variants)
        listing.add(name, said, variants, _parameters(scenario.parameters))
    listing.show("an experiment names one in a [[scenario]] table")


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
