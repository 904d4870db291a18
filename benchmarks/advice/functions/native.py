"""Native code: some lets go of the GIL while it works, some does not."""

from __future__ import annotations

import hashlib
import json
import re
import zlib
from functools import cache

#: What a call begins with: each input makes another result of the same size.
SEEDS = [1, 2, 3, 4, 5, 6, 7, 8]


@cache
def block(size: int) -> bytes:
    """Make bytes that compress well; the same in each process, and made once in each."""
    state, content = 12345, bytearray()
    for _ in range(size // 1024):
        # A linear congruential generator: importing random would be most of a short trial's start.
        state = (1103515245 * state + 12345) % (1 << 31)
        content += state.to_bytes(4, "big") * 256
    return bytes(content)


def sha256(seed: int) -> str:
    """Hash 4 MiB: hashlib lets go of the GIL."""
    digest = hashlib.sha256(str(seed).encode())
    digest.update(block(4 << 20))
    return digest.hexdigest()


def compress(seed: int) -> int:
    """Compress 1 MiB and give a checksum of that; zlib lets go of the GIL."""
    return zlib.crc32(zlib.compress(str(seed).encode() + block(1 << 20), 6))


@cache
def document() -> list[dict[str, object]]:
    """Make what :func:`dump` writes: some 100 KB as JSON."""
    return [{"id": n, "name": f"item {n}", "price": n / 7, "tags": ["a", "b", str(n)]} for n in range(1500)]


def dump(seed: int) -> str:
    """Write a document as JSON and give its end: native code that holds the GIL all the time."""
    return json.dumps([document(), seed])[-20:]


@cache
def text() -> str:
    """Make what :func:`scan` reads."""
    return " ".join(f"word{n * n % 9973} {n}@host{n % 97}.example" for n in range(4000))


def scan(seed: int) -> str:
    """Find addresses and give the last one: the regular expression engine holds the GIL all the time."""
    return str(re.findall(rf"\b\d*{seed}@host\d+\.example\b", text())[-1])
