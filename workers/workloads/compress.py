"""Compression of text with one of the standard library's modules, and its reversal."""

from __future__ import annotations

from binascii import crc32
from collections.abc import Mapping
from functools import lru_cache
from importlib import import_module

from .base import Parameter, Workload, numbered

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    #: (number, algorithm, level, size, whether it is decompressed again)
    Item = tuple[int, str, int, int, bool]

#: Algorithm → its module. A build may lack any of them: none is loaded before it is asked for.
_MODULES = {"zlib": "zlib", "lzma": "lzma", "bz2": "bz2", "zstd": "compression.zstd"}


def run(item: Item) -> tuple[int, bool]:
    """Compress, and decompress where asked to.

    Gives the CRC of what came out (of what went in, where nothing is decompressed) and whether it
    was smaller in between. Not what it was: libraries of other versions compress differently.
    """
    number, algorithm, level, size, round_trip = item
    data = number.to_bytes(4, "little") + _text(size)
    module = import_module(_MODULES[algorithm])
    # lzma calls it a preset; all the others take it by position.
    compressed = module.compress(data, preset=level) if algorithm == "lzma" else module.compress(data, level)
    out = module.decompress(compressed) if round_trip else data
    return crc32(out), len(compressed) < len(out)


@lru_cache(maxsize=1)
def _text(size: int) -> bytes:
    """Make what is compressed: once per worker, instead of being sent with each task."""
    # Words of a generator that is the same on every build: as compressible as prose is.
    words: list[bytes] = []
    state, length = 1, 0
    while length < size:
        state = (state * 1103515245 + 12345) % (1 << 31)
        # Squared, so that some words are frequent and most are rare.
        word = b"word%x" % ((state >> 16) ** 2 >> 18)
        words.append(word)
        length += len(word) + 1
    return b" ".join(words)[:size]


def unavailable(parameters: Mapping[str, Any]) -> str | None:
    """Say that this build lacks the algorithm's module."""
    algorithm = str(parameters["algorithm"])
    try:
        import_module(_MODULES[algorithm])
    except ImportError as error:
        came = " (it came with Python 3.14)" if algorithm == "zstd" else ""
        return f"this Python build has no {_MODULES[algorithm]}{came}: {error}"
    return None


WORKLOAD = Workload(
    name="compress",
    summary="Compresses text with zlib, lzma, bz2 or zstd, and decompresses it again.",
    kind="cpu",
    parameters={
        "algorithm": Parameter(
            str, "zlib", choices=tuple(_MODULES), summary="The module; zstd wants Python 3.14 or newer."
        ),
        "level": Parameter(int, 6, minimum=1, maximum=9, summary="From 1, fast, to 9, small."),
        "size": Parameter(
            int, 200_000, minimum=1, maximum=64 << 20, unit="bytes", summary="Length of the text."
        ),
        "round_trip": Parameter(bool, default=True, summary="Whether it is decompressed again."),
    },
    function=run,
    inputs=numbered("algorithm", "level", "size", "round_trip"),
    unavailable=unavailable,
)
