"""Table of what does not count: trials rejected, lost or failed, with their causes, and void blocks."""

from __future__ import annotations

from collections.abc import Iterator

from parlab.orchestrator.analysis.findings.run import ConfigurationFinding
from parlab.orchestrator.analysis.view import RunView
from parlab.orchestrator.figures import counted, printable
from parlab.orchestrator.plan.model import places
from parlab.orchestrator.show.report.tables import DataTable, ReportCell, TableRow
from parlab.orchestrator.show.text.uncounted import uncounted

_HEADERS = ("configuration", "trials", "count", "do not", "causes")
_LEFT = (True, False, False, False, True)
#: Outcomes of trials that give no figure.
_GONE = ("rejected", "lost", "failed")


def left_out_table(run: RunView) -> DataTable:
    """List the configurations some of whose trials do not count; only words where all do."""
    planned = {group.id: group for group in run.plan.groups}
    rows: list[TableRow] = []
    notes: list[str] = []
    total = 0
    for finding in run.finding.groups:
        where = places(planned[finding.group].configurations)
        own = [
            _row(row, row.label + where.get(row.configuration, ""))
            for row in finding.configurations
            if _gone(row)
        ]
        total += sum(sum(row.outcomes.values()) for row in finding.configurations)
        not_counted = uncounted(run, finding.group)
        void = not_counted.sentence()
        if own:
            heading = TableRow(
                (ReportCell(printable(finding.label)), *(ReportCell("") for _ in _HEADERS[1:])), heading=True
            )
            rows += [heading, *own]
        notes += [f"{cause}, most recently: {why}" for cause, why in not_counted.reasons.items()]
        notes += [f"{finding.label}: {void}"] if void else []
    notes += _failures(run)
    noted = tuple(map(printable, dict.fromkeys(notes)))
    if not rows:
        sentence = f"All {total} trials count." if total > 1 else "The one trial counts."
        sentence = sentence if total else "No trial has come in."
        return DataTable("", (), (), (), sentences=(sentence,), notes=noted)
    gone = sum(int(row.cells[3].text) for row in rows if not row.heading)
    sentence = (
        f"{gone} of {counted(total, 'trial')} {'does' if gone == 1 else 'do'} not count. "
        "A block with a missing trial still counts for those comparisons whose trials are all there."
    )
    return DataTable("", _HEADERS, _LEFT, tuple(rows), (sentence,), noted)


def _gone(row: ConfigurationFinding) -> int:
    return sum(row.outcomes.get(outcome, 0) for outcome in _GONE)


def _row(row: ConfigurationFinding, name: str) -> TableRow:
    gone = _gone(row)
    causes = ", ".join(f"{cause} {count}" for cause, count in row.causes.items())
    figures = (sum(row.outcomes.values()), row.outcomes.get("measured", 0), gone)
    return TableRow(tuple(map(ReportCell, (printable(name), *map(str, figures), printable(causes)))))


def _failures(run: RunView) -> Iterator[str]:
    labels = {row.configuration: row.label for g in run.finding.groups for row in g.configurations}
    for identifier, failure in run.failures.items():
        what = "skipped" if failure.skipped else "taken out of the run"
        yield f"{labels.get(identifier, identifier)}: {what}: {failure.reason}"
    if any(failure.traceback for failure in run.failures.values()):
        yield f"tracebacks: parlab export {run.run} --format json"
