"""Signatures of specs and of results, with a key per node.

A queue's writer can put anything on a queue, and a node's neighbour anything into its stream. A
signature does not make a spec harmless (that is what may run here), but says that the lab sent it.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from typing import Any, Literal

from ..errors import SpecRefused
from .keys import attempt_of, group_of

#: result: the body is a ``SittingResult``. lost: the body is the reason, as a JSON string.
Kind = Literal["result", "lost"]


def group_key(lab_key: bytes, group: str) -> bytes:
    """Derive the key of a group of nodes (see :func:`rediskeys.group_of`) from the lab's."""
    return hmac.digest(lab_key, b"group:" + group.encode(), hashlib.sha256)


def member_key(group: bytes, node: str) -> bytes:
    """Derive the key of a group's node from the group's key, as every host of the group can."""
    return hmac.digest(group, b"node:" + node.encode(), hashlib.sha256)


def node_key(lab_key: bytes, node: str) -> bytes:
    """Derive a node's key from the lab's: who has one node's key cannot speak for another.

    Nodes of one group share what their keys are made of, and could speak for each other.
    """
    group = group_of(node)
    return member_key(lab_key if group is None else group_key(lab_key, group), node)


@dataclass(frozen=True)
class SignedResult:
    """What a node says of one job, as it is spooled and sent."""

    job: str
    kind: Kind
    #: JSON.
    body: str
    signature: str

    def fields(self) -> dict[Any, Any]:
        """Give the fields of the stream's entry (strings both; redis-py's type is wider, and invariant)."""
        return {"job": self.job, "kind": self.kind, "body": self.body, "signature": self.signature}


@dataclass(frozen=True, repr=False)
class Signer:
    """Signs and checks in the name of one node; both the lab and the node have its key."""

    node: str
    key: bytes

    def sign_spec(self, spec: str, job: str) -> str:
        """Sign a spec (canonical JSON) for one job; the job's id names the attempt."""
        return self._signature("spec", job, str(attempt_of(job)), spec)

    def check_spec(self, spec: str, job: str, signature: str) -> None:
        """Check that the lab sent this spec as this job of this node.

        Raises:
            SpecRefused: it did not, or the key is another one.
        """
        if not hmac.compare_digest(self.sign_spec(spec, job).encode(), signature.encode()):
            raise SpecRefused(
                f"the signature of job {job} on node {self.node} is not the lab's",
                "Start the node with the lab's key (PARLAB_LAB_KEY_FILE) or its own (PARLAB_NODE_KEY).",
            )

    def seal(self, kind: Kind, job: str, body: str) -> SignedResult:
        """Sign what is said of a job."""
        return SignedResult(job, kind, body, self._signature("result", job, kind, body))

    def open(self, result: SignedResult) -> str:
        """Return the body of what this node said.

        Raises:
            SpecRefused: it was not this node.
        """
        expected = self._signature("result", result.job, result.kind, result.body)
        if not hmac.compare_digest(expected.encode(), result.signature.encode()):
            raise SpecRefused(
                f"the signature of the result of job {result.job[:80]} is not that of node {self.node}",
                "Give the node the key of this lab, or find out who else writes to the server.",
            )
        return result.body

    def _signature(self, purpose: str, *parts: str) -> str:
        # Each part with its length: "a" + "bc" must not be signed like "ab" + "c".
        message = "".join(f"{len(part)}:{part}" for part in (purpose, self.node, *parts))
        return hmac.new(self.key, message.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()
