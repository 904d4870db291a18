"""A comparison in a few words, to be read before its tables."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from parlab.orchestrator.analysis.findings.across import Compared, CompareFinding, Word
from parlab.orchestrator.figures import interval

#: In the order in which they are told.
_WORDS: tuple[Word, ...] = ("faster", "gains more", "slower", "gains less", "tied", "unresolved")
_DECLARED = frozenset({"faster", "slower", "gains more", "gains less"})
#: So many of what is declared are told; the tables have all of it.
_MOST_TOLD = 5


@dataclass(frozen=True)
class Tally:
    """How often each word was found of one column."""

    label: str
    reference: str
    #: Words that were found, and how often.
    counts: tuple[tuple[str, int], ...]
    #: Comparisons that can have no verdict.
    described: int


@dataclass(frozen=True)
class Declared:
    """One comparison that is declared."""

    what: str
    column: str
    word: str
    ratio: str


def tallies(finding: CompareFinding) -> list[Tally]:
    """Count the words of each column but the reference."""
    labels = {column.value: column.label for column in finding.columns}
    listed = []
    for column in finding.columns:
        if column.value == finding.reference:
            continue
        own = [c for c in finding.comparisons if c.column == column.value]
        counted = Counter(c.verdict for c in own if c.e_value is not None)
        counts = tuple((str(word), counted[word]) for word in _WORDS if counted[word])
        described = sum(c.e_value is None for c in own)
        listed.append(Tally(column.label, labels[finding.reference], counts, described))
    return listed


def declared(finding: CompareFinding) -> list[Declared]:
    """Give what is declared, the largest differences first."""
    labels = {column.value: column.label for column in finding.columns}
    some = [c for c in finding.comparisons if c.verdict in _DECLARED]
    return [_told(c, labels[c.column]) for c in sorted(some, key=_size, reverse=True)[:_MOST_TOLD]]


def not_told(finding: CompareFinding, shown: Sequence[Declared]) -> int:
    """Count what is declared besides."""
    return sum(c.verdict in _DECLARED for c in finding.comparisons) - len(shown)


def _size(compared: Compared) -> float:
    ratio = compared.ratio
    return abs(math.log(ratio.ratio)) if ratio is not None and ratio.ratio > 0 else 0.0


def _told(compared: Compared, column: str) -> Declared:
    ratio = compared.ratio
    written = interval(ratio.ratio, ratio.low, ratio.high) if ratio is not None else ""
    return Declared(f"{compared.workload} {compared.label}".strip(), column, compared.verdict, written)
