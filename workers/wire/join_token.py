"""Join token: what a host needs to join a lab, in one line of text; a secret, to be handed over as one."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass, field

from ..errors import BadInput
from .keys import check_node_name, group_of
from .signing import member_key

_MARK = "parlab1."


@dataclass(frozen=True)
class JoinToken:
    """Name, password and key of a node, or of a group of nodes, and what proves the server."""

    #: A node's name; or a group's, whose nodes are named "<group>--<anything>".
    name: str
    #: Whether it is a group's.
    group: bool
    #: Password of the server's user, whose name is ``name``.
    password: str = field(repr=False)
    #: The node's key, or the group's (hexadecimal).
    key_hex: str = field(repr=False)
    #: Certificate (base64 of DER) that the server's must be signed by; "": no TLS, or a public one.
    ca: str = ""

    def key_of(self, node: str) -> bytes:
        """Return the key of the node that joins with this token.

        Raises:
            BadInput: the token is another node's.
        """
        key = bytes.fromhex(self.key_hex)
        if not self.group:
            if node != self.name:
                raise BadInput(
                    f"the join token is that of node {self.name}, not of {node}",
                    f"Name the node {self.name}, or make a token for it: parlab nodes add {node}.",
                )
            return key
        if group_of(node) != self.name:
            raise BadInput(
                f"the join token is for nodes named {self.name}--…, not {node}",
                f"Name the node {self.name}--{node}, or make a token for it: parlab nodes add {node}.",
            )
        return member_key(key, node)

    def encode(self) -> str:
        """Write it as one line."""
        plain = {
            "name": self.name,
            "group": self.group,
            "password": self.password,
            "key": self.key_hex,
            "ca": self.ca,
        }
        return _MARK + base64.urlsafe_b64encode(json.dumps(plain).encode()).decode().rstrip("=")


def decode_token(text: str) -> JoinToken:
    """Read a join token.

    Raises:
        BadInput: it is none; the message does not repeat it.
    """
    bare = text.strip()
    try:
        if not bare.startswith(_MARK):
            raise ValueError
        body = bare.removeprefix(_MARK)
        plain = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
        token = JoinToken(
            name=check_node_name(str(plain["name"])),
            group=bool(plain["group"]),
            password=str(plain["password"]),
            key_hex=bytes.fromhex(plain["key"]).hex(),
            ca=str(plain["ca"]),
        )
    except (ValueError, KeyError, TypeError, binascii.Error, BadInput):
        raise BadInput(
            "the join token cannot be read",
            "Copy all of it, as parlab nodes add printed it: one line that begins with parlab1.",
        ) from None
    return token
