"""A run for other programs: all of it as one JSON object (docs/result-schema.md).

A figure that does not exist is ``null``, never 0 and never NaN. Within version 1 of the schema fields
are added and never changed or removed.
"""

from __future__ import annotations

import json
import math
from typing import Any, TextIO

from parlab.orchestrator.analysis.view import RunView
from parlab.orchestrator.show.formats.base import Output
from parlab.orchestrator.store.exported import SCHEMA
from parlab.orchestrator.store.records import StoredSitting, StoredTrial
from parlab.workers.wire.codec import to_plain

Plain = dict[str, Any]


def write(run: RunView, stream: TextIO) -> None:
    """Write one JSON object and a newline; ASCII only, so that any stream can take it."""
    json.dump(document(run), stream, indent=1, allow_nan=False, ensure_ascii=True)
    stream.write("\n")


def document(run: RunView) -> Plain:
    """Return the run as JSON data, in the order of ``docs/result-schema.md``."""
    plan = to_plain(run.plan)
    whole: Plain = {
        "schema": SCHEMA,
        "run": run.run,
        "state": run.state,
        "reason": run.reason,
        "started_unix_seconds": run.started_unix_seconds,
        "ended_unix_seconds": run.ended_unix_seconds,
        "running_seconds": run.running_seconds,
        "parlab_version": run.parlab_version,
        "command": list(run.command),
        "warnings": list(dict.fromkeys((*run.finding.warnings, *run.warnings))),
        "experiment": to_plain(run.experiment),
        # The experiment, which a plan holds too, is in the document once.
        "plan": {"seed": plan["seed"], "hosts": plan["hosts"], "groups": plan["groups"]},
        "nodes": to_plain(run.registrations),
        "calibrations": to_plain(run.calibrations),
        "finding": to_plain(run.finding),
        "failures": [to_plain(failure) for failure in run.failures.values()],
        "blocks": _blocks(run),
        "sittings": [_sitting(sitting) for sitting in run.sittings],
        "trials": [_trial(trial) for trial in run.trials],
    }
    finite: Plain = _finite(whole)
    return finite


def _blocks(run: RunView) -> list[Plain]:
    """Put the measured seconds of each block side by side: what effects are made of."""
    blocks: dict[tuple[str, int], dict[str, StoredTrial]] = {}
    for trial in run.trials:
        if trial.block is not None:
            trials = blocks.setdefault((trial.group, trial.block), {})
            # A trial that was tried again counts once it was measured, whatever came before.
            if _seconds(trial) is not None or trial.result.configuration not in trials:
                trials[trial.result.configuration] = trial
    void = {(v.group, v.block): v.cause for v in run.voided_blocks}
    measures = {g.group: g.measure.name for g in run.finding.groups}
    return [
        {
            "group": group,
            "block": block,
            "seconds": {name: _seconds(trial) for name, trial in trials.items()},
            "levels": {name: _level(trial, measures[group]) for name, trial in trials.items()},
            "void": void.get((group, block)),
        }
        for (group, block), trials in sorted(blocks.items())
    ]


def _level(trial: StoredTrial, measure: str) -> float | None:
    seconds = _seconds(trial)
    if seconds is None:
        return None
    if measure == "round":
        return seconds / len(trial.result.rounds)
    return next((r.value for r in trial.result.readings if r.probe == measure), None)


def _seconds(trial: StoredTrial) -> float | None:
    if trial.result.outcome != "measured" or not trial.result.rounds:
        return None
    return math.fsum(each.seconds for each in trial.result.rounds)


def _trial(trial: StoredTrial) -> Plain:
    place = {
        "group": trial.group,
        "block": trial.block,
        "sitting": trial.sitting,
        "attempt": trial.attempt,
        "node": trial.node,
    }
    return {**place, **to_plain(trial.result), "seconds": _seconds(trial)}


def _sitting(stored: StoredSitting) -> Plain:
    attempt, result = stored.attempt, stored.result
    return {
        "sitting": attempt.sitting,
        "attempt": attempt.attempt,
        "group": attempt.group,
        "block": attempt.block,
        "node": attempt.node,
        "host": result.host,
        "boot_id": result.boot_id,
        "state": attempt.state,
        "dispatched_unix_seconds": attempt.dispatched_unix_seconds,
        "started_unix_seconds": result.started_unix_seconds,
        "ended_unix_seconds": attempt.ended_unix_seconds,
        "seconds": result.seconds,
        "clock_step_seconds": result.clock_step_seconds,
        "left_behind": list(result.left_behind),
    }


def _finite(value: Any) -> Any:
    """Write null for what JSON has no number for."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_finite(item) for item in value]
    return value


OUTPUT = Output("json", "everything, for other programs (docs/result-schema.md)", write)
