"""A run's claims as text: a matrix of words over builds, then what was seen of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from parlab.orchestrator.analysis.findings.claims import ClaimFinding
from parlab.orchestrator.analysis.view import RunView
from parlab.orchestrator.figures import percent
from parlab.orchestrator.show.text.builds import build_names, place_key
from parlab.orchestrator.show.text.sections import Section, SectionRow

#: Host, node and build: what a column is.
BuildPlace = tuple[str, str, str]


def claim_sections(run: RunView) -> list[Section]:
    """Lay a run's claims out; empty where it has none."""
    claims = run.finding.claims
    if not claims:
        return []
    names, legend = _place_names(run), _legend(run.experiment.stop.alpha)
    if len(names) == 1:
        return [_one_build(claims, legend)]
    by_id: dict[str, list[ClaimFinding]] = {}
    for claim in claims:
        by_id.setdefault(claim.claim, []).append(claim)
    return [_matrix(by_id, names, legend), *_each(by_id, names)]


def claimed_groups(run: RunView) -> set[str]:
    """Name the groups that claims are about: what is said of these is said by the claims."""
    return {group for claim in run.finding.claims for cell in claim.cells for group in cell.groups}


def explained_groups(run: RunView) -> set[str]:
    """Name the groups that claims or advice are about: their measurements stand behind these."""
    return claimed_groups(run) | {advice.group for advice in run.finding.advice}


def _place(claim: ClaimFinding) -> BuildPlace:
    return claim.host, claim.node, claim.build


def _place_names(run: RunView) -> dict[BuildPlace, str]:
    """Name each build, with its node or host where only that tells it apart."""
    builds = build_names(run)
    return {
        _place(claim): builds.get(place_key(claim.node, claim.python, claim.gil), claim.build)
        for claim in run.finding.claims
    }


def _one_build(claims: Sequence[ClaimFinding], legend: str) -> Section:
    return Section(
        title="Claims",
        headers=("", "word", "what was seen"),
        rows=tuple(SectionRow((f"{c.claim} {c.title}", c.word, c.sentence), c.word) for c in claims),
        left=(1, 2),
        notes=(legend,),
    )


def _matrix(
    by_id: Mapping[str, Sequence[ClaimFinding]], names: Mapping[BuildPlace, str], legend: str
) -> Section:
    rows = []
    for some in by_id.values():
        words = {_place(claim): claim.word for claim in some}
        rows.append(SectionRow((f"{some[0].claim} {some[0].title}", *(words.get(p, "") for p in names))))
    return Section(
        title="Claims",
        headers=("", *names.values()),
        rows=tuple(rows),
        left=tuple(range(1, len(names) + 1)),
        notes=(legend,),
    )


def _each(by_id: Mapping[str, Sequence[ClaimFinding]], names: Mapping[BuildPlace, str]) -> list[Section]:
    return [
        Section(
            title=f"{some[0].claim} {some[0].text}",
            headers=("", "word", "what was seen"),
            rows=tuple(SectionRow((names[_place(c)], c.word, c.sentence), c.word) for c in some),
            left=(1, 2),
        )
        for some in by_id.values()
    ]


def _legend(alpha: float) -> str:
    return (
        "supported, refuted: in every condition tested; depends: true in some conditions and not in others; "
        "unresolved: not known yet; skipped: this build cannot do it. "
        f"On average, at most {percent(alpha)} of these words are wrong."
    )
