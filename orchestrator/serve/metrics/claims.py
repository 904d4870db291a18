"""Figures of claims: the word of each on each build, and what every cell of it was seen to be."""

from __future__ import annotations

import math
from collections.abc import Sequence

from parlab.orchestrator.analysis.findings.claims import CellFinding, ClaimFinding
from parlab.orchestrator.serve.metrics.families import Families
from parlab.orchestrator.serve.snapshot import RunSnapshot

#: Cells that are exported of a run at most. What ships has 60 on each build. An experiment has at most 500
#: tables of claims, but each may have a cell for every pair of ways and conditions, on any number of builds:
#: without a bound, one run could fill Prometheus.
MOST_CELLS = 4000
#: Titles, texts and cells' names come from whoever writes an experiment; beyond this they are cut.
MOST_CHARACTERS = 500
#: An e-value is infinite where its logarithm overflows; sums and axes want numbers.
MOST_EVIDENCE = 1e300


def add_claims(families: Families, snapshot: RunSnapshot) -> None:
    """Add what is known of a run's claims; nothing where it has none."""
    claims = snapshot.finding.claims if snapshot.finding is not None else ()
    if not claims:
        return
    own, progress = families.labelled(run=snapshot.record.id), snapshot.progress
    own.gauge(
        "parlab_run_claims", "Claims of the run on each build that they can be tried on.", progress.claims
    )
    own.gauge(
        "parlab_run_claims_settled",
        "Claims on builds that have their word: supported, refuted or depends.",
        progress.claims_settled,
    )
    shown = within_bound(claims)
    own.gauge(
        "parlab_run_claims_left_out",
        f"Claims on builds that are not exported, since all have more than {MOST_CELLS} cells.",
        len(claims) - len(shown),
    )
    numbers = {name: i for i, name in enumerate(dict.fromkeys(claim.claim for claim in claims), 1)}
    for claim in shown:
        _add_claim(own, claim, numbers[claim.claim])


def within_bound(claims: Sequence[ClaimFinding]) -> list[ClaimFinding]:
    """Give the first claims, whole, that have MOST_CELLS cells together; one without a cell counts as one."""
    room, exported = MOST_CELLS, []
    for claim in claims:
        room -= max(len(claim.cells), 1)
        if room < 0:
            break
        exported.append(claim)
    return exported


def _add_claim(families: Families, claim: ClaimFinding, number: int) -> None:
    families.gauge(
        "parlab_claim_info",
        "What a claim says; always 1.",
        1,
        claim=claim.claim,
        title=_text(claim.title),
        text=_text(claim.text),
    )
    families.gauge(
        "parlab_claim_number",
        "Place of a claim among those of its run, from 1: tables are sorted by it.",
        number,
        claim=claim.claim,
    )
    own = families.labelled(
        host=claim.host,
        node=claim.node,
        # As the figures of configurations have it.
        python=claim.python + (f" GIL {claim.gil}" if claim.gil else ""),
        claim=claim.claim,
    )
    own.gauge(
        "parlab_claim_verdict",
        "1 for the word that holds now; depends_on names the condition that parts the cells, if one does.",
        1,
        verdict=claim.word,
        depends_on=claim.depends_on or "",
    )
    own.gauge(
        "parlab_claim_evidence",
        "Evidence for the likeliest word, as an e-value; at most 1e300.",
        _evidence(claim.e_value) if claim.word != "skipped" else None,
    )
    for number_of_cell, cell in enumerate(claim.cells, 1):
        # By its place in the claim, which is the same on all builds; its name may change with what is there.
        _add_cell(own.labelled(cell=str(number_of_cell)), cell)


def _add_cell(own: Families, cell: CellFinding) -> None:
    in_units = cell.rule == "value"
    own.gauge(
        "parlab_claim_cell_info",
        "What a cell of a claim is about, and on which side of its bound it lies for certain; always 1.",
        1,
        contrast=_text(cell.label),
        rule=cell.rule,
        unit=cell.unit if in_units else "ratio",
        supports=cell.supports,
        side=cell.side,
    )
    # What a build cannot do was seen in no block and has no evidence: that is not the same as zero of them.
    tried = cell.side != "out"
    own.gauge("parlab_claim_blocks", "Blocks that a cell was seen in.", cell.blocks if tried else None)
    for side, e_value in (("towards", cell.e_towards), ("away", cell.e_away)):
        own.gauge(
            "parlab_claim_cell_evidence",
            "Evidence that a cell lies on its claim's side of the bound, or on the other: an e-value.",
            _evidence(e_value) if tried else None,
            side=side,
        )
    figures = (
        ("effect", "lower", cell.low, "Lower bound of a cell's effect."),
        ("effect", "upper", cell.high, "Upper bound of a cell's effect."),
        ("effect", "", cell.effect, "The effect seen in a cell: median over blocks."),
        ("bound", "", cell.bound, "From here on a cell's effect counts for its claim, or against it."),
    )
    for what, which, value, about in figures:
        name = "_".join(("parlab_claim", what, *([which] if which else [])))
        if in_units:
            own.gauge(name, f"{about} {_VALUE}", _finite(value), unit=cell.unit)
        else:
            own.gauge(f"{name}_ratio", f"{about} {_RATIO}", _finite(value))


_VALUE = "In the base unit that is named."
_RATIO = "How many times as good one way is as the other, or how many times as much that is at a trend's end."


def _evidence(e_value: float) -> float | None:
    return None if math.isnan(e_value) else min(e_value, MOST_EVIDENCE)


def _finite(value: float | None) -> float | None:
    """Take out what is no number: an interval without an end yet, a bound that means nothing here."""
    return value if value is not None and math.isfinite(value) else None


def _text(text: str) -> str:
    """Make a label of what somebody wrote: one line that any terminal and any encoding can show."""
    short = text if len(text) <= MOST_CHARACTERS else f"{text[: MOST_CHARACTERS - 1]}…"
    return "".join(character if character.isprintable() else "?" for character in " ".join(short.split()))
