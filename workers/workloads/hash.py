"""Digests of a buffer in pieces: hashlib lets go of the GIL only for pieces of 2048 bytes and more."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import lru_cache

from .base import Parameter, Workload, numbered

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def run(item: tuple[int, str, int, int]) -> str:
    """Give the digest of ``total`` bytes, fed ``size`` at a time.

    ``item`` is (number, algorithm, size, total). The number goes in first: no two tasks give the same.
    """
    number, algorithm, size, total = item
    digest = hashlib.new(algorithm, usedforsecurity=False)
    digest.update(number.to_bytes(4, "little"))
    piece = _piece(size)
    for _ in range(total // size):
        digest.update(piece)
    digest.update(piece[: total % size])
    return digest.hexdigest()


@lru_cache(maxsize=1)
def _piece(size: int) -> bytes:
    """Make the piece: once per worker, instead of being sent with each task."""
    return (bytes(range(256)) * (size // 256 + 1))[:size]


def unavailable(parameters: Mapping[str, Any]) -> str | None:
    """Say that this build, or what it is linked with, does not have the algorithm."""
    try:
        hashlib.new(str(parameters["algorithm"]), usedforsecurity=False)
    except ValueError as error:
        return f"this Python build has no {parameters['algorithm']}: {error}"
    return None


WORKLOAD = Workload(
    name="hash",
    summary="Digests of a buffer by hashlib, in pieces that release the GIL (2048 bytes or more) or do not.",
    kind="cpu",
    parameters={
        "algorithm": Parameter(
            str, "sha256", choices=("sha256", "blake2b", "md5", "sha1"), summary="The algorithm of hashlib."
        ),
        "size": Parameter(
            int, 65_536, minimum=1, maximum=1 << 30, unit="bytes", summary="Bytes fed in at a time."
        ),
        "total": Parameter(
            int, 16_000_000, minimum=1, maximum=1 << 40, unit="bytes", summary="Bytes of a task in all."
        ),
    },
    function=run,
    inputs=numbered("algorithm", "size", "total"),
    unavailable=unavailable,
)
