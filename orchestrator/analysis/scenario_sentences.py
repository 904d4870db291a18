"""What a scenario's group found, in plain sentences: what takes how many times as much as what."""

from __future__ import annotations

from parlab.orchestrator.analysis.findings.run import (
    ComparisonFinding,
    ConfigurationFinding,
    GroupFinding,
    ValueInterval,
)
from parlab.orchestrator.plan.model import Group
from parlab.orchestrator.statistics.interval import Interval

from .sentences import Names, bounds_text, listed, ratio_text, unknown, verb


def scenario_sentences(group: Group, finding: GroupFinding) -> tuple[str, ...]:
    """Say what a scenario's group found; empty before its first block."""
    if not finding.blocks:
        return ()
    names = Names(group, finding)
    said = _compared(names, finding) if finding.measure.compared else _valued(names, finding)
    return tuple(sentence[0].upper() + sentence[1:] for sentence in [*said, *unknown(names, finding)])


def _compared(names: Names, finding: GroupFinding) -> list[str]:
    declared: dict[str, list[str]] = {}
    tied: dict[str, list[ConfigurationFinding]] = {}
    for row in finding.configurations:
        comparison = row.comparison
        if comparison is None or comparison.speed_up is None:
            continue
        if comparison.verdict in ("faster", "slower"):
            times = f"{names(row.configuration)} {_times(comparison)}"
            declared.setdefault(comparison.baseline, []).append(times)
        elif comparison.verdict == "tied":
            tied.setdefault(comparison.baseline, []).append(row)
    said = [
        f"compared with {names(baseline)}, times as much: {', '.join(found)}."
        for baseline, found in declared.items()
    ]
    for baseline, rows in tied.items():
        which = listed([names(row.configuration) for row in rows])
        said.append(f"{which} {verb(rows, 'takes', 'take')} as much as {names(baseline)}.")
    return said


def _times(comparison: ComparisonFinding) -> str:
    """Write how many times the baseline's: the other way round than a speed-up."""
    speed_up = comparison.speed_up
    assert speed_up is not None
    low = None if speed_up.high is None else 1 / speed_up.high
    high = None if speed_up.low is None else 1 / speed_up.low
    turned = Interval(1 / speed_up.ratio, low, high, speed_up.level, speed_up.blocks)
    return f"{ratio_text(turned.ratio)} ({bounds_text(turned)})"


def _valued(names: Names, finding: GroupFinding) -> list[str]:
    found = [
        f"{names(row.configuration)} {_value(row.value, finding.measure.unit)}"
        for row in finding.configurations
        if row.value is not None
    ]
    return [f"{finding.measure.name.replace('_', ' ')}: {', '.join(found)}."] if found else []


def _value(value: ValueInterval, unit: str) -> str:
    factor, sign = (100.0, " %") if unit == "ratio" else (1.0, "")
    middle = f"{_digits(value.value * factor)}{sign}"
    if value.low is None or value.high is None:
        return f"{middle} ({value.blocks} block{'s' * (value.blocks != 1)})"
    low, high = _digits(value.low * factor), _digits(value.high * factor)
    return f"{middle}" if low == high else f"{middle} ({low}–{high})"


def _digits(value: float) -> str:
    return f"{value:.3g}"
