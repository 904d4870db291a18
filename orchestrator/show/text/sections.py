"""Sections of an output, besides its groups: a title, a table, and what it means in words."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.table import Table

from parlab.orchestrator.figures import printable
from parlab.orchestrator.show.text.tables import GAP, INDENT, print_trimmed

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text


@dataclass(frozen=True)
class SectionRow:
    """One line of a section's table."""

    cells: tuple[str, ...]
    #: What it says in one word, by which it is coloured: a verdict; "" for a plain line or a heading.
    word: str = ""


@dataclass(frozen=True)
class Section:
    """A table with sentences, laid out by whoever draws it."""

    title: str
    #: Of each column; the first column is set to the left, the others to the right.
    headers: tuple[str, ...]
    rows: tuple[SectionRow, ...]
    #: Said under the table, in paragraphs.
    sentences: tuple[str, ...] = ()
    #: Smaller print: reasons, what was left out.
    notes: tuple[str, ...] = ()
    #: Columns that are set to the left besides the first, by their places.
    left: tuple[int, ...] = ()
    #: Lines of Python to be pasted, shown first and as they are.
    code: tuple[str, ...] = ()


#: What Markdown or HTML would take for its own.
_ESCAPED = str.maketrans({c: f"\\{c}" for c in "\\`*_{}[]#|~"} | {"<": "&lt;", ">": "&gt;", "&": "&amp;"})


def section_lines(section: Section) -> Iterator[str]:
    """Give a section's lines, an empty one first."""
    yield from ("", f"## {safe(section.title)}", "")
    if section.code:
        # Before the figures that it stands on.
        yield from ("```python", *map(printable, section.code), "```")
        for sentence in section.sentences:
            yield from ("", safe(sentence))
        yield ""
    if section.rows:
        yield "| " + " | ".join(map(safe, section.headers)) + " |"
        left = {0, *section.left}
        yield "|" + "|".join(":--" if i in left else "--:" for i in range(len(section.headers))) + "|"
        for row in section.rows:
            yield "| " + " | ".join(map(safe, row.cells)) + " |"
    for sentence in section.sentences if not section.code else ():
        yield from ("", safe(sentence))
    if section.notes:
        yield from ("", *(f"- {safe(note)}" for note in section.notes))


def safe(text: str) -> str:
    """Write a text so that Markdown takes nothing in it for its own, on one line."""
    return printable(text).replace("\n", " ").translate(_ESCAPED)


#: A column of sentences is worth no less room than this.
_LEAST_COLUMNS = 24

#: Nor set wider than can be read.
_MOST_COLUMNS = 120


def draw_section(
    console: Console, section: Section, text: Callable[[str], Text], styles: Mapping[str, str]
) -> None:
    """Print a section's title and table; arguments as of :func:`draw_table`."""
    draw_head(console, section, text)
    draw_table(console, section, text, styles)


def draw_head(console: Console, section: Section, text: Callable[[str], Text]) -> None:
    """Print a section's title, and its code as it is: a line that is too long is not to be broken."""
    title = text(section.title)
    title.stylize("bold")
    console.print(title)
    if section.code:
        console.print()
        for line in section.code:
            console.print(text(f"    {line}"), no_wrap=True, overflow="ignore", crop=False)


def draw_table(
    console: Console, section: Section, text: Callable[[str], Text], styles: Mapping[str, str]
) -> None:
    """Print a section's table; its last column is folded where it has to be.

    Args:
        console: where to.
        section: what.
        text: makes a text that the console can show.
        styles: colours of rows' words; they are never alone in saying something.
    """
    if not section.rows:
        return
    drawn = Table(box=None, pad_edge=False, padding=(0, GAP, 0, 0), show_edge=False, header_style="dim")
    widths = [
        max([cell_len(head), *(cell_len(row.cells[i]) for row in section.rows if i < len(row.cells))])
        for i, head in enumerate(section.headers)
    ]
    widths[0] += len(INDENT)
    room = min(console.width, _MOST_COLUMNS) - sum(widths[:-1]) - GAP * (len(widths) - 1)
    widths[-1] = min(widths[-1], max(room, _LEAST_COLUMNS))
    for i, head in enumerate(section.headers):
        left = i == 0 or i in section.left
        drawn.add_column(text(head), width=widths[i], justify="left" if left else "right", overflow="fold")
    for row in section.rows:
        cells = [text(cell) for cell in row.cells]
        cells[0] = text(f"{INDENT}{row.cells[0]}")
        for i, cell in enumerate(cells):
            # A matrix has a word in each cell, other tables one for the row.
            word = row.cells[i] if row.cells[i] in styles else row.word if i == 1 else ""
            cell.stylize(styles.get(word, ""))
        drawn.add_row(*cells)
    print_trimmed(console, drawn)
