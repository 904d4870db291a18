"""The columns of a table of work: how they are headed, and each configuration's cells."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from parlab.orchestrator.analysis.findings.run import ConfigurationFinding, GroupFinding
from parlab.orchestrator.show.text.figures import (
    NONE,
    duration,
    interval,
    number,
    percent,
    size,
    span,
    time_unit,
)
from parlab.orchestrator.show.text.interval_bar import Ratio


@dataclass(frozen=True)
class Columns:
    """What stands in the columns between a row's label and its verdict."""

    #: How they are headed, by column.
    headers: Mapping[str, str]
    #: Gives a configuration's cells, by column.
    cells: Callable[[ConfigurationFinding], dict[str, str]]
    #: How verdicts are called here, where that is otherwise: less memory is not "faster".
    words: Mapping[str, str] = field(default_factory=dict)
    #: Gives the ratio that stands in the column "speed-up", with its interval, to be drawn; None: none does.
    ratio: Callable[[ConfigurationFinding], Ratio | None] = lambda _: None


def work_columns(finding: GroupFinding) -> Columns:
    """Give the columns of tasks that are run in several ways."""
    rows = finding.configurations
    unit, sign = time_unit(max((row.seconds.median for row in rows if row.seconds), default=1))
    seconds = "seconds" if sign == "s" else sign
    headers = {
        "quartiles": f"{seconds} (quartiles)",
        "seconds": seconds,
        "speed-up": f"speed-up{level(finding)}",
        **{name: name for name in ("efficiency", "start-up", "memory")},
    }
    return Columns(headers, lambda found: _cells(found, rows, unit), ratio=_speed_up)


def _cells(found: ConfigurationFinding, group: Sequence[ConfigurationFinding], unit: float) -> dict[str, str]:
    seconds = found.seconds
    speed_up = NONE
    if found.comparison is None:
        speed_up = "1" if seconds else NONE
    elif effect := _speed_up(found):
        speed_up = interval(effect.ratio, effect.low, effect.high)
    return {
        "quartiles": span(seconds.median, seconds.low, seconds.high, unit) if seconds else NONE,
        "seconds": number(seconds.median / unit) if seconds else NONE,
        "speed-up": speed_up,
        "efficiency": NONE if found.efficiency is None else f"{found.efficiency:.2f}",
        "start-up": duration(found.start_up_seconds),
        "memory": _memory(found, group),
    }


def _speed_up(found: ConfigurationFinding) -> Ratio | None:
    """Give what is shown of a comparison; of what failed or was skipped, nothing is."""
    if found.comparison is None or found.verdict in ("failed", "skipped"):
        return None
    return found.comparison.speed_up


def _memory(found: ConfigurationFinding, group: Sequence[ConfigurationFinding]) -> str:
    """Write what a strategy takes beyond its baseline; what a baseline takes in full."""
    comparison = found.comparison
    others = {row.configuration: row.memory_bytes for row in group}
    if found.memory_bytes is None or comparison is None or found.configuration in baselines(group):
        return size(found.memory_bytes)
    of_baseline = others.get(comparison.baseline)
    return (
        size(found.memory_bytes)
        if of_baseline is None
        else size(found.memory_bytes - of_baseline, signed=True)
    )


def baselines(group: Sequence[ConfigurationFinding]) -> set[str]:
    """Give the ids of what others are compared with."""
    return {row.comparison.baseline for row in group if row.comparison}


def level(finding: GroupFinding) -> str:
    """Name the intervals' level where all share one: under error control it need not be 95 %."""
    effects = [row.comparison.speed_up for row in finding.configurations if row.comparison]
    levels = {percent(effect.level) for effect in effects if effect and effect.low is not None}
    levels |= {percent(r.value.level) for r in finding.configurations if r.value and r.value.low is not None}
    return f" [{levels.pop()}]" if len(levels) == 1 else ""
