"""Admission of nodes to a lab that runs: users of its server, and their join tokens."""

from __future__ import annotations

import secrets
from contextlib import closing
from pathlib import Path
from typing import Any, cast

import redis

from parlab.orchestrator.lab.access import acl, certificates
from parlab.workers.errors import BadInput, EnvironmentFault
from parlab.workers.wire.connection import connect, masked, reaching
from parlab.workers.wire.join_token import JoinToken
from parlab.workers.wire.keys import GROUP_MARK, check_node_name
from parlab.workers.wire.signing import group_key, node_key

_PASSWORD_BYTES = 24
_OWN = ("default", acl.ORCHESTRATOR, acl.PROBE)


class RedisAdmission:
    """Makes and removes users at the lab's server. The server keeps them in its file of users."""

    def __init__(self, redis_url: str, lab_key: bytes, certificate: Path | None) -> None:
        """Let in at a server; nodes reach it by TLS where ``certificate`` (a PEM file) signs its own."""
        self._url = redis_url
        self._lab_key = lab_key
        self._certificate = certificate

    def grant(self, name: str, *, group: bool) -> str:
        """Make a user for a node, or for a group of nodes; its join token is returned.

        Again, it gets another password: what it had before lets nobody in any more.

        Raises:
            BadInput: a name that cannot be, or whose rights would cover another's.
            EnvironmentFault: the server keeps no file of users, or does not allow making one.
        """
        _check(name)
        password = secrets.token_urlsafe(_PASSWORD_BYTES)
        rules = ["reset", "on", f">{password}", *acl.node_rules(name, group=group)]
        with closing(connect(self._url)) as server, reaching(masked(self._url)):
            self._check_beside(server, name, group=group)
            server.execute_command("ACL", "SETUSER", name, *rules)
            try:
                server.execute_command("ACL", "SAVE")
            except redis.exceptions.ResponseError as error:
                server.execute_command("ACL", "DELUSER", name)
                raise EnvironmentFault(
                    f"the server {masked(self._url)} cannot keep users: {error}",
                    "Start it with aclfile /path/users.acl, as docker-compose.yml does.",
                ) from error
        key = group_key(self._lab_key, name) if group else node_key(self._lab_key, name)
        ca = certificates.for_token(self._certificate) if self._certificate is not None else ""
        return JoinToken(name, group, password, key.hex(), ca).encode()

    def revoke(self, name: str) -> None:
        """Take a node's or group's user away and end its connections; one that is not there is no error."""
        _check(name)
        with closing(connect(self._url)) as server, reaching(masked(self._url)):
            if server.execute_command("ACL", "DELUSER", name):
                server.execute_command("ACL", "SAVE")

    def _check_beside(self, server: redis.Redis, name: str, *, group: bool) -> None:
        """Refuse a name whose jobs' names another's rights would cover: "a" and "a-b"."""
        for user in _texts(server.execute_command("ACL", "USERS")):
            if user in _OWN or user == name:
                continue
            covers = not group and user.startswith(f"{name}-")
            covered = name.startswith(f"{user}-") and not _is_group(server, user)
            if covers or covered:
                raise BadInput(
                    f"the rights of a node named {name if covers else user} would cover those of "
                    f"{user if covers else name}",
                    "Choose a name that does not begin with another node's name and a hyphen.",
                )


def _check(name: str) -> None:
    check_node_name(name)
    if name in _OWN:
        raise BadInput(f"{name} is a user of the lab's own", "Choose another name.")
    if GROUP_MARK in name:
        raise BadInput(
            f"{name}: {GROUP_MARK} is reserved for the nodes of a group",
            f"Add the group {name.partition(GROUP_MARK)[0]} (--group), or choose another name.",
        )


def _is_group(server: redis.Redis, user: str) -> bool:
    about = server.execute_command("ACL", "GETUSER", user)
    return f"rq:queue:{user}{GROUP_MARK}*" in repr(about)


def _texts(answer: Any) -> list[str]:
    return [
        item.decode("utf-8", "replace") if isinstance(item, bytes) else str(item)
        for item in cast("list[Any]", answer or [])
    ]
