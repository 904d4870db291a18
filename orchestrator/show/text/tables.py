"""A group's table as text, and as many of its columns as a width has room for."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.segment import Segment, Segments
from rich.text import Text

from parlab.orchestrator.figures import NONE
from parlab.orchestrator.show.text.interval_bar import Ratio, Signs, bar, ruler, scale_of

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

#: Signs at a verdict; what they mean is said below the tables.
RECOMMENDED, NOT_DISTINGUISHED = "◀", "◁"
#: Blanks between two columns, and before a row.
GAP = 2
INDENT = "  "
#: Columns of what a scenario measures besides what its variants are compared by.
OTHERS = ("other 1", "other 2", "other 3")
#: All columns, in their order.
COLUMNS = ("label", "quartiles", "speed-up", "efficiency", "start-up", "memory", *OTHERS, "verdict")
#: What the signs at verdicts mean, said once below the tables.
LEGEND = (
    f"{RECOMMENDED} recommended: the cheapest of those tied with the fastest; "
    f"{NOT_DISTINGUISHED} not distinguished from the fastest"
)
#: Columns that are shown where a table has something in them.
_OPTIONAL = ("efficiency", "start-up", "memory", *OTHERS)
#: What a verdict needs at the least: its longest word, with the sign of what is recommended.
_VERDICT_WORD = len("distinguished ◁")
#: Columns of a bar, at the least and at the most; what is drawn coarser than that says less than its figures.
_BAR_LEAST, _BAR_MOST = 17, 33
#: What a bar may cost a terminal: an efficiency is a speed-up by the number of workers, and is seen in it.
_BAR_STEPS: tuple[tuple[str, ...], ...] = ((), ("efficiency",))
#: What a narrow terminal does without, more with each step; what is left always answers the question.
_STEPS: tuple[tuple[str, ...], ...] = (
    (),
    ("efficiency",),
    ("efficiency", "start-up"),
    ("efficiency", "start-up", "quartiles"),
    ("efficiency", "start-up", "quartiles", "memory"),
    ("efficiency", "start-up", "quartiles", "memory", *OTHERS),
)


@dataclass(frozen=True)
class GroupRow:
    """One line of a table: a configuration, or the build that the ones after it ran on."""

    #: Cells by column; a heading has a label only.
    cells: Mapping[str, str]
    #: Its verdict in one word; "" for a heading.
    verdict: str = ""
    #: What its cell "speed-up" says, to be drawn; None: there is nothing to draw.
    ratio: Ratio | None = None


@dataclass(frozen=True)
class TableNote:
    """A sentence under a table."""

    text: str
    #: Of the configuration that it is about, where that is why it is there.
    verdict: str = ""


@dataclass(frozen=True)
class GroupTable:
    """A group's rows, before it is known how much room there is."""

    title: str
    #: How the columns are headed, by column.
    headers: Mapping[str, str]
    rows: tuple[GroupRow, ...]
    #: Reasons and counts that belong under the table.
    notes: tuple[TableNote, ...]


@dataclass(frozen=True)
class TableFit:
    """How tables are laid out in a width."""

    #: Columns and their widths, left to right.
    widths: Mapping[str, int]
    #: Whether the title heads the column of labels, or stands above the table.
    title_heads_labels: bool
    #: What there was no room for.
    given_up: tuple[str, ...]


def fit(tables: Sequence[GroupTable], width: int, *, bars: bool = False) -> TableFit:
    """Choose columns and widths, the same for all tables, that ``width`` has room for.

    ``bars``: whether ratios can be drawn, in a column "bar", where there is room for it.
    """
    if bars and (fitting := _fit_bars(tables, width)):
        return fitting
    for step in _STEPS:
        given_up = _headers(tables, step)
        titled = _widths(tables, step, titled=True)
        if _total(titled) <= width:
            return TableFit(_loose(titled, width), title_heads_labels=True, given_up=given_up)
        widths = _widths(tables, step, titled=False)
        if _total(widths) <= width:
            return TableFit(_loose(widths, width), title_heads_labels=False, given_up=given_up)
        spare = width - _total(widths) + widths["verdict"]
        if spare >= _VERDICT_WORD:  # a verdict over two lines is better than a figure less
            return TableFit({**widths, "verdict": spare}, title_heads_labels=False, given_up=given_up)
    # Narrower than anything that was meant: labels are folded, whatever that looks like.
    narrowest = _widths(tables, _STEPS[-1], titled=False) | {"verdict": _VERDICT_WORD}
    label = max(8, width - _total(narrowest) + narrowest["label"])
    return TableFit(
        {**narrowest, "label": label}, title_heads_labels=False, given_up=_headers(tables, _STEPS[-1])
    )


def _fit_bars(tables: Sequence[GroupTable], width: int) -> TableFit | None:
    """Choose the same with a column of bars after the ratios; None where it would cost too much."""
    if not any(row.ratio is not None for table in tables for row in table.rows):
        return None
    for step in _BAR_STEPS:
        for titled in (True, False):
            widths = _widths(tables, step, titled=titled)
            room = min(_BAR_MOST, width - _total(_loose(widths, width)) - GAP)
            if room >= _BAR_LEAST:
                drawn: dict[str, int] = {}
                for name, columns in widths.items():
                    drawn[name] = columns
                    if name == "speed-up":
                        drawn["bar"] = room
                return TableFit(
                    _loose(drawn, width), title_heads_labels=titled, given_up=_headers(tables, step)
                )
    return None


def print_trimmed(console: Console, table: Table) -> None:
    """Print a table without the blanks that rich fills every line up with: a file or a mail keeps them."""
    for line in console.render_lines(table, pad=False):
        while line and not line[-1].text.strip():
            line.pop()
        if line:
            line[-1] = Segment(line[-1].text.rstrip(), line[-1].style)
        console.print(Segments([*line, Segment.line()]), end="")


def _loose(widths: dict[str, int], width: int) -> dict[str, int]:
    """Give the last column one more where there is one: in ASCII, the sign of what is recommended is two."""
    return {**widths, "verdict": widths["verdict"] + (_total(widths) < width)}


def _total(widths: Mapping[str, int]) -> int:
    return sum(widths.values()) + GAP * (len(widths) - 1)


def _said(tables: Sequence[GroupTable], name: str) -> bool:
    return any(row.cells.get(name, NONE) != NONE for table in tables for row in table.rows)


def _headers(tables: Sequence[GroupTable], given_up: Collection[str]) -> tuple[str, ...]:
    """Name what is left out by its headings; what has nothing in it is not missed."""
    names = []
    for name in given_up:
        heads = [table.headers[name] for table in tables if name in table.headers]
        if _said(tables, name):
            names += [name] if name == "quartiles" else heads
    return tuple(dict.fromkeys(names))


def _widths(tables: Sequence[GroupTable], given_up: Collection[str], *, titled: bool) -> dict[str, int]:
    names = ["label", "seconds" if "quartiles" in given_up else "quartiles"]
    if any("speed-up" in table.headers for table in tables):
        names.append("speed-up")
    names += [name for name in _OPTIONAL if _said(tables, name) and name not in given_up]
    widths = {}
    for name in [*names, "verdict"]:
        cells = [row.cells.get(name, "") for table in tables for row in table.rows]
        heads = [table.title if titled else "" for table in tables]
        heads = heads if name == "label" else [table.headers.get(name, "") for table in tables]
        widths[name] = max((cell_len(text) for text in cells + heads), default=0)
    return widths


def bar_column(
    table: GroupTable, layout: TableFit, margin: float, signs: Signs | None, styles: Mapping[str, str]
) -> list[Text]:
    """Draw a table's bars on a scale of its own: the column's head, then a cell for each row.

    Args:
        table: whose rows bear ratios.
        layout: of the table; without a column "bar", all cells are empty.
        margin: within which two count as equal, as a ratio: 0.05 for 5 %.
        signs: what bars are drawn with; None: none are.
        styles: colours by verdict; they are never alone in saying something.
    """
    scale = scale_of((row.ratio for row in table.rows if row.ratio is not None), margin)
    width = layout.widths.get("bar")
    if scale is None or width is None or signs is None:
        return [Text() for _ in (None, *table.rows)]
    cells = [Text(ruler(scale, width))]
    for row in table.rows:
        # A line that only names a build is no place for a mark.
        drawn = bar(row.ratio, scale, width, signs) if row.verdict else ""
        cell = Text()
        for behind, part in groupby(drawn, (signs.behind | {" "}).__contains__):
            cell.append("".join(part), "dim" if behind else styles.get(row.verdict, ""))
        cells.append(cell)
    return cells
