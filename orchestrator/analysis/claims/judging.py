"""Words for claims: supported, refuted, depends or unresolved, under one error control for all of a run.

Nothing here knows what a claim is about. Each cell of a claim gives two e-values: that its median lies
on the claim's side of its bound, and that it lies on the other. A claim's word stands for a statement
about all its cells that can be tried on a build:

- *supported*: all lie on the claim's side. Its evidence is the least of theirs: if the statement is
  wrong, one of them has no such median, and its e-value is above the least.
- *refuted*: all lie on the other side; in the same way.
- *depends*: some lie here and some there. That none lies on a side is tested by the mean of the e-values
  towards it, whatever hangs together; both have to be excluded, so that the lesser mean counts.

Whichever statement is true, the greatest evidence for a wrong one is at most the sum of two e-values
(for a claim of one cell: at most one), so that half of the greatest evidence (of one cell: all of it) is
an e-value, and e-BH over all claims, hosts and builds bounds the rate of wrong words (Wang and Ramdas).
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from parlab.orchestrator.analysis.claims.cells import Cell, claim_cells
from parlab.orchestrator.analysis.claims.evidence import Evidence, Trials, evidence, silence
from parlab.orchestrator.analysis.claims.sentences import claim_sentence
from parlab.orchestrator.analysis.findings.claims import CellFinding, CellSide, ClaimFinding, ClaimWord
from parlab.orchestrator.analysis.measurements import Measurements
from parlab.orchestrator.experiment.model import Claim
from parlab.orchestrator.plan.model import PlannedBuild
from parlab.orchestrator.statistics import inference

#: Of a cell that is out.
_NOTHING = Evidence((), math.nan, 0.0, 0.0)
#: Evidence for the wrong words of a claim of several cells is at most the sum of so many e-values.
_SUMMANDS = 2


@dataclass(frozen=True)
class _Case:
    """One claim on one build, before its word is known."""

    claim: Claim
    build: PlannedBuild
    cells: Sequence[Cell]
    #: What each cell's trials say; nothing where it is out.
    evidence: Sequence[Evidence]

    @property
    def live(self) -> list[Evidence]:
        return [seen for cell, seen in zip(self.cells, self.evidence, strict=True) if cell.reason is None]


@dataclass(frozen=True)
class Words:
    """The words of some claims, and what they were given by."""

    words: tuple[ClaimWord, ...]
    e_values: tuple[float, ...]
    #: What a word may err by; where none is given, what the first one will have to reach.
    alpha: float


def likeliest(live: Sequence[Evidence]) -> tuple[ClaimWord, float]:
    """Give the likeliest word of a claim with these cells, and its e-value."""
    if not live:
        return "skipped", 0.0
    towards, away = [cell.towards for cell in live], [cell.away for cell in live]
    e_values: dict[ClaimWord, float] = {
        "supported": min(towards),
        "refuted": min(away),
        "depends": min(math.fsum(towards), math.fsum(away)) / len(live),
    }
    word = max(e_values, key=lambda name: e_values[name])
    return word, e_values[word] / (1 if len(live) == 1 else _SUMMANDS)


def words_of(claims: Sequence[Sequence[Evidence]], alpha: float) -> Words:
    """Give claims their words, all under one error control: those that e-BH declares.

    Args:
        claims: the cells of each that can be tried.
        alpha: rate of wrong words.
    """
    likely = [likeliest(live) for live in claims]
    tested = [i for i, live in enumerate(claims) if live]
    declared = {tested[i] for i in inference.e_bh([likely[i][1] for i in tested], alpha)}
    return Words(
        tuple(
            word if i in declared or word == "skipped" else "unresolved" for i, (word, _) in enumerate(likely)
        ),
        tuple(e_value for _, e_value in likely),
        alpha * max(len(declared), 1) / max(len(tested), 1),
    )


def claims_of(measured: Measurements) -> tuple[ClaimFinding, ...]:
    """Find what a run's trials say about its claims, on each build of each host.

    Returns:
        one finding for each claim and build, in the experiment's and the plan's order.
    """
    laid_out = claim_cells(measured.plan, measured.failed)
    if not laid_out:
        return ()
    stop = measured.plan.experiment.stop
    trials = Trials(measured.observations, _wanted(laid_out))
    cases = [_case(claim, build, cells, trials, stop.most_effects) for claim, build, cells in laid_out]
    words = words_of([case.live for case in cases], stop.alpha)
    return tuple(
        _finding(case, word, e_value, words.alpha)
        for case, word, e_value in zip(cases, words.words, words.e_values, strict=True)
    )


def needed_groups(claims: Collection[ClaimFinding]) -> dict[str, bool]:
    """Say of each group that claims are about whether another block of it may settle one of them.

    A cell of a claim without its word needs no more where it alone has evidence enough for "depends", and
    so for any word; what is lacking then is the other cells' to bring.
    """
    needed: dict[str, bool] = {}
    for claim in claims:
        live = [cell for cell in claim.cells if cell.reason is None]
        for cell in live:
            enough = max(cell.e_towards, cell.e_away) * (1 - cell.level) >= len(live)
            wants = claim.word == "unresolved" and not enough
            for group in cell.groups:
                needed[group] = needed.get(group, False) or wants
        for group in (group for cell in claim.cells for group in cell.groups):
            needed.setdefault(group, False)
    return needed


def _case(
    claim: Claim, build: PlannedBuild, cells: Sequence[Cell], trials: Trials, most: int | None
) -> _Case:
    evidences, known = [], []
    for cell in cells:
        seen = _NOTHING if cell.reason else evidence(cell, trials, most)
        silent = None if cell.reason or seen.effects else silence(cell, trials)
        known.append(replace(cell, reason=cell.reason or silent))
        evidences.append(seen)
    return _Case(claim, build, known, evidences)


def _wanted(laid_out: Sequence[tuple[Claim, PlannedBuild, Sequence[Cell]]]) -> set[str]:
    every = [cell for _, _, cells in laid_out for cell in cells]
    sides = {name for cell in every for side in (*cell.of, *cell.against) for name in side}
    return sides.union(*(group.baselines for cell in every for group in cell.groups))


def _finding(case: _Case, word: ClaimWord, e_value: float, alpha: float) -> ClaimFinding:
    sides = _sides(case, word, alpha)
    # Half of it, as for the claim's word: a cell of a claim that is supported excludes its bound, then.
    level = alpha / (1 if len(case.live) == 1 else _SUMMANDS)
    differing = _differing(case.cells)
    cells = tuple(
        _cell(cell, seen, side, level, differing)
        for cell, seen, side in zip(case.cells, case.evidence, sides, strict=True)
    )
    build = case.build
    finding = ClaimFinding(
        claim=case.claim.id,
        title=case.claim.title,
        text=case.claim.text,
        host=build.host,
        node=build.node,
        python=build.python,
        gil=build.gil,
        word=word,
        e_value=e_value,
        cells=cells,
        depends_on=_depends_on(cells, differing) if word == "depends" else None,
    )
    return claim_sentence(finding)


def _sides(case: _Case, word: ClaimWord, alpha: float) -> list[CellSide]:
    """Say on which side each cell lies: by the claim's word, else by e-BH among the claim's cells."""
    if word in ("supported", "refuted"):
        certain: CellSide = "towards" if word == "supported" else "away"
        return ["out" if cell.reason else certain for cell in case.cells]
    live = [i for i, cell in enumerate(case.cells) if cell.reason is None]
    evidences = case.evidence
    # Of one cell alone there is nothing to add up: it is open until its claim has its word.
    share = alpha if len(live) == 1 else alpha / _SUMMANDS
    certain_ones = {
        live[k] for k in inference.e_bh([max(evidences[i].towards, evidences[i].away) for i in live], share)
    }
    if word == "depends":
        # The word says that there is one on each side: these are the likeliest.
        certain_ones.add(max(live, key=lambda i: evidences[i].towards))
        certain_ones.add(max(live, key=lambda i: evidences[i].away))
    sides: list[CellSide] = ["out" if cell.reason else "open" for cell in case.cells]
    for i in certain_ones:
        sides[i] = "towards" if evidences[i].towards > evidences[i].away else "away"
    return sides


def _cell(
    cell: Cell, seen: Evidence, side: CellSide, alpha: float, differing: Collection[str]
) -> CellFinding:
    contrast = cell.contrast
    ratio = contrast.rule != "value"
    effects = seen.effects
    low, high = inference.interval(effects, alpha)
    return CellFinding(
        label=cell.label,
        rule=contrast.rule,
        groups=tuple(group.id for group in cell.groups),
        side=side,
        bound=cell.bound,
        supports=contrast.supports,
        effect=_shown(inference.median(effects), ratio=ratio) if effects else None,
        low=_shown(low, ratio=ratio),
        high=_shown(high, ratio=ratio),
        level=1 - alpha,
        blocks=len(effects),
        e_towards=seen.towards,
        e_away=seen.away,
        measure=cell.measure,
        unit=cell.unit,
        better=cell.better,
        of=str(cell.conditions["of"]),
        against=str(cell.conditions["against"]),
        conditions={name: value for name, value in cell.conditions.items() if name in differing},
        reason=cell.reason,
    )


def _shown(value: float, *, ratio: bool) -> float | None:
    if not math.isfinite(value):
        return None
    return math.exp(value) if ratio else value


def _differing(cells: Sequence[Cell]) -> list[str]:
    """Name the conditions in which a claim's cells differ."""
    names = dict.fromkeys(name for cell in cells for name in cell.conditions)
    return [name for name in names if len({str(cell.conditions.get(name)) for cell in cells}) > 1]


def _depends_on(cells: Sequence[CellFinding], differing: Sequence[str]) -> str | None:
    """Find the one condition that parts the cells on the claim's side from those on the other.

    The one with the fewest values, since a condition that differs in each cell parts any of them; and
    one that all of them have: that of one workload says nothing of another.
    """
    certain = [cell for cell in cells if cell.side in ("towards", "away")]
    parting = []
    for place, name in enumerate(differing):
        values = [str(cell.conditions.get(name, "")) for cell in certain]
        sides = {(value, cell.side) for value, cell in zip(values, certain, strict=True)}
        if all(values) and len(sides) == len(set(values)):
            parting.append((len(set(values)), place, name))
    return min(parting)[-1] if parting else None
