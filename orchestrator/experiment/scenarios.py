"""The table ``[[scenario]]`` of an experiment file: which variants are compared, under which conditions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from parlab.orchestrator.experiment.model import StrategyChoice, WorkloadChoice
from parlab.orchestrator.experiment.reader import TableReader, meant
from parlab.workers import catalog


def read_scenario(reader: TableReader, table: Mapping[str, Any], where: str) -> list[WorkloadChoice]:
    """Read a scenario's table: one choice for each combination of its conditions; what is wrong is noted.

    Its variants (all that there are, unless some are named) are the choice's strategies.
    """
    name = reader.known(table, where, catalog.available("scenarios"), "scenario")
    if name is None:
        return []
    scenario = catalog.scenario(name)
    reader.unknown(table, ("name", "variant", *scenario.parameters), where)
    there = [variant.name for variant in scenario.variants]
    variants = reader.factor(table, "variant", where, None) if "variant" in table else there
    for variant in variants:
        if variant not in there:
            reader.problem(
                f"{where}.variant",
                f"there is no variant {variant!r}{meant(str(variant), there)}; there are {', '.join(there)}",
            )
            return []
    given = reader.declared(table, scenario.parameters, where)
    strategies = tuple(StrategyChoice(variant, {}, 1) for variant in dict.fromkeys(variants))
    return [
        WorkloadChoice(
            name, dict(zip(given, values, strict=True)), None, strategies=strategies, scenario=True
        )
        for values in reader.combinations(where, list(given.values()))
    ]
