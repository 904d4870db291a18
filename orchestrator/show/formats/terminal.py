"""A run for people, on a terminal or in a pipe: tables, then what they mean in plain sentences."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TextIO

from rich.console import Console
from rich.table import Table
from rich.text import Text

from parlab.orchestrator.analysis.findings.run import GroupFinding
from parlab.orchestrator.analysis.view import RunView
from parlab.orchestrator.figures import ascii_only, can_show, counted, percent, printable, waiting
from parlab.orchestrator.show.formats.base import Output
from parlab.orchestrator.show.text.advice import advice_sections
from parlab.orchestrator.show.text.breakeven import breakeven_sections
from parlab.orchestrator.show.text.builds import build_key, build_names, configurations, host_names
from parlab.orchestrator.show.text.claims import claim_sections, claimed_groups, explained_groups
from parlab.orchestrator.show.text.group_tables import group_table
from parlab.orchestrator.show.text.interval_bar import Signs, bar_signs
from parlab.orchestrator.show.text.scaling import scaling_sections
from parlab.orchestrator.show.text.sections import Section, draw_head, draw_table
from parlab.orchestrator.show.text.tables import (
    GAP,
    NOT_DISTINGUISHED,
    RECOMMENDED,
    GroupTable,
    TableFit,
    bar_column,
    fit,
    print_trimmed,
)
from parlab.workers.wire.registration import NodeRegistration

#: Width where nothing says what there is (a pipe, a file): no table needs more.
_PIPED_COLUMNS = 120
#: Sentences are not set wider than can be read.
_SENTENCE_COLUMNS = 100
_REASON_CHARACTERS = 400
#: Of what a scenario's trial has to show (the stacks of a deadlock); all of it is in the export.
_NOTE_LINES = 16
_STYLES = {
    "faster": "green",
    "slower": "red",
    "tied": "cyan",
    "not distinguished": "yellow",
    "unresolved": "yellow",
    "failed": "bold red",
    "skipped": "dim",
    "baseline": "",
    "measured": "",
    "supported": "green",
    "refuted": "red",
    "depends": "cyan",
}


def write(run: RunView, stream: TextIO, width: int | None = None) -> None:
    """Write tables and sentences; no colour and no sign that the stream cannot take.

    Widths from about 60 columns on are right; narrower ones are only legible. None: the terminal's.
    """
    console = Console(
        file=stream, width=width or _columns(stream), highlight=False, markup=False, emoji=False
    )
    _Page(console, run, ascii_signs=not can_show(stream), bars=bar_signs(stream, console)).write()


class _Page:
    """One run on one console."""

    def __init__(self, console: Console, run: RunView, *, ascii_signs: bool, bars: Signs | None) -> None:
        self._console = console
        self._run = run
        self._ascii = ascii_signs
        self._bars = bars

    def write(self) -> None:
        run = self._run
        self._headline()
        builds = build_names(run)
        for registration in run.registrations:
            self._node(registration, builds)
        for warning in dict.fromkeys((*run.finding.warnings, *run.warnings)):
            self._line(f"! {warning}", "yellow")
        for section in claim_sections(run):
            self._section(section)
        for section in advice_sections(run.finding.advice, builds, host_names(run)):
            self._section(section)
        # What claims, or advice, are about is many tables, and is said by their words.
        hidden = explained_groups(run)
        groups = [group for group in run.finding.groups if group.group not in hidden]
        tables = [group_table(run, group, builds) for group in groups]
        layout = fit(tables, self._console.width, bars=self._bars is not None)
        for table, group in zip(tables, groups, strict=True):
            self._console.print()
            self._draw(table, layout)
            for note in table.notes:
                self._line(f"  {_shortened(note.text)}", "red" if note.verdict == "failed" else "dim")
            if group.sentences:
                self._console.print()
                self._line(" ".join(group.sentences))
            self._trials_notes(group)
        for section in self._derived(builds):
            self._section(section)
        self._console.print()
        for line in self._last_lines(layout):
            self._line(line, "dim")

    def _derived(self, builds: dict[str, str]) -> list[Section]:
        """Give curves and break-evens; of what claims are about, only exports have them."""
        finding, claimed = self._run.finding, claimed_groups(self._run)
        if finding.advice:
            return []
        curves = [curve for curve in finding.scaling if curve.group not in claimed]
        pays = [] if claimed else finding.break_evens
        return [*scaling_sections(curves, builds), *breakeven_sections(pays, builds)]

    def _section(self, section: Section) -> None:
        self._console.print()
        draw_head(self._console, section, self._text)
        if section.code:
            # An answer that can be used comes before the figures that it stands on.
            self._sentences(section)
            self._console.print()
        draw_table(self._console, section, self._text, _STYLES)
        if not section.code:
            self._sentences(section)
        for note in section.notes:
            self._line(f"  {note}", "dim")

    def _sentences(self, section: Section) -> None:
        for sentence in section.sentences:
            self._console.print()
            self._line(sentence)

    def _trials_notes(self, group: GroupFinding) -> None:
        """Print what a scenario's trials have to show besides figures, of each variant the last one's."""
        labels = {row.configuration: row.label for row in group.configurations}
        notes = {
            trial.result.configuration: trial.result.notes
            for trial in self._run.trials
            if trial.result.configuration in labels and trial.result.notes
        }
        for configuration, text in notes.items():
            lines = text.splitlines()
            self._console.print()
            self._line(f"  {labels[configuration]}, in its last trial:", "dim")
            shown = lines[:_NOTE_LINES] + ["…"] * (len(lines) > _NOTE_LINES)
            for line in shown:
                self._console.print(self._text(f"    {line}", "dim"), no_wrap=True, overflow="ellipsis")
        if any(len(text.splitlines()) > _NOTE_LINES for text in notes.values()):
            self._line(f"  everything: parlab export {self._run.run} --format json (trials, notes)", "dim")

    def _text(self, text: str, style: str = "") -> Text:
        clean = printable(text)
        return Text(ascii_only(clean) if self._ascii else clean, style=style)

    def _line(self, text: str, style: str = "") -> None:
        """Print a paragraph; what does not fit goes on below its own beginning."""
        line = self._text(text, style)
        indent = len(line.plain) - len(line.plain.lstrip(" !"))
        hanging = line.plain[:indent]
        width = min(self._console.width, _SENTENCE_COLUMNS) - indent
        for number, part in enumerate(line[indent:].wrap(self._console, max(20, width))):
            lead = hanging if number == 0 else " " * indent
            part.rstrip()
            self._console.print(Text(lead, style=style) + part, no_wrap=True, overflow="ignore", crop=False)

    def _headline(self) -> None:
        run = self._run
        nodes = len(run.registrations)
        left = self._text(f"{run.experiment.name} · {run.experiment.question}", "bold")
        right = self._text(f"run {run.run} · {counted(nodes, 'node')} · seed {run.plan.seed}", "dim")
        gap = min(self._console.width, _PIPED_COLUMNS) - left.cell_len - right.cell_len
        if gap >= GAP:
            self._console.print(left + Text(" " * gap) + right)
        else:
            self._console.print(left)
            self._console.print(right)

    def _node(self, registration: NodeRegistration, builds: dict[str, str]) -> None:
        cpus = registration.host.effective_cpus
        used = dict.fromkeys(
            builds[build_key(configuration)].removesuffix(f" (node {registration.node})")
            for configuration in configurations(self._run)
            if configuration.node == registration.node
        )
        count = f"{counted(cpus.count, 'effective CPU')} ({cpus.why})"
        tolerated = f" · tolerates {', '.join(registration.tolerates)}" if registration.tolerates else ""
        self._line(f"node {registration.node} · {count} · {'; '.join(used) or 'no build is used'}{tolerated}")

    def _draw(self, table: GroupTable, layout: TableFit) -> None:
        title = self._text(table.title, "bold")
        if not layout.title_heads_labels:
            self._console.print(title)
        drawn = Table(box=None, pad_edge=False, padding=(0, GAP, 0, 0), show_edge=False, header_style="dim")
        bars = bar_column(table, layout, self._run.experiment.stop.margin, self._bars, _STYLES)
        for name, width in layout.widths.items():
            head = self._text(table.headers.get(name, ""))
            if name == "label" and layout.title_heads_labels:
                head = title
            drawn.add_column(
                bars[0] if name == "bar" else head,
                width=width,
                overflow="fold",
                no_wrap=name not in ("label", "verdict"),
            )
        for row, bar in zip(table.rows, bars[1:], strict=True):
            cells = [bar if name == "bar" else self._text(row.cells.get(name, "")) for name in layout.widths]
            cells[-1].stylize(_STYLES.get(row.verdict, ""))
            if not row.verdict:
                cells[0].stylize("italic")
            drawn.add_row(*cells)
        print_trimmed(self._console, drawn)

    def _settled(self, took: str) -> str:
        """Say how a run ended that had all it asked for: its last block may come before its last verdict."""
        finding = self._run.finding
        what, words = "claims", [str(claim.word) for claim in finding.claims]
        if not finding.claims:
            rows = [row.comparison for group in finding.groups for row in group.configurations]
            what, words = "comparisons", [comparison.verdict for comparison in rows if comparison]
        unresolved = words.count("unresolved")
        if finding.advice or not unresolved:
            return f"Settled in {took}"
        return f"All blocks done in {took}, {unresolved} of {len(words)} {what} unresolved"

    def _open_ways(self) -> str:
        """Say how many ways to run the work may still be the best, besides the one that is advised."""
        standings = [c.standing for advice in self._run.finding.advice for c in advice.candidates]
        count = sum(standing in ("not distinguished", "unresolved") for standing in standings)
        if not count:
            return "how much it gains is not known precisely enough"
        return f"{counted(count, 'other way')} cannot be told apart from the best yet"

    def _open_claims(self) -> str:
        words = [claim.word for claim in self._run.finding.claims]
        return f"{words.count('unresolved')} of {len(words)} claims unresolved"

    def _last_lines(self, layout: TableFit) -> Iterator[str]:
        """What became of the run, and what can be done next."""
        run, stop = self._run, self._run.experiment.stop
        took = waiting(run.running_seconds) if run.running_seconds is not None else None
        if run.finding.claims:
            left = self._open_claims()
        elif run.finding.advice:
            left = self._open_ways()
        else:
            every = [row for group in run.finding.groups for row in group.configurations]
            still = sum(bool(row.comparison and not row.comparison.done and not row.problem) for row in every)
            left = f"{still} of {run.finding.comparisons} comparisons still open"
        resume = f"parlab resume {run.run}"
        more = f"more precision: {resume} --precision {percent(stop.precision / 2).replace(' ', '')}"
        yield {
            # Claims that are settled are not settled better by more of the same.
            "done": self._settled(took or "?")
            + ("" if run.finding.claims or run.finding.advice else f" · {more}"),
            "budget": f"Stopped at its budget after {took or '?'}, {left} · continue: {resume}",
            "interrupted": f"Interrupted after {took or '?'}, {left} · continue: {resume}",
            "failed": f"Ended after {took or '?'}: {run.reason or 'nothing is left that can be compared'}",
            "running": f"It is still running, or its command was killed; {left} · continue: {resume}",
            "planned": f"Nothing has been measured yet · start: {resume}",
        }[run.state]
        hidden = explained_groups(run)
        if hidden:
            what = "advice" if run.finding.advice else "claims"
            yield f"The measurements behind the {what}: parlab export {run.run} --format markdown"
        rows = [row for g in run.finding.groups if g.group not in hidden for row in g.configurations]
        if any(row.recommended for row in rows):
            legend = f"{RECOMMENDED} recommended: the cheapest of those tied with the fastest"
            others = any(row.best == "not distinguished" and not row.recommended for row in rows)
            yield legend + (f" · {NOT_DISTINGUISHED} not distinguished from the fastest" if others else "")
        if any(failure.traceback for failure in run.failures.values()):
            yield f"Tracebacks: parlab export {run.run} --format json"
        if layout.given_up:
            yield f"Left out for lack of space ({self._console.width} columns): {', '.join(layout.given_up)}"


def _columns(stream: TextIO) -> int | None:
    """Return the width of the terminal that a stream is, or None where it does not say."""
    if not stream.isatty():
        return _PIPED_COLUMNS
    try:
        return os.get_terminal_size(stream.fileno()).columns or None
    except OSError:
        return None


def _shortened(reason: str) -> str:
    """Cut a reason that would fill the screen; all of it is in the export."""
    return reason if len(reason) <= _REASON_CHARACTERS else reason[:_REASON_CHARACTERS] + "…"


OUTPUT = Output("terminal", "tables and sentences for people", write)
