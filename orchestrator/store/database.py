"""One SQLite file, opened so that what is committed stays, with faults said in people's words.

WAL lets several commands read while a run writes. ``synchronous=FULL`` syncs each commit to the
disk: a result is acknowledged to its node after that, and the node then forgets it.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from parlab.orchestrator.store.faults import database_fault, folder_fault, primary_code, read_only
from parlab.orchestrator.store.schema import STEPS, Step, migrate, schema_version
from parlab.workers.clock import Clock
from parlab.workers.errors import EnvironmentFault, SpecRefused
from parlab.workers.wire.codec import decode

T = TypeVar("T")

_SETTINGS = (
    "PRAGMA synchronous = FULL",
    # On macOS a plain fsync leaves the data in the drive's own cache; elsewhere this changes nothing.
    "PRAGMA fullfsync = ON",
    "PRAGMA foreign_keys = ON",
    # A large prune would otherwise leave a WAL file of its size behind.
    "PRAGMA journal_size_limit = 4194304",
)
_SETTLE_SECONDS = 0.02


class Database:
    """An open file: transactions, queries, sizes. Not to be shared between threads."""

    def __init__(
        self, path: Path, clock: Clock, *, busy_seconds: float, steps: Sequence[Step] = STEPS
    ) -> None:
        """Open or create the file and bring it to the current schema.

        Args:
            path: the file; its folder is created, for its owner only.
            clock: for the time limit of being locked out.
            busy_seconds: how long to wait for another process that writes.
            steps: schema steps; others than parlab's own in tests only.

        Raises :class:`EnvironmentFault` (:class:`StorageFull` where the disk is full).
        """
        self.path = path
        self._busy_seconds = busy_seconds
        self._clock = clock
        _prepare_folder(path)
        try:
            self._connection = sqlite3.connect(path, timeout=busy_seconds, isolation_level=None)
        except sqlite3.Error as error:
            raise database_fault(error, path, busy_seconds) from error
        try:
            self._set_up(steps)
        except sqlite3.Error as error:
            self._connection.close()
            raise database_fault(error, path, busy_seconds) from error
        except BaseException:
            self._connection.close()
            raise

    def close(self) -> None:
        """Close the file; the last one out also empties the WAL into it."""
        self._connection.close()

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Open a transaction: all of it is on the disk at the end, or none of it.

        Raises :class:`EnvironmentFault` (:class:`StorageFull` where the disk is full); the file is
        then as it was before, and a later try may succeed.
        """
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            yield self._connection
            self._connection.execute("COMMIT")
        except BaseException as error:
            self._undo()
            if isinstance(error, sqlite3.Error):
                raise database_fault(error, self.path, self._busy_seconds) from error
            raise

    def rows(self, query: str, *values: object) -> list[Any]:
        """Run a query and give all its rows, of one moment."""
        try:
            return self._connection.execute(query, values).fetchall()
        except sqlite3.Error as error:
            raise database_fault(error, self.path, self._busy_seconds) from error

    def decoded(self, kind: type[T], text: str, what: str) -> T:
        """Decode stored JSON; :class:`EnvironmentFault` that names ``what`` where it is not one."""
        try:
            return decode(kind, text)
        except SpecRefused as refusal:
            raise EnvironmentFault(
                f"{self.path}: {what} cannot be read ({refusal.message})",
                "Something else wrote it: use the parlab that did, or remove the run (parlab prune RUN).",
            ) from refusal

    def size_bytes(self) -> int:
        """Size of the file with what SQLite keeps beside it."""
        total = 0
        for suffix in ("", "-wal", "-shm"):
            try:
                total += os.stat(f"{self.path}{suffix}").st_size  # noqa: PTH116 - the path and a suffix
            except FileNotFoundError:
                continue
        return total

    def free_pages(self) -> int:
        """Pages of the file that hold nothing since something was deleted."""
        return int(self.rows("PRAGMA freelist_count")[0][0])

    def vacuum(self) -> None:
        """Write the file anew without its free pages, so that the disk gets them back.

        Needs up to twice the file's size for the time being. Raises as :meth:`writing` does.
        """
        self.rows("VACUUM")
        self.rows("PRAGMA wal_checkpoint(TRUNCATE)")

    def _undo(self) -> None:
        # After a full disk SQLite may have rolled back by itself already.
        if self._connection.in_transaction:
            try:
                self._connection.execute("ROLLBACK")
            except sqlite3.Error as error:
                raise database_fault(error, self.path, self._busy_seconds) from error

    def _set_up(self, steps: Sequence[Step]) -> None:
        # Before anything is changed: it may be a file that must not be touched.
        schema_version(self._connection, self.path, len(steps))
        self._use_wal()
        for setting in _SETTINGS:
            self._connection.execute(setting)
        migrate(self._connection, self.path, steps)

    def _use_wal(self) -> None:
        # SQLite does not wait out busy_timeout when two processes switch a new file to WAL at once.
        limit = self._clock.monotonic_ns() + int(self._busy_seconds * 1e9)
        while True:
            try:
                (mode,) = self._connection.execute("PRAGMA journal_mode = WAL").fetchone()
            except sqlite3.OperationalError as error:
                if primary_code(error) != sqlite3.SQLITE_BUSY or self._clock.monotonic_ns() > limit:
                    raise
                time.sleep(_SETTLE_SECONDS)
                continue
            if mode != "wal":
                raise EnvironmentFault(
                    f"{self.path.parent} cannot share a database between processes (journal mode {mode!r})",
                    "It may be a network folder: set PARLAB_HOME to one on a local disk.",
                )
            return


def _prepare_folder(path: Path) -> None:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise folder_fault(error, path.parent) from error
    for place in (path.parent, path):
        if place.exists() and not os.access(place, os.W_OK):
            raise read_only(place)
