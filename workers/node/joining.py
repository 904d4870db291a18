"""How a node reaches its lab: from a join token and an address to a server's URL."""

from __future__ import annotations

import base64
import re
import socket
import ssl
from pathlib import Path
from urllib.parse import quote

from ..errors import BadInput, EnvironmentFault
from ..wire.join_token import JoinToken, decode_token
from ..wire.keys import GROUP_MARK

#: Ports of a lab's server: with TLS, and without.
TLS_PORT = 6380
PLAIN_PORT = 6379

_MOST_NAME = 41


def read_token(path: Path) -> JoinToken:
    """Read a join token from a file.

    Raises:
        EnvironmentFault: the file cannot be read.
        BadInput: it holds none.
    """
    try:
        return decode_token(path.read_text(encoding="utf-8", errors="replace"))
    except OSError as error:
        raise EnvironmentFault(
            f"cannot read the join token in {path}: {error.strerror}",
            "Name a file that this user can read: PARLAB_JOIN_FILE.",
        ) from error


def node_name(token: JoinToken, asked: str | None, hostname: str | None = None) -> str:
    """Return the name of the node that joins: as asked for, else the token's.

    In a group, "<group>--<hostname>", with what a node's name cannot hold left out.
    """
    if asked is not None or not token.group:
        return asked or token.name
    own = re.sub("[^a-z0-9]+", "-", (hostname or socket.gethostname()).lower()).strip("-") or "node"
    return f"{token.name}{GROUP_MARK}{own}"[:_MOST_NAME].rstrip("-")


def server_url(address: str, token: JoinToken) -> str:
    """Return the server's URL for whoever has a token.

    Args:
        address: ``host``, ``host:port`` or a whole URL (redis://, rediss://, unix://) without a user.
        token: whose user and password are put in; where it has a certificate, a bare address is
            reached by TLS.

    Raises:
        BadInput: it is no address.
    """
    scheme, mark, rest = address.partition("://")
    if not mark:
        scheme, rest = ("rediss", address) if token.ca else ("redis", address)
        port = TLS_PORT if token.ca else PLAIN_PORT
        if ":" not in rest or rest.endswith("]"):
            rest = f"{rest}:{port}"
    if scheme not in ("redis", "rediss", "unix") or not rest or "@" in rest or any(c.isspace() for c in rest):
        raise BadInput(
            f"{scheme}://{rest.rpartition('@')[2]} cannot be joined with a token",
            "Give the server's address alone, host:port: user and password are in the token.",
        )
    return f"{scheme}://{quote(token.name)}:{quote(token.password, safe='')}@{rest}"


def certificate(token: JoinToken) -> str | None:
    """Return the certificate that the server's must be signed by (PEM), None where the token has none.

    Raises:
        BadInput: it is no certificate.
    """
    if not token.ca:
        return None
    try:
        pem = ssl.DER_cert_to_PEM_cert(base64.b64decode(token.ca, validate=True))
        ssl.create_default_context(cadata=pem)
    except (ValueError, ssl.SSLError) as error:
        raise BadInput(
            "the join token's certificate cannot be read", "Have another made: parlab nodes add."
        ) from error
    return pem
