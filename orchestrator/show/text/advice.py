"""Advice as text: the code to paste, what it gains in sentences, and how the others came out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from parlab.orchestrator.analysis.findings.advice import AdviceFinding, Candidate, PlaceFinding
from parlab.orchestrator.figures import NONE, interval, size
from parlab.orchestrator.show.text.builds import place_key
from parlab.orchestrator.show.text.sections import Section, SectionRow

#: Standings by the words by which rows are coloured.
_WORDS: Mapping[str, str] = {"pick": "faster", "behind": "slower"}
#: So many that are behind are shown; the others are counted.
_MOST_BEHIND = 6


def advice_sections(
    findings: Sequence[AdviceFinding], builds: Mapping[str, str], hosts: Mapping[str, str]
) -> list[Section]:
    """Lay advice out: a section for each host, and one for its builds and nodes where there are several.

    Args:
        findings: as found.
        builds: how each :func:`.builds.place_key` is shown.
        hosts: how each host is shown, by its id.
    """
    several = len({finding.host for finding in findings}) > 1
    sections = []
    for finding in findings:
        where = f" · host {hosts.get(finding.host, finding.host)}" if several else ""
        sections.append(_section(finding, where))
        if finding.places:
            sections.append(_places(finding, builds, where))
    return sections


def _section(finding: AdviceFinding, where: str) -> Section:
    shown, left_out = _shown(finding.candidates)
    return Section(
        title=f"Advice for {finding.label}{where}" + ("" if finding.settled else " (not settled)"),
        headers=("way", "against serial", "against the fastest", "memory", "standing"),
        rows=tuple(_row(candidate) for candidate in shown),
        sentences=finding.sentences,
        notes=(
            *_reasons(shown),
            *([f"and {left_out} more that are behind"] if left_out else []),
        ),
        code=finding.recipe.lines if finding.recipe is not None else (),
    )


def _shown(candidates: Sequence[Candidate]) -> tuple[list[Candidate], int]:
    behind = [c for c in candidates if c.standing == "behind" and c.strategy != "serial"]
    hidden = {c.configuration for c in behind[_MOST_BEHIND:]}
    return [c for c in candidates if c.configuration not in hidden], len(hidden)


def _reasons(candidates: Sequence[Candidate]) -> Iterator[str]:
    """Give each reason once, with all that it holds for."""
    names: dict[str, list[str]] = {}
    for candidate in candidates:
        if candidate.reason:
            names.setdefault(candidate.reason, []).append(candidate.label)
    for reason, labels in names.items():
        yield f"{', '.join(labels)}: {reason}"


def _row(candidate: Candidate) -> SectionRow:
    effect, lead = candidate.speed_up, candidate.against_fastest
    return SectionRow(
        (
            candidate.label,
            interval(effect.ratio, effect.low, effect.high) if effect is not None else NONE,
            interval(lead.ratio, lead.low, lead.high) if lead is not None else NONE,
            size(candidate.memory_bytes),
            candidate.standing,
        ),
        _WORDS.get(candidate.standing, candidate.standing),
    )


def _places(finding: AdviceFinding, builds: Mapping[str, str], where: str) -> Section:
    return Section(
        title=f"By build and node{where}",
        headers=("build", "best there", "against serial there", "against the advice", "standing"),
        rows=tuple(_place_row(place, builds) for place in finding.places),
        left=(1,),
    )


def _place_row(place: PlaceFinding, builds: Mapping[str, str]) -> SectionRow:
    effect, lead = place.speed_up, place.against_pick
    return SectionRow(
        (
            builds.get(place_key(place.node, place.python, place.gil), f"Python {place.python}"),
            place.label,
            interval(effect.ratio, effect.low, effect.high) if effect is not None else NONE,
            interval(lead.ratio, lead.low, lead.high) if lead is not None else NONE,
            place.standing,
        ),
        _WORDS.get(place.standing, place.standing),
    )
