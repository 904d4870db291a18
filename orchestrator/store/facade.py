"""The record of truth: what each run was to measure, what was sent, and what came back.

Everything that a method has returned from is on the disk. A trial counts once, whatever was
delivered twice: of a sitting's attempts one is accepted, and the file itself refuses a second.
"""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Self

from parlab.orchestrator.store.database import Database
from parlab.orchestrator.store.imports import ImportTables
from parlab.orchestrator.store.records import Event, Failure
from parlab.orchestrator.store.runs import RunTables, make_run_id
from parlab.orchestrator.store.sittings import SittingTables
from parlab.orchestrator.store.writing import note, storable
from parlab.workers.clock import Clock

__all__ = ["Store", "make_run_id"]

_BYTES_BY_RUN = """
    SELECT run, sum(bytes) FROM (
        SELECT run, 500 + length(experiment) + length(coalesce(plan, '')) AS bytes FROM runs
        UNION ALL SELECT run, 300 + length(coalesce(body, '')) FROM sittings
        UNION ALL SELECT run, 500 + length(readings) + length(unread) + length(trial_bodies.body)
            FROM trials JOIN trial_bodies USING (id)
        UNION ALL SELECT run, 100 + length(body) FROM registrations
        UNION ALL SELECT run, 100 + length(body) FROM calibrations
        UNION ALL SELECT run, 100 + length(reason) + length(coalesce(traceback, '')) FROM failures
        UNION ALL SELECT run, 100 + length(text) FROM events
    ) GROUP BY run
"""
_LAST_USED_BY_RUN = """
    SELECT run, max(moment) FROM runs JOIN (
        SELECT run, created_unix_seconds AS moment FROM runs
        UNION ALL SELECT run, max(dispatched_unix_seconds, coalesce(ended_unix_seconds, 0)) FROM sittings
        UNION ALL SELECT run, unix_seconds FROM events
    ) USING (run) GROUP BY run
"""


class Store(RunTables, SittingTables, ImportTables):
    """The runs in one file. Use it as a context manager, in one thread.

    Several processes may have the file open; each run is written by one of them. Every method
    raises :class:`EnvironmentFault` where the file cannot be used (:class:`StorageFull` where the
    disk is full: nothing of that call is stored then, and it may be called again), and those with a
    ``run`` raise :class:`BadInput` where they need a run that is not there.
    """

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

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # Failures and events

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

    def losses(self, run: str) -> dict[str, int]:
        """Number of trials whose interpreter died, by configuration; those without one are absent.

        Sittings that were lost whole are not in it (see :meth:`attempts`).
        """
        query = (
            "SELECT configuration, count(*) FROM trials"
            " WHERE run = ? AND outcome = 'lost' GROUP BY configuration"
        )
        return dict(self._database.rows(query, run))

    def event(self, run: str, kind: str, text: str) -> None:
        """Append something that happened: ``kind`` is short and fixed, ``text`` a sentence."""
        with self._database.writing() as connection:
            note(connection, run, kind, text, self.clock.unix_seconds())

    def events(self, run: str) -> list[Event]:
        """What happened in a run, in order."""
        query = "SELECT unix_seconds, kind, text FROM events WHERE run = ? ORDER BY id"
        return [Event(*row) for row in self._database.rows(query, run)]

    # Size and removal

    def size_bytes(self) -> int:
        """Bytes on the disk: the file and what SQLite keeps beside it."""
        return self._database.size_bytes()

    def run_bytes(self) -> dict[str, int]:
        """Estimate of the bytes that each run takes within the file."""
        return dict(self._database.rows(_BYTES_BY_RUN))

    def last_used(self) -> dict[str, float]:
        """When each run was last made, sent to, heard from or noted about, in Unix seconds."""
        return dict(self._database.rows(_LAST_USED_BY_RUN))

    def remove_run(self, run: str) -> None:
        """Remove all that is stored of a run; the disk gets the space back by :meth:`vacuum`."""
        with self._database.writing() as connection:
            connection.execute("DELETE FROM events WHERE run = ?", (run,))
            connection.execute("DELETE FROM runs WHERE run = ?", (run,))

    def remove_stray_events(self, before_unix_seconds: float) -> int:
        """Remove older events of runs that there are none of (refused results); give their number."""
        with self._database.writing() as connection:
            return connection.execute(
                "DELETE FROM events WHERE unix_seconds < ? AND run NOT IN (SELECT run FROM runs)",
                (before_unix_seconds,),
            ).rowcount

    def vacuum(self) -> None:
        """Give what removed runs took back to the disk, where there is anything to give back."""
        if self._database.free_pages():
            self._database.vacuum()
