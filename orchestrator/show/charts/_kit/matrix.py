"""A picture of cells in rows and columns, each with a word or a figure on its colour.

Names are marks of their own, not labels of an axis, as in :mod:`.rowed`: several may be the same.
"""

from __future__ import annotations

import textwrap
from dataclasses import dataclass

import altair as alt

from parlab.orchestrator.show.charts._kit.palette import GRID, INK, QUIET
from parlab.orchestrator.show.charts._kit.plot import (
    Row,
    Spec,
    data,
    headed,
    layered,
    pixels,
    specification,
    symbol_at,
    text_at,
    unchecked,
)
from parlab.orchestrator.show.charts._kit.rowed import CHARACTER_WIDTH

#: Of the whole picture, in CSS pixels; what has many columns is wider.
_WHOLE_WIDTH = 740
_MOST_LABEL, _LEAST_COLUMN, _MOST_COLUMN = 300, 76, 150
_ROW_HEIGHT, _GAP, _HEAD_LINES = 30, 12, 3
#: Text on a colour that is the same on light and dark ground, and so turns over with neither.
_BLACK, _WHITE = "#000000", "#ffffff"


@dataclass(frozen=True)
class MatrixCell:
    """One cell, by its row and column from 0."""

    row: int
    column: int
    text: str
    #: What it is filled with; None: it has a dashed outline and no ground of its own.
    fill: str | None
    #: Colour of its text; None: black or white, whichever is read better on what it is filled with.
    ink: str | None = None
    #: The figure behind the text, for other programs; None where there is none.
    value: float | None = None


@dataclass(frozen=True)
class Matrix:
    """All that is drawn."""

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    cells: tuple[MatrixCell, ...]
    #: Colours with what they mean, in a line under the cells.
    swatches: tuple[tuple[str, str], ...] = ()
    #: What else there is to know, in lines under that.
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Sizes:
    label: int
    column: int
    width: int
    height: int


def ink_on(fill: str) -> str:
    """Choose black or white for text on a colour: at least 4.5 : 1 on any (WCAG 2.2, 1.4.3)."""
    # Contrast with black and with white is equal at a luminance of 0.179.
    return _BLACK if _luminance(fill) > 0.179 else _WHITE


def _luminance(colour: str) -> float:
    parts = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def drawn(matrix: Matrix, title: str, answer: str) -> Spec:
    """Draw it under its title, with the answer in words."""
    place = _place(matrix)
    with unchecked():
        layers = [*_cells(matrix), *_heads(matrix, place), *_below(matrix, place)]
        return specification(layered(layers, place.width, place.height, headed(title, answer)))


def _place(matrix: Matrix) -> _Sizes:
    longest = max(map(len, matrix.rows))
    label = min(_MOST_LABEL, round(longest * CHARACTER_WIDTH) + 4)
    free = (_WHOLE_WIDTH - label - _GAP) // len(matrix.columns)
    column = max(_LEAST_COLUMN, min(_MOST_COLUMN, free))
    return _Sizes(label, column, column * len(matrix.columns), _ROW_HEIGHT * len(matrix.rows))


def _x(matrix: Matrix) -> alt.X:
    scale = alt.Scale(domain=list(range(len(matrix.columns))), paddingInner=0.04, paddingOuter=0)
    return alt.X("column:O", axis=None, scale=scale)


def _y(matrix: Matrix) -> alt.Y:
    scale = alt.Scale(domain=list(range(len(matrix.rows))), paddingInner=0.1, paddingOuter=0)
    return alt.Y("row:O", axis=None, scale=scale)


def _cells(matrix: Matrix) -> list[alt.Chart]:
    x, y = _x(matrix), _y(matrix)
    filled = [_row(cell) for cell in matrix.cells if cell.fill is not None]
    empty = [_row(cell) for cell in matrix.cells if cell.fill is None]
    layers = []
    if filled:
        ground = alt.Chart(data(filled)).mark_rect(cornerRadius=3)
        layers.append(ground.encode(x=x, y=y, color=alt.Color("fill:N", scale=None)))
    if empty:
        outline = alt.Chart(data(empty)).mark_rect(
            filled=False, stroke=GRID.light, strokeDash=[3, 3], cornerRadius=3
        )
        layers.append(outline.encode(x=x, y=y))
    text = alt.Chart(data(filled + empty)).mark_text(align="center", baseline="middle")
    layers.append(text.encode(x=x, y=y, text=alt.Text("text:N"), color=alt.Color("ink:N", scale=None)))
    return layers


def _row(cell: MatrixCell) -> Row:
    ink = cell.ink
    if ink is None:
        ink = QUIET.light if cell.fill is None else ink_on(cell.fill)
    # A cell without a ground has no colour, and its value may be missing: left out, never null or 0.
    row: Row = {"row": cell.row, "column": cell.column, "text": cell.text, "ink": ink}
    if cell.fill is not None:
        row["fill"] = cell.fill
    if cell.value is not None:
        row["value"] = cell.value
    return row


def _heads(matrix: Matrix, place: _Sizes) -> list[alt.Chart]:
    """Write the rows' names at the left, and the columns' above, in several lines where they are long."""
    fit = round(place.column / CHARACTER_WIDTH)
    names: list[Row] = [{"row": i, "label": name} for i, name in enumerate(matrix.rows)]
    heads: list[Row] = [{"column": i, "label": _wrapped(name, fit)} for i, name in enumerate(matrix.columns)]
    return [
        alt.Chart(data(names))
        .mark_text(align="right", baseline="middle", limit=place.label, color=INK.light)
        .encode(x=pixels("x", -_GAP), y=_y(matrix), text=alt.Text("label:N")),
        alt.Chart(data(heads))
        .mark_text(
            align="center", baseline="line-bottom", lineBreak="\n", limit=place.column, color=INK.light
        )
        .encode(x=_x(matrix), y=pixels("y", -8 - 15 * (_lines(heads) - 1)), text=alt.Text("label:N")),
    ]


def _wrapped(name: str, fit: int) -> str:
    """Break a name into lines, behind its commas where that will do: "CPython 3.13.5t, | GIL off"."""
    parts = [name] if len(name) <= fit else name.replace(", ", ",\n").split("\n")
    lines = [line for part in parts for line in textwrap.wrap(part, fit)] or [name]
    return "\n".join(lines if len(lines) <= _HEAD_LINES else [*lines[: _HEAD_LINES - 1], "…"])


def _lines(heads: list[Row]) -> int:
    return max(str(head["label"]).count("\n") + 1 for head in heads)


def _below(matrix: Matrix, place: _Sizes) -> list[alt.Chart]:
    """Explain colours and words under the cells."""
    layers = []
    left, y = -place.label - _GAP, place.height + 22
    x: float = left
    for fill, text in matrix.swatches:
        layers.append(symbol_at(text, x + 7, y, shape="square", filled=True, size=150, color=fill))
        layers.append(text_at(text, x + 18, y))
        x += 18 + len(text) * CHARACTER_WIDTH + _GAP
    if matrix.swatches:
        y += 22
    for note in matrix.notes:
        layers.append(text_at(note, left, y))
        y += 18
    return layers
