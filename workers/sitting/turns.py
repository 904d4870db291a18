"""The order of rounds: drawn anew for each turn, the same again for the same seed."""

from __future__ import annotations

import random
from collections.abc import Iterator


def orders(seed: int, trials: int, turns: int) -> Iterator[list[int]]:
    """Yield, for each turn, the trials' indices in the order of their rounds."""
    draw = random.Random(seed)
    for _ in range(turns):
        order = list(range(trials))
        draw.shuffle(order)
        yield order


def hash_seed(seed: int) -> int:
    """Draw the PYTHONHASHSEED that all trials of a sitting share (0 would mean: not randomised)."""
    return random.Random(f"hash {seed}").randrange(1, 2**32)
