"""A run as Markdown: what was found in words, the tables, where it was measured; for an issue or a page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TextIO

from parlab.orchestrator.analysis.view import RunView
from parlab.orchestrator.figures import printable, size, waiting
from parlab.orchestrator.show.formats.base import Output
from parlab.orchestrator.show.text.advice import advice_sections
from parlab.orchestrator.show.text.breakeven import breakeven_sections
from parlab.orchestrator.show.text.builds import build_names, configurations, host_names
from parlab.orchestrator.show.text.claims import claim_sections
from parlab.orchestrator.show.text.group_tables import group_table
from parlab.orchestrator.show.text.scaling import scaling_sections
from parlab.orchestrator.show.text.sections import safe, section_lines
from parlab.orchestrator.show.text.tables import COLUMNS, LEGEND, GroupTable


def write(run: RunView, stream: TextIO) -> None:
    """Write GitHub's Markdown."""
    stream.write("\n".join(_lines(run)) + "\n")


def _lines(run: RunView) -> Iterator[str]:
    builds = build_names(run)
    yield f"# {safe(run.experiment.name)}"
    if run.experiment.question:
        yield from ("", f"*{safe(run.experiment.question)}*")
    for section in [*advice_sections(run.finding.advice, builds, host_names(run)), *claim_sections(run)]:
        yield from section_lines(section)
    for finding in run.finding.groups:
        table = group_table(run, finding, builds)
        yield from ("", f"## {safe(table.title)}")
        if finding.sentences:
            yield from ("", safe(" ".join(finding.sentences)))
        yield from ("", *_table(table))
        if table.notes:
            yield from ("", *(f"- {safe(note.text)}" for note in table.notes))
    derived = [
        *scaling_sections(run.finding.scaling, builds),
        *breakeven_sections(run.finding.break_evens, builds),
    ]
    for section in derived:
        yield from section_lines(section)
    if any(row.recommended for group in run.finding.groups for row in group.configurations):
        yield from ("", LEGEND)
    warnings = list(dict.fromkeys((*run.finding.warnings, *run.warnings)))
    if warnings:
        yield from ("", "## Warnings", "", *(f"- {safe(warning)}" for warning in warnings))
    yield from ("", "## Where and how", "")
    yield from _about(run, builds)


def _table(table: GroupTable) -> Iterator[str]:
    columns = [name for name in COLUMNS if name == "label" or name in table.headers]
    yield "| " + " | ".join(safe(table.headers[name]) for name in columns) + " |"
    yield "|" + "|".join(":--" if name in ("label", "verdict") else "--:" for name in columns) + "|"
    for row in table.rows:
        cells = [safe(row.cells.get(name, "").strip()) for name in columns]
        if not row.verdict:
            cells[0] = f"**{cells[0]}**"
        yield "| " + " | ".join(cells) + " |"


def _about(run: RunView, builds: dict[str, str]) -> Iterator[str]:
    for node in run.registrations:
        cpus = node.host.effective_cpus
        used = [name for key, name in builds.items() if key.startswith(f"{node.node} ")]
        yield (
            f"- node {safe(node.node)}: {safe(node.host.cpu_model)}, {cpus.count} effective CPUs "
            f"({safe(cpus.why)}), {safe(node.host.system)} {safe(node.host.kernel)}; "
            f"{safe('; '.join(used) or 'no build is used')}"
        )
        host = node.host
        more = [
            None if host.memory_bytes is None else f"{size(host.memory_bytes)} memory",
            f"control groups v{host.cgroup_version}" if host.cgroup_version else "no control groups",
            None if host.cpu_governor is None else f"CPU governor {host.cpu_governor}",
            None if host.turbo is None else f"turbo {'on' if host.turbo else 'off'}",
            {True: "SMT on", False: "no SMT", None: None}[host.smt],
            None if host.virtualization is None else f"hypervisor: {host.virtualization}",
            {True: "in a container", False: "not in a container", None: None}[host.container],
            f"parlab {node.parlab_version}",
        ]
        yield f"  - {safe(', '.join(word for word in more if word))}"
        for build in node.builds:
            if any(c.node == node.node and c.python == build.id for c in configurations(run)):
                made = " ".join(filter(None, (build.compiler, build.c_library, *build.build_flags)))
                yield f"  - Python {safe(build.id)}: {safe(made or 'how it was built is not known')}"
    blocks = sum(group.blocks for group in run.finding.groups)
    took = f" in {waiting(run.running_seconds)}" if run.running_seconds else ""
    yield (
        f"- run {run.run}, seed {run.plan.seed}, parlab {safe(run.parlab_version)}: "
        f"{blocks} blocks{took}, {run.state}"
    )
    if run.command:
        yield f"- made by `parlab {printable(' '.join(run.command)).replace('`', ' ')}`"


OUTPUT = Output("markdown", "sentences and tables for an issue or a page", write)
