"""What an output shows of a whole run, besides its groups: a title, a table, and what it means in words."""

from __future__ import annotations

from dataclasses import dataclass


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
