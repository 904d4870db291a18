"""A lab's secrets, made at its first start: each reader's in a folder of its own.

``ca/`` is nobody's but this command's; ``redis/``, ``postgres/``, ``orchestrator/`` and ``nodes/NAME/``
are what these are shown. What is there is left as it is: a second start changes nothing.
"""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Sequence
from pathlib import Path

from parlab.orchestrator.lab.access import acl, certificates, secret_file
from parlab.workers.wire.join_token import JoinToken
from parlab.workers.wire.keys import check_node_name
from parlab.workers.wire.lab_key import ensure_lab_key
from parlab.workers.wire.signing import node_key

_PASSWORD_BYTES = 24
#: Where the orchestrator finds the server: the name of compose's service.
_SERVER = "redis:6379/0"
#: … and nodes the database, with the name that its image gives to a user's own.
_DATABASE = "postgres:5432/parlab"


def generate(folder: Path, nodes: Sequence[str]) -> list[str]:
    """Make what is missing of a lab's secrets; a line for each thing that was made is returned.

    Args:
        folder: where they are; on volumes, each sub-folder can be one of its own.
        nodes: names of the nodes that join from the start.

    Raises:
        BadInput: a name that no node can have.
        EnvironmentFault: something cannot be written, or others can read the lab's key.
    """
    for name in nodes:
        check_node_name(name)
    made: list[str] = []
    now = dt.datetime.now(dt.UTC)
    authority, redis, orchestrator = folder / "ca", folder / "redis", folder / "orchestrator"
    if certificates.ensure_authority(authority, now):
        made.append("the lab's certificate authority")
    if certificates.ensure_server(authority, redis, now):
        made.append("the server's certificate")
    for reader in (redis, orchestrator):
        _copy(authority / "ca.crt", reader / "ca.crt")
    if not (orchestrator / "lab.key").exists():
        made.append("the lab's key")
    lab_key = ensure_lab_key(orchestrator / "lab.key")
    if not (orchestrator / "token").exists():
        secret_file.write(orchestrator / "token", f"{secrets.token_urlsafe(32)}\n".encode())
        made.append("the token of its API")
    users = acl.UserFile(redis / "users.acl")
    users.disable("default")
    users.put(acl.PROBE, None, ["-@all", "+ping"])
    if acl.ORCHESTRATOR not in users or not (orchestrator / "redis-url").exists():
        password = secrets.token_urlsafe(_PASSWORD_BYTES)
        users.put(acl.ORCHESTRATOR, password, acl.orchestrator_rules())
        secret_file.write(
            orchestrator / "redis-url", f"redis://{acl.ORCHESTRATOR}:{password}@{_SERVER}\n".encode()
        )
        made.append("the orchestrator's user")
    for name in nodes:
        place = folder / "nodes" / name / "join"
        if name not in users or not place.exists():
            password = secrets.token_urlsafe(_PASSWORD_BYTES)
            users.put(name, password, acl.node_rules(name, group=False))
            key, ca = node_key(lab_key, name).hex(), certificates.for_token(authority / "ca.crt")
            token = JoinToken(name, group=False, password=password, key_hex=key, ca=ca)
            secret_file.write(place, f"{token.encode()}\n".encode())
            made.append(f"node {name}'s user and join token")
    users.save()
    return made


def generate_database(folder: Path, nodes: Sequence[str]) -> list[str]:
    """Make the password of the database that workloads ask, and each node's file with its address.

    Raises:
        BadInput: a name that no node can have.
        EnvironmentFault: something cannot be written.
    """
    for name in nodes:
        check_node_name(name)
    made = []
    place = folder / "postgres" / "password"
    if not place.exists():
        secret_file.write(place, secrets.token_urlsafe(_PASSWORD_BYTES).encode())
        made.append("the database's password")
    address = f"postgresql://parlab:{place.read_text()}@{_DATABASE}\n"
    for name in nodes:
        known = folder / "nodes" / name / "postgres"
        if not known.exists() or known.read_text() != address:
            secret_file.write(known, address.encode())
            made.append(f"node {name}'s address of the database")
    return made


def _copy(source: Path, target: Path) -> None:
    content = source.read_bytes()
    if not target.exists() or target.read_bytes() != content:
        secret_file.write(target, content)
