"""Reader of an experiment document: an experiment, or everything that is wrong with it at once."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, cast

from parlab.orchestrator.experiment import quantities
from parlab.orchestrator.experiment.claims import read_claims
from parlab.orchestrator.experiment.model import (
    Experiment,
    NodeLimits,
    PythonChoice,
    Stop,
    StrategyChoice,
    WorkloadChoice,
)
from parlab.orchestrator.experiment.reader import TableReader
from parlab.orchestrator.experiment.stop import read_stop
from parlab.orchestrator.experiment.toml import change, read, shipped_names
from parlab.orchestrator.experiment.ways import read_scenario, read_strategies, read_workload
from parlab.orchestrator.experiment.work import settled_parameters
from parlab.workers import catalog
from parlab.workers.errors import BadInput
from parlab.workers.parameter import settle
from parlab.workers.wire.spec import Gil

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_VERSION = re.compile(r"[0-9]+(\.[0-9]+)*[a-z0-9]*")
_TABLES = ("experiment", "workload", "scenario", "strategy", "python", "node", "stop", "claim")
_KEYS = (
    *("name", "question", "seed", "baseline", "claims"),
    *("timeout", "trial_seconds", "round_seconds", "sitting_size"),
)
#: Keys of a [[node]] that is to be made.
_LIMITS = ("python", "cpus", "memory", "cpuset")
#: More than this is a mistake in a factor, not an experiment.
MOST_CONFIGURATIONS = 500
#: A sitting's limit is made of many of its trials' limits; beyond this no clock of the queue holds it.
MOST_STEP_SECONDS = 86400.0
#: So many faults are listed; what is behind them is mostly the same again.
MOST_LISTED = 50


@dataclass(frozen=True)
class Shipped:
    """An experiment that ships."""

    name: str
    question: str
    #: Wall time that it takes at most, unless told otherwise.
    budget_seconds: float
    #: What has that time: the run, or each build of it.
    budget_per: Literal["run", "build"]


def load(path_or_name: str, sets: Sequence[str] = ()) -> Experiment:
    """Load an experiment file or one that ships, changed by ``--set`` values.

    Raises:
        BadInput: with every fault of the file: where (file, table, key), what, and the cure.
    """
    name, document = read(path_or_name)
    problems = change(document, sets)
    folder = Path(path_or_name).parent
    return parse(name + (" with --set" if sets else ""), document, problems, folder)


def parse(
    name: str,
    document: Mapping[str, Any],
    problems: list[str] | None = None,
    folder: Path | None = None,
) -> Experiment:
    """Make an experiment of a document's tables.

    Args:
        name: of the document, for messages.
        document: tables as TOML or JSON gives them.
        problems: faults that are known of it already.
        folder: where files that it names are; None: it may name none.

    Raises:
        BadInput: with every fault.
    """
    problems = [] if problems is None else problems
    experiment = _Reader(name, problems, folder).experiment(document)
    if problems:
        distinct = list(dict.fromkeys(problems))
        listed = distinct[:MOST_LISTED]
        if len(distinct) > MOST_LISTED:
            listed.append(f"… and {len(distinct) - MOST_LISTED} more")
        count = f"{len(distinct)} faults" if len(distinct) > 1 else "a fault"
        lines = "".join(f"\n  {problem}" for problem in listed)
        raise BadInput(
            f"{name.removesuffix(' with --set')}: {count}{lines}",
            "Every key is described in docs/experiment-files.md.",
        )
    return experiment


def shipped() -> list[Shipped]:
    """List the experiments that come with parlab, with their questions and how long they may take."""
    experiments = ((name, load(name)) for name in shipped_names())
    return [Shipped(name, e.question, e.stop.budget_seconds, e.stop.budget_per) for name, e in experiments]


def override_stop(
    experiment: Experiment, *, budget: str | None, blocks: int | None, precision: str | None
) -> Experiment:
    """Put the command line's stop options into an experiment.

    Raises:
        BadInput: one of them cannot be used.
    """
    given = {"budget": budget, "blocks": blocks, "precision": precision}
    document = {key: value for key, value in given.items() if value is not None}
    problems: list[str] = []
    reader = TableReader("the command line", problems)
    stop = read_stop(reader, document, experiment.stop, lambda key: f"--{key}")
    if problems:
        raise BadInput("; ".join(problems), "See parlab run --help.")
    return replace(experiment, stop=stop)


class _Reader(TableReader):
    """Knows what an experiment is made of."""

    def experiment(self, document: Mapping[str, Any]) -> Experiment:
        """Read the whole document; what is returned is an experiment only where no problem was noted."""
        self.unknown(document, _TABLES, "", what="table")
        top = self.table(document, "experiment")
        self.unknown(top, _KEYS, "experiment")
        workloads = [(i, w) for i, t in self.tables(document, "workload") for w in read_workload(self, t, i)]
        workloads += [(i, w) for i, t in self.tables(document, "scenario") for w in read_scenario(self, t, i)]
        tables = self.tables(document, "strategy")
        strategies = [(i, s) for i, t in tables for s in read_strategies(self, t, i)]
        pythons = [(i, p) for i, t in self.tables(document, "python") for p in self._python(t, i)]
        tables = list(self.tables(document, "node"))
        nodes = [n for i, t in tables if not _limited(t) for n in self._node(t, i)]
        fleet = [limits for i, t in tables if _limited(t) for limits in self._limits(t, i)]
        if nodes and fleet:
            self.problem(
                "node",
                "some have a name and some have limits: either name existing nodes, or give limits for "
                "new ones",
            )
        self.duplicates([(f"node {limits.label}", limits) for limits in fleet], "leave one of them out")
        baseline = self.text(top, "baseline", "experiment") or Experiment.baseline
        claims, workloads = read_claims(self, document, workloads, [s for _, s in strategies], baseline)
        if not any(document.get(key) for key in ("workload", "scenario", "claim")) and not top.get("claims"):
            self.problem(
                "workload", "there is no workload: add a [[workload]] with a name, or a [[scenario]]"
            )
        needing = [i for i, choice in workloads if not choice.strategies]
        if document.get("strategy", []) == [] and (needing or (document.get("workload") and not workloads)):
            self.problem("strategy", "there is no strategy: add a [[strategy]] with a name")
        self._configurations(workloads, strategies, pythons)
        name = self.text(top, "name", "experiment", required=True)
        if name and _NAME.fullmatch(name) is None:
            self.problem("experiment.name", f"{name!r}: use a-z, 0-9, - and _, at most 64 characters")
        self._check_baseline(baseline, workloads, strategies)
        return Experiment(
            name=name or "unnamed",
            question=self.text(top, "question", "experiment") or "",
            workloads=tuple(w for _, w in workloads),
            strategies=tuple(s for _, s in strategies),
            pythons=tuple(p for _, p in pythons) or (PythonChoice(),),
            nodes=tuple(dict.fromkeys(nodes)),
            fleet=tuple(fleet),
            baseline=baseline,
            stop=read_stop(self, self.table(document, "stop"), Stop(), lambda key: f"stop.{key}"),
            trial_seconds=self._step_seconds(top, "trial_seconds", Experiment.trial_seconds),
            round_seconds=self._step_seconds(top, "round_seconds", Experiment.round_seconds),
            timeout_seconds=self._step_seconds(top, "timeout", Experiment.timeout_seconds),
            sitting_size=self.integer(top, "sitting_size", "experiment.sitting_size", (2, 64), None)
            or Experiment.sitting_size,
            seed=self.integer(top, "seed", "experiment.seed", (0, 2**31 - 1), None),
            claims=claims,
        )

    def _check_baseline(
        self,
        baseline: str,
        workloads: Sequence[tuple[str, WorkloadChoice]],
        strategies: Sequence[tuple[str, StrategyChoice]],
    ) -> None:
        """Note where what the others are compared with is not among them."""
        if strategies and baseline not in {s.name for _, s in strategies}:
            self.problem(
                "experiment.baseline", f"{baseline!r} is not among the strategies: add it, or name another"
            )
        for where, choice in workloads:
            own = {strategy.name for strategy in choice.strategies}
            if own and not choice.scenario and baseline not in own:
                self.problem(f"{where}.strategy", f"{baseline} is not among them: add it, to compare with")

    def _step_seconds(self, table: Mapping[str, Any], key: str, default: float) -> float:
        called = f"experiment.{key}"
        seconds = self.number(table, key, called, quantities.seconds, default)
        if seconds > MOST_STEP_SECONDS:
            self.problem(called, f"{table[key]!r}: at most one day (24h)")
        return seconds

    def _configurations(
        self,
        workloads: Sequence[tuple[str, WorkloadChoice]],
        strategies: Sequence[tuple[str, StrategyChoice]],
        pythons: Sequence[tuple[str, PythonChoice]],
    ) -> None:
        """Note too many configurations, or the same one twice (with defaults: as they will be run)."""
        builds = max(len(pythons), 1)
        pairs = sum(len(choice.strategies or strategies) for _, choice in workloads)
        if pairs * builds > MOST_CONFIGURATIONS:
            self.problem(
                "workload",
                f"{len(workloads)} workloads and scenarios, with {pairs} strategies and variants in all, "
                f"× {builds} builds make more than {MOST_CONFIGURATIONS} configurations: shorten the lists",
            )
            return
        self.duplicates(
            [(i, [w.name, settled_parameters(w, i), w.tasks, w.function, w.scenario]) for i, w in workloads],
            "leave one of them out",
        )
        self._same_strategies(strategies)
        for where, choice in workloads:
            if not choice.scenario:
                self._same_strategies([(f"{where}.strategy", own) for own in choice.strategies])
        self.duplicates(pythons, "leave one of them out")

    def _same_strategies(self, strategies: Sequence[tuple[str, StrategyChoice]]) -> None:
        self.duplicates(
            [
                (i, [s.name, settle(catalog.strategy(s.name).options, s.options, i), s.max_workers, s.label])
                for i, s in strategies
            ],
            'leave one out, or tell them apart by label = "A"',
        )

    # The tables

    def _python(self, table: Mapping[str, Any], where: str) -> list[PythonChoice]:
        self.unknown(table, ("executable", "version", "gil"), where)
        if ("executable" in table) == ("version" in table):
            self.problem(where, 'give either executable = "python3.13" or version = "3.13"')
            return []
        key = "executable" if "executable" in table else "version"
        choices = []
        values = self.factor(table, key, where, "")
        for value, gil in self.combinations(where, [values, self.factor(table, "gil", where, None)]):
            if gil not in (None, "on", "off"):
                self.problem(f"{where}.gil", f'{gil!r}: it must be "on" or "off"')
            elif not isinstance(value, str) or not value.strip() or not value.isprintable():
                self.problem(f"{where}.{key}", f'{value!r} is not a text: write {key} = "…"')
            elif key == "version" and _VERSION.fullmatch(value) is None:
                self.problem(f"{where}.version", f"{value!r} is not a version: write 3.13, 3.13.5 or 3.13t")
            else:
                choices.append(PythonChoice(**{key: value}, gil=cast("Gil | None", gil)))
        return choices

    def _node(self, table: Mapping[str, Any], where: str) -> list[str]:
        self.unknown(table, ("name",), where)
        names = self.factor(table, "name", where, "")
        if not all(isinstance(name, str) and name for name in names):
            self.problem(f"{where}.name", "give the node's name, as in parlab node --name")
        return [str(name) for name in names]

    def _limits(self, table: Mapping[str, Any], where: str) -> list[NodeLimits]:
        self.unknown(table, _LIMITS, where)
        limits = []
        factors = [
            self.factor(table, "python", where, NodeLimits.python),
            *(self.factor(table, key, where, None) for key in ("cpus", "memory", "cpuset")),
        ]
        for python, cpus, memory, cpuset in self.combinations(where, factors):
            try:
                limits.append(
                    NodeLimits(
                        python=str(python),
                        cpus=_cpus(cpus),
                        memory_bytes=quantities.memory_bytes(str(memory)) if memory is not None else None,
                        cpuset=str(cpuset) if cpuset is not None else None,
                    )
                )
            except BadInput as error:
                self.problem(where, f"{error.message}: {error.hint}")
            except ValueError as error:
                self.problem(f"{where}.memory", str(error))
        return limits


def _limited(table: Mapping[str, Any]) -> bool:
    return any(key in table for key in _LIMITS)


def _cpus(value: Any) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadInput(f"cpus {value!r} is not a number", "Write cpus = [0.5, 1, 2]")
    return float(value)
