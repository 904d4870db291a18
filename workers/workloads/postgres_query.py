"""Queries to a PostgreSQL database, as services make them: psycopg 3, reading only; no tables are needed."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from contextlib import suppress
from weakref import WeakKeyDictionary

from .base import Parameter, Workload, numbered, target_address

TYPE_CHECKING = False
if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from typing import Any, NoReturn

    from psycopg import AsyncConnection, Connection

    #: (number, rows, seconds of waiting)
    Item = tuple[int, int, float]

_CONNECT_SECONDS = 10
_READ_ONLY = "SET default_transaction_read_only = on"
_SUM = "SELECT sum(i)::bigint FROM generate_series(%s::bigint, %s::bigint) AS i"
#: The wait is done once, beside the sum, by the server.
_WAIT_AND_SUM = f"SELECT total FROM ({_SUM}) AS t(total), pg_sleep(%s)"  # noqa: S608 - both parts are ours

#: Thread → its connection. Not threading.local(), which a subinterpreter's calls each see empty.
_connections: dict[int, Connection[Any]] = {}
#: Connections of a loop that no task uses just now: there are as many as were ever in use at once.
_idle_of_loop: WeakKeyDictionary[AbstractEventLoop, list[AsyncConnection[Any]]] = WeakKeyDictionary()


def query(item: Item) -> int:
    """Ask once, on this thread's connection; gives the sum of the rows."""
    import psycopg

    try:
        connection = _connections.get(threading.get_ident())
        if connection is None or connection.closed:
            connection = psycopg.connect(
                target_address("postgres"), autocommit=True, connect_timeout=_CONNECT_SECONDS
            )
            _connections[threading.get_ident()] = connection
            connection.execute(_READ_ONLY)
        row = connection.execute(*_statement(item)).fetchone()
    except psycopg.Error as error:
        _raise(error)
    assert row is not None
    return int(row[0])


async def query_async(item: Item) -> int:
    """Do the same without a thread; tasks in flight have a connection each."""
    import asyncio

    import psycopg

    idle = _idle_of_loop.setdefault(asyncio.get_running_loop(), [])
    try:
        if idle:
            connection = idle.pop()
        else:
            connection = await psycopg.AsyncConnection.connect(
                target_address("postgres"), autocommit=True, connect_timeout=_CONNECT_SECONDS
            )
            await connection.execute(_READ_ONLY)
        row = await (await connection.execute(*_statement(item))).fetchone()
    except psycopg.Error as error:
        _raise(error)
    idle.append(connection)
    assert row is not None
    return int(row[0])


def _statement(item: Item) -> tuple[Any, tuple[Any, ...]]:
    number, rows, wait = item
    ends = (number + 1, number + rows)
    return (_WAIT_AND_SUM, (*ends, wait)) if wait > 0 else (_SUM, ends)


def _raise(error: Exception) -> NoReturn:
    # libpq's message begins with the address, which is the node's own affair; why it failed comes last.
    _, marked, why = str(error).rpartition("failed: ")
    why = why.strip().partition("\n")[0] if marked else getattr(error, "sqlstate", None) or ""
    reason = f"{type(error).__name__}: {why}" if why else type(error).__name__
    raise ConnectionError(f"target postgres did not answer: {reason}") from None


def setup() -> None:
    """Import what all tasks need: part of a worker's start, not of its first task."""
    with suppress(ImportError):
        import psycopg  # noqa: F401 - the module loads without it


def teardown() -> None:
    """Close the connections of this thread and of its loop."""
    connection = _connections.pop(threading.get_ident(), None)
    if connection is not None:
        connection.close()
    for idle in list(_idle_of_loop.values()):
        while idle:
            # Closed at once: its own close() would have to be awaited.
            idle.pop().pgconn.finish()


def unavailable(parameters: Mapping[str, Any]) -> str | None:
    """Say that psycopg finds no libpq, where that is so."""
    del parameters
    try:
        import psycopg  # noqa: F401 - the module loads without it
    except ImportError:
        return "psycopg finds no libpq for this Python: pip install 'psycopg[binary]'"
    return None


def check(item: Item, result: object) -> bool:
    """Whether it is the sum of the rows."""
    number, rows, _ = item
    return result == rows * number + rows * (rows + 1) // 2


WORKLOAD = Workload(
    name="postgres_query",
    summary="Asks a PostgreSQL database for a sum over rows that it makes itself, with psycopg.",
    kind="io",
    parameters={
        "rows": Parameter(
            int, 1000, minimum=1, maximum=10_000_000, unit="rows", summary="Rows that are summed."
        ),
        "wait": Parameter(
            float,
            0.0,
            minimum=0.0,
            maximum=60.0,
            unit="seconds",
            summary="How long the server waits in addition.",
        ),
    },
    function=query,
    async_function=query_async,
    inputs=numbered("rows", "wait"),
    check=check,
    requires=("psycopg",),
    setup=setup,
    teardown=teardown,
    targets=("postgres",),
    unavailable=unavailable,
)
