"""Runs that another lab exported, taken into the store: once, whole, and marked as what they are."""

from __future__ import annotations

import dataclasses
import hashlib
import sqlite3
from dataclasses import dataclass
from typing import Literal

from parlab.orchestrator.store.database import Database
from parlab.orchestrator.store.exported import ExportedRun
from parlab.orchestrator.store.writing import note, storable, store_calibration, store_trial, void_block
from parlab.workers.clock import Clock
from parlab.workers.wire.codec import encode

#: Kind of the event that says that a run was measured elsewhere.
IMPORTED = "imported"


@dataclass(frozen=True)
class Imported:
    """What became of an export."""

    #: Id of the run in this store.
    run: str
    outcome: Literal["added", "grown", "known"]
    #: Trials that were not here before.
    trials: int


class Imports:
    """Imports (a part of :class:`Store`, which says what is raised)."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def add(self, exported: ExportedRun, source: str) -> Imported:
        """Store an exported run, or what an earlier import of it had not; all of it or nothing.

        A run that is here under this id and is another one keeps it; the import gets an id that is
        made of its own content, and so the same one each time.

        Args:
            exported: as it was read.
            source: where from, for the events.
        """
        with self._database.writing() as connection:
            run, known = self._place(connection, exported)
            if known and not self.has(run):
                # Measured here: what its own file has cannot be newer.
                return Imported(run, "known", 0)
            mine = exported if run == exported.record.id else exported.named(run)
            if not known:
                _insert_run(connection, mine)
                moment = exported.ended_unix_seconds or exported.record.created_unix_seconds
                note(connection, run, IMPORTED, f"from {source}", moment)
            trials = _insert_sittings(connection, mine)
            _insert_rest(connection, mine, self._clock.unix_seconds())
            if not known:
                return Imported(run, "added", trials)
            _update_run(connection, mine)
            return Imported(run, "grown" if trials else "known", trials)

    def has(self, run: str) -> bool:
        """Tell whether a run was measured elsewhere."""
        return bool(
            self._database.rows("SELECT 1 FROM events WHERE run = ? AND kind = ? LIMIT 1", run, IMPORTED)
        )

    def _place(self, connection: sqlite3.Connection, exported: ExportedRun) -> tuple[str, bool]:
        """Give the run's id here, and whether it is here already."""
        record = exported.record
        own = hashlib.sha256(f"{record.id} {record.seed} {record.created_unix_seconds!r}".encode())
        # A letter first: a spreadsheet makes a number of an id that could be one.
        for name in (record.id, f"a{own.hexdigest()[:5]}", f"b{own.hexdigest()[5:10]}"):
            row = connection.execute(
                "SELECT seed, created_unix_seconds FROM runs WHERE run = ?", (name,)
            ).fetchone()
            if row is None:
                return name, False
            if tuple(row) == (record.seed, record.created_unix_seconds):
                return name, True
        return f"c{own.hexdigest()[10:15]}", False


def _insert_run(connection: sqlite3.Connection, exported: ExportedRun) -> None:
    record = exported.record
    connection.execute(
        "INSERT INTO runs (run, name, state, reason, created_unix_seconds, running_seconds, seed,"
        " parlab_version, command, experiment, plan) VALUES (?,?,?,?,?,?,?,?,?,?,?)",
        (
            record.id,
            record.experiment.name,
            record.state,
            record.reason,
            record.created_unix_seconds,
            record.running_seconds,
            record.seed,
            record.parlab_version,
            encode(record.command),
            encode(record.experiment),
            encode(exported.plan),
        ),
    )
    for registration in exported.registrations:
        connection.execute(
            "INSERT INTO registrations (run, node, first_seen_unix_seconds, body) VALUES (?,?,?,?)",
            (record.id, registration.node, record.created_unix_seconds, encode(registration)),
        )


def _update_run(connection: sqlite3.Connection, exported: ExportedRun) -> None:
    """Take over what a run became since the last import: its stop rule and plan go with it."""
    record = exported.record
    connection.execute(
        "UPDATE runs SET state = ?, reason = ?, running_seconds = ?, experiment = ?, plan = ? WHERE run = ?",
        (
            *(record.state, record.reason, record.running_seconds),
            *(encode(record.experiment), encode(exported.plan), record.id),
        ),
    )
    if exported.ended_unix_seconds is not None:
        connection.execute(
            "UPDATE events SET unix_seconds = ? WHERE run = ? AND kind = ?",
            (exported.ended_unix_seconds, record.id, IMPORTED),
        )


def _insert_sittings(connection: sqlite3.Connection, exported: ExportedRun) -> int:
    """Insert what is not there, and give the number of trials that came with it."""
    run, fresh = exported.record.id, set()
    for sitting in exported.sittings:
        attempt = sitting.attempt
        changed = connection.execute(
            "INSERT INTO sittings (run, sitting, attempt, group_id, block, node, job_id, state,"
            " dispatched_unix_seconds, ended_unix_seconds, body) VALUES (?,?,?,?,?,?,?,?,?,?,?)"
            " ON CONFLICT DO NOTHING",
            (
                *(run, storable(attempt.sitting), attempt.attempt, attempt.group, attempt.block),
                *(attempt.node, attempt.job_id, attempt.state),
                *(attempt.dispatched_unix_seconds, attempt.ended_unix_seconds),
                storable(encode(dataclasses.replace(sitting.result, trials=()))),
            ),
        ).rowcount
        if changed:
            fresh.add((attempt.sitting, attempt.attempt))
    trials = [trial for trial in exported.trials if (trial.sitting, trial.attempt) in fresh]
    for trial in trials:
        key = (run, storable(trial.sitting), trial.attempt)
        store_trial(connection, key, trial.group, trial.block, trial.result)
    return len(trials)


def _insert_rest(connection: sqlite3.Connection, exported: ExportedRun, now: float) -> None:
    run = exported.record.id
    for group, calibration in exported.calibrations.items():
        store_calibration(connection, run, group, calibration, now)
    for failure in exported.failures:
        connection.execute(
            "INSERT INTO failures (run, configuration, unix_seconds, reason, traceback, skipped)"
            " VALUES (?,?,?,?,?,?) ON CONFLICT DO NOTHING",
            (
                *(run, failure.configuration, failure.unix_seconds, storable(failure.reason)),
                None if failure.traceback is None else storable(failure.traceback),
                failure.skipped,
            ),
        )
    moment = exported.ended_unix_seconds or exported.record.created_unix_seconds
    for void in exported.voided:
        void_block(connection, run, void.group, void.block, void.cause, moment)
