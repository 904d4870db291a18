"""A comparison on a terminal, as Markdown, or as JSON (docs/compare.md)."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, TextIO

from rich.console import Console
from rich.text import Text

from parlab.orchestrator.analysis.findings.across import CompareFinding
from parlab.orchestrator.show.text.comparison import sections_of
from parlab.orchestrator.show.text.figures import ascii_only, can_show, printable
from parlab.orchestrator.show.text.section_drawing import draw_section
from parlab.orchestrator.show.text.section_markdown import section_lines
from parlab.orchestrator.show.text.tables import INDENT
from parlab.workers.errors import BadInput
from parlab.workers.wire.codec import to_plain

SCHEMA = "parlab/compare/1"
#: Width where nothing says what there is.
_PIPED_COLUMNS = 120
_STYLES = {
    "faster": "green",
    "gains more": "green",
    "slower": "red",
    "gains less": "red",
    "tied": "cyan",
    "unresolved": "yellow",
}


def write_terminal(finding: CompareFinding, stream: TextIO) -> None:
    """Write tables; no colour and no sign that the stream cannot take."""
    width = None if stream.isatty() else _PIPED_COLUMNS
    console = Console(file=stream, width=width, highlight=False, markup=False, emoji=False)
    plain = not can_show(stream)

    def text(content: str, style: str = "") -> Text:
        # A row's indent is part of it, and printable() keeps it.
        clean = printable(content)
        return Text(ascii_only(clean) if plain else clean, style=style)

    for number, section in enumerate(sections_of(finding)):
        if number:
            console.print()
        draw_section(console, section, text, _STYLES)
        said = [(sentence, "") for sentence in section.sentences] + [(note, "dim") for note in section.notes]
        for content, style in said:
            for part in text(content, style).wrap(console, max(20, console.width - len(INDENT))):
                part.rstrip()
                console.print(Text(INDENT) + part, no_wrap=True, overflow="ignore", crop=False)


def write_markdown(finding: CompareFinding, stream: TextIO) -> None:
    """Write GitHub's Markdown."""
    lines = ["# parlab compare"]
    for section in sections_of(finding):
        lines += section_lines(section)
    stream.write("\n".join(lines) + "\n")


def write_json(finding: CompareFinding, stream: TextIO) -> None:
    """Write one JSON object; what does not exist is null."""
    plain: dict[str, Any] = {"schema": SCHEMA, **to_plain(finding)}
    json.dump(plain, stream, indent=1, allow_nan=False, ensure_ascii=True)
    stream.write("\n")


WRITERS: dict[str, Callable[[CompareFinding, TextIO], None]] = {
    "terminal": write_terminal,
    "markdown": write_markdown,
    "json": write_json,
}


def writer(name: str) -> Callable[[CompareFinding, TextIO], None]:
    """Give what writes a format; raises BadInput where there is none of that name."""
    if name not in WRITERS:
        raise BadInput(f"there is no format {name!r} of a comparison", f"There are: {', '.join(WRITERS)}.")
    return WRITERS[name]
