"""A gate for CI: what --fail-on asks, and how it ends."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from parlab.orchestrator.analysis.across.verdicts import Contest
from parlab.orchestrator.analysis.findings.across import Broken, GateFinding, GateWord
from parlab.orchestrator.experiment import quantities
from parlab.orchestrator.figures import counted, percent
from parlab.orchestrator.statistics import inference
from parlab.orchestrator.statistics.evidence import log_e_above, log_e_below
from parlab.workers.errors import BadInput

Watched = Literal["slower", "faster", "gains-less", "gains-more"]

#: Exit codes (docs/exit-codes.md).
EXIT_CODES: dict[GateWord, int] = {"passed": 0, "failed": 10, "unresolved": 11, "broken": 12}


@dataclass(frozen=True)
class Condition:
    """What is not to be, and by how much."""

    #: As it was given.
    text: str
    watched: Watched
    #: 0.05: "slower" means to take 1.05 times the reference's seconds, or more.
    share: float

    @property
    def seconds(self) -> bool:
        """Whether it is about seconds, not about speed-ups."""
        return self.watched in ("slower", "faster")

    def log_e(self, contest: Contest, *, met: bool) -> float:
        """Logarithm of the evidence that a comparison meets it, or that it does not."""
        if contest.evidence is None:
            return 0.0
        below = self.watched in ("slower", "gains-less")
        bound = math.log1p(self.share) * (-1 if below else 1)
        return (log_e_below if met == below else log_e_above)(contest.evidence, bound)


def read_condition(text: str) -> Condition:
    """Read "slower:5%".

    Raises:
        BadInput: it is nothing of the kind.
    """
    word, _, amount = text.partition(":")
    word = word.strip().lower()
    cure = "Write --fail-on slower:5% (or faster, gains-less, gains-more)."
    watched = next((w for w in get_args(Watched) if w == word), None)
    if watched is None:
        raise BadInput(f"--fail-on {text}: {word!r} is not a condition", cure)
    try:
        share = quantities.ratio(amount)
    except ValueError as error:
        raise BadInput(f"--fail-on {text}: {error}", cure) from error
    return Condition(text, watched, share)


def decide(
    conditions: Sequence[Condition],
    column: str,
    contests: Sequence[Contest],
    broken: Sequence[Broken],
    alpha: float,
) -> GateFinding:
    """Say how a gate ends for one column.

    *failed*: e-BH at rate ``alpha`` over all its comparisons and conditions declares at least one met,
    tested at the condition's own bound. *passed*: of each comparison it is shown that none is met, at
    level 1 − ``alpha``; as all have to be shown, the chance that it passes although one is met is
    ``alpha`` at most, however many there are. *broken*: something failed, or could not be run, that the
    reference has, or there is nothing to judge.
    """
    own = [c for c in contests if c.column == column]
    pairs = [
        (condition, c)
        for condition in conditions
        for c in own
        if c.quantity == ("seconds" if condition.seconds else "speed-up")
    ]
    e_values = [inference.e_of(condition.log_e(c, met=True)) for condition, c in pairs]
    met = inference.e_bh(e_values, alpha)
    limit = -math.log(alpha)
    unknown = [pair for pair in pairs if pair[0].log_e(pair[1], met=False) < limit]

    def ended(word: GateWord, reasons: Sequence[str]) -> GateFinding:
        texts = tuple(condition.text for condition in conditions)
        return GateFinding(texts, column, word, tuple(dict.fromkeys(reasons)), len(pairs))

    if broken:
        return ended("broken", [f"{_named(b.workload, b.label)}: {b.reason}" for b in broken])
    bare = [c for c in conditions if all(condition is not c for condition, _ in pairs)]
    if bare:
        return ended("broken", [_nothing(condition, own) for condition in bare])
    if met:
        return ended("failed", [_said(*pairs[i]) for i in sorted(met)])
    if unknown:
        return ended("unresolved", _open(unknown))
    return ended("passed", ())


def _nothing(condition: Condition, contests: Sequence[Contest]) -> str:
    if contests:
        return (
            f"{condition.text}: no speed-ups are compared here, because all comparisons are paired; "
            "use --fail-on slower:5%"
            if not condition.seconds
            else f"{condition.text}: no seconds are compared here"
        )
    return f"{condition.text}: no configuration was measured on both sides"


def _said(condition: Condition, contest: Contest) -> str:
    ratio = math.exp(contest.estimate or 0.0)
    what = f"{_named(contest.row.workload, contest.row.label)}: ratio {ratio:.3g}"
    return f"{what}; it is {_words(condition)} by {percent(condition.share)} or more"


def _open(unknown: Sequence[tuple[Condition, Contest]]) -> list[str]:
    """Say what is not known, each reason once with what it holds for."""
    by_reason: dict[str, list[str]] = {}
    for condition, contest in unknown:
        least = min(contest.blocks, contest.reference_blocks)
        blocks = f"{counted(least, 'block')} {'is' if least == 1 else 'are'}"
        why = f"{blocks} not enough to tell whether it is {_words(condition)} by {percent(condition.share)}"
        name = _named(contest.row.workload, contest.row.label)
        by_reason.setdefault(why if contest.evidence is not None else str(contest.reason), []).append(name)
    return [f"{why}: {'; '.join(names)}" for why, names in by_reason.items()]


def _named(workload: str, label: str) -> str:
    return f"{workload} {label}".strip()


def _words(condition: Condition) -> str:
    return {"gains-less": "gaining less", "gains-more": "gaining more"}.get(
        condition.watched, condition.watched
    )
