"""A comparison laid out for people: what differs, then speed-ups, seconds, means, and how the gate ended."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any, TextIO

from rich.console import Console
from rich.text import Text

from parlab.orchestrator.analysis.findings.across import Compared, CompareFinding, GateFinding
from parlab.orchestrator.analysis.findings.run import Quartiles
from parlab.orchestrator.figures import (
    NONE,
    ascii_only,
    can_show,
    interval,
    number,
    percent,
    printable,
    quantity,
)
from parlab.orchestrator.show.text.sections import Section, SectionRow, draw_section, section_lines
from parlab.orchestrator.show.text.tables import INDENT
from parlab.orchestrator.statistics.interval import Interval
from parlab.workers.errors import BadInput
from parlab.workers.wire.codec import to_plain

#: What a table says of a gate's end.
_ENDS = {
    "passed": "shown not to hold for any of {n}",
    "failed": "declared for {reasons}",
    "unresolved": "not known",
    "broken": "cannot be judged",
}


def sections_of(finding: CompareFinding) -> Iterator[Section]:
    """Give the parts of a comparison, in the order they are to be read."""
    labels = {column.value: column.label for column in finding.columns}
    yield _columns(finding)
    yield _differences(finding, labels)
    speed_ups = [c for c in finding.comparisons if c.quantity == "speed-up"]
    paired = [c for c in finding.comparisons if c.quantity == "seconds" and c.paired]
    apart = [c for c in finding.comparisons if c.quantity == "seconds" and not c.paired]
    if speed_ups:
        yield _table(f"Speed-ups over their own baselines, not paired{_level(speed_ups)}", speed_ups, labels)
    if paired:
        yield _table(f"Seconds of a task, paired in the same blocks{_level(paired)}", paired, labels)
    if apart:
        yield _not_paired(apart, labels)
    if finding.means:
        yield _means(finding, labels)
    if finding.broken:
        rows = [SectionRow((_full(b.workload, b.label), labels[b.column], b.reason)) for b in finding.broken]
        yield Section("Not measured, although the reference was", ("", "in", "why"), tuple(rows), left=(1, 2))
    if finding.unmatched:
        rows = [SectionRow((_full(u.workload, u.label), u.column, u.reason)) for u in finding.unmatched]
        yield Section("Not compared", ("", "measured in", "why"), tuple(rows), left=(1, 2))
    if finding.gate is not None:
        yield _gate(finding.gate, labels)


def _columns(finding: CompareFinding) -> Section:
    rows = []
    for column in finding.columns:
        began = datetime.fromtimestamp(column.started_unix_seconds).astimezone()
        places = {"run": ", ".join(column.runs), "host": ", ".join(column.hosts)}
        mark = "reference" if column.value == finding.reference else ""
        cells = (
            *(column.label, *(text for name, text in places.items() if name != finding.by)),
            *(f"{began:%Y-%m-%d %H:%M}", ", ".join(column.states), mark),
        )
        rows.append(SectionRow(cells))
    declared = f"{finding.declared} of {finding.controlled} comparisons are declared"
    rate = f"(false discovery rate at most {percent(finding.alpha)})"
    heads = (finding.by, *(name for name in ("run", "host") if name != finding.by), "started", "state", "")
    return Section(
        f"Compared by {finding.by}",
        heads,
        tuple(rows),
        notes=(
            *finding.notes,
            f"{declared} {rate}" if finding.controlled else "no comparison here can have a verdict",
        ),
        left=tuple(range(1, len(heads))),
    )


def _differences(finding: CompareFinding, labels: dict[str, str]) -> Section:
    title = "What else differs"
    if not finding.differences:
        return Section(
            title, (), (), sentences=("Nothing that was recorded about hosts, builds and settings.",)
        )
    # A line per column: what is said of a host or a build can be long, and columns can be many.
    rows = [
        SectionRow((d.field if number == 0 else "", labels[column.value], value or "not known"))
        for d in finding.differences
        for number, (column, value) in enumerate(zip(finding.columns, d.values, strict=True))
    ]
    note = "a ratio reflects all of this together; it does not say which part is the cause"
    return Section(title, ("", finding.by, ""), tuple(rows), notes=(note,), left=(1, 2))


def _table(title: str, compared: Sequence[Compared], labels: dict[str, str]) -> Section:
    several = len({c.column for c in compared}) > 1
    reference = labels[compared[0].reference]
    heads = ("", *(("against " + reference,) if several else (reference, labels[compared[0].column])))
    if several:
        heads = ("", "in", reference, "there")
    rows = list(_rows(compared, labels, several=several))
    reasons = dict.fromkeys(c.reason for c in compared if c.reason and c.verdict == "unresolved")
    return Section(
        title,
        (*heads, "ratio", "verdict"),
        tuple(rows),
        notes=tuple(str(reason) for reason in reasons),
        left=(1, len(heads) + 1) if several else (len(heads) + 1,),
    )


def _rows(compared: Sequence[Compared], labels: dict[str, str], *, several: bool) -> Iterator[SectionRow]:
    workload = ""
    for pair in compared:
        if pair.workload != workload:
            workload = pair.workload
            yield SectionRow((workload, *[""] * (5 if several else 4)))
        sides = (
            (_times(pair.of_reference.speed_up), _times(pair.of_column.speed_up))
            if pair.quantity == "speed-up"
            else (_figure(pair.of_reference.level, pair.unit), _figure(pair.of_column.level, pair.unit))
        )
        where = (labels[pair.column],) if several else ()
        label = f"  {pair.label}" if workload else pair.label
        ratio = _ratio(pair.ratio, described=pair.e_value is None)
        yield SectionRow((label, *where, *sides, ratio, pair.verdict), pair.verdict)


def _not_paired(compared: Sequence[Compared], labels: dict[str, str]) -> Section:
    section = _table("Seconds of a task, not paired: for information, without a verdict", compared, labels)
    rows = tuple(
        SectionRow(row.cells[:-1], "") if row.word else SectionRow(row.cells[:-1]) for row in section.rows
    )
    return Section(section.title, section.headers[:-1], rows, notes=section.notes, left=section.left[:-1])


def _means(finding: CompareFinding, labels: dict[str, str]) -> Section:
    rows = []
    for mean in finding.means:
        what = "speed-up" if mean.quantity == "speed-up" else "seconds"
        figure = _ratio(mean.ratio, described=mean.quantity == "seconds" and not mean.paired)
        how = f"{what}, {'paired' if mean.paired else 'not paired'}"
        cells = (mean.label, labels[mean.column], how, str(mean.workloads), figure)
        rows.append(SectionRow(cells))
    level = percent(finding.means[0].ratio.level)
    return Section(
        f"Geometric means over workloads [{level}]",
        ("", "in", "of", "workloads", "ratio"),
        tuple(rows),
        notes=("bounds hold for all workloads of a mean at once; unpaired seconds have no bounds",),
        left=(1, 2),
    )


def _gate(gate: GateFinding, labels: dict[str, str]) -> Section:
    asked = ", ".join(gate.conditions)
    count = len(gate.reasons)
    end = _ENDS[gate.word].format(n=gate.judged, reasons=count)
    return Section(f"Gate {asked} of {labels[gate.column]}: {gate.word} ({end})", (), (), notes=gate.reasons)


def _level(compared: Sequence[Compared]) -> str:
    levels = {percent(c.ratio.level) for c in compared if c.ratio is not None and c.ratio.low is not None}
    return f" [{levels.pop()}]" if len(levels) == 1 else ""


def _ratio(ratio: Interval | None, *, described: bool = False) -> str:
    if ratio is None:
        return NONE
    return number(ratio.ratio) if described else interval(ratio.ratio, ratio.low, ratio.high)


def _times(speed_up: float | None) -> str:
    return NONE if speed_up is None else f"{number(speed_up)}×"


def _figure(level: Quartiles | None, unit: str) -> str:
    return NONE if level is None else quantity(level.median, unit)


def _full(workload: str, label: str) -> str:
    return f"{workload} {label}".strip()


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

    for place, section in enumerate(sections_of(finding)):
        if place:
            console.print()
        draw_section(console, section, text, _STYLES)
        lines = [(sentence, "") for sentence in section.sentences] + [(note, "dim") for note in section.notes]
        for content, style in lines:
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
