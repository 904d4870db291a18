"""A group's findings in two or three plain sentences: what wins, what ties, what is not known."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from parlab.orchestrator.analysis.findings.run import (
    ComparisonFinding,
    ConfigurationFinding,
    GroupFinding,
    ValueInterval,
)
from parlab.orchestrator.figures import counted
from parlab.orchestrator.plan.model import Group, places
from parlab.orchestrator.statistics.interval import Interval

#: A tree that keeps no more CPUs than this busy does one thing at a time.
ONE_CPU = 1.15
#: Memory is worth a word when it differs by this factor.
MEMORY_FACTOR = 1.5


def sentences(group: Group, finding: GroupFinding) -> tuple[str, ...]:
    """Say what a group found; empty before its first block."""
    if not finding.blocks:
        return ()
    names = Names(group, finding)
    texts = [
        *_winner(names, finding),
        *_ties(names, finding),
        *_no_help(names, group, finding),
        *unknown(names, finding),
    ]
    return tuple(sentence[0].upper() + sentence[1:] for sentence in texts)


class Names:
    """How configurations are called in a sentence: with their build or node where there are several."""

    def __init__(self, group: Group, finding: GroupFinding) -> None:
        self._places = places(group.configurations)
        self._rows = {row.configuration: row for row in finding.configurations}

    def __call__(self, configuration: str) -> str:
        """Name a configuration by its id."""
        return self._rows[configuration].label + self._places[configuration]


def _winner(names: Names, finding: GroupFinding) -> Iterator[str]:
    chosen = next((row for row in finding.configurations if row.recommended), None)
    fastest = next((row for row in finding.configurations if row.best == "fastest"), None)
    if chosen is None or fastest is None:
        return
    comparison, name = chosen.comparison, names(chosen.configuration)
    if comparison is not None and comparison.verdict == "faster" and comparison.speed_up is not None:
        yield (
            f"{name} does this work {ratio_text(comparison.speed_up.ratio)} times as fast as "
            f"{names(comparison.baseline)} ({bounds_text(comparison.speed_up)})."
        )
    elif comparison is None:
        others = len([row for row in finding.configurations if row.level is not None]) - 1
        if others > 0:
            yield f"nothing here is shown to be faster than {names(chosen.configuration)}."
    else:
        yield f"{names(chosen.configuration)} looks fastest, which is not certain yet."


def _ties(names: Names, finding: GroupFinding) -> Iterator[str]:
    chosen = next((row for row in finding.configurations if row.recommended), None)
    if chosen is None:
        return
    tied = [r for r in finding.configurations if r is not chosen and r.best in ("tied", "fastest")]
    if chosen.best != "fastest" and tied:
        fastest = next(row for row in tied if row.best == "fastest")
        cheaper = _cheaper(chosen, fastest) or ", and costs less"
        yield f"it ties with {names(fastest.configuration)}{cheaper}."
        tied = [row for row in tied if row is not fastest]
    if tied:
        yield (f"{listed([names(row.configuration) for row in tied])} {verb(tied, 'ties', 'tie')} with it.")
    close = [row for row in finding.configurations if row.best == "not distinguished"]
    if close:
        which = listed([names(row.configuration) for row in close])
        yield f"{which} cannot be told from the fastest yet: more blocks would tell."


def _cheaper(chosen: ConfigurationFinding, other: ConfigurationFinding) -> str:
    if not chosen.memory_bytes or not other.memory_bytes:
        return ""
    factor = other.memory_bytes / chosen.memory_bytes
    return f" with {1 / factor:.0%} of the memory" if factor > MEMORY_FACTOR else ""


def _no_help(names: Names, group: Group, finding: GroupFinding) -> Iterator[str]:
    planned = {c.id: c for c in group.configurations}
    for row in finding.configurations:
        if row.comparison is None or row.comparison.verdict not in ("slower", "tied"):
            continue
        configuration = planned[row.configuration]
        if configuration.strategy == "serial" or row.configuration in group.baselines:
            continue
        used, why = row.cpus_used, ""
        if configuration.strategy == "threads" and configuration.gil_is_on and used is not None:
            why = (
                f": the GIL is on, and its threads kept {used:.1f} CPUs busy"
                if 0.5 <= used <= ONE_CPU
                else ""
            )
        yield f"{names(row.configuration)} does not help{why}."


def unknown(names: Names, finding: GroupFinding) -> Iterator[str]:
    """Say what could not be measured, and what has no verdict yet."""
    failed = [row for row in finding.configurations if row.problem]
    if failed:
        yield f"{listed([names(row.configuration) for row in failed])} could not be measured."
    open_rows = [
        row
        for row in finding.configurations
        if row.comparison is not None and row.comparison.verdict == "unresolved"
    ]
    if open_rows:
        needed = [
            row.comparison.more_blocks for row in open_rows if row.comparison and row.comparison.more_blocks
        ]
        guess = f"; about {counted(max(needed), 'more block')} would probably settle it" if needed else ""
        which = listed([names(row.configuration) for row in open_rows])
        differ = verb(open_rows, "differs", "differ")
        yield f"not known yet: whether {which} {differ} from the baseline{guess}."


def ratio_text(ratio: float) -> str:
    """Write a ratio: "1.91", "41"."""
    return f"{ratio:.2f}" if ratio < 10 else f"{ratio:.0f}"


def bounds_text(speed_up: Interval) -> str:
    """Write an interval with its level and blocks: "95 %: 1.83–1.99, 12 blocks"."""
    blocks = counted(speed_up.blocks, "block")
    if speed_up.low is None or speed_up.high is None:
        return blocks
    # One digit: the level of a declared comparison is 1 − αR/K, which is seldom round.
    level = f"{speed_up.level * 100:.1f}".removesuffix(".0")
    return f"{level} %: {ratio_text(speed_up.low)}–{ratio_text(speed_up.high)}, {blocks}"


def listed(names: Sequence[str]) -> str:
    """Write names in a row: "a, b and c"."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def verb(rows: Sequence[object], singular: str, plural: str) -> str:
    """Choose a verb's form by how many there are."""
    return singular if len(rows) == 1 else plural


def scenario_sentences(group: Group, finding: GroupFinding) -> tuple[str, ...]:
    """Say what a scenario's group found; empty before its first block."""
    if not finding.blocks:
        return ()
    names = Names(group, finding)
    texts = _compared(names, finding) if finding.measure.compared else _valued(names, finding)
    return tuple(sentence[0].upper() + sentence[1:] for sentence in [*texts, *unknown(names, finding)])


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
    texts = [
        f"compared with {names(baseline)}, times as much: {', '.join(times_of_rows)}."
        for baseline, times_of_rows in declared.items()
    ]
    for baseline, rows in tied.items():
        which = listed([names(row.configuration) for row in rows])
        texts.append(f"{which} {verb(rows, 'takes', 'take')} as much as {names(baseline)}.")
    return texts


def _times(comparison: ComparisonFinding) -> str:
    """Write how many times the baseline's: the other way round than a speed-up."""
    speed_up = comparison.speed_up
    assert speed_up is not None
    low = None if speed_up.high is None else 1 / speed_up.high
    high = None if speed_up.low is None else 1 / speed_up.low
    turned = Interval(1 / speed_up.ratio, low, high, speed_up.level, speed_up.blocks)
    return f"{ratio_text(turned.ratio)} ({bounds_text(turned)})"


def _valued(names: Names, finding: GroupFinding) -> list[str]:
    values = [
        f"{names(row.configuration)} {_value(row.value, finding.measure.unit)}"
        for row in finding.configurations
        if row.value is not None
    ]
    return [f"{finding.measure.name.replace('_', ' ')}: {', '.join(values)}."] if values else []


def _value(value: ValueInterval, unit: str) -> str:
    factor, sign = (100.0, " %") if unit == "ratio" else (1.0, "")
    middle = f"{_digits(value.value * factor)}{sign}"
    if value.low is None or value.high is None:
        return f"{middle} ({counted(value.blocks, 'block')})"
    low, high = _digits(value.low * factor), _digits(value.high * factor)
    return f"{middle}" if low == high else f"{middle} ({low}–{high})"


def _digits(value: float) -> str:
    return f"{value:.3g}"
