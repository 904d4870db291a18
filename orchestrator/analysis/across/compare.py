"""A comparison from its runs to what it found."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from parlab.orchestrator.analysis.across.gate import Condition, decide
from parlab.orchestrator.analysis.across.matching import Matching, match
from parlab.orchestrator.analysis.across.measured_run import MeasuredRun
from parlab.orchestrator.analysis.across.sample import Sample
from parlab.orchestrator.analysis.across.surroundings import differences
from parlab.orchestrator.analysis.across.verdicts import contests_of, judge, means_of
from parlab.orchestrator.analysis.findings.across import (
    Axis,
    Broken,
    Column,
    CompareFinding,
    GateFinding,
    Unmatched,
)
from parlab.workers.errors import BadInput


def compare(
    runs: Sequence[MeasuredRun],
    by: Axis | None = None,
    baseline: str | None = None,
    conditions: Sequence[Condition] = (),
) -> CompareFinding:
    """Compare runs, or what is in one.

    Args:
        runs: in the order they were named.
        by: the axis; None: runs where there are several, else hosts, builds, nodes or workloads.
        baseline: the reference column; None: the first.
        conditions: what is not to be, of the last column.

    Raises:
        BadInput: there is one value on the axis only, or (without conditions) nothing in common.
    """
    matching = match(runs, by, baseline)
    contests = list(contests_of(matching))
    broken = tuple(_broken(matching))
    if not contests and not broken and not conditions:
        raise BadInput(
            f"{' and '.join(matching.labels[c] for c in matching.columns)} have no configuration in common "
            "that was measured in both",
            "Compare runs of the same experiment; parlab show RUN says what is in each.",
        )
    # The strictest of the runs' own rates holds for all of it.
    alpha = min(run.experiment.stop.alpha for run in runs)
    margin = min(run.experiment.stop.margin for run in runs)
    verdicts = judge(matching, contests, alpha, margin)
    gate: GateFinding | None = None
    if conditions:
        last = matching.columns[-1]
        gate = decide(conditions, last, contests, [b for b in broken if b.column == last], alpha)
    return CompareFinding(
        by=matching.by,
        reference=matching.columns[0],
        columns=tuple(_column(matching, value) for value in matching.columns),
        differences=differences([_compared_in(matching, value) for value in matching.columns]),
        comparisons=verdicts.comparisons,
        means=means_of(matching, contests, alpha),
        unmatched=tuple(_unmatched(matching)),
        broken=broken,
        controlled=verdicts.controlled,
        declared=verdicts.declared,
        alpha=alpha,
        margin=margin,
        notes=tuple(_notes(runs)),
        gate=gate,
    )


def _column(matching: Matching, value: str) -> Column:
    samples = [row.samples[value] for row in matching.rows if value in row.samples]
    runs = {sample.run.run: sample.run for sample in samples}
    return Column(
        value=value,
        label=matching.labels[value],
        runs=tuple(runs),
        hosts=tuple(dict.fromkeys(sample.called("host") for sample in samples)),
        states=tuple(dict.fromkeys(run.state for run in runs.values())),
        started_unix_seconds=min(run.started_unix_seconds for run in runs.values()),
    )


def _compared_in(matching: Matching, value: str) -> list[Sample]:
    """Give a column's samples that have a counterpart; all of them where none has."""
    own = [row for row in matching.rows if value in row.samples]
    tried = [row for row in own if not row.samples[value].skipped]
    chosen = [row for row in tried if len(row.samples) > 1] or tried or own
    return [row.samples[value] for row in chosen]


def _broken(matching: Matching) -> Iterator[Broken]:
    """Find what was measured in the reference and not in another column that was to have it."""
    reference, *others = matching.columns
    for row in matching.rows:
        base = row.samples.get(reference)
        if base is None or base.problem or not base.levels:
            continue
        for column in others:
            other = row.samples.get(column)
            if other is not None and (other.problem or not other.levels):
                why = other.problem or "no trial of it was measured"
                yield Broken(row.workload, row.label, column, why)


def _unmatched(matching: Matching) -> Iterator[Unmatched]:
    """Find what was measured somewhere and is held against nothing, and is not broken."""
    reference, *others = matching.columns
    for row in matching.rows:
        measured = [value for value, s in row.samples.items() if s.levels and not s.problem]
        if reference in measured:
            alone = all(column not in row.samples for column in others)
            why = "there is no counterpart"
        else:
            alone = bool(measured)
            base = row.samples.get(reference)
            why = f"the reference: {base.problem or 'no trial'}" if base else "there is no counterpart"
        if alone:
            there = ", ".join(matching.labels[value] for value in measured)
            yield Unmatched(row.workload, row.label, there, why)


def _notes(runs: Sequence[MeasuredRun]) -> Iterator[str]:
    for run in runs:
        if run.state in ("running", "planned"):
            yield f"run {run.run} is still running, or its command was killed; this is what is known so far"
    rates = {run.experiment.stop.alpha for run in runs}
    if len(rates) > 1:
        yield "the runs have different error rates; the strictest applies here"
