"""Tables of work and ways in an experiment file: [[workload]], [[scenario]], [[strategy]]."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from parlab.orchestrator.experiment import quantities
from parlab.orchestrator.experiment.functions import inputs_label, read_function
from parlab.orchestrator.experiment.model import StrategyChoice, WorkloadChoice
from parlab.orchestrator.experiment.reader import TableReader, meant
from parlab.workers import catalog
from parlab.workers.parameter import settle
from parlab.workers.wire.spec import Scalar

MOST_TASKS = 10_000
_LABEL = re.compile(r"\w[\w .+-]{0,39}")


def read_strategies(reader: TableReader, table: Mapping[str, Any], where: str) -> list[StrategyChoice]:
    """Read a strategy's table: one choice for each combination of its lists; what is wrong is noted."""
    name = reader.known(table, where, catalog.available("strategies"), "strategy")
    if name is None:
        return []
    strategy = catalog.strategy(name)
    reader.unknown(table, ("name", "max_workers", "label", *strategy.options), where)
    labels = [label for label in reader.factor(table, "label", where, "") if _is_label(reader, label, where)]
    if name == "serial":
        counts = _serial_width(reader, table, where)
    else:
        given = reader.factor(table, "max_workers", where, None)
        counts = [count for count in given if count is None or _is_width(reader, count, where)]
    options = reader.declared(table, strategy.options, where)
    choices = []
    for *values, count, label in reader.combinations(where, [*options.values(), counts, labels]):
        chosen = dict(zip(options, values, strict=True))
        width = _width(count, chosen)
        if isinstance(width, int):
            reason = strategy.impossible(width, settle(strategy.options, chosen, where))
            if count is None and not _is_width(reader, width, where):
                continue
            if reason is not None:
                reader.problem(where, f"{reason}: change one of them")
                continue
        choices.append(StrategyChoice(name, chosen, width, label))
    return choices


def _serial_width(reader: TableReader, table: Mapping[str, Any], where: str) -> list[int]:
    if table.get("max_workers", 1) != 1:
        reader.problem(
            f"{where}.max_workers",
            f"{table['max_workers']!r}: serial runs one task at a time; leave the key out",
        )
    return [1]


def _is_label(reader: TableReader, value: Any, where: str) -> bool:
    if value == "" or (isinstance(value, str) and _LABEL.fullmatch(value)):
        return True
    reader.problem(f"{where}.label", f'{value!r}: a short text is expected, label = "A"')
    return False


def _is_width(reader: TableReader, value: Any, where: str) -> bool:
    try:
        if isinstance(value, bool) or not isinstance(value, int | str):
            raise ValueError(f'{value!r} is not a number of workers: write 4, "cpus" or "2*cpus"')  # noqa: TRY004
        quantities.check_workers(value)
    except ValueError as error:
        reader.problem(f"{where}.max_workers", str(error))
        return False
    return True


def _width(given: int | str | None, options: Mapping[str, Scalar]) -> int | str:
    """Settle max_workers: a number written as text is a number, and a hybrid's factors say it, too."""
    processes, threads = options.get("processes"), options.get("threads")
    if given is None and isinstance(processes, int) and isinstance(threads, int):
        return processes * threads
    if isinstance(given, str) and "cpus" not in given:
        return int(given)
    return "cpus" if given is None else given


def read_workload(reader: TableReader, table: Mapping[str, Any], where: str) -> list[WorkloadChoice]:
    """Read a table ``[[workload]]``: one choice for each combination of its lists."""
    if "function" in table:
        return _function(reader, table, where)
    name = reader.known(table, where, catalog.available("workloads"), "workload")
    if name is None:
        return []
    parameters = catalog.workload(name).parameters
    reader.unknown(table, ("name", "tasks", "strategy", *parameters), where)
    tasks = _tasks(reader, table, where)
    given = reader.declared(table, parameters, where)
    own = _own_strategies(reader, table, where)
    return [
        WorkloadChoice(name, dict(zip(given, values, strict=True)), count, strategies=own)
        for *values, count in reader.combinations(where, [*given.values(), tasks])
    ]


def _function(reader: TableReader, table: Mapping[str, Any], where: str) -> list[WorkloadChoice]:
    if "name" in table:
        reader.problem(where, "it has both a name and a function: leave one of them out")
    tasks = _tasks(reader, table, where)
    own = read_function(reader, table, where, reader.folder)
    if own is None:
        return []
    parameters: dict[str, Scalar] = {"inputs": inputs_label(own)} if inputs_label(own) else {}
    strategies = _own_strategies(reader, table, where)
    return [WorkloadChoice(own.function, parameters, count, own, strategies) for count in tasks]


def _own_strategies(reader: TableReader, table: Mapping[str, Any], where: str) -> tuple[StrategyChoice, ...]:
    """Read the tables ``[[workload.strategy]]`` of a workload: how it alone is run."""
    own = reader.tables(table, "strategy")
    return tuple(s for i, t in own for s in read_strategies(reader, t, f"{where}.{i}"))


def _tasks(reader: TableReader, table: Mapping[str, Any], where: str) -> list[int | None]:
    """Read how many tasks a round has; None: to be calibrated."""
    numbers: list[int | None] = []
    for value in reader.factor(table, "tasks", where, "auto"):
        if value == "auto":
            numbers.append(None)
        elif isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= MOST_TASKS:
            numbers.append(value)
        else:
            reader.problem(
                f"{where}.tasks", f'{value!r}: it must be "auto" or a number from 1 to {MOST_TASKS}'
            )
    return numbers


def read_scenario(reader: TableReader, table: Mapping[str, Any], where: str) -> list[WorkloadChoice]:
    """Read a scenario's table: one choice for each combination of its conditions; what is wrong is noted.

    Its variants (all that there are, unless some are named) are the choice's strategies.
    """
    name = reader.known(table, where, catalog.available("scenarios"), "scenario")
    if name is None:
        return []
    scenario = catalog.scenario(name)
    reader.unknown(table, ("name", "variant", *scenario.parameters), where)
    there = [variant.name for variant in scenario.variants]
    variants = reader.factor(table, "variant", where, None) if "variant" in table else there
    for variant in variants:
        if variant not in there:
            reader.problem(
                f"{where}.variant",
                f"there is no variant {variant!r}{meant(str(variant), there)}; there are {', '.join(there)}",
            )
            return []
    given = reader.declared(table, scenario.parameters, where)
    strategies = tuple(StrategyChoice(variant, {}, 1) for variant in dict.fromkeys(variants))
    return [
        WorkloadChoice(
            name, dict(zip(given, values, strict=True)), None, strategies=strategies, scenario=True
        )
        for values in reader.combinations(where, list(given.values()))
    ]
