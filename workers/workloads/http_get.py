"""Requests over HTTP, as crawlers and clients of services make them: httpx, against a lab's own target."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from weakref import WeakKeyDictionary

from ..targets.failures import fails
from .base import Parameter, Workload, target_address

TYPE_CHECKING = False
if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from typing import Any, NoReturn

    from httpx import AsyncClient, Client

    #: (number, seconds of delay, bytes of the answer, share of failures, whether connections are kept)
    Item = tuple[int, float, int, float, bool]

#: Above the longest delay: a target that is alive answers within it.
_LIMIT_SECONDS = 90.0

#: Thread → whether connections are kept → client. It is not shared between threads or loops: it would
#: be the lock that they wait for. Not threading.local(), which a subinterpreter's calls each see empty.
_clients: dict[int, dict[bool, Client]] = {}
_of_loop: WeakKeyDictionary[AbstractEventLoop, dict[bool, AsyncClient]] = WeakKeyDictionary()


def fetch(item: Item) -> tuple[int, int]:
    """Fetch once; gives the status and the number of bytes. A failure that was asked for is a result."""
    import httpx

    try:
        response = _client(item[4]).get(_path(item))
    except httpx.TransportError as error:
        _raise(error)
    return response.status_code, len(response.content)


async def fetch_async(item: Item) -> tuple[int, int]:
    """Do the same without a thread."""
    import httpx

    try:
        response = await _async_client(item[4]).get(_path(item))
    except httpx.TransportError as error:
        _raise(error)
    return response.status_code, len(response.content)


def _path(item: Item) -> str:
    number, delay, length, failure, _ = item
    return f"/?delay={delay:g}&bytes={length}&failure={failure:g}&n={number}"


def _raise(error: Exception) -> NoReturn:
    # Of its own: httpx's do not say who did not answer, and not all of them can be pickled.
    raise ConnectionError(f"target http did not answer: {type(error).__name__}: {error}") from None


def _client(keep: bool) -> Client:  # noqa: FBT001 - it is what the parameter is
    """Give this thread's client, made at its first task."""
    clients = _clients.setdefault(threading.get_ident(), {})
    if keep not in clients:
        import httpx

        clients[keep] = httpx.Client(**_options(keep))
    return clients[keep]


def _async_client(keep: bool) -> AsyncClient:  # noqa: FBT001 - it is what the parameter is
    """Give this loop's client, made at its first task."""
    import asyncio

    clients = _of_loop.setdefault(asyncio.get_running_loop(), {})
    if keep not in clients:
        import httpx

        clients[keep] = httpx.AsyncClient(**_options(keep))
    return clients[keep]


def _options(keep: bool) -> dict[str, Any]:  # noqa: FBT001 - it is what the parameter is
    import httpx

    address = target_address("http")
    return {
        "base_url": address,
        # Certificates take 20 ms to load, and plain HTTP has no use for them.
        "verify": not address.startswith("http:"),
        # Neither a proxy nor a .netrc of the node's user: the target is what is measured.
        "trust_env": False,
        "timeout": _LIMIT_SECONDS,
        # As many as there are tasks in flight. By default httpx drops a connection that was idle for
        # five seconds, which the pause between two rounds may be.
        "limits": httpx.Limits(
            max_connections=None, max_keepalive_connections=None if keep else 0, keepalive_expiry=None
        ),
    }


def setup() -> None:
    """Import what all tasks need: part of a worker's start, not of its first task."""
    import httpx  # noqa: F401 - the module loads without it


def teardown() -> None:
    """Close this thread's clients; a loop's end with the loop."""
    for client in _clients.pop(threading.get_ident(), {}).values():
        client.close()


def inputs(parameters: Mapping[str, Any], count: int) -> list[Item]:
    """Give tasks numbered from 0; the number decides which of them fail."""
    delay, length, failure = (parameters[name] for name in ("delay", "bytes", "failure"))
    keep = parameters["connections"] == "keep-alive"
    return [(number, delay, length, failure, keep) for number in range(count)]


def check(item: Item, result: object) -> bool:
    """Whether it is the answer that the target was asked for."""
    number, _, length, failure, _ = item
    if not isinstance(result, tuple) or len(result) != 2:
        return False
    return result[0] == 503 if fails(number, failure) else result == (200, length)


WORKLOAD = Workload(
    name="http_get",
    summary="Fetches over HTTP from a target of the lab's own, with httpx.",
    kind="io",
    parameters={
        "delay": Parameter(
            float, 0.02, minimum=0.0, maximum=60.0, unit="seconds", summary="How long an answer takes."
        ),
        "bytes": Parameter(
            int, 1000, minimum=0, maximum=16 << 20, unit="bytes", summary="How long an answer is."
        ),
        "failure": Parameter(
            float, 0.0, minimum=0.0, maximum=1.0, summary="Share of the tasks that are answered with 503."
        ),
        "connections": Parameter(
            str, "keep-alive", choices=("keep-alive", "new"), summary="Whether tasks reuse a connection."
        ),
    },
    function=fetch,
    async_function=fetch_async,
    inputs=inputs,
    check=check,
    requires=("httpx",),
    setup=setup,
    teardown=teardown,
    targets=("http",),
)
