"""A run's advice as JSON: what to use, how sure that is, and how all others came out."""

from __future__ import annotations

import json
from typing import Any, TextIO

from parlab.orchestrator.analysis.advice.code import in_one_line
from parlab.orchestrator.analysis.findings.advice import AdviceFinding, Candidate
from parlab.orchestrator.analysis.view import RunView
from parlab.orchestrator.plan.model import Configuration
from parlab.orchestrator.show.formats.base import Output
from parlab.workers.errors import BadInput
from parlab.workers.wire.codec import to_plain

#: Raised when a field changes its meaning or goes.
SCHEMA = "parlab/advice/1"


def write(run: RunView, stream: TextIO) -> None:
    """Write the advice of a run that was a race.

    Raises:
        BadInput: the run was none.
    """
    if not run.finding.advice:
        raise BadInput(f"run {run.run} was not a race for the best", "Start one: parlab advise.")
    json.dump(_document(run), stream, indent=1, ensure_ascii=False, allow_nan=False)
    stream.write("\n")


def _document(run: RunView) -> dict[str, Any]:
    planned = {c.id: c for group in run.plan.groups for c in group.configurations}
    planned |= {s.configuration.id: s.configuration for group in run.plan.groups for s in group.skipped}
    return {
        "schema": SCHEMA,
        "run": run.run,
        "state": run.state,
        "seconds": run.running_seconds,
        "seed": run.plan.seed,
        "parlab_version": run.parlab_version,
        "nodes": [to_plain(registration) for registration in run.registrations],
        "warnings": list(run.finding.warnings),
        "hosts": [_advice(run, advice, planned) for advice in run.finding.advice],
    }


def _advice(run: RunView, advice: AdviceFinding, planned: dict[str, Configuration]) -> dict[str, Any]:
    group = next(group for group in run.plan.groups if group.id == advice.group)
    blocks = next(g.blocks for g in run.finding.groups if g.group == advice.group)
    pick = None
    if advice.pick is not None:
        pick = _way(planned[advice.pick])
        if advice.recipe is not None:
            pick |= {"line": in_one_line(advice.recipe), "code": "\n".join(advice.recipe.lines) + "\n"}
    return {
        "host": advice.host,
        "function": group.workload.name,
        "goal": advice.goal,
        "settled": advice.settled,
        "blocks": blocks,
        "pick": pick,
        "speed_up": to_plain(advice.speed_up),
        "why": advice.why,
        "limit": advice.limit,
        "item_seconds": advice.item_seconds,
        "payback": to_plain(advice.payback),
        "memory_bytes": advice.memory_bytes,
        "baseline_memory_bytes": advice.baseline_memory_bytes,
        "sentences": list(advice.sentences),
        "candidates": [_candidate(way, planned[way.configuration]) for way in advice.candidates],
        "places": [to_plain(place) for place in advice.places],
    }


def _candidate(candidate: Candidate, configuration: Configuration) -> dict[str, Any]:
    return {
        **_way(configuration),
        "label": candidate.label,
        "standing": candidate.standing,
        "speed_up": to_plain(candidate.speed_up),
        "against_fastest": to_plain(candidate.against_fastest),
        "memory_bytes": candidate.memory_bytes,
        "trials": candidate.trials,
        "reason": candidate.reason,
    }


def _way(configuration: Configuration) -> dict[str, Any]:
    return {
        "configuration": configuration.id,
        "strategy": configuration.strategy,
        "max_workers": configuration.max_workers,
        "options": dict(configuration.options),
        "python": configuration.python,
        "gil": configuration.gil,
        "node": configuration.node,
    }


OUTPUT = Output("advice", "what parlab advise found, as JSON (docs/advise.md)", write)
