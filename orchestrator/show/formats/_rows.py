"""A run as one table: a row per trial, a column per fact and per reading; what is missing is None."""

from __future__ import annotations

import math
from collections.abc import Iterator

from parlab.orchestrator.analysis.view import RunView
from parlab.workers.wire.codec import encode
from parlab.workers.wire.registration import NodeRegistration

Value = str | int | float | bool | None

#: Before the readings, which differ from run to run; with what they hold.
FACTS: dict[str, type] = {
    "run": str,
    "group": str,
    "block": int,
    "void": str,
    "node": str,
    "host": str,
    "python": str,
    "gil_enabled": bool,
    "workload": str,
    "parameters": str,
    "tasks": int,
    "strategy": str,
    "options": str,
    "max_workers": int,
    "label": str,
    "configuration": str,
    "trial": str,
    "attempt": int,
    "outcome": str,
    "cause": str,
    "reason": str,
    "rounds": int,
    "seconds": float,
    "round_median_seconds": float,
    "interpreter_seconds": float,
    "start_up_seconds": float,
    "warm_up_seconds": float,
    "tear_down_seconds": float,
    # Where it was measured, on each line: rows of several runs are put into one frame.
    "hostname": str,
    "cpu_model": str,
    "effective_cpus": int,
    "memory_bytes": int,
    "kernel": str,
    "virtualization": str,
    "python_version": str,
    "python_compiler": str,
    "python_flags": str,
    "parlab_version": str,
}


def reading_columns(run: RunView) -> list[str]:
    """Name the columns of the readings that any trial has: probe and unit, by name."""
    columns = {f"{r.probe}_{r.unit}" for trial in run.trials for r in trial.result.readings}
    return sorted(columns - FACTS.keys())


def rows(run: RunView) -> Iterator[dict[str, Value]]:
    """Give a row per trial of a block, in the order they came in; calibrations compare nothing."""
    planned = {c.id: (group, c) for group in run.plan.groups for c in group.configurations}
    void = {(v.group, v.block): v.cause for v in run.voided_blocks}
    places = {node.node: node for node in run.registrations}
    for stored in run.trials:
        result = stored.result
        place = planned.get(result.configuration)
        if stored.block is None or place is None:
            continue
        group, configuration = place
        calibration = run.calibrations.get(group.id)
        seconds = [each.seconds for each in result.rounds]
        measured = result.outcome == "measured" and bool(seconds)
        row: dict[str, Value] = {
            "run": run.run,
            "group": group.id,
            "block": stored.block,
            "void": void.get((group.id, stored.block)),
            "node": stored.node,
            "host": group.host,
            "python": configuration.python,
            "gil_enabled": result.gil_enabled,
            "workload": configuration.workload,
            "parameters": encode(configuration.parameters),
            "tasks": calibration.tasks if calibration is not None else configuration.tasks,
            "strategy": configuration.strategy,
            "options": encode(configuration.options),
            "max_workers": configuration.max_workers,
            "label": configuration.label,
            "configuration": configuration.id,
            "trial": result.trial,
            "attempt": stored.attempt,
            "outcome": result.outcome,
            "cause": result.cause,
            "reason": result.reason,
            "rounds": len(seconds),
            "seconds": math.fsum(seconds) if measured else None,
            "round_median_seconds": _median(seconds) if measured else None,
            "interpreter_seconds": result.interpreter_seconds,
            "start_up_seconds": result.start_up_seconds,
            "warm_up_seconds": result.warm_up_seconds,
            "tear_down_seconds": result.tear_down_seconds,
        }
        row |= _surroundings(places.get(stored.node), configuration.python)
        for reading in result.readings:
            row.setdefault(f"{reading.probe}_{reading.unit}", reading.value)
        yield row


def _surroundings(node: NodeRegistration | None, python: str) -> dict[str, Value]:
    if node is None:
        return {}
    build = next((build for build in node.builds if build.id == python), None)
    return {
        "hostname": node.host.hostname,
        "cpu_model": node.host.cpu_model,
        "effective_cpus": node.host.effective_cpus.count,
        "memory_bytes": node.host.memory_bytes,
        "kernel": f"{node.host.system} {node.host.kernel}",
        "virtualization": node.host.virtualization,
        "python_version": build.version if build is not None else None,
        "python_compiler": (build.compiler or None) if build is not None else None,
        "python_flags": (" ".join(build.build_flags) or "none") if build is not None else None,
        "parlab_version": node.parlab_version or None,
    }


def _median(values: list[float]) -> float:
    ordered = sorted(values)
    return (ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2
