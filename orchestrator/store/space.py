"""Space that runs take in the store's file, and its return."""

from __future__ import annotations

from parlab.orchestrator.store.database import Database

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


class Space:
    """Sizes and removal (a part of :class:`Store`, which says what is raised)."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def size_bytes(self) -> int:
        """Bytes on the disk: the file and what SQLite keeps beside it."""
        return self._database.size_bytes()

    def run_bytes(self) -> dict[str, int]:
        """Estimate of the bytes that each run takes within the file."""
        return dict(self._database.rows(_BYTES_BY_RUN))

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
