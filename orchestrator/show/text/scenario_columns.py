"""The columns of a scenario's table: what is measured, how many times the baseline's, and what else."""

from __future__ import annotations

from parlab.orchestrator.analysis.findings.run import ConfigurationFinding, GroupFinding
from parlab.orchestrator.show.text.columns import Columns, level
from parlab.orchestrator.show.text.figures import NONE, decimals, interval, number, quantity, span, unit_of
from parlab.orchestrator.show.text.interval_bar import Bounded
from parlab.orchestrator.show.text.tables import OTHERS

#: Of what is no time, something is not faster but takes less.
_WORDS = {"faster": "less", "slower": "more"}


def scenario_columns(finding: GroupFinding) -> Columns:
    """Give the columns of a scenario's variants."""
    measure = finding.measure
    medians = [row.level.median for row in finding.configurations if row.level is not None]
    size, sign = unit_of(measure.unit, max(medians, default=0.0))
    head = f"{_plain(measure.name)}{', ' if sign else ''}{sign}"
    others = dict(zip(OTHERS, measure.others, strict=False))

    def cells(found: ConfigurationFinding) -> dict[str, str]:
        values = {
            column: quantity(found.readings.get(name), measure.others[name])
            for column, name in others.items()
        }
        return {**_level_cells(found, size), **values, "speed-up": _times(found)}

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


def _level_cells(found: ConfigurationFinding, size: float) -> dict[str, str]:
    if found.level is None:
        return {"quartiles": NONE, "seconds": NONE}
    value = found.value
    median = found.level.median
    if value is None:
        wide = span(median, found.level.low, found.level.high, size)
    elif value.low is None or value.high is None:
        wide = f"{number(median / size)} [none yet]"
    else:
        places = min(2, decimals(max(abs(value.low), abs(value.high)) / size))
        wide = f"{median / size:.{places}f} [{value.low / size:.{places}f}, {value.high / size:.{places}f}]"
    return {"quartiles": wide, "seconds": number(median / size)}


def _times(found: ConfigurationFinding) -> str:
    """Write how many times the baseline's it takes."""
    if found.comparison is None:
        return "1" if found.level is not None and found.value is None else NONE
    ratio = _ratio(found)
    return NONE if ratio is None else interval(ratio.ratio, ratio.low, ratio.high)


def _ratio(found: ConfigurationFinding) -> Bounded | None:
    """Give how many times the baseline's it takes: the other way round than a speed-up."""
    effect = found.comparison.speed_up if found.comparison is not None else None
    if effect is None or found.verdict in ("failed", "skipped"):
        return None
    low = None if effect.high is None else 1 / effect.high
    high = None if effect.low is None else 1 / effect.low
    return Bounded(1 / effect.ratio, low, high)


def _plain(name: str) -> str:
    return name.replace("_", " ")
