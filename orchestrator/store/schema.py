"""The store's tables, and the steps that bring an older file up to them.

A step is added, never changed: files that took it are out there. Statements are kept to what SQLite
3.24 understands, the oldest that a supported Python is built with in the field.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path

from parlab.workers.errors import EnvironmentFault

#: "plab": tells parlab's file from any other SQLite database.
APPLICATION_ID = 0x706C6162

_FIRST = (
    """CREATE TABLE runs (
        run TEXT PRIMARY KEY,
        name TEXT NOT NULL,
        state TEXT NOT NULL,
        reason TEXT,
        created_unix_seconds REAL NOT NULL,
        running_seconds REAL NOT NULL DEFAULT 0,
        seed INTEGER NOT NULL,
        parlab_version TEXT NOT NULL,
        command TEXT NOT NULL,
        experiment TEXT NOT NULL,
        plan TEXT
    )""",
    """CREATE TABLE registrations (
        id INTEGER PRIMARY KEY,
        run TEXT NOT NULL REFERENCES runs ON DELETE CASCADE,
        node TEXT NOT NULL,
        first_seen_unix_seconds REAL NOT NULL,
        body TEXT NOT NULL
    )""",
    "CREATE INDEX registrations_of_node ON registrations (run, node)",
    """CREATE TABLE calibrations (
        run TEXT NOT NULL REFERENCES runs ON DELETE CASCADE,
        group_id TEXT NOT NULL,
        unix_seconds REAL NOT NULL,
        body TEXT NOT NULL,
        PRIMARY KEY (run, group_id)
    ) WITHOUT ROWID""",
    # block is NULL for a calibration; body is the guardian's result without its trials.
    """CREATE TABLE sittings (
        run TEXT NOT NULL REFERENCES runs ON DELETE CASCADE,
        sitting TEXT NOT NULL,
        attempt INTEGER NOT NULL,
        group_id TEXT NOT NULL,
        block INTEGER,
        node TEXT NOT NULL,
        job_id TEXT NOT NULL,
        state TEXT NOT NULL DEFAULT 'open',
        dispatched_unix_seconds REAL NOT NULL,
        ended_unix_seconds REAL,
        lost_reason TEXT,
        body TEXT,
        PRIMARY KEY (run, sitting, attempt)
    ) WITHOUT ROWID""",
    # A sitting counts once, whatever was delivered twice: the file itself refuses a second.
    "CREATE UNIQUE INDEX one_attempt_counts ON sittings (run, sitting) WHERE state = 'accepted'",
    #: an id is never used again, so that "after id n" stays true over a prune.
    """CREATE TABLE trials (
        id INTEGER PRIMARY KEY,
        run TEXT NOT NULL,
        sitting TEXT NOT NULL,
        attempt INTEGER NOT NULL,
        trial TEXT NOT NULL,
        group_id TEXT NOT NULL,
        block INTEGER,
        configuration TEXT NOT NULL,
        outcome TEXT NOT NULL,
        cause TEXT,
        reason TEXT,
        seconds REAL,
        rounds INTEGER NOT NULL,
        start_up_seconds REAL,
        tear_down_seconds REAL,
        readings TEXT NOT NULL,
        unread TEXT NOT NULL,
        FOREIGN KEY (run, sitting, attempt) REFERENCES sittings ON DELETE CASCADE
    )""",
    "CREATE INDEX trials_of_run ON trials (run)",
    "CREATE INDEX trials_of_sitting ON trials (run, sitting, attempt)",
    "CREATE UNIQUE INDEX a_trial_counts_once ON trials (run, trial) WHERE block IS NOT NULL",
    # Apart from the figures, so that reading all figures of a run does not page through all text.
    """CREATE TABLE trial_bodies (
        id INTEGER PRIMARY KEY REFERENCES trials ON DELETE CASCADE,
        body TEXT NOT NULL
    )""",
    """CREATE TABLE failures (
        run TEXT NOT NULL REFERENCES runs ON DELETE CASCADE,
        configuration TEXT NOT NULL,
        unix_seconds REAL NOT NULL,
        reason TEXT NOT NULL,
        traceback TEXT,
        PRIMARY KEY (run, configuration)
    ) WITHOUT ROWID""",
    # No reference to runs: a refused result may name a run that there never was.
    """CREATE TABLE events (
        id INTEGER PRIMARY KEY,
        run TEXT NOT NULL,
        unix_seconds REAL NOT NULL,
        kind TEXT NOT NULL,
        text TEXT NOT NULL
    )""",
    "CREATE INDEX events_of_run ON events (run)",
)

_VOIDED_AND_PINNED = (
    # Measured, but under two boots of the host: its trials stay and count for nothing.
    """CREATE TABLE voided_blocks (
        run TEXT NOT NULL REFERENCES runs ON DELETE CASCADE,
        group_id TEXT NOT NULL,
        block INTEGER NOT NULL,
        unix_seconds REAL NOT NULL,
        cause TEXT NOT NULL,
        PRIMARY KEY (run, group_id, block)
    ) WITHOUT ROWID""",
    """CREATE TABLE pins (
        run TEXT PRIMARY KEY REFERENCES runs ON DELETE CASCADE,
        unix_seconds REAL NOT NULL
    ) WITHOUT ROWID""",
)

Step = tuple[str, ...]

_SKIPPED: Step = ("ALTER TABLE failures ADD COLUMN skipped INTEGER NOT NULL DEFAULT 0",)

_MEMBERS: Step = (
    # What a block holds that does not hold all of its group: a run that goes on ends the same block.
    """CREATE TABLE block_members (
        run TEXT NOT NULL REFERENCES runs ON DELETE CASCADE,
        group_id TEXT NOT NULL,
        block INTEGER NOT NULL,
        configurations TEXT NOT NULL,
        PRIMARY KEY (run, group_id, block)
    ) WITHOUT ROWID""",
)

#: STEPS[n] brings a file of schema version n to n + 1.
STEPS: tuple[Step, ...] = (_FIRST, _VOIDED_AND_PINNED, _SKIPPED, _MEMBERS)


def migrate(connection: sqlite3.Connection, path: Path, steps: Sequence[Step] = STEPS) -> None:
    """Bring the file to the schema version ``len(steps)``, in one transaction or not at all.

    ``connection`` is in autocommit mode. Raises what :func:`schema_version` does, and
    ``sqlite3.Error`` for anything else.
    """
    if schema_version(connection, path, len(steps)) == len(steps):
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        # Asked again under the lock: another process may have done it in between.
        for step in steps[schema_version(connection, path, len(steps)) :]:
            for statement in step:
                connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {len(steps)}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def schema_version(connection: sqlite3.Connection, path: Path, known: int = len(STEPS)) -> int:
    """Read the file's schema version, 0 for an empty file, and change nothing.

    Raises :class:`EnvironmentFault` for a file that a newer parlab wrote and for a database that is
    not parlab's.
    """
    # One statement, so that all three are of the same moment while another process migrates.
    application, version, tables = connection.execute(
        "SELECT application_id, user_version, (SELECT count(*) FROM sqlite_master)"
        " FROM pragma_application_id, pragma_user_version"
    ).fetchone()
    if application != APPLICATION_ID and (application or version or tables):
        raise EnvironmentFault(
            f"{path} is a database of another program",
            "Move it away, or set PARLAB_HOME to a folder of parlab's own.",
        )
    if version > known:
        raise EnvironmentFault(
            f"{path} was written by a newer parlab (its schema version is {version}, known here is {known})",
            "Upgrade parlab (pip install --upgrade parlab), or set PARLAB_HOME to another folder.",
        )
    return int(version)
