"""Connections to the server: bounded, never retried behind our back, and with errors for people."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.exceptions import (
    AuthenticationError,
    AuthorizationError,
    NoPermissionError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
)
from redis.retry import Retry

from ..errors import BadInput, EnvironmentFault, ServerRefuses, ServerUnreachable, StorageFull

#: Above every blocking time. With 5 s, a stalled server made redis-py push every job twice.
SOCKET_TIMEOUT_SECONDS = 30.0
_CONNECT_TIMEOUT_SECONDS = 5.0

#: What shows that the server is not there, or not ready.
AWAY = (redis.exceptions.ConnectionError, redis.exceptions.TimeoutError)


def connect(
    url: str, timeout_seconds: float = SOCKET_TIMEOUT_SECONDS, certificate: str | None = None
) -> redis.Redis:
    """Make a client for a server; nothing is sent yet.

    Args:
        url: redis://, rediss:// or unix://, with the password where there is one.
        timeout_seconds: how long an answer may take.
        certificate: PEM that the server's certificate must be signed by, with rediss://; None: one
            that the system trusts. It signs for one server only, so that the name is not looked at.

    Raises:
        BadInput: it is no such URL.
    """
    secured: dict[str, Any] = {}
    if certificate is not None and url.startswith("rediss://"):
        secured = {"ssl_ca_data": certificate, "ssl_check_hostname": False}
    try:
        client: redis.Redis = redis.Redis.from_url(
            url,
            socket_timeout=timeout_seconds,
            socket_connect_timeout=_CONNECT_TIMEOUT_SECONDS,
            # redis-py retries a time-out up to ten times: the command may have been done each time.
            retry=Retry(NoBackoff(), 0),
            # RESP3 brings notifications of managed services, and a handshake that ACLs must allow.
            protocol=2,
            **secured,
        )
    except ValueError as error:
        raise BadInput(
            f"{masked(url)} is not the URL of a server",
            "Write redis://[:password@]host:port or unix:///path.",
        ) from error
    return client


def masked(url: str) -> str:
    """Return a URL as it may be shown: without its password."""
    shown = re.sub(r"(?<=://)([^@/]*?):[^@/]*@", r"\1:***@", url)
    return re.sub(r"(password=)[^&]*", r"\1***", shown)


@contextmanager
def reaching(where: str) -> Iterator[None]:
    """Turn what redis-py raises into errors with a cure; ``where`` names the server.

    Raises:
        ServerUnreachable: no answer, a refused password, or no permission.
        StorageFull: the server's memory or disk is full.
        EnvironmentFault: the server cannot be used for another reason.
    """
    try:
        yield
    except RedisError as error:
        raise _fault_of(where, error) from error


def _fault_of(where: str, error: RedisError) -> EnvironmentFault:
    text = " ".join(str(error).split())
    if isinstance(error, (AuthenticationError, AuthorizationError)) or text.startswith("NOAUTH"):
        return ServerRefuses(
            f"the server {where} refuses the password",
            "Put the right one into PARLAB_REDIS_URL: redis://:password@host.",
        )
    if isinstance(error, NoPermissionError):
        return ServerUnreachable(f"the server {where} does not allow this: {text}", "Extend the user's ACL.")
    if isinstance(error, AWAY) and "CERTIFICATE_VERIFY_FAILED" in text:
        return ServerRefuses(
            f"the certificate of the server {where} is not signed by the one that is trusted",
            "Make a join token in this lab (parlab nodes add), or check the address.",
        )
    if isinstance(error, AWAY):
        return ServerUnreachable(
            f"the server {where} does not answer: {text}",
            "Start it, or give the right address: --redis URL or PARLAB_REDIS_URL.",
        )
    return _fault_of_state(where, error, text)


def _fault_of_state(where: str, error: RedisError, text: str) -> EnvironmentFault:
    if isinstance(error, OutOfMemoryError):
        return StorageFull(f"the memory of the server {where} is full", "Raise its maxmemory, or empty it.")
    if isinstance(error, ReadOnlyError):
        return EnvironmentFault(f"the server {where} is a read-only replica", "Name its primary.")
    if text.startswith("MISCONF"):
        return StorageFull(f"the server {where} cannot save: {text}", "Free space on its disk.")
    return EnvironmentFault(
        f"the server {where} refuses a command: {text}", "Use Valkey or Redis 6.2 or newer."
    )
