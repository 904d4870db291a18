"""A node's part of a run as pyperf's JSON: for ``python -m pyperf show``, ``stats``, ``compare_to``.

The format is pyperf's own, version 1.0: https://pyperf.readthedocs.io/en/latest/api.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, TextIO

from parlab.orchestrator.analysis.view import RunView
from parlab.orchestrator.plan.model import Configuration, Group
from parlab.orchestrator.show.formats.base import Output
from parlab.orchestrator.store.records import StoredTrial
from parlab.workers.wire.registration import NodeRegistration

_VERSION = "1.0"

Plain = dict[str, Any]


def write(run: RunView, stream: TextIO) -> None:
    """Write a benchmark per configuration; a run of pyperf's per trial that counts, its rounds as values."""
    json.dump(document(run), stream, indent=1, allow_nan=False)
    stream.write("\n")


def document(run: RunView) -> Plain:
    """Give a run on one node as pyperf has it."""
    void = {(v.group, v.block) for v in run.voided_blocks}
    trials: dict[str, list[StoredTrial]] = {}
    for trial in run.trials:
        counts = trial.block is not None and (trial.group, trial.block) not in void
        if counts and trial.result.outcome == "measured" and trial.result.rounds:
            trials.setdefault(trial.result.configuration, []).append(trial)
    offers = {(c.node, c.python, c.gil) for group in run.plan.groups for c in group.configurations}
    # Where each node has one build, the file stands for it, and builds can be compared file by file.
    several = len(offers) > len({node for node, _, _ in offers})
    benchmarks = []
    for group in run.plan.groups:
        calibration = run.calibrations.get(group.id)
        for configuration in group.configurations:
            own = trials.get(configuration.id)
            if own and calibration is not None:
                name = benchmark_name(group, configuration, with_build=several)
                runs = [_run(run, trial, calibration.tasks) for trial in own]
                benchmarks.append({"metadata": {"name": name}, "runs": runs})
    common: Plain = {"unit": "second", **_about(run)}
    return {"version": _VERSION, "metadata": common, "benchmarks": benchmarks}


def benchmark_name(group: Group, configuration: Configuration, *, with_build: bool) -> str:
    """Name a configuration by what it is, not by where it ran: equal in the files of all nodes."""
    name = f"{group.label} {configuration.label}"
    if not with_build:
        return name
    gil = f" GIL {configuration.gil}" if configuration.gil else ""
    return f"{name} on {configuration.python}{gil}"


def _run(run: RunView, stored: StoredTrial, tasks: int) -> Plain:
    result = stored.result
    metadata: Plain = {
        "date": datetime.fromtimestamp(_began(run, stored), UTC).strftime("%Y-%m-%d %H:%M:%S.%f"),
        "parlab_trial": result.trial,
        "inner_loops": tasks,
    }
    if result.python_version:
        metadata["python_version"] = result.python_version.split()[0]
    if result.gil_enabled is not None:
        metadata["parlab_gil"] = "on" if result.gil_enabled else "off"
    plain: Plain = {"metadata": metadata, "values": [each.seconds / tasks for each in result.rounds]}
    if result.warm_up_seconds:
        plain["warmups"] = [[1, result.warm_up_seconds / tasks]]
    return plain


def _began(run: RunView, stored: StoredTrial) -> float:
    """Say when a trial's sitting began, by the clock of its node."""
    for sitting in run.sittings:
        if (sitting.attempt.sitting, sitting.attempt.attempt) == (stored.sitting, stored.attempt):
            return sitting.result.started_unix_seconds
    return run.started_unix_seconds


def _about(run: RunView) -> Plain:
    nodes: Mapping[str, NodeRegistration] = {node.node: node for node in run.registrations}
    used = {trial.node for trial in run.trials}
    about: Plain = {"parlab_run": run.run, "parlab_version": run.parlab_version}
    for name in sorted(used & nodes.keys()):
        host = nodes[name].host
        about |= {
            "hostname": host.hostname,
            "cpu_model_name": host.cpu_model,
            "cpu_count": host.effective_cpus.online,
            "platform": f"{host.system}-{host.kernel}",
            "parlab_node": name,
            "parlab_effective_cpus": host.effective_cpus.count,
            "parlab_effective_cpus_why": host.effective_cpus.why,
            "parlab_memory_bytes": host.memory_bytes,
            "parlab_cpu_governor": host.cpu_governor,
            "parlab_virtualization": host.virtualization,
        }
        builds = {build.id: build for build in nodes[name].builds}
        compilers = {builds[python].compiler for python in _pythons(run, name) if python in builds}
        if len(compilers) == 1:
            about["python_compiler"] = compilers.pop()
    return {key: value for key, value in about.items() if value not in ("", None)}


def _pythons(run: RunView, node: str) -> set[str]:
    return {c.python for group in run.plan.groups for c in group.configurations if c.node == node}


OUTPUT = Output(
    "pyperf", "pyperf's JSON, one file per node: seconds per task (docs/exports.md)", write, per_node=True
)
