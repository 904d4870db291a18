"""A group's table as text: one row per configuration, with as many columns as the width has room for."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.segment import Segment, Segments

from orchestrator.analysis.findings import ConfigurationFinding, GroupFinding
from orchestrator.labels import places
from orchestrator.plan import Configuration, Group

from .figures import NONE, duration, interval, number, percent, size, span, time_unit

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

#: Signs at a verdict; what they mean is said below the tables.
RECOMMENDED, NOT_DISTINGUISHED = "◀", "◁"
#: Blanks between two columns, and before a row.
GAP = 2
INDENT = "  "
#: What a verdict needs at the least: its longest word, with the sign of what is recommended.
_VERDICT_WORD = len("distinguished ◁")
#: What a narrow terminal does without, more with each step; what is left always answers the question.
_STEPS: tuple[tuple[str, ...], ...] = (
    (),
    ("efficiency",),
    ("efficiency", "start-up"),
    ("efficiency", "start-up", "quartiles"),
    ("efficiency", "start-up", "quartiles", "memory"),
)


@dataclass(frozen=True)
class Row:
    """One line of a table: a configuration, or the build that the ones after it ran on."""

    #: Cells by column; a heading has a label only.
    cells: Mapping[str, str]
    #: Its verdict in one word; "" for a heading.
    verdict: str = ""


@dataclass(frozen=True)
class Note:
    """A sentence under a table."""

    text: str
    #: Of the configuration that it is about, where that is why it is there.
    verdict: str = ""


@dataclass(frozen=True)
class GroupTable:
    """A group's rows, before it is known how much room there is."""

    title: str
    #: How the columns are headed, by column.
    headers: Mapping[str, str]
    rows: tuple[Row, ...]
    #: Reasons and counts that belong under the table.
    notes: tuple[Note, ...]


@dataclass(frozen=True)
class Fit:
    """How tables are laid out in a width."""

    #: Columns and their widths, left to right.
    widths: Mapping[str, int]
    #: Whether the title heads the column of labels, or stands above the table.
    title_heads_labels: bool
    #: What there was no room for.
    given_up: tuple[str, ...]


def build_key(configuration: Configuration) -> str:
    """Return what tells a configuration's build from others: node, version, the GIL that was asked for."""
    return f"{configuration.node} {configuration.python} gil={configuration.gil or 'default'}"


def group_table(
    group: Group, finding: GroupFinding, builds: Mapping[str, str], where: str = ""
) -> GroupTable:
    """Lay a group's findings out as text.

    Args:
        group: as planned.
        finding: as found.
        builds: how each :func:`build_key` is shown; where there are several, each gets a line.
        where: the host, where the run has several.
    """
    planned = {configuration.id: configuration for configuration in group.configurations}
    planned |= {skip.configuration.id: skip.configuration for skip in group.skipped}
    unit, sign = time_unit(
        max((row.seconds.median for row in finding.configurations if row.seconds), default=1)
    )
    found = {row.configuration: row for row in finding.configurations}
    # What was not tried belongs under its build, too: a row that is missing looks like an oversight.
    listed = [*found, *(c.configuration.id for c in group.skipped if c.configuration.id not in found)]
    keys = {name: build_key(planned[name]) for name in listed}
    several = len(set(keys.values())) > 1
    indent = INDENT * (2 if several else 1)
    rows: list[Row] = []
    for key in dict.fromkeys(keys.values()):
        if several:
            rows.append(Row({"label": INDENT + builds.get(key, key)}))
        rows += [
            _row(found[name], finding.configurations, unit, indent)
            if name in found
            else _skipped_row(planned[name], indent)
            for name in listed
            if keys[name] == key
        ]
    seconds = "seconds" if sign == "s" else sign
    headers = {
        "label": "",
        "quartiles": f"{seconds} (quartiles)",
        "seconds": seconds,
        "speed-up": f"speed-up{_level(finding)}",
        **{name: name for name in ("efficiency", "start-up", "memory", "verdict")},
    }
    return GroupTable(_title(finding, where), headers, tuple(rows), tuple(_notes(group, finding)))


def fit(tables: Sequence[GroupTable], width: int) -> Fit:
    """Choose columns and widths, the same for all tables, that ``width`` has room for."""
    for step in _STEPS:
        titled = _widths(tables, step, titled=True)
        if _total(titled) <= width:
            return Fit(titled, title_heads_labels=True, given_up=step)
        widths = _widths(tables, step, titled=False)
        if _total(widths) <= width:
            return Fit(widths, title_heads_labels=False, given_up=step)
        spare = width - _total(widths) + widths["verdict"]
        if spare >= _VERDICT_WORD:  # a verdict over two lines is better than a figure less
            return Fit({**widths, "verdict": spare}, title_heads_labels=False, given_up=step)
    # Narrower than anything that was meant: labels are folded, whatever that looks like.
    narrowest = _widths(tables, _STEPS[-1], titled=False) | {"verdict": _VERDICT_WORD}
    label = max(8, width - _total(narrowest) + narrowest["label"])
    return Fit({**narrowest, "label": label}, title_heads_labels=False, given_up=_STEPS[-1])


def print_trimmed(console: Console, table: Table) -> None:
    """Print a table without the blanks that rich fills every line up with: a file or a mail keeps them."""
    for line in console.render_lines(table, pad=False):
        while line and not line[-1].text.strip():
            line.pop()
        if line:
            line[-1] = Segment(line[-1].text.rstrip(), line[-1].style)
        console.print(Segments([*line, Segment.line()]), end="")


def _total(widths: Mapping[str, int]) -> int:
    return sum(widths.values()) + GAP * (len(widths) - 1)


def _widths(tables: Sequence[GroupTable], given_up: Collection[str], *, titled: bool) -> dict[str, int]:
    names = ["label", "seconds" if "quartiles" in given_up else "quartiles", "speed-up"]
    for name in ("efficiency", "start-up", "memory"):
        said = any(row.cells.get(name, NONE) != NONE for table in tables for row in table.rows)
        if said and name not in given_up:
            names.append(name)
    widths = {}
    for name in [*names, "verdict"]:
        cells = [row.cells.get(name, "") for table in tables for row in table.rows]
        heads = [table.title if titled else "" for table in tables]
        heads = heads if name == "label" else [table.headers[name] for table in tables]
        widths[name] = max((cell_len(text) for text in cells + heads), default=0)
    return widths


def _title(finding: GroupFinding, where: str) -> str:
    # A number of tasks that was found by calibration is not yet in the plan's label.
    label, tasks = finding.label, f" × {finding.tasks}"
    if finding.tasks is not None and not label.endswith(tasks):
        label += tasks
    return label + (f" · {where}" if where else "")


def _row(found: ConfigurationFinding, group: Sequence[ConfigurationFinding], unit: float, indent: str) -> Row:
    seconds = found.seconds
    speed_up = NONE
    if found.comparison is None:
        speed_up = "1" if seconds else NONE
    elif found.comparison.speed_up is not None and _verdict(found) not in ("failed", "skipped"):
        effect = found.comparison.speed_up
        speed_up = interval(effect.ratio, effect.low, effect.high)
    cells = {
        "label": indent + found.label,
        "quartiles": span(seconds.median, seconds.low, seconds.high, unit) if seconds else NONE,
        "seconds": number(seconds.median / unit) if seconds else NONE,
        "speed-up": speed_up,
        "efficiency": NONE if found.efficiency is None else f"{found.efficiency:.2f}",
        "start-up": duration(found.start_up_seconds),
        "memory": _memory(found, group),
        "verdict": _verdict_words(found),
    }
    return Row(cells, verdict=_verdict(found))


def _skipped_row(configuration: Configuration, indent: str) -> Row:
    cells = dict.fromkeys(("quartiles", "seconds", "speed-up", "efficiency", "start-up", "memory"), NONE)
    return Row({**cells, "label": indent + configuration.label, "verdict": "skipped"}, verdict="skipped")


def _memory(found: ConfigurationFinding, group: Sequence[ConfigurationFinding]) -> str:
    """Write what a strategy takes beyond its baseline; what a baseline takes in full."""
    comparison = found.comparison
    others = {row.configuration: row.memory_bytes for row in group}
    if found.memory_bytes is None or comparison is None or found.configuration in _baselines(group):
        return size(found.memory_bytes)
    of_baseline = others.get(comparison.baseline)
    return (
        size(found.memory_bytes)
        if of_baseline is None
        else size(found.memory_bytes - of_baseline, signed=True)
    )


def _baselines(group: Sequence[ConfigurationFinding]) -> set[str]:
    return {row.comparison.baseline for row in group if row.comparison}


def _verdict(found: ConfigurationFinding) -> str:
    said = found.comparison.verdict if found.comparison else "baseline"
    if found.problem and said not in ("failed", "skipped"):
        return "skipped" if set(found.outcomes) == {"skipped"} else "failed"
    return said


def _verdict_words(found: ConfigurationFinding) -> str:
    words = _verdict(found)
    if found.recommended:
        return f"{words} {RECOMMENDED}"
    if found.best == "not distinguished":
        return f"{words} {NOT_DISTINGUISHED}"
    return f"{words}, tied" if found.best == "tied" and words != "tied" else words


def _level(finding: GroupFinding) -> str:
    """Name the intervals' level where all share one: under error control it need not be 95 %."""
    effects = [row.comparison.speed_up for row in finding.configurations if row.comparison]
    levels = {percent(effect.level) for effect in effects if effect and effect.low is not None}
    return f" [{levels.pop()}]" if len(levels) == 1 else ""


def _notes(group: Group, finding: GroupFinding) -> Iterator[Note]:
    rows = finding.configurations
    where = places([*group.configurations, *(skip.configuration for skip in group.skipped)])
    disturbed: list[str] = []
    # One line for what several have in common: a strategy that two builds lack, say.
    reasons: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        name = row.label + where.get(row.configuration, "")
        if row.problem:
            reasons.setdefault((_verdict(row), row.problem), []).append(name)
        if counts := _disturbed(row):
            disturbed.append(f"{name} {counts}")
    shown = {row.configuration for row in rows}
    for skip in group.skipped:
        if skip.configuration.id not in shown:
            name = skip.configuration.label + where[skip.configuration.id]
            reasons.setdefault(("skipped", skip.reason), []).append(name)
    for (verdict, reason), alike in reasons.items():
        yield Note(f"{', '.join(alike)}: {verdict}: {reason}", verdict)
    if disturbed:
        yield Note(f"trials that do not count: {'; '.join(disturbed)}")
    first = next((row for row in rows if row.comparison is None), None)
    further = [row for row in rows if row.comparison and row.configuration in _baselines(rows)]
    if first and further:
        names = ", ".join(row.label + where[row.configuration] for row in further)
        with_what = f"compared with {first.label}{where[first.configuration]}"
        yield Note(f"{names}: {with_what}; the others with their own build's baseline")
    unread = dict.fromkeys(why for row in rows for probe, why in row.unread.items() if probe == "memory_peak")
    if unread and any(row.memory_bytes is None for row in rows):
        yield Note(f"memory is not known: {'; '.join(unread)}")


def _disturbed(found: ConfigurationFinding) -> str:
    """Count what was rejected or lost, with causes: "2 of 12 (steal 2)"."""
    count = sum(found.outcomes.get(outcome, 0) for outcome in ("rejected", "lost"))
    if not count:
        return ""
    causes = ", ".join(f"{cause} {number}" for cause, number in found.causes.items())
    return f"{count} of {sum(found.outcomes.values())}" + (f" ({causes})" if causes else "")
