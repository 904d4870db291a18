"""The search that advice saves: every configuration of a grid, as often as every other, to the end."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.advice.functions.cases import AdviceCase
from parlab.orchestrator.analysis.effects import Blocks
from parlab.orchestrator.statistics import inference
from parlab.orchestrator.store.observation import Observation
from parlab.workers import catalog
from parlab.workers.parameter import settle
from parlab.workers.strategies.hybrid import split
from parlab.workers.wire.spec import Scalar

START_METHODS = ("fork", "forkserver", "spawn")
#: Of the pick's ratio to the fastest. There is one look, at the end, and one question.
LEVEL_ALPHA = 0.05


@dataclass(frozen=True)
class Way:
    """A strategy with its number of workers and its options, however they were said."""

    strategy: str
    max_workers: int
    #: All that the strategy has, with defaults, in order: equal ways are equal.
    options: tuple[tuple[str, Scalar], ...] = ()

    @classmethod
    def of(cls, strategy: str, max_workers: int, options: Mapping[str, Scalar]) -> Way:
        """Make it of what a document has. Raises ``BadInput`` on an option that there is not."""
        settled = settle(catalog.strategy(strategy).options, options, strategy)
        if strategy == "hybrid" and (factors := split(max_workers, settled)) is not None:
            settled |= {"processes": factors[0], "threads": factors[1]}
        return cls(strategy, max_workers, tuple(sorted(settled.items())))

    @classmethod
    def from_plain(cls, document: Mapping[str, Any]) -> Way:
        """Make it of a configuration in a run's or an advice's JSON document."""
        return cls.of(document["strategy"], document["max_workers"], document["options"])

    def __str__(self) -> str:
        """For the table: "processes ×2 fork, chunksize 4"."""
        defaults = {name: option.default for name, option in catalog.strategy(self.strategy).options.items()}
        given = {k: v for k, v in self.options if v is not None and v != defaults[k]}
        processes, threads = given.pop("processes", None), given.pop("threads", None)
        width = f"{processes}×{threads}" if processes else f"×{self.max_workers}"
        start = given.pop("start_method", None)
        words = [f"{self.strategy} {width}" if self.strategy != "serial" else "serial"]
        words += [str(start)] if start else []
        return " ".join(words) + "".join(f", {key} {value}" for key, value in given.items())


def grid(case: AdviceCase, cpus: int) -> list[Way]:
    """List what could be best for a function: strategies × workers × chunk sizes × start methods.

    Where tasks wait, threads and coroutines go up to 64 × CPUs, hybrids to 16 and processes to 4. What a
    build or the function rules out is listed, too: it is skipped, and costs nothing.
    """
    per_cpu = [1, 2, 4, 16, 64] if case.waits else [1, 2]
    ways = [Way.of("serial", 1, {}), *(Way.of("threads", n * cpus, {}) for n in per_cpu)]
    if case.has_async:
        ways += [Way.of("asyncio", n * cpus, {}) for n in per_cpu]
    for n, chunk in itertools.product(per_cpu[:3], case.chunks):
        ways += [
            Way.of("processes", n * cpus, {"start_method": start, "chunksize": chunk})
            for start in START_METHODS
        ]
        ways.append(Way.of("interpreters", n * cpus, {"chunksize": chunk}))
    for n in (4, 16) if case.waits else (2,):
        # Of several threads in each: with one it is processes, in other words.
        shape: dict[str, Scalar] = {"processes": cpus, "threads": n}
        ways += [Way.of("hybrid", n * cpus, {**shape, "start_method": start}) for start in START_METHODS]
    return list(dict.fromkeys(ways))


def experiment(
    case: AdviceCase,
    ways: Iterable[Way],
    pythons: Sequence[str],
    blocks: int,
    trial_seconds: float,
    tasks: int | None,
    seed: int,
) -> str:
    """Write the search as an experiment file.

    Args:
        case: the function.
        ways: all that is measured, serial among them.
        pythons: executables; empty: the one that runs parlab.
        blocks: of each, no less and no more.
        trial_seconds: of rounds in a trial.
        tasks: calls per round; None: as calibrated.
        seed: of the orders.
    """
    lines = [
        *("[experiment]", f'name = "{case.name}"', f"seed = {seed}", f"trial_seconds = {trial_seconds}"),
        *("[[workload]]", f'function = "{case.reference}"', f'inputs = "{case.inputs_reference}"'),
    ]
    if case.async_reference is not None:
        lines.append(f'async_function = "{case.async_reference}"')
    if tasks is not None:
        lines.append(f"tasks = {tasks}")
    if pythons:
        lines += ["[[python]]", f"executable = {json.dumps(list(pythons))}"]
    for way in ways:
        lines += ["[[strategy]]", f'name = "{way.strategy}"', f"max_workers = {way.max_workers}"]
        # TOML writes texts and numbers as JSON does; None, "worked out", is left out.
        lines += [f"{key} = {json.dumps(value)}" for key, value in way.options if value is not None]
    lines += ["[stop]", 'rule = "fixed"', f"blocks = {blocks}", 'budget = "2h"']
    return "\n".join(lines) + "\n"


@dataclass(frozen=True)
class Judgement:
    """What a search says of a pick."""

    best: str
    #: Whether the pick is the fastest, ties with it or is not distinguished from it.
    in_best_set: bool
    #: Seconds of the pick by seconds of the fastest: 1 at best.
    ratio: float | None
    low: float | None
    high: float | None
    #: Measured configurations.
    configurations: int
    #: … that are the best set.
    best_set: int
    seconds: float
    blocks: int


def judge(document: Mapping[str, Any], pick: Mapping[str, Any]) -> Judgement | str:
    """Find a pick in a search, and how far it is from the fastest; or say why that cannot be told.

    Args:
        document: the search's result document (docs/result-schema.md).
        pick: what was advised, from the advice's document.
    """
    rows = {row["configuration"]: row for row in document["finding"]["groups"][0]["configurations"]}
    planned = {
        configuration["id"]: configuration
        for configuration in document["plan"]["groups"][0]["configurations"]
    }
    fastest = next((i for i, row in rows.items() if row["best"] == "fastest"), None)
    if fastest is None:
        return f"the search found no best: {document['reason']}"
    wanted = Way.from_plain(pick)
    picked = [
        i
        for i, configuration in planned.items()
        if Way.from_plain(configuration) == wanted
        and (configuration["python"], configuration["gil"]) == (pick["python"], pick["gil"])
    ]
    if not picked:
        return f"{wanted} was not measured"
    effects = _blocks(document).effects(fastest, picked[0])
    ratio = low = high = 1.0
    if picked[0] != fastest:
        if not effects:
            return f"{wanted} has no block with the fastest: {rows[picked[0]]['problem']}"
        ratio = math.exp(inference.median(effects))
        low, high = (math.exp(bound) for bound in inference.interval(effects, LEVEL_ALPHA, fixed=True))
    return Judgement(
        best=str(Way.from_plain(planned[fastest])),
        in_best_set=rows[picked[0]]["best"] is not None,
        ratio=ratio,
        low=_finite(low),
        high=_finite(high),
        configurations=sum(row["seconds"] is not None for row in rows.values()),
        best_set=sum(row["best"] is not None for row in rows.values()),
        seconds=document["running_seconds"],
        blocks=document["finding"]["groups"][0]["blocks"],
    )


def _finite(value: float) -> float | None:
    """Give a bound that a document can hold: with few blocks there is none."""
    return value if math.isfinite(value) and value > 0 else None


def _blocks(document: Mapping[str, Any]) -> Blocks:
    """Put a search's trials into their blocks, as its own analysis does."""
    void = {block["block"] for block in document["blocks"] if block["void"] is not None}
    observations = [
        Observation(
            *(t["group"], t["block"], t["sitting"], t["configuration"], t["outcome"]),
            seconds=t["seconds"],
            rounds=len(t["rounds"]),
        )
        for t in document["trials"]
        if t["block"] is not None and t["block"] not in void
    ]
    baselines = {comparison["baseline"] for comparison in document["plan"]["groups"][0]["comparisons"]}
    return Blocks(observations, baselines, document["experiment"]["stop"]["blocks"])
