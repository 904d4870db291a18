"""The column of bars in a terminal's tables: whether there is one, and what stands in it."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import groupby
from typing import TYPE_CHECKING, TextIO

from rich.text import Text

from parlab.orchestrator.show.text.interval_bar import Signs, bar, ruler, scale_of, signs_for

if TYPE_CHECKING:
    from rich.console import Console

    from parlab.orchestrator.show.text.tables import Fit, GroupTable


def bar_signs(stream: TextIO, console: Console) -> Signs | None:
    """Return what bars are drawn with on a terminal; None where lines of signs would be no picture.

    That is a pipe, a file, and a terminal that says it is dumb (or whose words are read aloud). Colours
    are not needed: NO_COLOR takes them away and leaves the bars.
    """
    if not stream.isatty() or console.is_dumb_terminal:
        return None
    return signs_for(getattr(stream, "encoding", None))


def bar_column(
    table: GroupTable, layout: Fit, margin: float, signs: Signs | None, styles: Mapping[str, str]
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
