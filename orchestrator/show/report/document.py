"""The report as data: the template draws it and works out nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from parlab.orchestrator.analysis.findings.across import CompareFinding
from parlab.orchestrator.analysis.view import RunView
from parlab.orchestrator.figures import counted, printable, waiting
from parlab.orchestrator.show.report.answers import answers
from parlab.orchestrator.show.report.group_answer import Answer
from parlab.orchestrator.show.report.left_out import left_out_table
from parlab.orchestrator.show.report.method import CommandLine, commands, environment_tables, method
from parlab.orchestrator.show.report.pictures import Pictures
from parlab.orchestrator.show.report.tables import DataTable, group_tables, section_table
from parlab.orchestrator.show.text.advice import advice_sections
from parlab.orchestrator.show.text.breakeven import breakeven_sections
from parlab.orchestrator.show.text.builds import build_names, host_names
from parlab.orchestrator.show.text.claims import claim_sections, explained_groups
from parlab.orchestrator.show.text.comparison import sections_of
from parlab.orchestrator.show.text.scaling import scaling_sections
from parlab.orchestrator.show.text.tables import LEGEND

#: States of a run in words.
_STATES = {
    "planned": "not started",
    "running": "running, or its command was killed",
    "done": "done",
    "budget": "stopped at its budget",
    "interrupted": "interrupted",
    "failed": "failed",
}


@dataclass(frozen=True)
class RunReport:
    """One run, as the report and the lab's page show it."""

    run: str
    experiment: str
    #: The experiment's question, or its name where it has none.
    question: str
    state: str
    #: "2026-11-24 21:10 UTC · 71 s · 1 node · 3 builds · seed 42".
    about: str
    answers: tuple[Answer, ...]
    #: What a reader must know before any figure.
    warnings: tuple[str, ...]
    pictures: Pictures
    #: Of groups, curves, break-evens; of claims and advice, which have their own words, first.
    tables: tuple[DataTable, ...]
    #: What signs in the tables mean; "" where they have none.
    legend: str
    #: Groups that claims or advice are about: the measurements behind these.
    behind: tuple[DataTable, ...]
    environment: tuple[DataTable, ...]
    method: tuple[str, ...]
    left_out: DataTable
    commands: tuple[CommandLine, ...]


@dataclass(frozen=True)
class RunsSideBySide:
    """What the runs of a report come to, side by side."""

    headline: str
    tables: tuple[DataTable, ...]


@dataclass(frozen=True)
class ReportDocument:
    """One report of one or several runs."""

    title: str
    runs: tuple[RunReport, ...]
    #: Of several runs; None of one.
    comparison: RunsSideBySide | None
    parlab_version: str
    made: str


def run_report(run: RunView, pictures: Pictures = Pictures()) -> RunReport:  # noqa: B008 - frozen
    """Put together what is to be shown of a run.

    Args:
        run: with its trials; without them what does not count is not said in full.
        pictures: drawn by :func:`.pictures.pictures_of`.
    """
    builds = build_names(run)
    finding = run.finding
    hidden = explained_groups(run)
    open_groups = {group.group for group in finding.groups} - hidden
    tables = [section_table(section) for section in claim_sections(run)]
    # Its code and its sentences are in the answer.
    tables += [
        section_table(replace(section, code=(), sentences=()))
        for section in advice_sections(finding.advice, builds, host_names(run))
    ]
    tables += group_tables(run, builds, open_groups)
    derived = [*scaling_sections(finding.scaling, builds), *breakeven_sections(finding.break_evens, builds)]
    behind = group_tables(run, builds, hidden)
    # Curves of what claims or advice are about belong to what is behind these, too.
    (behind if hidden else tables).extend(section_table(section) for section in derived)
    recommended = any(row.recommended for group in finding.groups for row in group.configurations)
    return RunReport(
        run=run.run,
        experiment=printable(run.experiment.name),
        question=printable(run.experiment.question or run.experiment.name),
        state=_STATES[run.state],
        about=_about(run, len(builds)),
        answers=answers(run),
        warnings=tuple(map(printable, dict.fromkeys((*finding.warnings, *run.warnings)))),
        pictures=pictures,
        tables=tuple(tables),
        legend=LEGEND if recommended else "",
        behind=tuple(behind),
        environment=tuple(environment_tables(run)),
        method=method(run),
        left_out=left_out_table(run),
        commands=commands(run),
    )


def report(
    runs: Sequence[RunReport],
    comparison: CompareFinding | str | None,
    parlab_version: str,
    made_unix_seconds: float,
) -> ReportDocument:
    """Put a report together.

    Args:
        runs: one or several.
        comparison: of several; a text says why there is none.
        parlab_version: of what makes it.
        made_unix_seconds: when it is made.
    """
    title = runs[0].question if len(runs) == 1 else f"Runs {', '.join(run.run for run in runs)}"
    return ReportDocument(
        title, tuple(runs), _comparison(comparison), parlab_version, _moment(made_unix_seconds)
    )


def _comparison(compared: CompareFinding | str | None) -> RunsSideBySide | None:
    if compared is None:
        return None
    if isinstance(compared, str):
        return RunsSideBySide(f"Not compared: {compared}", ())
    words = Counter(c.verdict for c in compared.comparisons if c.e_value is not None)
    verdicts = ", ".join(f"{count} {word}" for word, count in words.items())
    labels = {column.value: column.label for column in compared.columns}
    reference = labels.pop(compared.reference)
    others = ", ".join(labels.values())
    headline = f"{others} against {reference}: {verdicts or 'nothing that can have a verdict'}"
    return RunsSideBySide(headline, tuple(section_table(section) for section in sections_of(compared)))


def _about(run: RunView, builds: int) -> str:
    parts = [_moment(run.started_unix_seconds)]
    if run.running_seconds:
        parts.append(f"took {waiting(run.running_seconds)}")
    for count, noun in ((len(run.registrations), "node"), (builds, "build")):
        parts.append(counted(count, noun))
    return " · ".join((*parts, f"seed {run.plan.seed}", f"parlab {printable(run.parlab_version)}"))


def _moment(unix_seconds: float) -> str:
    return datetime.fromtimestamp(unix_seconds, UTC).strftime("%Y-%m-%d %H:%M UTC")
