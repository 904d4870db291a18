"""A database in a file, asked or written by all workers at once: the standard library's ``sqlite3``."""

from __future__ import annotations

import os
import sqlite3
import tempfile
import threading
from collections.abc import Mapping
from contextlib import closing, suppress

from .base import Parameter, Workload

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    #: (number, mode, the database's path)
    Item = tuple[int, str, str]

#: How long a writer waits for others: longer than a trial's step may take.
_BUSY_SECONDS = 60.0

_READ = "SELECT count(*), sum(amount), max(amount) FROM sales WHERE (amount + ?) % 7 = 0"
_INSERT = "INSERT INTO notes (number) VALUES (?)"
_READ_BACK = "SELECT number FROM notes WHERE id = ?"

#: Thread → path → connection. One of its own for each thread: it would be the lock that they wait for.
#: Not threading.local(), which a subinterpreter's calls each see empty.
_connections: dict[int, dict[str, sqlite3.Connection]] = {}


def run(item: Item) -> tuple[int, ...]:
    """Ask for a sum over all rows, or insert a row, commit it and read it back."""
    number, mode, path = item
    connection = _connection(path)
    if mode == "read":
        total: tuple[int, ...] = connection.execute(_READ, (number,)).fetchone()
        return total
    # Without a transaction around it, a statement is one of its own: committed when it returns.
    row = connection.execute(_INSERT, (number,)).lastrowid
    written: tuple[int, ...] = connection.execute(_READ_BACK, (row,)).fetchone()
    return written


def _connection(path: str) -> sqlite3.Connection:
    """Give this thread's connection, made at its first task."""
    connections = _connections.setdefault(threading.get_ident(), {})
    if path not in connections:
        connections[path] = _connect(path)
    return connections[path]


def _connect(path: str) -> sqlite3.Connection:
    return sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None)


def teardown() -> None:
    """Close this thread's connections and remove the database: no other thread has a task left."""
    for path, connection in _connections.pop(threading.get_ident(), {}).items():
        connection.close()
        _remove(path)


def _remove(path: str) -> None:
    for name in (path, f"{path}-wal", f"{path}-shm"):
        # Another worker may have removed it.
        with suppress(FileNotFoundError):
            os.unlink(name)  # noqa: PTH108 - pathlib is not needed for more


def inputs(parameters: Mapping[str, Any], count: int) -> list[Item]:
    """Give an item for each number from 0 to ``count`` - 1; makes the database, unless it is there."""
    mode, rows = parameters["mode"], parameters["rows"]
    # A folder may be shared by several trials, each of which has its own database.
    name = f"parlab-sqlite-{os.getpid()}-{mode}-{rows}.db"
    path = os.path.join(tempfile.gettempdir(), name)  # noqa: PTH118 - pathlib is not needed for more
    _make(path, rows)
    return [(number, mode, path) for number in range(count)]


def _make(path: str, rows: int) -> None:
    with closing(_connect(path)) as connection:
        # Readers and a writer do not wait for each other; which it is is kept in the file.
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("BEGIN IMMEDIATE")
        if connection.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,):
            connection.execute("CREATE TABLE sales (id INTEGER PRIMARY KEY, amount INTEGER NOT NULL)")
            connection.execute("CREATE TABLE notes (id INTEGER PRIMARY KEY, number INTEGER NOT NULL)")
            amounts = ((number * 7919 % 10_007,) for number in range(rows))
            connection.executemany("INSERT INTO sales (amount) VALUES (?)", amounts)
        connection.execute("COMMIT")


WORKLOAD = Workload(
    name="sqlite_query",
    summary="Asks a SQLite database for a sum over its rows, or inserts a row and commits it.",
    kind="mixed",
    parameters={
        "mode": Parameter(
            str, "read", choices=("read", "write"), summary="A query over all rows, or one more row inserted."
        ),
        "rows": Parameter(
            int,
            100_000,
            minimum=1,
            maximum=10_000_000,
            unit="rows",
            summary="Rows of the table that is read.",
        ),
    },
    function=run,
    inputs=inputs,
    teardown=teardown,
)
