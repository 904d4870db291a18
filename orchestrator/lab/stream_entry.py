"""What one entry of a result stream says, once it is known who said it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from parlab.workers.errors import SpecRefused
from parlab.workers.wire import keys as rediskeys
from parlab.workers.wire.codec import decode
from parlab.workers.wire.result import SittingResult
from parlab.workers.wire.signing import Kind, SignedResult, Signer, node_key


@dataclass(frozen=True)
class Delivery:
    """What one stream entry says. It comes again until it is acknowledged."""

    stream: str
    entry: str
    job_id: str
    node: str
    #: The sitting's result, or None.
    result: SittingResult | None = None
    #: Why there is no result, by its node; or None.
    lost: str | None = None
    #: Why the entry is not believed; or None.
    refused: str | None = None

    def is_of(self, run: str) -> bool:
        """Whether it says that it belongs to a run; what is refused says so without proof."""
        return self.job_id.startswith(f"{self.node}-{run}-")


def node_of(stream: str) -> str:
    """Name the node whose results a stream holds."""
    return stream.removeprefix(rediskeys.result_stream(""))


def open_delivery(lab_key: bytes, stream: str, entry: str, fields: Mapping[str, str]) -> Delivery:
    """Check an entry's signature and read it; what is wrong with it is said in ``refused``."""
    # The stream says who speaks: only that node's key signs for it.
    node = node_of(stream)
    job_id, kind = fields.get("job", ""), fields.get("kind", "")
    said = SignedResult(job_id, cast("Kind", kind), fields.get("body", ""), fields.get("signature", ""))
    try:
        body = Signer(node, node_key(lab_key, node)).open(said)
        if kind == "lost":
            return Delivery(stream, entry, job_id, node, lost=str(json.loads(body)))
        if kind != "result":
            raise SpecRefused(f"job {job_id}: node {node} sent a {kind!r}, which there is not")
        result = decode(SittingResult, body)
        if result.node != node or f"{node}-{result.run}-{result.sitting}-a{result.attempt}" != job_id:
            raise SpecRefused(f"job {job_id}: node {node} sent the result of another")
        return Delivery(stream, entry, job_id, node, result=result)
    except (SpecRefused, ValueError) as refusal:
        return Delivery(stream, entry, job_id, node, refused=str(refusal))
