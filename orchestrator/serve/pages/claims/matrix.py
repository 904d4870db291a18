"""Claims of several runs as one matrix: what is known of each claim on each build, and which run says so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from parlab.orchestrator.analysis.findings.claims import ClaimFinding
from parlab.orchestrator.experiment.model import Claim
from parlab.orchestrator.serve.pages.claims.article_systems import source_of
from parlab.orchestrator.serve.pages.claims.runs import ClaimRun
from parlab.orchestrator.show.charts.base import slug

#: A word that settles a claim.
SETTLED = frozenset({"supported", "refuted", "depends"})


@dataclass(frozen=True, order=True)
class ClaimColumn:
    """One build on one node."""

    host: str
    node: str
    build: str


@dataclass(frozen=True)
class Saying:
    """What one run says of a claim on a build."""

    run: ClaimRun
    finding: ClaimFinding
    column: ClaimColumn


@dataclass(frozen=True)
class ClaimRow:
    """One claim over all builds."""

    id: str
    title: str
    text: str
    #: What of the article it is about; "" of a claim that does not ship.
    source: str
    #: What is told on each build, in the columns' order; None: it was not tried there.
    sayings: tuple[Saying | None, ...]
    #: What older runs say besides, newest first.
    older: tuple[Saying, ...]
    #: Name of its part of the page.
    anchor: str

    @property
    def tried(self) -> bool:
        """Whether any run has looked at it."""
        return any(saying is not None for saying in self.sayings)


@dataclass(frozen=True)
class ClaimMatrix:
    """All claims, those that were never tried included."""

    columns: tuple[ClaimColumn, ...]
    rows: tuple[ClaimRow, ...]

    @property
    def untried(self) -> tuple[ClaimRow, ...]:
        """Claims that no run has looked at."""
        return tuple(row for row in self.rows if not row.tried)


def claim_matrix(runs: Sequence[ClaimRun], shipped: Sequence[Claim]) -> ClaimMatrix:
    """Lay claims out.

    Of several runs the newest that settles a claim on a build speaks; where none does, the newest that saw
    anything of it. What others say stays among the older ones: it may differ.

    Args:
        runs: newest first.
        shipped: the claims that ship, in their order; those of experiments' own follow.
    """
    known = {(claim.id, claim.text): claim.title for claim in shipped}
    sayings: dict[tuple[str, str], list[Saying]] = {key: [] for key in known}
    for run in runs:
        for finding in run.claims:
            column = ClaimColumn(finding.host, finding.node, finding.build)
            # An experiment's own claim may have the id of one that ships, and say something else.
            key = (finding.claim, finding.text)
            known.setdefault(key, finding.title)
            sayings.setdefault(key, []).append(Saying(run, finding, column))
    columns = tuple(sorted({saying.column for own in sayings.values() for saying in own}))
    ids = {(claim.id, claim.text) for claim in shipped}
    rows = []
    for number, (key, title) in enumerate(known.items()):
        speaking = tuple(_speaking([s for s in sayings[key] if s.column == column]) for column in columns)
        rows.append(
            ClaimRow(
                id=key[0],
                title=title,
                text=key[1],
                source=source_of(key[0]) if key in ids else "",
                sayings=speaking,
                older=tuple(s for s in sayings[key] if all(s is not spoken for spoken in speaking)),
                anchor=f"claim-{slug(key[0])}" if key in ids else f"claim-own-{number}",
            )
        )
    return ClaimMatrix(columns, tuple(rows))


def _speaking(sayings: Sequence[Saying]) -> Saying | None:
    settled = [saying for saying in sayings if saying.finding.word in SETTLED]
    # One that was stopped before its first block is no newer knowledge.
    seen = [saying for saying in sayings if any(cell.blocks for cell in saying.finding.cells)]
    return next(iter([*settled, *seen, *sayings]), None)


def column_names(columns: Sequence[ClaimColumn]) -> list[str]:
    """Name columns: by the build, with the node and the host where only these tell them apart."""
    nodes, hosts = {column.node for column in columns}, {column.host for column in columns}
    names = []
    for column in columns:
        parts = [f"Python {column.build}"]
        if len(nodes) > 1:
            parts.append(f"node {column.node}")
        if len(hosts) > 1 and len(nodes) < len({(c.node, c.host) for c in columns}):
            parts.append(f"host {column.host}")
        names.append(" · ".join(parts))
    return names
