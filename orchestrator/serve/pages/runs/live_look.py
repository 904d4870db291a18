"""Tables, nodes and claims of a run that is measured, as data for its page; nothing is worked out anew."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from parlab.orchestrator.analysis.findings.claims import ClaimFinding
from parlab.orchestrator.analysis.findings.run import ConfigurationFinding, GroupFinding
from parlab.orchestrator.figures import NONE, counted, waiting
from parlab.orchestrator.plan.model import Configuration, Group, Plan, places
from parlab.orchestrator.serve.pages.ratio_bar import BarScale, RatioBar, bar
from parlab.orchestrator.serve.snapshot import NodeSnapshot, RunSnapshot
from parlab.orchestrator.show.text.columns import Columns, columns_of
from parlab.orchestrator.show.text.group_tables import group_title
from parlab.orchestrator.store.records import Attempt

#: Words that a comparison ends with.
_SETTLED = frozenset({"faster", "slower", "tied", "not distinguished", "failed", "skipped"})


@dataclass(frozen=True)
class LiveRow:
    """One configuration."""

    #: Id of the configuration, unique in the run.
    id: str
    label: str
    strategy: str
    #: Drawn and written; None and a dash where there is no estimate.
    bar: RatioBar | None
    ratio: str
    #: Its verdict in a word ("unresolved" while it is open), and as it is called here ("less").
    word: str
    verdict: str
    #: How far it is: "about 12 more blocks", "9 blocks".
    more: str
    recommended: bool


@dataclass(frozen=True)
class LiveGroup:
    """One workload on one host: a table."""

    #: Fit for an element's id, unique in the run.
    id: str
    title: str
    #: What the ratio is called: "speed-up [95 %]", "times as much [95 %]".
    ratio_title: str
    rows: tuple[LiveRow, ...]
    scale: BarScale
    #: "12 blocks", "being calibrated".
    progress: str


@dataclass(frozen=True)
class LiveClaim:
    """One claim on one build."""

    title: str
    build: str
    word: str
    sentence: str


@dataclass(frozen=True)
class LiveNode:
    """A node of the run, and what it does for it."""

    name: str
    host: str
    #: "measuring", "ready", "paused", "away", or "unknown" before anything was read.
    state: str
    #: What it measures now; "" is nothing.
    running: str
    #: Why it takes no part; "" where it does.
    problem: str = ""


@dataclass(frozen=True)
class LiveTrials:
    """How many trials there are, by what became of them."""

    measured: int
    #: Those that do not count, as "3 rejected (steal 2, throttled 1)", by outcome.
    others: tuple[str, ...]


def live_groups(plan: Plan, snapshot: RunSnapshot, scales: dict[str, BarScale]) -> list[LiveGroup]:
    """Lay out the groups of a run; their scales are kept in ``scales``, where they only grow."""
    findings = {group.group: group for group in snapshot.finding.groups} if snapshot.finding else {}
    several = len(plan.hosts) > 1
    names = {node.host.id: node.host.hostname for node in snapshot.registrations}
    made = []
    for number, group in enumerate(plan.groups, 1):
        where = f" · {names.get(group.host, group.host)}" if several else ""
        finding = findings.get(group.id)
        made.append(_group(f"g{number}", group, where, finding, scales, plan.experiment.stop.margin))
    return made


def _group(
    name: str,
    group: Group,
    where: str,
    finding: GroupFinding | None,
    scales: dict[str, BarScale],
    margin: float,
) -> LiveGroup:
    rows = {row.configuration: row for row in finding.configurations} if finding is not None else {}
    columns = columns_of(group, finding) if finding is not None else None
    ratios = [ratio for row in rows.values() if columns is not None and (ratio := columns.ratio(row))]
    scale = scales.get(group.id, BarScale(margin=margin)).including(ratios)
    scales[group.id] = scale
    skipped = {skip.configuration.id: skip.reason for skip in group.skipped}
    listed = [*group.configurations, *(skip.configuration for skip in group.skipped)]
    apart = places(listed)
    return LiveGroup(
        id=name,
        title=group_title(group.label, finding.tasks if finding is not None else None) + where,
        ratio_title=columns.headers.get("speed-up", "") if columns is not None else "speed-up",
        rows=tuple(
            _row(way, way.label + apart[way.id], rows.get(way.id), columns, scale, skipped.get(way.id))
            for way in listed
        ),
        scale=scale,
        progress=_group_progress(finding),
    )


def _group_progress(finding: GroupFinding | None) -> str:
    if finding is None or not finding.blocks:
        return "no block yet"
    return counted(finding.blocks, "block") + (", settled" if finding.done else "")


def _row(
    configuration: Configuration,
    label: str,
    row: ConfigurationFinding | None,
    columns: Columns | None,
    scale: BarScale,
    skipped: str | None,
) -> LiveRow:
    word, verdict, more, ratio, drawn = "unresolved", "", "", NONE, None
    if skipped is not None:
        word, more = "skipped", skipped
    elif row is None or columns is None:
        verdict = "not started"
    else:
        word = row.verdict
        verdict = columns.words.get(word, word)
        shown = columns.ratio(row)
        drawn = bar(shown, scale)
        ratio = columns.cells(row).get("speed-up") or columns.cells(row).get("quartiles", NONE)
        more = _more(row)
    return LiveRow(
        id=configuration.id,
        label=label,
        strategy=configuration.strategy,
        bar=drawn,
        ratio=ratio,
        word=word,
        verdict=verdict or word,
        more=more,
        recommended=row is not None and row.recommended,
    )


def _more(row: ConfigurationFinding) -> str:
    if row.problem is not None:
        return row.problem
    comparison = row.comparison
    if comparison is None:
        measured = row.outcomes.get("measured", 0)
        return counted(measured, "trial") if measured else ""
    if comparison.done:
        return counted(comparison.speed_up.blocks, "block") if comparison.speed_up is not None else ""
    if comparison.blocks_left is None:
        return ""
    return f"about {counted(comparison.blocks_left, 'more block')}"


def live_claims(claims: Sequence[ClaimFinding]) -> list[LiveClaim]:
    """Lay out the claims of a run; those of its only build need not name it."""
    several = len({(claim.node, claim.build) for claim in claims}) > 1
    return [
        LiveClaim(
            title=claim.title,
            build=f"{claim.build} of {claim.node}" if several else "",
            word=claim.word,
            sentence=claim.sentence,
        )
        for claim in claims
    ]


def live_nodes(plan: Plan, seen: Sequence[NodeSnapshot], sent: Sequence[Attempt]) -> list[LiveNode]:
    """Say of each node of a run what it does for it: what was sent to it and has not come back."""
    labels = {group.id: group.label for group in plan.groups}
    known = {node.name: node for node in seen}
    doing = {attempt.node: attempt for attempt in sent}
    made = []
    for host in plan.hosts:
        for name in host.nodes:
            node, attempt = known.get(name), doing.get(name)
            made.append(
                LiveNode(
                    name=name,
                    host=_hostname(node, host.id),
                    state=_standing(node, attempt, any_read=bool(seen)),
                    running=_doing(attempt, labels) if attempt is not None else "",
                    problem=(node.problem or "") if node is not None else "",
                )
            )
    return made


def _hostname(node: NodeSnapshot | None, host: str) -> str:
    registration = node.registration if node is not None else None
    return registration.host.hostname if registration is not None and registration.host.id == host else host


def _standing(node: NodeSnapshot | None, attempt: Attempt | None, *, any_read: bool) -> str:
    if node is None:
        return "away" if any_read else "unknown"
    if not node.up:
        return "away"
    if attempt is not None:
        return "measuring"
    return "paused" if node.paused else "ready"


def _doing(attempt: Attempt, labels: Mapping[str, str]) -> str:
    block = "calibrating" if attempt.block is None else f"block {attempt.block + 1}"
    again = f", try {attempt.attempt}" if attempt.attempt > 1 else ""
    return f"{labels.get(attempt.group, attempt.group)} · {block}{again}"


def live_trials(groups: Sequence[GroupFinding]) -> LiveTrials:
    """Count a run's trials by what became of them, with the causes of what does not count."""
    outcomes: Counter[str] = Counter()
    causes: Counter[str] = Counter()
    for row in (row for group in groups for row in group.configurations):
        outcomes.update(row.outcomes)
        causes.update(row.causes)
    others = [f"{count} {outcome}" for outcome, count in outcomes.items() if outcome != "measured" and count]
    why = ", ".join(f"{cause} {count}" for cause, count in causes.most_common())
    return LiveTrials(outcomes["measured"], (*others, *([f"causes: {why}"] if why else [])))


def verdicts(groups: Sequence[LiveGroup], claims: Sequence[LiveClaim]) -> Iterator[tuple[str, str, str]]:
    """Give what has a verdict: an id, its word, and how its arrival is told."""
    several = len(groups) > 1
    for group in groups:
        for row in group.rows:
            if row.word in _SETTLED:
                of = f"{group.title}: " if several else ""
                ratio = f", {row.ratio}" if row.bar is not None else ""
                yield row.id, row.word, f"{of}{row.label}: {row.verdict}{ratio}"
    for number, claim in enumerate(claims):
        if claim.word != "unresolved":
            on = f" on {claim.build}" if claim.build else ""
            yield f"claim {number}", claim.word, f"{claim.title}{on}: {claim.word}"


def time_left(snapshot: RunSnapshot) -> str:
    """Say how long the run may still take; "" where that is not known."""
    if not snapshot.active:
        return ""
    state = snapshot.progress
    budget = state.budget_seconds
    if state.seconds_left is not None and (budget is None or state.seconds_left <= budget):
        return f"about {waiting(state.seconds_left)}"
    return f"at most {waiting(budget)}" if budget is not None else ""
