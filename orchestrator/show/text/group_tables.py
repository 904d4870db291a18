"""The table of a group's findings: one row per configuration, what each took, and notes under it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from parlab.orchestrator.analysis.findings.run import ConfigurationFinding, GroupFinding
from parlab.orchestrator.analysis.view import RunView
from parlab.orchestrator.figures import NONE
from parlab.orchestrator.plan.model import Configuration, Group, places
from parlab.orchestrator.show.text.builds import build_key, host_text
from parlab.orchestrator.show.text.columns import Columns, baselines, columns_of
from parlab.orchestrator.show.text.tables import (
    INDENT,
    NOT_DISTINGUISHED,
    RECOMMENDED,
    GroupRow,
    GroupTable,
    TableNote,
)
from parlab.orchestrator.show.text.uncounted import Uncounted, uncounted


def group_title(label: str, tasks: int | None) -> str:
    """Name a group by its label; a number of tasks that was found by calibration is not yet in the plan's."""
    return label if tasks is None or label.endswith(f" × {tasks}") else f"{label} × {tasks}"


def group_table(run: RunView, finding: GroupFinding, builds: Mapping[str, str]) -> GroupTable:
    """Lay a group's findings out as text.

    Args:
        run: whose.
        finding: of the group.
        builds: how each :func:`build_key` is shown; where there are several, each gets a line.
    """
    group = next(group for group in run.plan.groups if group.id == finding.group)
    planned = {configuration.id: configuration for configuration in group.configurations}
    planned |= {skip.configuration.id: skip.configuration for skip in group.skipped}
    columns = columns_of(group, finding)
    tried = {row.configuration: row for row in finding.configurations}
    # What was not tried belongs under its build, too: a row that is missing looks like an oversight.
    listed = [*tried, *(c.configuration.id for c in group.skipped if c.configuration.id not in tried)]
    keys = {name: build_key(planned[name]) for name in listed}
    several = len(set(keys.values())) > 1
    indent = INDENT * (2 if several else 1)
    rows: list[GroupRow] = []
    for key in dict.fromkeys(keys.values()):
        if several:
            rows.append(GroupRow({"label": INDENT + builds.get(key, key)}))
        rows += [
            _row(tried[name], columns, indent) if name in tried else _skipped_row(planned[name], indent)
            for name in listed
            if keys[name] == key
        ]
    headers = {"label": "", **columns.headers, "verdict": "verdict"}
    title = group_title(finding.label, finding.tasks) + host_text(run, finding.host)
    notes = tuple(_notes(group, finding, uncounted(run, finding.group)))
    return GroupTable(title, headers, tuple(rows), notes)


def _row(row: ConfigurationFinding, columns: Columns, indent: str) -> GroupRow:
    cells = {
        **columns.cells(row),
        "label": indent + row.label,
        "verdict": _verdict_words(row, columns.words),
    }
    return GroupRow(cells, verdict=row.verdict, ratio=columns.ratio(row))


def _skipped_row(configuration: Configuration, indent: str) -> GroupRow:
    # What a column has no cell for is left empty, which would look forgotten here.
    cells = dict.fromkeys(("quartiles", "seconds", "speed-up", "efficiency", "start-up", "memory"), NONE)
    return GroupRow({**cells, "label": indent + configuration.label, "verdict": "skipped"}, verdict="skipped")


def _verdict_words(row: ConfigurationFinding, words: Mapping[str, str]) -> str:
    text = words.get(row.verdict, row.verdict)
    if row.recommended:
        return f"{text} {RECOMMENDED}"
    if row.best == "not distinguished":
        return f"{text} {NOT_DISTINGUISHED}"
    return f"{text}, tied" if row.best == "tied" and text != "tied" else text


def _notes(group: Group, finding: GroupFinding, left_out: Uncounted) -> Iterator[TableNote]:
    rows = finding.configurations
    where = places([*group.configurations, *(skip.configuration for skip in group.skipped)])
    disturbed: list[str] = []
    # One line for what several have in common: a strategy that two builds lack, say.
    reasons: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        name = row.label + where.get(row.configuration, "")
        if row.problem:
            reasons.setdefault((row.verdict, row.problem), []).append(name)
        if counts := _disturbed(row):
            disturbed.append(f"{name} {counts}")
    shown = {row.configuration for row in rows}
    for skip in group.skipped:
        if skip.configuration.id not in shown:
            name = skip.configuration.label + where[skip.configuration.id]
            reasons.setdefault(("skipped", skip.reason), []).append(name)
    for (verdict, reason), alike in reasons.items():
        yield TableNote(f"{', '.join(alike)}: {verdict}: {reason}", verdict)
    yield from _left_out(disturbed, left_out)
    first = next((row for row in rows if row.comparison is None), None)
    further = [row for row in rows if row.comparison and row.configuration in baselines(rows)]
    if first and further:
        names = ", ".join(row.label + where[row.configuration] for row in further)
        with_what = f"compared with {first.label}{where[first.configuration]}"
        yield TableNote(f"{names}: {with_what}; the other rows are compared with their own build's baseline")
    unread = dict.fromkeys(why for row in rows for probe, why in row.unread.items() if probe == "memory_peak")
    if unread and not group.workload.scenario and any(row.memory_bytes is None for row in rows):
        yield TableNote(f"memory is not known: {'; '.join(unread)}")


def _left_out(disturbed: Sequence[str], left_out: Uncounted) -> Iterator[TableNote]:
    if disturbed:
        yield TableNote(f"trials that do not count: {'; '.join(disturbed)}")
        for cause, why in left_out.reasons.items():
            yield TableNote(f"{cause}, most recently: {why}")
    if void := left_out.sentence():
        yield TableNote(void)


def _disturbed(row: ConfigurationFinding) -> str:
    """Count what was rejected or lost, with causes: "2 of 12 (steal 2)"."""
    count = sum(row.outcomes.get(outcome, 0) for outcome in ("rejected", "lost"))
    if not count:
        return ""
    causes = ", ".join(f"{cause} {number}" for cause, number in row.causes.items())
    return f"{count} of {sum(row.outcomes.values())}" + (f" ({causes})" if causes else "")
