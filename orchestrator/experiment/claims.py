"""Claims as they are written: files of ``experiments/claims``, and an experiment's tables ``[[claim]]``."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import resources
from typing import Any

from parlab.orchestrator.experiment.contrasts import (
    ContrastTable,
    cells,
    read_contrast,
    settled,
)
from parlab.orchestrator.experiment.labels import group_label
from parlab.orchestrator.experiment.model import Claim, Contrast, StrategyChoice, WorkloadChoice
from parlab.orchestrator.experiment.reader import TableReader, meant
from parlab.orchestrator.experiment.ways import read_scenario, read_workload
from parlab.workers import catalog
from parlab.workers.parameter import settle
from parlab.workers.wire.codec import encode

KEYS = ("id", "text", "title", "workload", "scenario", "contrast")
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,31}")
_FOLDER = "claims"

#: A choice and what it is called in messages.
Named = tuple[str, WorkloadChoice]


@dataclass(frozen=True)
class _Source:
    """A claim that was read, before its conditions are known."""

    claim: Claim
    #: What is measured for it alone; empty: it is about what the experiment measures anyway.
    own: tuple[WorkloadChoice, ...]
    where: str
    reader: TableReader
    table: Mapping[str, Any]


def shipped_claims() -> dict[str, str]:
    """List the claims that ship: their files' names by their ids, in order."""
    folder = resources.files(f"{__package__}.shipped") / _FOLDER
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".toml"))
    return {f"C{int(name.removesuffix('.toml')[1:])}": name for name in names}


def read_claims(
    reader: TableReader,
    document: Mapping[str, Any],
    choices: Sequence[Named],
    strategies: Sequence[StrategyChoice],
    baseline: str,
) -> tuple[tuple[Claim, ...], list[Named]]:
    """Read the claims of an experiment, and add what they want measured to what it measures.

    Args:
        reader: of the experiment's document.
        document: with ``experiment.claims``, ids of those that ship, and tables ``[[claim]]``.
        choices: what the experiment itself measures.
        strategies: how, where a choice says nothing of its own.
        baseline: the strategy that is measured with any other.

    Returns:
        the claims, and all choices: none twice, each with all ways that are asked of it.
    """
    sources = [s for s in _sources(reader, document) if s is not None]
    called = [(f"{s.where}id" if s.where else "experiment.claims", s.claim.id) for s in sources]
    reader.duplicates(called, "give each claim an id of its own")
    merged = list(choices)
    places = {_key(choice): i for i, (_, choice) in enumerate(merged)}
    sound: list[tuple[_Source, list[ContrastTable]]] = []
    for source in sources:
        tables = _contrasts(source, [choice for _, choice in choices])
        if tables is None:
            # What is measured for it alone would be incomplete, and its faults would be told twice.
            continue
        sound.append((source, tables))
        for i, choice in enumerate(source.own):
            whole = _with_ways(choice, [t for t in tables if i in t.covers], baseline)
            _merge(merged, places, (f"claim {source.claim.id}", whole), strategies)
    claims = []
    for source, tables in sound:
        about = [merged[places[_key(c)]][1] for c in source.own] or [choice for _, choice in choices]
        if not source.own:
            _check_measured(source.reader, tables, about, strategies)
        laid_out = [cell for table in tables for cell in cells(table, about)]
        claims.append(replace(source.claim, contrasts=tuple(laid_out)))
    # As they are sent: a document has the tables of each kind together.
    return tuple(claims), sorted(merged, key=lambda named: named[1].scenario)


def _sources(reader: TableReader, document: Mapping[str, Any]) -> list[_Source | None]:
    sources = []
    shipped = shipped_claims()
    for name in _wanted(reader, document, shipped):
        file = f"{_FOLDER}/{shipped[name]}"
        text = (resources.files(f"{__package__}.shipped") / file).read_text(encoding="utf-8")
        sources.append(_source(reader.other(file), tomllib.loads(text), ""))
    for where, table in reader.tables(document, "claim"):
        sources.append(_source(reader, table, f"{where}."))
    return sources


def _wanted(reader: TableReader, document: Mapping[str, Any], shipped: Mapping[str, str]) -> list[str]:
    top = document.get("experiment")
    given = top.get("claims", []) if isinstance(top, dict) else []
    if given == "all":
        return list(shipped)
    names = given if isinstance(given, list) else [given]
    for name in names:
        if not isinstance(name, str) or name not in shipped:
            close = meant(str(name), shipped)
            reader.problem(
                "experiment.claims",
                f'there is no claim {name!r}{close}; write "all", or some of {", ".join(shipped)}',
            )
    return [name for name in shipped if name in names]


def _source(reader: TableReader, table: Mapping[str, Any], prefix: str) -> _Source | None:
    """Read all of a claim but its contrasts, which need to know what else is measured."""
    where = prefix.removesuffix(".") or "claim"
    before = reader.problem_count
    reader.unknown(table, KEYS, prefix.removesuffix("."))
    name = reader.text(table, "id", where, required=True)
    if name and _ID.fullmatch(name) is None:
        reader.problem(f"{where}.id", f"{name!r}: use letters, digits, - _ and ., at most 32 characters")
    text = reader.text(table, "text", where, required=True)
    title = reader.text(table, "title", where)
    if table.get("contrast", []) == []:
        reader.problem(f"{prefix}contrast", "there is no contrast: add a [[contrast]] that settles the claim")
    own = [w for i, t in reader.tables(table, "workload") for w in read_workload(reader, t, f"{prefix}{i}")]
    for i, t in reader.tables(table, "scenario"):
        some = read_scenario(reader, t, f"{prefix}{i}")
        # All variants are its default; a claim measures those alone that it is about.
        own += some if "variant" in t else [replace(choice, strategies=()) for choice in some]
    if name is None or text is None or reader.problem_count > before:
        return None
    return _Source(Claim(name, text, title or text), tuple(own), prefix, reader, table)


def _contrasts(source: _Source, choices: Sequence[WorkloadChoice]) -> list[ContrastTable] | None:
    """Read a claim's contrasts over its own work, or else over ``choices``; None where a fault was noted."""
    reader, before = source.reader, source.reader.problem_count
    read = [
        read_contrast(reader, table, f"{source.where}{where}", source.own or choices)
        for where, table in reader.tables(source.table, "contrast")
    ]
    tables = [table for table in read if table is not None]
    if reader.problem_count > before:
        return None
    covered = {i for table in tables for i in table.covers}
    for i, choice in enumerate(source.own):
        if i not in covered:
            kind = "scenario" if choice.scenario else "workload"
            reader.problem(
                f"{source.where}{kind}",
                f"no contrast is about {group_label(choice)}, so it would be measured for nothing: "
                "leave it out, or add a [[contrast]]",
            )
    return tables if reader.problem_count == before else None


# What is measured


def _key(choice: WorkloadChoice) -> str:
    """Give what makes two choices the same work under the same conditions."""
    return encode([choice.name, settled(choice), choice.tasks, choice.function, choice.scenario])


def _with_ways(choice: WorkloadChoice, tables: Sequence[ContrastTable], baseline: str) -> WorkloadChoice:
    """Add to a choice the ways that a claim's contrasts name."""
    ways = [way for table in tables for way in (*table.contrast.of, *table.contrast.against)]
    if not choice.scenario and baseline not in {s.name for s in (*choice.strategies, *ways)}:
        ways.insert(0, StrategyChoice(baseline, max_workers=1 if baseline == "serial" else "cpus"))
    return replace(choice, strategies=_union(choice.strategies, ways))


def _merge(
    merged: list[Named], places: dict[str, int], new: Named, strategies: Sequence[StrategyChoice]
) -> None:
    key = _key(new[1])
    if key not in places:
        places[key] = len(merged)
        merged.append(new)
        return
    where, there = merged[places[key]]
    ways = there.strategies or tuple(strategies)
    merged[places[key]] = (where, replace(there, strategies=_union(ways, new[1].strategies)))


def _union(some: Sequence[StrategyChoice], others: Sequence[StrategyChoice]) -> tuple[StrategyChoice, ...]:
    choices: dict[str, StrategyChoice] = {}
    for choice in (*some, *others):
        choices.setdefault(_way_key(choice), choice)
    return tuple(choices.values())


def _way_key(way: StrategyChoice) -> str:
    options = way.options
    if way.name in catalog.available("strategies"):
        options = settle(catalog.strategy(way.name).options, options, way.name)
    return encode([way.name, options, str(way.max_workers), way.label])


def _check_measured(
    reader: TableReader,
    tables: Sequence[ContrastTable],
    choices: Sequence[WorkloadChoice],
    strategies: Sequence[StrategyChoice],
) -> None:
    """Note the ways that an experiment does not measure, where the claim has no work of its own."""
    for table in tables:
        for i in table.covers:
            there = {_way_key(choice) for choice in choices[i].strategies or strategies}
            for way in (*table.contrast.of, *table.contrast.against):
                if _way_key(way) not in there:
                    width = "" if choices[i].scenario else f" with max_workers = {way.max_workers!r}"
                    reader.problem(
                        table.where,
                        f"{way.name}{width} is not measured with {choices[i].name}: add it to the "
                        "experiment, or give the claim a [[workload]] of its own",
                    )


# As it is sent


def claim_table(claim: Claim) -> dict[str, Any]:
    """Write a claim as a table ``[[claim]]`` of an experiment that measures what it needs."""
    return {
        "id": claim.id,
        "text": claim.text,
        "title": claim.title,
        "contrast": [_contrast_table(contrast) for contrast in claim.contrasts],
    }


def _contrast_table(contrast: Contrast) -> dict[str, Any]:
    choice = WorkloadChoice(
        contrast.workload, contrast.parameters, contrast.tasks, scenario=contrast.scenario
    )
    conditions: dict[str, Any] = dict(choice.parameters if ":" in choice.name else settled(choice))
    if contrast.over:
        conditions[contrast.over] = [conditions[contrast.over], contrast.end]
    table: dict[str, Any] = {
        "scenario" if contrast.scenario else "workload": contrast.workload,
        "where": {name: value for name, value in conditions.items() if value is not None},
        "tasks": "auto" if contrast.tasks is None else contrast.tasks,
        "rule": contrast.rule,
        "bound": contrast.bound,
        "supports": contrast.supports,
        "least_cpus": contrast.least_cpus,
        "of": [way.name if contrast.scenario else strategy_table(way) for way in contrast.of],
    }
    if contrast.against:
        table["against"] = [
            way.name if contrast.scenario else strategy_table(way) for way in contrast.against
        ]
    if contrast.measure:
        table["measure"] = contrast.measure
    if contrast.over:
        table["over"] = contrast.over
    return table


def strategy_table(choice: StrategyChoice) -> dict[str, Any]:
    """Write a strategy's choice as a table ``[[strategy]]``."""
    table: dict[str, Any] = {"name": choice.name, **choice.options}
    if choice.name != "serial":
        table["max_workers"] = choice.max_workers
    if choice.label:
        table["label"] = choice.label
    return table
