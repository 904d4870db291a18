"""A run as Markdown: what was found in words, the tables, where it was measured; for an issue or a page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TextIO

from .base import RunView
from .breakeven_section import breakeven_sections
from .builds import build_names
from .claim_section import claim_sections
from .figures import printable, waiting
from .group_tables import group_table
from .scaling_section import scaling_sections
from .sections import Section
from .tables import NOT_DISTINGUISHED, OTHERS, RECOMMENDED, GroupTable

_COLUMNS = ("label", "quartiles", "speed-up", "efficiency", "start-up", "memory", *OTHERS, "verdict")
#: What Markdown or HTML would take for its own.
_ESCAPED = str.maketrans({c: f"\\{c}" for c in "\\`*_{}[]#|~"} | {"<": "&lt;", ">": "&gt;", "&": "&amp;"})


@dataclass(frozen=True)
class MarkdownOutput:
    """Writes GitHub's Markdown."""

    name: str = "markdown"
    summary: str = "sentences and tables for an issue or a page"
    binary: bool = False
    per_node: bool = False

    def write(self, run: RunView, stream: TextIO) -> None:
        """Write the run."""
        stream.write("\n".join(_lines(run)) + "\n")


def _lines(run: RunView) -> Iterator[str]:
    builds = build_names(run)
    planned = {group.id: group for group in run.plan.groups}
    hosts = {node.host.id: node.host.hostname for node in run.registrations}
    several = len(run.plan.hosts) > 1
    yield f"# {_safe(run.experiment.name)}"
    if run.experiment.question:
        yield from ("", f"*{_safe(run.experiment.question)}*")
    for section in claim_sections(run):
        yield from _section(section)
    for finding in run.finding.groups:
        where = f"host {hosts.get(finding.host, finding.host)}" if several else ""
        table = group_table(planned[finding.group], finding, builds, where)
        yield from ("", f"## {_safe(table.title)}")
        if finding.sentences:
            yield from ("", _safe(" ".join(finding.sentences)))
        yield from ("", *_table(table))
        if table.notes:
            yield from ("", *(f"- {_safe(note.text)}" for note in table.notes))
    derived = [
        *scaling_sections(run.finding.scaling, builds),
        *breakeven_sections(run.finding.break_evens, builds),
    ]
    for section in derived:
        yield from _section(section)
    if any(row.recommended for group in run.finding.groups for row in group.configurations):
        yield ""
        yield (
            f"{RECOMMENDED} recommended: the cheapest of those that may be the fastest; "
            f"{NOT_DISTINGUISHED} not distinguished from the fastest"
        )
    warnings = list(dict.fromkeys((*run.finding.warnings, *run.warnings)))
    if warnings:
        yield from ("", "## Warnings", "", *(f"- {_safe(warning)}" for warning in warnings))
    yield from ("", "## Where and how", "")
    yield from _about(run, builds)


def _table(table: GroupTable) -> Iterator[str]:
    columns = [name for name in _COLUMNS if name == "label" or name in table.headers]
    yield "| " + " | ".join(_safe(table.headers[name]) for name in columns) + " |"
    yield "|" + "|".join(":--" if name in ("label", "verdict") else "--:" for name in columns) + "|"
    for row in table.rows:
        cells = [_safe(row.cells.get(name, "").strip()) for name in columns]
        if not row.verdict:
            cells[0] = f"**{cells[0]}**"
        yield "| " + " | ".join(cells) + " |"


def _section(section: Section) -> Iterator[str]:
    yield from ("", f"## {_safe(section.title)}", "")
    if section.rows:
        yield "| " + " | ".join(map(_safe, section.headers)) + " |"
        left = {0, *section.left}
        yield "|" + "|".join(":--" if i in left else "--:" for i in range(len(section.headers))) + "|"
        for row in section.rows:
            yield "| " + " | ".join(map(_safe, row.cells)) + " |"
    for sentence in section.sentences:
        yield from ("", _safe(sentence))
    if section.notes:
        yield from ("", *(f"- {_safe(note)}" for note in section.notes))


def _about(run: RunView, builds: dict[str, str]) -> Iterator[str]:
    for node in run.registrations:
        cpus = node.host.effective_cpus
        used = [name for key, name in builds.items() if key.startswith(f"{node.node} ")]
        yield (
            f"- node {_safe(node.node)}: {_safe(node.host.cpu_model)}, {cpus.count} effective CPUs "
            f"({_safe(cpus.why)}), {_safe(node.host.system)} {_safe(node.host.kernel)}; "
            f"{_safe('; '.join(used) or 'no build is used')}"
        )
    blocks = sum(group.blocks for group in run.finding.groups)
    took = f" in {waiting(run.running_seconds)}" if run.running_seconds else ""
    yield (
        f"- run {run.run}, seed {run.plan.seed}, parlab {_safe(run.parlab_version)}: "
        f"{blocks} blocks{took}, {run.state}"
    )
    if run.command:
        yield f"- made by `parlab {printable(' '.join(run.command)).replace('`', ' ')}`"


def _safe(text: str) -> str:
    return printable(text).replace("\n", " ").translate(_ESCAPED)


OUTPUT = MarkdownOutput()
