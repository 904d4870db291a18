"""Tables as templates draw them: the groups' and the sections', with each cell's side and word."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from parlab.orchestrator.analysis.view import RunView
from parlab.orchestrator.figures import printable
from parlab.orchestrator.plan.model import Group
from parlab.orchestrator.show.charts._kit.palette import WORD_COLOURS
from parlab.orchestrator.show.text.group_tables import group_table
from parlab.orchestrator.show.text.sections import Section
from parlab.orchestrator.show.text.tables import COLUMNS, RECOMMENDED, GroupTable

#: Cells that are one of these words bear their colour; the style sheet has a class of each.
WORDS = frozenset({*WORD_COLOURS, "gains more", "gains less"})
#: Columns whose cell says in other words what the row's word is.
_SAYING = frozenset({"standing", "verdict", "word"})


@dataclass(frozen=True)
class ReportCell:
    """One cell of a table."""

    text: str
    #: Word by which it is coloured; "" for none.
    word: str = ""


@dataclass(frozen=True)
class TableRow:
    """One line: its cells, the first of which heads it."""

    cells: tuple[ReportCell, ...]
    #: A build that the lines after it are of, say.
    heading: bool = False
    #: What is recommended.
    chosen: bool = False
    #: Strategy by which its head is marked; "" for none.
    strategy: str = ""


@dataclass(frozen=True)
class DataTable:
    """A table with what is said around it. Without headers there is no table, only words."""

    title: str
    headers: tuple[str, ...]
    #: Whether each column is set to the left; figures are set to the right.
    left: tuple[bool, ...]
    rows: tuple[TableRow, ...]
    #: Paragraphs below it.
    sentences: tuple[str, ...] = ()
    #: Smaller print: reasons, what was left out.
    notes: tuple[str, ...] = ()
    #: Lines of Python to paste, above it.
    code: tuple[str, ...] = ()

    @property
    def wide(self) -> bool:
        """Whether the last column is text that is to be folded: sentences, reasons."""
        return any(len(row.cells[-1].text) > 60 for row in self.rows if row.cells)


def group_tables(run: RunView, builds: Mapping[str, str], groups: Collection[str]) -> list[DataTable]:
    """Lay out the tables of a run's groups.

    Args:
        run: whose.
        builds: how each build is shown, by its key.
        groups: ids of those that are wanted.
    """
    planned = {group.id: group for group in run.plan.groups}
    return [
        _group(planned[finding.group], group_table(run, finding, builds), finding.sentences)
        for finding in run.finding.groups
        if finding.group in groups
    ]


def _group(group: Group, table: GroupTable, sentences: Sequence[str]) -> DataTable:
    columns = [name for name in COLUMNS if name == "label" or name in table.headers]
    columns = [name for name in columns if name in ("label", "verdict") or _said(table, name)]
    strategies = {
        c.label: c.strategy for c in (*group.configurations, *(s.configuration for s in group.skipped))
    }
    rows = []
    for row in table.rows:
        label = row.cells.get("label", "").strip()
        cells = tuple(
            ReportCell(printable(row.cells.get(name, "")).strip(), row.verdict if name == "verdict" else "")
            for name in columns
        )
        heading = not row.verdict
        rows.append(
            TableRow(
                cells,
                heading=heading,
                chosen=RECOMMENDED in row.cells.get("verdict", ""),
                strategy="" if heading or group.workload.scenario else strategies.get(label, ""),
            )
        )
    return DataTable(
        title=printable(table.title),
        headers=tuple("configuration" if name == "label" else table.headers[name] for name in columns),
        left=tuple(name in ("label", "verdict") for name in columns),
        rows=tuple(rows),
        sentences=tuple(map(printable, sentences)),
        notes=tuple(printable(note.text) for note in table.notes),
    )


def _said(table: GroupTable, name: str) -> bool:
    return any(row.cells.get(name, "–") not in ("", "–") for row in table.rows)


def section_table(section: Section) -> DataTable:
    """Lay out a section."""
    left = {0, *section.left, *(i for i, head in enumerate(section.headers) if head in _SAYING)}
    return DataTable(
        title=printable(section.title),
        headers=tuple(map(printable, section.headers)) if section.rows else (),
        left=tuple(index in left for index in range(len(section.headers))),
        rows=tuple(_section_rows(section)),
        sentences=tuple(map(printable, section.sentences)),
        notes=tuple(map(printable, section.notes)),
        code=section.code,
    )


def _section_rows(section: Section) -> Iterator[TableRow]:
    for row in section.rows:
        cells = [printable(cell).strip() for cell in row.cells]
        # A line that only says what the ones below it are of.
        heading = len(cells) > 1 and not any(cells[1:])
        saying = {index for index, head in enumerate(section.headers) if head in _SAYING}
        yield TableRow(
            tuple(
                ReportCell(text, text if text in WORDS else row.word if index in saying else "")
                for index, text in enumerate(cells)
            ),
            heading=heading,
            chosen=row.cells[-1] == "pick",
        )


def facts_table(title: str, columns: Mapping[str, Mapping[str, str | None]], first: str = "") -> DataTable:
    """Lay facts out, a line each and a column for each thing that has them; what differs is marked with ≠.

    Args:
        title: of the table.
        columns: by the thing's name, its facts by theirs; None is what is not known.
        first: heads the column of facts.
    """
    names = dict.fromkeys(name for facts in columns.values() for name in facts)
    rows = []
    for name in names:
        values = [facts.get(name) for facts in columns.values()]
        known = {value for value in values if value is not None}
        if not known:
            continue
        differs = len(known) > 1
        head = ReportCell(f"≠ {name}" if differs else name, "differs" if differs else "")
        rows.append(TableRow((head, *(ReportCell(printable(value or "not known")) for value in values))))
    return DataTable(
        title=printable(title),
        headers=(first, *map(printable, columns)),
        left=(True,) * (len(columns) + 1),
        rows=tuple(rows),
        notes=("≠ marks what is not the same in all columns",)
        if any(row.cells[0].word for row in rows)
        else (),
    )
