"""A run as another lab's JSON export has it, read back strictly (docs/result-schema.md)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from parlab.orchestrator.experiment.model import Experiment
from parlab.orchestrator.plan.model import Group, Plan, PlannedHost
from parlab.orchestrator.store.records import (
    Attempt,
    AttemptState,
    Failure,
    RunRecord,
    RunState,
    StoredSitting,
    StoredTrial,
    VoidedBlock,
)
from parlab.workers.errors import BadInput, SpecRefused
from parlab.workers.wire.codec import from_plain
from parlab.workers.wire.registration import NodeRegistration
from parlab.workers.wire.result import Calibration, SittingResult, TrialResult

#: More than a run of 100,000 trials takes.
MOST_BYTES = 1 << 30


@dataclass(frozen=True)
class ExportedRun:
    """Everything of a run that an export has."""

    record: RunRecord
    plan: Plan
    registrations: tuple[NodeRegistration, ...]
    calibrations: Mapping[str, Calibration]
    sittings: tuple[StoredSitting, ...]
    trials: tuple[StoredTrial, ...]
    failures: tuple[Failure, ...]
    voided: tuple[VoidedBlock, ...]
    ended_unix_seconds: float | None

    def named(self, run: str) -> ExportedRun:
        """Give the same run under another id."""
        sittings = tuple(
            StoredSitting(
                replace(sitting.attempt, job_id=_job_id(sitting.attempt, run)),
                replace(sitting.result, run=run),
            )
            for sitting in self.sittings
        )
        return replace(
            self,
            record=replace(self.record, id=run),
            plan=replace(self.plan, run=run),
            sittings=sittings,
        )


def read_export(path: Path) -> ExportedRun:
    """Read a file that ``parlab export --format json`` wrote.

    Raises:
        BadInput: it cannot be read, is something else, or of another version; with the place in it.
    """
    try:
        if path.stat().st_size > MOST_BYTES:
            raise BadInput(f"{path}: larger than 1 GiB", "Name a file that parlab export wrote.")
        document = json.loads(path.read_bytes())
    except OSError as error:
        raise BadInput(
            f"{path}: cannot be read: {error.strerror}", "Name a file that you can read."
        ) from error
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{path}: not valid JSON: {error}", _CURE) from None
    schema = document.get("schema") if isinstance(document, dict) else None
    if schema != SCHEMA:
        raise BadInput(f"{path}: its schema is {schema!r}, not {SCHEMA!r}", _CURE)
    try:
        return _run(document)
    except SpecRefused as refusal:
        raise BadInput(f"{path}: {refusal.message}", _CURE) from None


_CURE = "Name a file that parlab export RUN --format json wrote, with this version of parlab or an older one."


def _run(document: Mapping[str, Any]) -> ExportedRun:
    run = _field(document, "run", str)
    experiment = _field(document, "experiment", Experiment)
    planned = document.get("plan")
    if not isinstance(planned, dict):
        raise SpecRefused("plan: an object was expected")
    plan = Plan(
        run=run,
        seed=_field(planned, "seed", int),
        experiment=experiment,
        hosts=_field(planned, "hosts", tuple[PlannedHost, ...]),
        groups=_field(planned, "groups", tuple[Group, ...]),
    )
    record = RunRecord(
        id=run,
        experiment=experiment,
        seed=plan.seed,
        created_unix_seconds=_field(document, "started_unix_seconds", float),
        state=_field(document, "state", RunState),
        reason=_field(document, "reason", str | None),
        command=_field(document, "command", tuple[str, ...]),
        parlab_version=_field(document, "parlab_version", str),
        running_seconds=_field(document, "running_seconds", float | None) or 0.0,
    )
    trials = tuple(_trials(document))
    exported = ExportedRun(
        record=record,
        plan=plan,
        registrations=_field(document, "nodes", tuple[NodeRegistration, ...]),
        calibrations=_field(document, "calibrations", Mapping[str, Calibration]),
        sittings=tuple(_sittings(document, run)),
        trials=trials,
        failures=_field(document, "failures", tuple[Failure, ...]),
        voided=tuple(_voided(document)),
        ended_unix_seconds=_field(document, "ended_unix_seconds", float | None),
    )
    _check(exported)
    return exported


def _field(document: Mapping[str, Any], name: str, kind: Any) -> Any:
    if name not in document:
        raise SpecRefused(f"field {name!r} is missing")
    return from_plain(kind, document[name], name)


def _rows(document: Mapping[str, Any], name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    rows = document.get(name)
    if not isinstance(rows, list):
        raise SpecRefused(f"{name}: a list was expected")
    for index, row in enumerate(rows):
        if not isinstance(row, dict):
            raise SpecRefused(f"{name}[{index}]: an object was expected")
        yield f"{name}[{index}]", row


def _trials(document: Mapping[str, Any]) -> Iterator[StoredTrial]:
    known = {field.name for field in fields(TrialResult)}
    for where, row in _rows(document, "trials"):
        result = {key: value for key, value in row.items() if key in known}
        yield StoredTrial(
            group=_field(row, "group", str),
            block=_field(row, "block", int | None),
            sitting=_field(row, "sitting", str),
            attempt=_field(row, "attempt", int),
            node=_field(row, "node", str),
            result=from_plain(TrialResult, result, where),
        )


def _sittings(document: Mapping[str, Any], run: str) -> Iterator[StoredSitting]:
    known = {field.name for field in fields(SittingResult)}
    for where, row in _rows(document, "sittings"):
        attempt = Attempt(
            sitting=_field(row, "sitting", str),
            attempt=_field(row, "attempt", int),
            group=_field(row, "group", str),
            block=_field(row, "block", int | None),
            node=_field(row, "node", str),
            job_id="",
            dispatched_unix_seconds=_field(row, "dispatched_unix_seconds", float),
            state=_field(row, "state", AttemptState),
            ended_unix_seconds=_field(row, "ended_unix_seconds", float | None),
        )
        if attempt.state not in ("accepted", "void"):
            raise SpecRefused(f"{where}: state {attempt.state!r} has no result")
        result = {key: value for key, value in row.items() if key in known} | {"run": run, "trials": []}
        yield StoredSitting(
            replace(attempt, job_id=_job_id(attempt, run)), from_plain(SittingResult, result, where)
        )


def _voided(document: Mapping[str, Any]) -> Iterator[VoidedBlock]:
    for _, row in _rows(document, "blocks"):
        cause = _field(row, "void", str | None)
        if cause is not None:
            yield VoidedBlock(_field(row, "group", str), _field(row, "block", int), cause)


def _job_id(attempt: Attempt, run: str) -> str:
    return f"{attempt.node}-{run}-{attempt.sitting}-a{attempt.attempt}"


def _check(exported: ExportedRun) -> None:
    """Refuse what would contradict itself in the store.

    Raises:
        SpecRefused: with the place.
    """
    groups = {group.id for group in exported.plan.groups}
    sat = {(sitting.attempt.sitting, sitting.attempt.attempt) for sitting in exported.sittings}
    if len(sat) != len(exported.sittings):
        raise SpecRefused("sittings: one is there twice")
    for index, trial in enumerate(exported.trials):
        if trial.group not in groups:
            raise SpecRefused(f"trials[{index}]: group {trial.group!r} is not in the plan")
        if (trial.sitting, trial.attempt) not in sat:
            raise SpecRefused(f"trials[{index}]: sitting {trial.sitting!r} is not among the sittings")
    counted = [t.result.trial for t in exported.trials if t.block is not None]
    if len(set(counted)) != len(counted):
        raise SpecRefused("trials: one counts twice")


SCHEMA = "parlab/run/1"
