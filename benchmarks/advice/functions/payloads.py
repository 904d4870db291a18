"""Work with large inputs or results: handing them over costs more than the call."""

from __future__ import annotations

import zlib

SIZE = 1 << 20
#: Inputs of :func:`make`: first bytes.
STARTS = [1, 2, 3, 4]


def megabytes() -> list[bytes]:
    """Make inputs of 1 MiB each; a file of them would be larger than an experiment may embed."""
    return [bytes([start]) * SIZE for start in STARTS]


def checksum(data: bytes) -> int:
    """Read a large input four times and give a small result, in a millisecond; zlib lets go of the GIL."""
    crc = 0
    for _ in range(4):
        crc = zlib.crc32(data, crc)
    return crc


def make(start: int) -> bytes:
    """Give a large result for a small input, after a millisecond or two of work that holds the GIL."""
    total = 0
    for number in range(20_000):
        total += number * start % 7
    return bytes([start, total % 256]) * (SIZE // 2)
