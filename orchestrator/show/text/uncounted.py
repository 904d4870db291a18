"""Trials and blocks of a group that do not count: why they were rejected or lost, and what is void for it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from parlab.orchestrator.analysis.view import RunView


@dataclass(frozen=True)
class Uncounted:
    """Trials and blocks of one group that count for nothing, or not for all that they should."""

    #: Why, by cause: what was said of the last trial that has it.
    reasons: Mapping[str, str] = field(default_factory=dict)
    #: Blocks that were begun.
    blocks: int = 0
    #: Blocks that a rejected or lost trial has voided for the comparisons that it is in.
    incomplete: int = 0
    #: Blocks that are void for all, by cause ("reboot").
    void: Mapping[str, int] = field(default_factory=dict)

    def sentence(self) -> str | None:
        """Say how many blocks are void; None where none is."""
        parts = []
        if self.incomplete:
            parts.append(f"{self.incomplete} for the comparisons that include a rejected or lost trial")
        parts += [f"{count} for all ({cause})" for cause, count in self.void.items()]
        return f"void blocks, of {self.blocks}: {', '.join(parts)}" if parts else None


def uncounted(run: RunView, group: str) -> Uncounted:
    """Find what does not count of a group; calibrations compare nothing, and are not in it.

    A trial that was lost and came in when it was tried again is not missing from its block.
    """
    void = {v.block: v.cause for v in run.voided_blocks if v.group == group}
    trials = [(t.block, t.result) for t in run.trials if t.group == group and t.block is not None]
    there = {(block, result.configuration) for block, result in trials if result.outcome == "measured"}
    gone = [(block, result) for block, result in trials if result.outcome in ("rejected", "lost")]
    missing = {block for block, result in gone if (block, result.configuration) not in there}
    return Uncounted(
        reasons={result.cause: result.reason for _, result in gone if result.cause and result.reason},
        blocks=len({block for block, _ in trials} | void.keys()),
        incomplete=len(missing - void.keys()),
        void=dict(Counter(void.values())),
    )
