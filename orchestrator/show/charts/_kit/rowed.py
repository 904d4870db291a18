"""A picture with a row for each configuration: names at its left, the plot, words on each at its right.

Names and words are marks of their own, not labels of an axis: several rows may have the same name, and no
name is ever part of an expression.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt

from parlab.orchestrator.show.charts._kit.palette import INK, PAPER, QUIET
from parlab.orchestrator.show.charts._kit.plot import Row, data, pixels, symbol_at, text_at
from parlab.orchestrator.show.charts._kit.theme import ROW_HEIGHT

#: Of the whole picture, with names and words, in CSS pixels.
_WHOLE_WIDTH = 740
#: Width of a character in a common sans-serif font of 12 pixels, about; what is wider is cut by the limit.
CHARACTER_WIDTH = 6.9
_LEAST_PLOT, _MOST_LABEL = 220, 230
#: Many rows stand closer together.
_MANY, _CLOSE_HEIGHT = 30, 20
_GAP = 12


@dataclass(frozen=True)
class RowLine:
    """One row: a configuration, or the name of the build of those after it."""

    label: str
    #: What stands at its right, by column.
    words: tuple[str, ...] = ()
    heading: bool = False
    #: Whether it stands out: what is recommended.
    bold: bool = False


@dataclass(frozen=True)
class Layout:
    """Where things stand, in CSS pixels from the plot's left upper corner."""

    lines: tuple[RowLine, ...]
    #: How the columns of words are headed.
    heads: tuple[str, ...]
    label_width: int
    plot_width: int
    word_widths: tuple[int, ...]
    row_height: int

    @property
    def height(self) -> int:
        """Height of the plot."""
        return self.row_height * len(self.lines)

    @property
    def left(self) -> int:
        """Where names begin."""
        return -self.label_width - _GAP

    @property
    def right(self) -> int:
        """Where the last column of words ends."""
        return self.plot_width + sum(_GAP + width for width in self.word_widths)

    def y(self, **options: Any) -> alt.Y:
        """Encode the number of a row, from 0, in a field ``row``."""
        scale = alt.Scale(domain=list(range(len(self.lines))), paddingInner=0, paddingOuter=0)
        return alt.Y("row:O", axis=None, scale=scale, **options)


def layout(lines: Sequence[RowLine], heads: Sequence[str]) -> Layout:
    """Divide the picture's width among names, plot and words."""
    columns = [[head, *(line.words[i] for line in lines if line.words)] for i, head in enumerate(heads)]
    # What is bold is wider.
    words = tuple(round((max(map(len, column)) * 1.06 + 0.7) * CHARACTER_WIDTH) for column in columns)
    longest = max(len(line.label) for line in lines)
    label = min(_MOST_LABEL, round(longest * CHARACTER_WIDTH * 1.06) + 4)
    plot = _WHOLE_WIDTH - label - _GAP - sum(words) - _GAP * len(words)
    height = ROW_HEIGHT if len(lines) <= _MANY else _CLOSE_HEIGHT
    return Layout(tuple(lines), tuple(heads), label, max(_LEAST_PLOT, plot), words, height)


def names_and_words(place: Layout) -> list[alt.Chart]:
    """Write the names at the left and the words at the right of each row, with their heads above."""
    drawn = []
    for heading, bold in ((False, False), (False, True), (True, False)):
        rows: list[Row] = [
            {"row": index, "label": line.label}
            for index, line in enumerate(place.lines)
            if (line.heading, line.bold) == (heading, bold)
        ]
        if not rows:
            continue
        x, limit = -_GAP, place.label_width
        style: dict[str, Any] = {"align": "right", "color": INK.light}
        if heading:
            x, limit = place.left, place.right - place.left
            style = {"align": "left", "color": QUIET.light, "fontStyle": "italic"}
        drawn.append(
            alt.Chart(data(rows))
            .mark_text(baseline="middle", limit=limit, fontWeight="bold" if bold else "normal", **style)
            .encode(x=pixels("x", x), y=place.y(), text=alt.Text("label:N"))
        )
    return drawn + _words(place)


def _words(place: Layout) -> list[alt.Chart]:
    drawn = []
    x = place.plot_width + _GAP
    for column, width in enumerate(place.word_widths):
        for bold in (False, True):
            rows: list[Row] = [
                {"row": index, "text": line.words[column]}
                for index, line in enumerate(place.lines)
                if line.words and line.bold == bold
            ]
            if rows:
                drawn.append(
                    alt.Chart(data(rows))
                    .mark_text(align="left", baseline="middle", fontWeight="bold" if bold else "normal")
                    .encode(x=pixels("x", x), y=place.y(), text=alt.Text("text:N"))
                )
        if place.heads[column]:
            drawn.append(text_at(place.heads[column], x, -6, baseline="bottom"))
        x += width + _GAP
    return drawn


@dataclass(frozen=True)
class LegendNote:
    """A few words under the plot, after the shape or the sign that they explain."""

    text: str
    #: A shape that Vega-Lite knows, or "ring".
    shape: str = ""
    sign: str = ""
    #: How strongly the shape is filled, from 0 to 1, where that is what it explains.
    strength: float | None = None


def notes(place: Layout, lines: Sequence[Sequence[LegendNote]], below: int) -> list[alt.Chart]:
    """Write lines of notes under the plot, ``below`` pixels from its lower edge on."""
    drawn = []
    for index, line in enumerate(lines):
        x: float = place.left
        y = place.height + below + 20 * index
        for note in line:
            look: dict[str, Any] = {"color": QUIET.light, "size": 70}
            if note.shape:
                hollow = {"fill": PAPER.light, "stroke": QUIET.light, "strokeWidth": 2}
                look = {"size": 60, **hollow} if note.shape == "ring" else {**look, "shape": note.shape}
                if note.strength is not None:
                    look |= {
                        "stroke": QUIET.light,
                        "strokeWidth": 1,
                        "fillOpacity": note.strength,
                        "size": 110,
                    }
                drawn.append(symbol_at(note.text, x + 6, y, **look))
            if note.sign:
                drawn.append(text_at(note.sign, x, y, color=INK.light))
            x += 18 if note.shape or note.sign else 0
            drawn.append(text_at(note.text, x, y, limit=place.right - place.left))
            x += len(note.text) * CHARACTER_WIDTH * 0.95 + 2 * _GAP
    return drawn
