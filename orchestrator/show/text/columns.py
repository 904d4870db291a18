"""The columns of a table of work: how they are headed, and each configuration's cells."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from parlab.orchestrator.analysis.findings.run import ConfigurationFinding, GroupFinding
from parlab.orchestrator.figures import (
    NONE,
    decimals,
    duration,
    interval,
    number,
    percent,
    quantity,
    size,
    span,
    time_unit,
    unit_of,
)
from parlab.orchestrator.plan.model import Group
from parlab.orchestrator.show.text.interval_bar import Bounded, Ratio
from parlab.orchestrator.show.text.tables import OTHERS


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


def columns_of(group: Group, finding: GroupFinding) -> Columns:
    """Give the columns of a group's table, by what it measures."""
    return _scenario_columns(finding) if group.workload.scenario else _work_columns(finding)


def _work_columns(finding: GroupFinding) -> Columns:
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
    return Columns(headers, lambda row: _cells(row, rows, unit), ratio=_speed_up)


def _cells(row: ConfigurationFinding, group: Sequence[ConfigurationFinding], unit: float) -> dict[str, str]:
    seconds = row.seconds
    speed_up = NONE
    if row.comparison is None:
        speed_up = "1" if seconds else NONE
    elif effect := _speed_up(row):
        speed_up = interval(effect.ratio, effect.low, effect.high)
    return {
        "quartiles": span(seconds.median, seconds.low, seconds.high, unit) if seconds else NONE,
        "seconds": number(seconds.median / unit) if seconds else NONE,
        "speed-up": speed_up,
        "efficiency": NONE if row.efficiency is None else f"{row.efficiency:.2f}",
        "start-up": duration(row.start_up_seconds),
        "memory": _memory(row, group),
    }


def _speed_up(row: ConfigurationFinding) -> Ratio | None:
    """Give what is shown of a comparison; of what failed or was skipped, nothing is."""
    if row.comparison is None or row.verdict in ("failed", "skipped"):
        return None
    return row.comparison.speed_up


def _memory(row: ConfigurationFinding, group: Sequence[ConfigurationFinding]) -> str:
    """Write what a strategy takes beyond its baseline; what a baseline takes in full."""
    comparison = row.comparison
    others = {row.configuration: row.memory_bytes for row in group}
    if row.memory_bytes is None or comparison is None or row.configuration in baselines(group):
        return size(row.memory_bytes)
    of_baseline = others.get(comparison.baseline)
    return (
        size(row.memory_bytes) if of_baseline is None else size(row.memory_bytes - of_baseline, signed=True)
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


#: Of what is no time, something is not faster but takes less.
_WORDS = {"faster": "less", "slower": "more"}


def _scenario_columns(finding: GroupFinding) -> Columns:
    """Give the columns of a scenario's variants."""
    measure = finding.measure
    medians = [row.level.median for row in finding.configurations if row.level is not None]
    size, sign = unit_of(measure.unit, max(medians, default=0.0))
    head = f"{_plain(measure.name)}{', ' if sign else ''}{sign}"
    others = dict(zip(OTHERS, measure.others, strict=False))

    def cells(row: ConfigurationFinding) -> dict[str, str]:
        values = {
            column: quantity(row.readings.get(name), measure.others[name]) for column, name in others.items()
        }
        return {**_level_cells(row, size), **values, "speed-up": _times(row)}

    return Columns(
        {
            "quartiles": f"{head} {'(quartiles)' if measure.compared else level(finding)}".rstrip(),
            "seconds": head,
            **({"speed-up": f"times as much{level(finding)}"} if measure.compared else {}),
            **{column: _plain(name) for column, name in others.items()},
        },
        cells,
        {} if measure.unit == "seconds" else _WORDS,
        _ratio if measure.compared else lambda _: None,
    )


def _level_cells(row: ConfigurationFinding, size: float) -> dict[str, str]:
    if row.level is None:
        return {"quartiles": NONE, "seconds": NONE}
    value = row.value
    median = row.level.median
    if value is None:
        wide = span(median, row.level.low, row.level.high, size)
    elif value.low is None or value.high is None:
        wide = f"{number(median / size)} [none yet]"
    else:
        places = min(2, decimals(max(abs(value.low), abs(value.high)) / size))
        wide = f"{median / size:.{places}f} [{value.low / size:.{places}f}, {value.high / size:.{places}f}]"
    return {"quartiles": wide, "seconds": number(median / size)}


def _times(row: ConfigurationFinding) -> str:
    """Write how many times the baseline's it takes."""
    if row.comparison is None:
        return "1" if row.level is not None and row.value is None else NONE
    ratio = _ratio(row)
    return NONE if ratio is None else interval(ratio.ratio, ratio.low, ratio.high)


def _ratio(row: ConfigurationFinding) -> Bounded | None:
    """Give how many times the baseline's it takes: the other way round than a speed-up."""
    effect = row.comparison.speed_up if row.comparison is not None else None
    if effect is None or row.verdict in ("failed", "skipped"):
        return None
    low = None if effect.high is None else 1 / effect.high
    high = None if effect.low is None else 1 / effect.low
    return Bounded(1 / effect.ratio, low, high)


def _plain(name: str) -> str:
    return name.replace("_", " ")
