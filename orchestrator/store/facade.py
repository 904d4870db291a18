"""The record of truth: what each run was to measure, what was sent, and what came back.

Everything that a method has returned from is on the disk. A trial counts once, whatever was
delivered twice: of a sitting's attempts one is accepted, and the file itself refuses a second.
"""

from __future__ import annotations

import dataclasses
import difflib
import json
import re
import secrets
import sqlite3
from collections.abc import Collection, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Self

from parlab.orchestrator.experiment.model import Experiment
from parlab.orchestrator.plan.model import Plan
from parlab.orchestrator.store.database import Database
from parlab.orchestrator.store.imports import Imports
from parlab.orchestrator.store.records import Event, Failure, RunRecord, RunState, SeenRegistration
from parlab.orchestrator.store.sittings import Sittings
from parlab.orchestrator.store.space import Space
from parlab.orchestrator.store.writing import note, storable, store_calibration
from parlab.workers.clock import Clock
from parlab.workers.errors import BadInput, EnvironmentFault, LabError
from parlab.workers.wire.codec import encode
from parlab.workers.wire.registration import NodeRegistration
from parlab.workers.wire.result import Calibration

_RUN = "run, experiment, seed, created_unix_seconds, state, reason, command, parlab_version, running_seconds"
#: Spreadsheets turn ids such as 1234 and 12e4 into numbers.
_LOOKS_LIKE_A_NUMBER = re.compile(r"\d+(e\d*)?")
_LAST_USED_BY_RUN = """
    SELECT run, max(moment) FROM runs JOIN (
        SELECT run, created_unix_seconds AS moment FROM runs
        UNION ALL SELECT run, max(dispatched_unix_seconds, coalesce(ended_unix_seconds, 0)) FROM sittings
        UNION ALL SELECT run, unix_seconds FROM events
    ) USING (run) GROUP BY run
"""


class Store(AbstractContextManager["Store"]):
    """The runs in one file. Use it as a context manager, in one thread.

    Several processes may have the file open; each run is written by one of them. Every method
    raises :class:`EnvironmentFault` where the file cannot be used (:class:`StorageFull` where the
    disk is full: nothing of that call is stored then, and it may be called again), and those with a
    ``run`` raise :class:`BadInput` where they need a run that is not there.
    """

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        #: Stamps what is stored.
        self.clock = clock
        self.sittings = Sittings(database, clock)
        self.imports = Imports(database, clock)
        self.space = Space(database)

    @classmethod
    def open(cls, path: Path, clock: Clock, *, busy_seconds: float = 10.0) -> Self:
        """Open the file, made if absent, brought up to date if older.

        ``busy_seconds`` is how long to wait while another process writes. Raises
        :class:`EnvironmentFault` for a file that is a newer parlab's, another program's, damaged,
        locked or not writable.
        """
        return cls(Database(path, clock, busy_seconds=busy_seconds), clock)

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def __exit__(self, *error: object) -> None:
        self.close()

    @property
    def path(self) -> Path:
        """The file."""
        return self._database.path

    def create_run(self, record: RunRecord) -> None:
        """Store a new run. Raises :class:`BadInput` where its id is taken or its seed too large."""
        if not -(2**63) <= record.seed < 2**63:
            raise BadInput(f"seed {record.seed} cannot be stored", "Give one of at most 18 digits.")
        values = (
            record.id,
            encode(record.experiment),
            record.seed,
            record.created_unix_seconds,
            record.state,
            record.reason,
            encode(record.command),
            record.parlab_version,
            record.running_seconds,
            record.experiment.name,
        )
        with self._database.writing() as connection:
            if connection.execute("SELECT 1 FROM runs WHERE run = ?", (record.id,)).fetchone():
                raise BadInput(f"run {record.id} exists already", f"Continue it: parlab resume {record.id}.")
            connection.execute(f"INSERT INTO runs ({_RUN}, name) VALUES (?,?,?,?,?,?,?,?,?,?)", values)  # noqa: S608

    def run(self, id_or_prefix: str) -> RunRecord:
        """Find a run by its id or an unambiguous beginning of it; else :class:`BadInput`."""
        asked = id_or_prefix.strip().lower()
        ids = self.run_ids()
        matches = [asked] if asked in ids else [name for name in ids if asked and name.startswith(asked)]
        if len(matches) == 1:
            return self._runs("WHERE run = ?", matches[0])[0]
        if matches:
            raise BadInput(
                f"{id_or_prefix!r} could be any of the runs {', '.join(matches[-8:])}", "Give more of its id."
            )
        raise self._no_run(id_or_prefix)

    def runs(self) -> list[RunRecord]:
        """All runs, oldest first."""
        return self._runs("ORDER BY created_unix_seconds, run")

    def run_ids(self) -> list[str]:
        """Ids of all runs, oldest first."""
        return [
            name for (name,) in self._database.rows("SELECT run FROM runs ORDER BY created_unix_seconds, run")
        ]

    def version(self, run: str) -> tuple[object, ...]:
        """Say as what a run is stored: the same as long as nothing of it has changed.

        Raises :class:`BadInput` where there is none.
        """
        query = (
            "SELECT state, reason, running_seconds, plan IS NULL,"
            " (SELECT count(*) FROM sittings s WHERE s.run = r.run AND s.state = 'accepted'),"
            " (SELECT count(*) FROM failures f WHERE f.run = r.run),"
            " (SELECT count(*) FROM voided_blocks v WHERE v.run = r.run),"
            " (SELECT max(id) FROM events e WHERE e.run = r.run)"
            " FROM runs r WHERE run = ?"
        )
        for row in self._database.rows(query, run):
            return (run, *row)
        raise self._no_run(run)

    def set_state(self, run: str, state: RunState, reason: str | None = None) -> None:
        """Say what a run is now, and why."""
        self._change_run(run, "state = ?, reason = ?", state, reason)

    def add_running_seconds(self, run: str, seconds: float) -> None:
        """Add to the time that a run has taken over all its resumes."""
        self._change_run(run, "running_seconds = running_seconds + ?", seconds)

    def pin(self, run: str) -> None:
        """Keep a run among those whose figures are exported; again changes nothing."""
        with self._database.writing() as connection:
            self._run_row(connection, "run", run)
            connection.execute(
                "INSERT INTO pins (run, unix_seconds) VALUES (?,?) ON CONFLICT DO NOTHING",
                (run, self.clock.unix_seconds()),
            )

    def unpin(self, run: str) -> None:
        """Undo :meth:`pin`; a run that is not pinned is no error."""
        with self._database.writing() as connection:
            connection.execute("DELETE FROM pins WHERE run = ?", (run,))

    def pinned(self) -> list[str]:
        """Runs that are pinned, longest first."""
        return [name for (name,) in self._database.rows("SELECT run FROM pins ORDER BY unix_seconds, run")]

    def set_experiment(self, run: str, experiment: Experiment) -> None:
        """Change a run's stop rule, in its plan too, and note it among the events.

        Raises :class:`BadInput` where anything but ``stop`` differs: what is stored already was
        measured under the rest.
        """
        with self._database.writing() as connection:
            text, plan = self._run_row(connection, "experiment, plan", run)
            old = self._database.decoded(Experiment, text, f"run {run}, its experiment")
            if dataclasses.replace(experiment, stop=old.stop) != old:
                raise BadInput(
                    f"run {run} measures a different experiment",
                    "Only [stop] can change when a run is continued; for anything else, start a new run.",
                )
            if experiment.stop == old.stop:
                return
            if plan is not None:
                whole = self._database.decoded(Plan, plan, f"run {run}, its plan")
                plan = encode(dataclasses.replace(whole, experiment=experiment))
            connection.execute(
                "UPDATE runs SET experiment = ?, plan = ? WHERE run = ?", (encode(experiment), plan, run)
            )
            note(
                connection,
                run,
                "stop-rule-changed",
                f"{encode(old.stop)} → {encode(experiment.stop)}",
                self.clock.unix_seconds(),
            )

    def save_plan(self, plan: Plan) -> None:
        """Store a run's plan; :class:`LabError` where another was stored and trials were sent by it."""
        with self._database.writing() as connection:
            (stored,) = self._run_row(connection, "plan", plan.run)
            text = encode(plan)
            sent = connection.execute("SELECT 1 FROM sittings WHERE run = ? LIMIT 1", (plan.run,)).fetchone()
            if sent and stored != text:
                raise LabError(
                    f"run {plan.run} has trials of another plan",
                    "This is a bug in parlab: please report it.",
                )
            connection.execute("UPDATE runs SET plan = ? WHERE run = ?", (text, plan.run))

    def plan(self, run: str) -> Plan | None:
        """Give a run's plan, None where none was stored yet."""
        rows = self._database.rows("SELECT plan FROM runs WHERE run = ?", run)
        if not rows:
            raise self._no_run(run)
        return (
            None if rows[0][0] is None else self._database.decoded(Plan, rows[0][0], f"run {run}, its plan")
        )

    def save_registrations(self, run: str, registrations: Sequence[NodeRegistration]) -> None:
        """Keep what nodes say of themselves, wherever it differs from what they said last."""
        now = self.clock.unix_seconds()
        with self._database.writing() as connection:
            for registration in registrations:
                text = encode(registration)
                last = connection.execute(
                    "SELECT body FROM registrations WHERE run = ? AND node = ? ORDER BY id DESC LIMIT 1",
                    (run, registration.node),
                ).fetchone()
                if last is None or last[0] != text:
                    connection.execute(
                        "INSERT INTO registrations (run, node, first_seen_unix_seconds, body)"
                        " VALUES (?,?,?,?)",
                        (run, registration.node, now, text),
                    )

    def registrations(self, run: str) -> list[SeenRegistration]:
        """All forms in which the run's nodes were seen, in order of time."""
        query = "SELECT body, first_seen_unix_seconds FROM registrations WHERE run = ? ORDER BY id"
        return [
            SeenRegistration(
                self._database.decoded(NodeRegistration, body, f"run {run}, a registration"), seconds
            )
            for body, seconds in self._database.rows(query, run)
        ]

    def save_calibration(self, run: str, group: str, calibration: Calibration) -> None:
        """Store a group's calibration; recording a result that has one does it by itself."""
        with self._database.writing() as connection:
            store_calibration(connection, run, group, calibration, self.clock.unix_seconds())

    def calibrations(self, run: str) -> dict[str, Calibration]:
        """Give a run's calibrations by group."""
        return {
            group: self._database.decoded(Calibration, body, f"run {run}, calibration of {group}")
            for group, body in self._database.rows(
                "SELECT group_id, body FROM calibrations WHERE run = ?", run
            )
        }

    def fail_configuration(
        self,
        run: str,
        configuration: str,
        reason: str,
        traceback: str | None = None,
        *,
        skipped: bool = False,
    ) -> None:
        """Note that a configuration takes no further part; the first reason stays.

        ``skipped``: its build or node cannot do it, which is no fault.
        """
        kept = None if traceback is None else storable(traceback)
        with self._database.writing() as connection:
            connection.execute(
                "INSERT INTO failures (run, configuration, unix_seconds, reason, traceback, skipped)"
                " VALUES (?,?,?,?,?,?) ON CONFLICT DO NOTHING",
                (run, configuration, self.clock.unix_seconds(), storable(reason), kept, skipped),
            )

    def failed(self, run: str) -> dict[str, Failure]:
        """Give the configurations that take no further part, by id."""
        query = (
            "SELECT configuration, reason, traceback, unix_seconds, skipped FROM failures"
            " WHERE run = ? ORDER BY unix_seconds, configuration"
        )
        rows = self._database.rows(query, run)
        return {row[0]: Failure(row[0], row[1], row[2], row[3], bool(row[4])) for row in rows}

    def event(self, run: str, kind: str, text: str) -> None:
        """Append something that happened: ``kind`` is short and fixed, ``text`` a sentence."""
        with self._database.writing() as connection:
            note(connection, run, kind, text, self.clock.unix_seconds())

    def events(self, run: str) -> list[Event]:
        """What happened in a run, in order."""
        query = "SELECT unix_seconds, kind, text FROM events WHERE run = ? ORDER BY id"
        return [Event(*row) for row in self._database.rows(query, run)]

    def last_used(self) -> dict[str, float]:
        """When each run was last made, sent to, heard from or noted about, in Unix seconds."""
        return dict(self._database.rows(_LAST_USED_BY_RUN))

    def _runs(self, rest: str, *values: object) -> list[RunRecord]:
        return [
            RunRecord(
                id=row[0],
                experiment=self._database.decoded(Experiment, row[1], f"run {row[0]}, its experiment"),
                seed=row[2],
                created_unix_seconds=row[3],
                state=row[4],
                reason=row[5],
                command=tuple(json.loads(row[6])),
                parlab_version=row[7],
                running_seconds=row[8],
            )
            for row in self._database.rows(f"SELECT {_RUN} FROM runs {rest}", *values)  # noqa: S608 - own text
        ]

    def _change_run(self, run: str, change: str, *values: object) -> None:
        with self._database.writing() as connection:
            if not connection.execute(f"UPDATE runs SET {change} WHERE run = ?", (*values, run)).rowcount:  # noqa: S608 - own text
                raise self._no_run(run)

    def _run_row(self, connection: sqlite3.Connection, columns: str, run: str) -> Any:
        row = connection.execute(f"SELECT {columns} FROM runs WHERE run = ?", (run,)).fetchone()  # noqa: S608 - own text
        if row is None:
            raise self._no_run(run)
        return row

    def _no_run(self, asked: str) -> BadInput:
        ids = self.run_ids()
        near = difflib.get_close_matches(asked, ids, n=3, cutoff=0.5) or ids[-3:]
        hint = (
            f"There are: {', '.join(near)} (all: parlab list)." if near else "There are none yet: parlab run."
        )
        return BadInput(f"there is no run {asked!r} in {self.path}", hint)


def make_run_id(existing: Collection[str]) -> str:
    """Draw a run id: 4 hex digits, more where those get scarce; no id begins with another one.

    Raises :class:`EnvironmentFault` where hardly any is free.
    """
    taken = {other[:length] for other in existing for length in range(1, len(other) + 1)}
    for digits in (4, 5, 6):
        for _ in range(64):
            drawn = secrets.token_hex(3)[:digits]
            clash = drawn in taken or any(drawn[:length] in existing for length in range(1, digits))
            if not clash and not _LOOKS_LIKE_A_NUMBER.fullmatch(drawn):
                return drawn
    raise EnvironmentFault("almost no run id is left", "Remove old runs: parlab prune --older-than 30d.")
