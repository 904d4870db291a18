"""The table ``[[contrast]]`` of a claim: which ways are held against which, and from what bound on."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

from parlab.orchestrator.experiment.model import (
    Contrast,
    Direction,
    RuleName,
    StrategyChoice,
    WorkloadChoice,
    bound_on,
)
from parlab.orchestrator.experiment.reader import TableReader, meant
from parlab.orchestrator.experiment.ways import read_strategies
from parlab.orchestrator.experiment.work import settled_parameters
from parlab.workers import catalog
from parlab.workers.probes.base import Quantity
from parlab.workers.wire.codec import encode
from parlab.workers.wire.spec import Scalar

KEYS = (
    *("workload", "scenario", "where", "tasks", "of", "against", "measure"),
    *("rule", "bound", "supports", "over", "least_cpus"),
)
RULES = ("ratio", "value", "trend")
#: Units of what is never 0, so that ratios of it mean something.
_NEVER_ZERO = ("seconds", "bytes", "bytes_per_second")


@dataclass(frozen=True)
class ContrastTable:
    """What a table says before it is laid out over the conditions that it covers."""

    #: What it is called in messages.
    where: str
    #: In the first of these conditions.
    contrast: Contrast
    #: The choices that it looks at, by their places.
    covers: tuple[int, ...]


def read_contrast(
    reader: TableReader, table: Mapping[str, Any], where: str, choices: Sequence[WorkloadChoice]
) -> ContrastTable | None:
    """Read a contrast over some of ``choices``; what is wrong is noted, and then there may be none."""
    before = reader.problem_count
    reader.unknown(table, KEYS, where)
    covers = _covered(reader, table, where, choices)
    rule = table.get("rule", "ratio")
    if rule not in RULES:
        reader.problem(
            f"{where}.rule", f"{rule!r}{meant(str(rule), RULES)}: it must be one of {', '.join(RULES)}"
        )
    supports = table.get("supports")
    if supports not in ("above", "below"):
        given = "it is missing" if supports is None else repr(supports)
        reader.problem(
            f"{where}.supports", f'{given}: it must be "above" or "below", the side where the claim is right'
        )
    if not covers:
        return None
    covered = [choices[i] for i in covers]
    of = _ways(reader, table, "of", where, covered[0])
    against = _ways(reader, table, "against", where, covered[0])
    _check_sides(reader, table, where, str(rule), of)
    measure = _measure(reader, table, where, covered, str(rule))
    over = reader.text(table, "over", where, required=rule == "trend") or ""
    if rule == "trend" and over:
        _check_over(reader, where, over, covered)
    elif over:
        reader.problem(f"{where}.over", 'only a trend has this key: write rule = "trend", or leave it out')
    bound = _bound(reader, table, where, str(rule))
    least = reader.integer(table, "least_cpus", f"{where}.least_cpus", (1, 4096), 1) or 1
    if reader.problem_count > before:
        return None
    contrast = Contrast(
        covered[0].name,
        covered[0].parameters,
        covered[0].tasks,
        covered[0].scenario,
        cast("RuleName", rule),
        of,
        against,
        bound,
        cast("Direction", supports),
        measure,
        over,
        least_cpus=least,
    )
    return ContrastTable(where, contrast, tuple(covers))


def cells(table: ContrastTable, choices: Sequence[WorkloadChoice]) -> list[Contrast]:
    """Lay a contrast out: one cell for each condition that it covers, or each pair of them for a trend."""
    covered, over = [choices[i] for i in table.covers], table.contrast.over
    if table.contrast.rule != "trend":
        return [_cell(table.contrast, choice, choice.parameters) for choice in covered]
    return [
        replace(
            _cell(table.contrast, first, {**first.parameters, over: _parameter(first, over)}),
            end=_parameter(last, over),
        )
        for first, last in _ends(covered, over)
    ]


def _cell(contrast: Contrast, choice: WorkloadChoice, parameters: Mapping[str, Scalar]) -> Contrast:
    return replace(contrast, workload=choice.name, parameters=dict(parameters), tasks=choice.tasks)


def _ends(covered: Sequence[WorkloadChoice], over: str) -> list[tuple[WorkloadChoice, WorkloadChoice]]:
    """Pair the smallest and the largest value of a trend's parameter, all else being equal."""
    alike: dict[str, list[WorkloadChoice]] = {}
    for choice in covered:
        rest = {k: v for k, v in settled(choice).items() if k != over}
        alike.setdefault(encode([choice.name, rest, choice.tasks, choice.scenario]), []).append(choice)
    ordered = [sorted(some, key=lambda c: float(_number(c, over))) for some in alike.values()]
    return [(some[0], some[-1]) for some in ordered if len(some) > 1]


def _number(choice: WorkloadChoice, name: str) -> float:
    value = _parameter(choice, name)
    return float(value) if isinstance(value, int | float) else math.nan


def _parameter(choice: WorkloadChoice, name: str) -> Scalar:
    return settled(choice).get(name)


def settled(choice: WorkloadChoice) -> dict[str, Scalar]:
    """Give a choice's parameters, defaults included; they were checked when it was read."""
    return settled_parameters(choice, choice.name)


# What it is about


def _covered(
    reader: TableReader, table: Mapping[str, Any], where: str, choices: Sequence[WorkloadChoice]
) -> list[int]:
    """Find the choices that a contrast looks at, by their places."""
    if "workload" in table and "scenario" in table:
        reader.problem(where, "it has both a workload and a scenario: leave one of them out")
        return []
    key = "scenario" if "scenario" in table else "workload"
    names = reader.factor(table, key, where, None) if key in table else None
    there = sorted({c.name for c in choices if c.scenario == (key == "scenario")})
    for name in names or ():
        if name not in there:
            close = meant(str(name), there)
            has = f"there are {', '.join(there)}" if there else f"it has no {key}"
            reader.problem(f"{where}.{key}", f"{name!r}{close} is not part of the claim; {has}")
            return []
    indices = [
        i
        for i, c in enumerate(choices)
        if names is None or (c.name in names and c.scenario == (key == "scenario"))
    ]
    if len({(c.scenario, c.scenario and c.name) for c in (choices[i] for i in indices)}) > 1:
        reader.problem(where, "it covers several kinds: choose one with workload = … or scenario = …")
        return []
    tasks = table.get("tasks")
    if tasks is not None:
        indices = [i for i in indices if choices[i].tasks == (None if tasks == "auto" else tasks)]
    for name, values in _conditions(reader, table, where).items():
        if indices and not any(name in settled(choices[i]) for i in indices):
            known = sorted({key for i in indices for key in settled(choices[i])})
            reader.problem(
                f"{where}.where.{name}",
                f"unknown parameter{meant(name, known)}; known are {', '.join(known)}",
            )
            return []
        indices = [i for i in indices if settled(choices[i]).get(name) in values]
    if not indices:
        reader.problem(
            where, "it covers nothing: its workload and where match none of the claim's conditions"
        )
    return indices


def _conditions(reader: TableReader, table: Mapping[str, Any], where: str) -> dict[str, list[Any]]:
    given = table.get("where", {})
    if not isinstance(given, dict):
        reader.problem(f"{where}.where", "write it as a table: where = { size = 1000 }")
        return {}
    return {name: reader.factor(given, name, f"{where}.where", None) for name in given}


def _ways(
    reader: TableReader, table: Mapping[str, Any], key: str, where: str, choice: WorkloadChoice
) -> tuple[StrategyChoice, ...]:
    given = table.get(key, [])
    entries = given if isinstance(given, list) else [given]
    choices: list[StrategyChoice] = []
    for entry in entries:
        place = f"{where}.{key}"
        if choice.scenario:
            choices += _variant(reader, entry, place, choice.name)
        elif isinstance(entry, dict):
            choices += read_strategies(reader, entry, place)
        elif isinstance(entry, str):
            choices += read_strategies(reader, {"name": entry}, place)
        else:
            reader.problem(place, f'{entry!r}: write "threads" or {{ name = "threads", max_workers = 4 }}')
    return tuple(choices)


def _variant(reader: TableReader, entry: Any, place: str, scenario: str) -> Iterable[StrategyChoice]:
    there = [variant.name for variant in catalog.scenario(scenario).variants]
    if isinstance(entry, str) and entry in there:
        return [StrategyChoice(entry, {}, 1)]
    close = meant(str(entry), there)
    reader.problem(place, f"there is no variant {entry!r}{close}; there are {', '.join(there)}")
    return []


# What is looked at


def _check_sides(
    reader: TableReader, table: Mapping[str, Any], where: str, rule: str, of: Sequence[StrategyChoice]
) -> None:
    for key in ("of",) if rule == "value" else ("of", "against"):
        if table.get(key, []) == []:
            reader.problem(f"{where}.{key}", f'it is missing: {key} = "threads"')
    if rule == "value":
        if "against" in table:
            reader.problem(f"{where}.against", "a value is compared only with its bound: leave this key out")
        if len(of) > 1:
            reader.problem(f"{where}.of", "a value belongs to one way: write a [[contrast]] for each")


def _measure(
    reader: TableReader,
    table: Mapping[str, Any],
    where: str,
    covered: Sequence[WorkloadChoice],
    rule: str,
) -> str:
    name = reader.text(table, "measure", where)
    known: dict[str, Quantity] = {}
    if covered[0].scenario:
        measures = catalog.scenario(covered[0].name).measures
        known = {measure.name: measure for measure in measures}
        quantity = known.get(name) if name is not None else measures[0]
    else:
        if name is None:
            if rule == "value":
                reader.problem(f"{where}.measure", 'it is missing: measure = "cpu_user"')
            return ""
        probes = catalog.probes().values()
        # What an untimed pass reads is there in a group's first blocks alone, too few for any word.
        known = {q.name: q for probe in probes if probe.scope == "round" for q in probe.quantities}
        quantity = known.get(name)
        if quantity is None and any(q.name == name for probe in probes for q in probe.quantities):
            reader.problem(
                f"{where}.measure",
                f"{name} is read only in the first blocks, which are too few for a claim; "
                f"there are {', '.join(sorted(known))}",
            )
            return ""
    if quantity is None:
        close = meant(str(name), known)
        reader.problem(
            f"{where}.measure",
            f"there is no measure {name!r}{close}; there are {', '.join(sorted(known))}",
        )
    elif rule != "value" and quantity.unit not in _NEVER_ZERO:
        reader.problem(
            where, f'{quantity.name} may be 0, so ratios of it have no meaning: write rule = "value"'
        )
    return name or ""


def _check_over(reader: TableReader, where: str, over: str, covered: Sequence[WorkloadChoice]) -> None:
    values = {_parameter(choice, over) for choice in covered}
    numbers = {v for v in values if isinstance(v, int | float) and not isinstance(v, bool)}
    if len(numbers) < 2 or numbers != values:
        reader.problem(f"{where}.over", f"{over!r} needs two numbers here: {over} = [1_000, 1_000_000]")


def _bound(reader: TableReader, table: Mapping[str, Any], where: str, rule: str) -> float | str:
    value = table.get("bound")
    place = f"{where}.bound"
    if value is None:
        reader.problem(place, "it is missing: bound = 1.1")
    elif isinstance(value, str):
        if bound_on(value, 1) > 0:
            return value
        reader.problem(place, f'{value!r} is not a bound: write 1.1 or "0.7*cpus"')
    elif isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        reader.problem(place, f'{value!r} is not a bound: write 1.1 or "0.7*cpus"')
    elif rule != "value" and value <= 0:
        reader.problem(place, f"{value!r}: a ratio's bound is above 0")
    else:
        return float(value)
    return 1.0
