"""A file written, read and removed, as programs do with what does not fit or must last."""

from __future__ import annotations

import os
import tempfile
from binascii import crc32
from functools import lru_cache

from .base import Parameter, Workload, numbered


def run(item: tuple[int, int, bool]) -> tuple[int, int]:
    """Write a new file, read it back, remove it; ``item`` is (number, size, whether to sync).

    Gives the length and the CRC of what was read.
    """
    number, size, fsync = item
    descriptor, path = tempfile.mkstemp(prefix="parlab-file-")
    try:
        with os.fdopen(descriptor, "wb", buffering=0) as file:
            _write(file.fileno(), number.to_bytes(4, "little") + _content(size))
            if fsync:
                os.fsync(file.fileno())
        with open(path, "rb", buffering=0) as file:  # noqa: PTH123 - pathlib would only add to it
            read = file.read()
    finally:
        os.unlink(path)  # noqa: PTH108 - the same
    return len(read), crc32(read)


def _write(descriptor: int, data: bytes) -> None:
    """Write all of it: one call may write less."""
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


@lru_cache(maxsize=1)
def _content(size: int) -> bytes:
    """Make what is written: once per worker, instead of being sent with each task."""
    return (bytes(range(256)) * (size // 256 + 1))[:size]


WORKLOAD = Workload(
    name="file_write_read",
    summary="Writes a temporary file, reads it back and removes it.",
    kind="io",
    parameters={
        "size": Parameter(
            int, 8_000_000, minimum=0, maximum=1 << 30, unit="bytes", summary="Length of the file, less 4."
        ),
        "fsync": Parameter(bool, default=False, summary="Whether it is synced to disk before it is read."),
    },
    function=run,
    inputs=numbered("size", "fsync"),
)
