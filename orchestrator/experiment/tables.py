"""An experiment as the tables it could have been read from: how it is sent to a lab."""

from __future__ import annotations

import json
from typing import Any

from parlab.orchestrator.experiment.claims import claim_table, strategy_table
from parlab.orchestrator.experiment.model import (
    Experiment,
    NodeLimits,
    PythonChoice,
    WorkloadChoice,
)
from parlab.workers.wire.spec import OwnFunction


def document(experiment: Experiment) -> dict[str, Any]:
    """Write an experiment as tables; reading them again gives an equal experiment."""
    stop = experiment.stop
    tables: dict[str, Any] = {
        "experiment": {
            "name": experiment.name,
            "baseline": experiment.baseline,
            "timeout": experiment.timeout_seconds,
            "trial_seconds": experiment.trial_seconds,
            "round_seconds": experiment.round_seconds,
            "sitting_size": experiment.sitting_size,
        },
        "workload": [_workload(choice) for choice in experiment.workloads if not choice.scenario],
        "scenario": [_scenario(choice) for choice in experiment.workloads if choice.scenario],
        "strategy": [strategy_table(choice) for choice in experiment.strategies],
        "python": [] if experiment.pythons == (PythonChoice(),) else list(map(_python, experiment.pythons)),
        "node": [{"name": name} for name in experiment.nodes] + list(map(_limits, experiment.fleet)),
        "claim": [claim_table(claim) for claim in experiment.claims],
        "stop": {
            "rule": stop.rule,
            "precision": stop.precision,
            "budget": stop.budget_seconds,
            "budget_per": stop.budget_per,
            "margin": stop.margin,
            "alpha": stop.alpha,
            "until": stop.until,
            "goal": stop.goal,
        },
    }
    if experiment.question:
        tables["experiment"]["question"] = experiment.question
    if experiment.seed is not None:
        tables["experiment"]["seed"] = experiment.seed
    if stop.blocks is not None:
        tables["stop"]["blocks"] = stop.blocks
    if stop.memory_limit_bytes is not None:
        tables["stop"]["max_memory"] = str(stop.memory_limit_bytes)
    return {name: table for name, table in tables.items() if table}


def _workload(choice: WorkloadChoice) -> dict[str, Any]:
    table: dict[str, Any] = {"tasks": "auto" if choice.tasks is None else choice.tasks}
    if choice.strategies:
        table["strategy"] = [strategy_table(own) for own in choice.strategies]
    if choice.function is not None:
        return {**table, **_function(choice.function)}
    return {"name": choice.name, **table, **choice.parameters}


def _scenario(choice: WorkloadChoice) -> dict[str, Any]:
    variants = [variant.name for variant in choice.strategies]
    return {"name": choice.name, "variant": variants, **choice.parameters}


def _function(own: OwnFunction) -> dict[str, Any]:
    table: dict[str, Any] = {
        key: getattr(own, key)
        for key in ("function", "async_function", "inputs", "check", "setup", "teardown")
        if getattr(own, key) is not None
    }
    if own.inputs_json is not None:
        # The data itself: whoever reads this has no file of ours.
        table |= {"inputs": json.loads(own.inputs_json), "inputs_name": own.inputs_name}
    if own.environment:
        table["environment"] = list(own.environment)
    return table


def _python(choice: PythonChoice) -> dict[str, Any]:
    table = {"executable": choice.executable, "version": choice.version, "gil": choice.gil}
    return {key: value for key, value in table.items() if value is not None}


def _limits(limits: NodeLimits) -> dict[str, Any]:
    memory = str(limits.memory_bytes) if limits.memory_bytes is not None else None
    table = {"python": limits.python, "cpus": limits.cpus, "memory": memory, "cpuset": limits.cpuset}
    return {key: value for key, value in table.items() if value is not None}
