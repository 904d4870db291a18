"""Work that takes much memory for as long as a call lasts."""

from __future__ import annotations

SIZE = 100 << 20
#: Inputs: the byte that memory is filled with.
FILLS = [1, 2, 3, 4]


def fill(value: int) -> int:
    """Fill 100 MiB and look at a byte in each page; filling holds the GIL."""
    memory = bytearray([value]) * SIZE
    return sum(memory[:: 4096 * 16])
