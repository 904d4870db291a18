"""Configurations by hosts: a figure and a colour for each, so that a host that behaves otherwise is seen.

Colours run from orange (below 1) over a neutral one (within the margin) to blue (above 1), in even steps of
the logarithm; who tells no red from green tells these. What is not resolved is grey, whatever its figure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from parlab.orchestrator.analysis.view import RunView
from parlab.orchestrator.figures import decimals, percent, printable
from parlab.orchestrator.show.charts._kit.groups import shown_groups
from parlab.orchestrator.show.charts._kit.matrix import Matrix, MatrixCell, drawn
from parlab.orchestrator.show.charts._kit.palette import GRID, QUIET
from parlab.orchestrator.show.charts.base import Chart, ChartKind
from parlab.orchestrator.show.text.builds import host_names

if TYPE_CHECKING:
    from parlab.orchestrator.analysis.findings.across import Compared, CompareFinding

#: From far below 1 to far above it; the same on light and on dark ground.
COLOURS = ("#a63603", "#e6842a", "#fdbe85", "#f5efd9", "#a6cee3", "#4292c6", "#08519c")
#: Where the steps beyond the margin begin.
_STEPS = (1.5, 2.5)
#: Verdicts that say on which side of 1 a ratio is, or that it is at 1.
_RESOLVED = frozenset({"faster", "slower", "gains more", "gains less", "tied"})
_MOST_ROWS, _MOST_COLUMNS = 40, 12


@dataclass(frozen=True)
class HostCell:
    """One configuration at one place."""

    #: Its name, for people: "threads ×4".
    row: str
    #: The place's: a host, a run.
    column: str
    #: None where there is no figure.
    ratio: float | None
    #: As the finding says it: "faster", "unresolved".
    verdict: str
    #: Why there is no figure, in a word: "skipped", "failed".
    missing: str = "no block"


def make(run: RunView) -> list[Chart]:
    """Draw a run of several hosts; nothing for one of one host."""
    if len(run.plan.hosts) < 2:
        return []
    cells = list(_cells(run))
    if len({cell.column for cell in cells}) < 2:
        return []
    picture = chart(cells, title="Speed-up by configuration and host", margin=run.experiment.stop.margin)
    return [] if picture is None else [picture]


def chart(
    cells: Iterable[HostCell],
    *,
    title: str,
    margin: float,
    name: str = "hosts",
    what: str = "speed-up over its own baseline (times, log scale)",
) -> Chart | None:
    """Draw configurations at several places, of one run or of several; None where no cell has a figure.

    Args:
        cells: in the order of rows and columns; of two in the same place the last counts. What has a row and
            a column and no cell is drawn as "not run".
        title: what it is headed with.
        margin: within ± this two count as tied; the neutral colour.
        name: the chart's.
        what: what the figures are, with their unit.
    """
    every = {(cell.row, cell.column): cell for cell in cells}
    rows = list(dict.fromkeys(row for row, _ in every))
    columns = list(dict.fromkeys(column for _, column in every))
    all_rows, all_columns = len(rows), len(columns)
    rows, columns = rows[:_MOST_ROWS], columns[:_MOST_COLUMNS]
    kept = {place: cell for place, cell in every.items() if place[0] in rows and place[1] in columns}
    if all(cell.ratio is None for cell in kept.values()):
        return None
    title, limits = printable(title), _limits(margin)
    notes = [what, "grey with ?: unresolved; dashed: no figure, for the reason given"]
    if (all_rows, all_columns) != (len(rows), len(columns)):
        notes.append(
            f"shown: {len(rows)} of {all_rows} configurations, {len(columns)} of {all_columns} places"
        )
    matrix = Matrix(
        rows=tuple(map(printable, rows)),
        columns=tuple(map(printable, columns)),
        cells=tuple(
            _drawn(i, j, kept.get((row, column)), limits)
            for i, row in enumerate(rows)
            for j, column in enumerate(columns)
        ),
        swatches=tuple(zip(COLOURS, _ranges(limits), strict=True)),
        notes=tuple(notes),
    )
    answer = _answer(list(kept.values()), len(rows) * len(columns), margin)
    return Chart(name=name, title=title, finding=f"{title}. {answer}", spec=drawn(matrix, title, answer))


def of_comparison(finding: CompareFinding) -> list[Chart]:
    """Draw a comparison of runs or hosts: each against the reference; none where nothing can have a verdict.

    Speed-ups over their own baselines, and seconds that were paired in the same blocks, are a picture each.
    """
    labels = {column.value: column.label for column in finding.columns}
    reference = labels[finding.reference]
    whats = {
        "speed-up": "its speed-up relative to the reference's (times, log scale)",
        "seconds": "how many times as fast as in the reference (times, log scale)",
    }
    pictures = [
        chart(
            (
                _compared(pair, labels)
                for pair in finding.comparisons
                if pair.quantity == quantity and (pair.paired or quantity == "speed-up")
            ),
            title=f"{quantity.capitalize()} by {finding.by}, against {printable(reference)}",
            margin=finding.margin,
            name=f"hosts-{quantity}",
            what=what,
        )
        for quantity, what in whats.items()
    ]
    return [picture for picture in pictures if picture is not None]


def _compared(compared: Compared, labels: dict[str, str]) -> HostCell:
    problem = compared.of_column.problem or compared.of_reference.problem
    return HostCell(
        row=f"{compared.workload} {compared.label}".strip(),
        column=labels[compared.column],
        ratio=None if compared.ratio is None else compared.ratio.ratio,
        verdict=compared.verdict,
        missing="no block" if problem is None else "failed",
    )


def _cells(run: RunView) -> Iterator[HostCell]:
    """Give what was compared on each host; what others are compared with has no ratio."""
    shown = [
        group
        for group in shown_groups(run)
        if group.finding.measure.compared and group.finding.measure.unit == "seconds"
    ]
    hosts = host_names(run)
    works = {group.group.label for group in shown}
    places = [(m.configuration.python, m.configuration.gil) for group in shown for m in group.members]
    several_builds = len(set(places)) > 1
    # Two nodes of a host may offer the same build: then a column is a node.
    per_host = [
        (g.finding.host, g.group.label, m.configuration.python, m.configuration.gil, m.label)
        for g in shown
        for m in g.members
    ]
    by_node = len(set(per_host)) < len(per_host)
    for group in shown:
        for member in group.members:
            configuration, row = member.configuration, member.row
            if row is not None and row.comparison is None and row.verdict == "baseline":
                continue
            name = member.label
            if several_builds:
                gil = f", GIL {configuration.gil}" if configuration.gil else ""
                name += f" on {configuration.python}{gil}"
            if len(works) > 1:
                name = f"{group.group.label} {name}"
            host = hosts.get(group.finding.host, group.finding.host)
            speed_up = row.comparison.speed_up if row is not None and row.comparison is not None else None
            word = member.verdict
            gone = word in ("failed", "skipped")
            yield HostCell(
                row=name,
                column=f"{host} {configuration.node}" if by_node else host,
                ratio=None if speed_up is None or gone else speed_up.ratio,
                verdict=word,
                missing=word if gone else "no block",
            )


def _limits(margin: float) -> tuple[float, ...]:
    """Give the six ratios at which the colour changes, in rising order."""
    inner = 1 + margin
    above = (inner, *(max(step, inner * step / _STEPS[0] * 1.2) for step in _STEPS))
    return (*(1 / limit for limit in reversed(above)), *above)


def _ranges(limits: Sequence[float]) -> list[str]:
    inside = [f"{low:.2f}–{high:.2f}" for low, high in pairwise(limits)]
    return [f"< {limits[0]:.2f}", *inside, f"> {limits[-1]:.2f}"]


def _drawn(row: int, column: int, cell: HostCell | None, limits: Sequence[float]) -> MatrixCell:
    if cell is None:
        return MatrixCell(row, column, "not run", None)
    if cell.ratio is None:
        return MatrixCell(row, column, cell.missing, None)
    if cell.verdict not in _RESOLVED:
        text = f"{_figure(cell.ratio)} ?"
        return MatrixCell(row, column, text, GRID.light, QUIET.light, value=cell.ratio)
    colour = COLOURS[sum(cell.ratio > limit for limit in limits)]
    return MatrixCell(row, column, _figure(cell.ratio), colour, value=cell.ratio)


def _figure(ratio: float) -> str:
    """Write a ratio as tables do: hundredths are enough between 0.1 and 10."""
    return f"{ratio:.{decimals(ratio) if ratio < 0.1 else min(2, decimals(ratio))}f}"


def _answer(cells: Sequence[HostCell], places: int, margin: float) -> str:
    known = [(cell.ratio, cell) for cell in cells if cell.ratio is not None]
    resolved = sum(cell.verdict in _RESOLVED for _, cell in known)
    (most, best), (least, worst) = (choose(known, key=lambda pair: pair[0]) for choose in (max, min))
    parts = [f"Greatest: {_figure(most)}, {printable(best.row)} at {printable(best.column)}"]
    if best is not worst:
        parts.append(f"least: {_figure(least)}, {printable(worst.row)} at {printable(worst.column)}")
    counts = f"{resolved} of {places} resolved"
    if unresolved := len(known) - resolved:
        counts += f", {unresolved} unresolved"
    if missing := places - len(known):
        counts += f", {missing} without a figure"
    return f"{'; '.join(parts)}; {counts}; within {percent(margin)} counts as tied."


CHART = ChartKind("hosts", "speed-ups by configuration and host", make, 50)
