"""A run's answers: of its claims, its advice, or each of its groups."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from parlab.orchestrator.analysis.findings.advice import AdviceFinding
from parlab.orchestrator.analysis.findings.claims import ClaimWord
from parlab.orchestrator.analysis.findings.run import GroupFinding
from parlab.orchestrator.analysis.sentences import bounds_text, ratio_text
from parlab.orchestrator.analysis.view import RunView
from parlab.orchestrator.figures import printable
from parlab.orchestrator.plan.model import Group
from parlab.orchestrator.show.report.group_answer import Answer, Certainty, group_answer
from parlab.orchestrator.show.text.builds import host_text
from parlab.orchestrator.show.text.claims import claimed_groups
from parlab.orchestrator.show.text.group_tables import group_title
from parlab.orchestrator.statistics.interval import Interval

#: Claims by their words, in the order in which they are counted.
_WORDS: tuple[ClaimWord, ...] = ("supported", "refuted", "depends", "unresolved", "skipped")


def answers(run: RunView) -> tuple[Answer, ...]:
    """Give a run's answers: of its claims, its advice, or of each of its groups; at least one."""
    if run.finding.claims:
        return (_of_claims(run),)
    advised = {advice.group: advice for advice in run.finding.advice}
    planned = {group.id: group for group in run.plan.groups}
    hidden = claimed_groups(run)
    given = []
    for finding in run.finding.groups:
        if finding.group in hidden:
            continue
        where = _where(run, finding)
        if finding.group in advised:
            given.append(_of_advice(advised[finding.group], where))
        elif not any(row.level is not None or row.value is not None for row in finding.configurations):
            given.append(_nothing(run, planned[finding.group], finding, where))
        else:
            given.append(group_answer(run, planned[finding.group], finding, where))
    if not given:
        given = [Answer("", "", f"Nothing was measured: {_ending(run)}", "none", "No figure")]
    return tuple(map(_shown, given))


def _shown(answer: Answer) -> Answer:
    """Take out of an answer's texts, which hold names of anybody's, what is not to be shown."""
    return replace(
        answer,
        about=printable(answer.about),
        headline=printable(answer.headline),
        bounds=printable(answer.bounds),
        sure=printable(answer.sure),
        sentences=tuple(map(printable, answer.sentences)),
        costs=printable(answer.costs),
    )


def _where(run: RunView, finding: GroupFinding) -> str:
    return group_title(finding.label, finding.tasks) + host_text(run, finding.host)


def _nothing(run: RunView, group: Group, finding: GroupFinding, where: str) -> Answer:
    reasons = [row.problem for row in finding.configurations if row.problem]
    reasons += [skip.reason for skip in group.skipped]
    if not any(row.problem is None for row in finding.configurations) and reasons:
        why = "; ".join(dict.fromkeys(reasons))
    else:
        why = _ending(run)
    return Answer(group.id, where, f"Nothing was measured: {why}", "none", "No figure")


def _ending(run: RunView) -> str:
    if run.state in ("planned", "running"):
        return "no trial has come in yet"
    return run.reason or f"the run ended ({run.state}) before its first trial"


def _of_advice(advice: AdviceFinding, where: str) -> Answer:
    code = advice.recipe.lines if advice.recipe is not None else ()
    pick = next((c for c in advice.candidates if c.configuration == advice.pick), None)
    if pick is None:
        headline = advice.sentences[0] if advice.sentences else "Nothing can be advised yet"
        sentences = advice.sentences[1:]
        return Answer(advice.group, where, headline, "open", "There is no verdict yet", sentences=sentences)
    headline, bounds = f"Use {pick.label}", ""
    if pick.strategy == "serial":
        headline = f"Stay with {pick.label}"
    if advice.speed_up is not None and pick.strategy != "serial":
        headline += f": {_times(advice.speed_up)} as fast as one by one"
        bounds = bounds_text(advice.speed_up)
    open_ways = sum(c.standing in ("not distinguished", "unresolved") for c in advice.candidates)
    certainty: Certainty = "settled" if advice.settled else "likely"
    sure = "All others are behind, tied, or at most a little faster, and the gain is known precisely enough"
    if not advice.settled:
        sure = f"Not settled: {open_ways} other ways may be as good" if open_ways else "Not settled"
    if open_ways == 1:
        sure = sure.replace("ways", "way")
    sentences = advice.sentences
    # What the first sentence says is in the headline.
    if sentences and advice.speed_up is not None and f"{_times(advice.speed_up)} as fast" in sentences[0]:
        sentences = sentences[1:]
    return Answer(
        advice.group, where, headline, certainty, sure, bounds, sentences, strategy=pick.strategy, code=code
    )


def _times(effect: Interval) -> str:
    return f"{ratio_text(effect.ratio)} times"


def _of_claims(run: RunView) -> Answer:
    words = Counter(claim.word for claim in run.finding.claims)
    counted = [f"{words[word]} {word}" for word in _WORDS if words[word]]
    claims = len({claim.claim for claim in run.finding.claims})
    total = len(run.finding.claims)
    what = f"{claims} claims" if claims != 1 else "One claim"
    on = (
        ""
        if total == claims
        else f" on {total // claims} builds"
        if total % claims == 0
        else " on the builds"
    )
    unresolved = words["unresolved"]
    return Answer(
        group="",
        about="",
        headline=f"{what}{on}: {', '.join(counted)}",
        certainty="settled" if not unresolved else "likely" if unresolved < total else "open",
        sure="Nothing is open"
        if not unresolved
        else f"{unresolved} of {total} {'is' if unresolved == 1 else 'are'} not known yet",
    )
