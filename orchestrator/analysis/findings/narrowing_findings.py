"""How a comparison's estimate narrowed, as data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from parlab.orchestrator.statistics.interval import Interval

#: What a comparison that can be made may be.
JudgedWord = Literal["faster", "slower", "tied", "unresolved"]


@dataclass(frozen=True)
class Look:
    """What was known of a comparison after one more block."""

    #: With the number of blocks that are in it.
    speed_up: Interval
    verdict: JudgedWord


@dataclass(frozen=True)
class Narrowing:
    """One comparison, look by look; the last look is what the run's finding says of it."""

    group: str
    configuration: str
    baseline: str
    #: By number of blocks; of a long run the first ones, and ever fewer of the later ones.
    looks: tuple[Look, ...]

    @property
    def verdict_blocks(self) -> int | None:
        """Blocks at the look from which on its verdict has stayed; None while it is unresolved."""
        word = self.looks[-1].verdict
        if word == "unresolved":
            return None
        since = len(self.looks) - 1
        while since and self.looks[since - 1].verdict == word:
            since -= 1
        return self.looks[since].speed_up.blocks
