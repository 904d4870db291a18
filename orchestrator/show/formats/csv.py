"""A run as comma-separated values: a line per trial, for spreadsheets and data frames (docs/exports.md)."""

from __future__ import annotations

import csv
from typing import TextIO

from parlab.orchestrator.analysis.view import RunView
from parlab.orchestrator.show.formats._rows import FACTS, Value, reading_columns, rows
from parlab.orchestrator.show.formats.base import Output

#: A cell that begins so would be run as a formula by a spreadsheet.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def write(run: RunView, stream: TextIO) -> None:
    """Write a header and a line per trial, each ended by a newline alone; what is missing is empty."""
    columns = [*FACTS, *reading_columns(run)]
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(columns)
    for row in rows(run):
        writer.writerow([_text(row.get(column)) for column in columns])


def _text(cell: Value) -> str | int | float:
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, str) and cell.startswith(_FORMULA):
        return f"'{cell}"
    # repr, not rounded: what is read back is what was measured.
    return cell


OUTPUT = Output("csv", "a line per trial, for spreadsheets and data frames (docs/exports.md)", write)
