"""A section as GitHub's Markdown: its title, its table, its sentences and notes."""

from __future__ import annotations

from collections.abc import Iterator

from parlab.orchestrator.show.text.figures import printable
from parlab.orchestrator.show.text.sections import Section

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
