"""Findings on claims, as data: every output shows these and computes nothing itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from parlab.orchestrator.experiment.model import Direction, RuleName
from parlab.workers.wire.spec import Gil, Scalar

ClaimWord = Literal["supported", "refuted", "depends", "unresolved", "skipped"]
#: On which side of its bound a cell lies for certain; out: its build cannot do it.
CellSide = Literal["towards", "away", "open", "out"]


@dataclass(frozen=True)
class CellFinding:
    """One contrast in one condition, on one build."""

    #: "integer_sum(steps=100000): threads ×2 against serial".
    label: str
    rule: RuleName
    #: Groups that it is measured in: one, or the two ends of a trend.
    groups: tuple[str, ...]
    side: CellSide
    #: From here on it counts, in the effect's own terms.
    bound: float
    supports: Direction
    #: Median over blocks: a ratio, how a ratio changes, or a value in ``unit``; None without a block.
    effect: float | None
    #: Its interval at ``level``; a bound is None where the data do not give a finite one yet.
    low: float | None
    high: float | None
    level: float
    blocks: int
    #: Evidence that it lies on the claim's side of its bound, and on the other.
    e_towards: float
    e_away: float
    #: What is measured, "" for the seconds of a round; and its unit.
    measure: str = ""
    unit: str = "seconds"
    better: Literal["lower", "higher", "neither"] = "lower"
    #: The two sides as they are called: "threads ×2", "the best of …"; the second is "" for a value.
    of: str = ""
    against: str = ""
    #: What sets it apart from the claim's other cells, by name: a parameter, or one of work, of, against
    #: and measure.
    conditions: Mapping[str, Scalar] = field(default_factory=dict)
    #: Why it is out.
    reason: str | None = None


@dataclass(frozen=True)
class ClaimFinding:
    """One claim on one build of one host."""

    claim: str
    title: str
    text: str
    host: str
    node: str
    python: str
    gil: Gil | None
    word: ClaimWord
    #: Evidence for the likeliest word; a word is given by e-BH over all claims, hosts and builds.
    e_value: float
    cells: tuple[CellFinding, ...]
    #: What was seen, with effect, interval and blocks.
    sentence: str = ""
    #: What parts the cells of a claim that depends, where it is one thing: "algorithm".
    depends_on: str | None = None

    @property
    def build(self) -> str:
        """The build, for people: "3.13.5t (GIL on)"."""
        return self.python.partition("#")[0] + (f" (GIL {self.gil})" if self.gil else "")
