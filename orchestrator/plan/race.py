"""A race: the experiment that a question for advice comes to, and the ways to run a function in it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from parlab.orchestrator.experiment.functions import inputs_label
from parlab.orchestrator.experiment.model import Experiment, Goal, Stop, StrategyChoice, WorkloadChoice
from parlab.orchestrator.figures import size as written
from parlab.orchestrator.plan.model import Configuration
from parlab.orchestrator.plan.planner import RuledOut
from parlab.workers.wire.spec import OwnFunction, Scalar

#: Trials of a race are short: what loses is to be known soon, and a start costs little beside this.
TRIAL_SECONDS = 0.15
#: Wanted of the gain's interval; more can be had by parlab resume.
PRECISION = 0.10
#: A chunk of tasks that takes so long makes handing it over cheap; longer ones leave workers idle at the end.
CHUNK_SECONDS = 0.002
#: A task shorter than this is worth sending in chunks.
SHORT_SECONDS = 0.001
MOST_CHUNK = 512
#: A function that is on the CPU for less than this share of its time waits, and more workers than CPUs help.
WAITS = 0.85
#: What waits longer than it works is given up to so many workers per CPU, in steps of four; …
MOST_PER_CPU = 64
#: … but no more than a serial round of as many tasks takes this long with: a race has no time for longer.
SERIAL_ROUND_SECONDS = 1.6
#: As few as this share of the workers that would keep the CPUs busy leave them idle: not tried.
FEWEST_SHARE = 1 / 16


def race(
    function: OwnFunction,
    strategies: Sequence[StrategyChoice],
    *,
    goal: Goal,
    memory_limit_bytes: int | None,
    budget_seconds: float,
    seed: int | None,
) -> Experiment:
    """Make the experiment: all ways against each other, until it is known which is best."""
    label = inputs_label(function)
    return Experiment(
        name="advise",
        question=f"What makes {function.function} fastest?"
        if goal != "memory"
        else f"What makes {function.function} faster with the least memory?",
        workloads=(WorkloadChoice(function.function, {"inputs": label} if label else {}, function=function),),
        strategies=tuple(strategies),
        stop=Stop(
            precision=PRECISION,
            budget_seconds=budget_seconds,
            until="best",
            goal=goal,
            memory_limit_bytes=memory_limit_bytes,
        ),
        trial_seconds=TRIAL_SECONDS,
        seed=seed,
    )


class TooLarge:
    """Rules out what would surely take more memory than it may: each worker's call takes its share."""

    def __init__(self, also: RuledOut, call_bytes: float | None, limit_bytes: int | None) -> None:
        """Rule out what ``also`` does, too; None of the others: nothing is known, or there is no limit."""
        self._also = also
        self._call_bytes = call_bytes
        self._limit_bytes = limit_bytes

    def __call__(self, workload: WorkloadChoice, configuration: Configuration) -> str | None:
        """Say why a configuration is not to be tried, or None."""
        reason = self._also(workload, configuration)
        if reason is not None or self._limit_bytes is None or self._call_bytes is None:
            return reason
        taken = self._call_bytes * configuration.max_workers
        if configuration.strategy == "serial" or taken <= self._limit_bytes:
            return None
        count = configuration.max_workers
        calls = f"{count} calls at once take" if count > 1 else "1 call takes"
        return f"{calls} {written(taken)} of memory; at most {written(self._limit_bytes)} is allowed"


@dataclass(frozen=True)
class Seen:
    """What the preflight saw of a function on one build; None where it was not looked at."""

    #: Seconds of one call.
    call_seconds: float | None = None
    #: Share of a call that is spent on the CPU.
    cpu_share: float | None = None
    #: What a call takes of memory at its peak.
    call_bytes: float | None = None


def candidates(
    seen: Seen, goal: Goal, *, cpus: int | None, max_workers: int | None
) -> tuple[StrategyChoice, ...]:
    """List what is raced; serial, which the others are compared with, first.

    Args:
        seen: of the function; of several builds' the shortest call.
        goal: what is wanted.
        cpus: effective CPUs; None: of several hosts, each of which works it out for itself.
        max_workers: the most that may be used; None: no limit but sense.
    """
    counts = _Counts(cpus, max_workers)
    waits = seen.cpu_share is None or seen.cpu_share < WAITS
    ways = [StrategyChoice("serial")]
    if max_workers == 1:
        return tuple(ways)
    per_cpu = _per_cpu(seen, cpus)
    ways += [StrategyChoice("threads", {}, n) for n in counts.of(per_cpu)]
    # One coroutine at a time and CPU is less than any number of threads, which waiting work is raced with.
    ways += [StrategyChoice("asyncio", {}, n) for n in counts.of((per_cpu[1:] or per_cpu) if waits else [1])]
    ways += list(_processes(seen, goal, counts, per_cpu))
    if waits:
        ways += [StrategyChoice("hybrid", options, n) for n, options in counts.splits([4, 16])]
    ways += [
        StrategyChoice("interpreters", _chunk(size), n) for n in counts.of([1]) for size in _chunks(seen)
    ]
    return tuple(_each_once(ways))


def _each_once(choices: Iterable[StrategyChoice]) -> Iterator[StrategyChoice]:
    known = set()
    for choice in choices:
        key = (choice.name, tuple(sorted(choice.options.items())), choice.max_workers)
        if key not in known:
            known.add(key)
            yield choice


def _per_cpu(seen: Seen, cpus: int | None) -> list[int]:
    """Numbers of threads per CPU: as many as keep a CPU busy while the others wait, and some around it.

    Of work that is on the CPU for the share c of its time, 1/c threads keep one CPU busy (Goetz, Java
    Concurrency in Practice, 8.2).
    """
    if seen.cpu_share is None:
        return [1, 4, 16]
    if seen.cpu_share >= WAITS:
        return [1, 2]
    most = float(MOST_PER_CPU)
    if seen.call_seconds is not None:
        most = max(4.0, min(most, SERIAL_ROUND_SECONDS / seen.call_seconds / (cpus or 1)))
    wanted = min(1 / max(seen.cpu_share, 1e-3), most)
    steps = [1]
    while steps[-1] * 4 <= min(4 * wanted, most):
        steps.append(steps[-1] * 4)
    return [step for step in steps if step > wanted * FEWEST_SHARE or step == steps[-1]]


def _processes(seen: Seen, goal: Goal, counts: _Counts, per_cpu: Sequence[int]) -> Iterator[StrategyChoice]:
    # More than four processes per CPU cost more memory than their waiting is worth.
    numbers, sizes = counts.of([n for n in per_cpu if n <= 4] or [4]), _chunks(seen)
    for n in numbers:
        for size in sizes:
            yield StrategyChoice("processes", {"start_method": "forkserver"} | _chunk(size), n)
    # What a pool's start costs, and what its processes share, hangs on how they are started.
    for method in () if goal == "throughput" else ("fork", "spawn"):
        yield StrategyChoice("processes", {"start_method": method} | _chunk(sizes[-1]), numbers[0])


def _chunk(size: int) -> dict[str, Scalar]:
    return {"chunksize": size} if size > 1 else {}


def _chunks(seen: Seen) -> list[int]:
    """Sizes of chunks: one by one; of short tasks also what takes about two milliseconds, and a quarter."""
    if seen.call_seconds is None:
        return [1, 16]
    if seen.call_seconds >= SHORT_SECONDS:
        return [1]
    most = 2 ** round(math.log2(min(max(CHUNK_SECONDS / seen.call_seconds, 2), MOST_CHUNK)))
    return sorted({1, max(most // 4, 2), most})


class _Counts:
    """Numbers of workers, as multiples of the CPUs, within what is allowed."""

    def __init__(self, cpus: int | None, most: int | None) -> None:
        self._cpus = cpus
        self._most = most

    def of(self, per_cpu: Sequence[int]) -> list[int | str]:
        """Give the numbers for so many per CPU each; never 1, which is serial with a pool's costs."""
        if self._cpus is None:
            if self._most is not None:
                return list(dict.fromkeys(self._within(n) for n in (2, 8, 64)))
            return ["cpus" if n == 1 else f"{n}*cpus" for n in per_cpu]
        return list(dict.fromkeys(self._within(max(n * self._cpus, 2)) for n in per_cpu))

    def splits(self, per_cpu: Sequence[int]) -> list[tuple[int | str, dict[str, int]]]:
        """Give numbers of workers that are divided among processes, so many threads in each."""
        if self._cpus is None:
            limit = self._most
            return [(f"{n}*cpus", {"threads": n}) for n in per_cpu if limit is None] + (
                [(limit, {"threads": 2})] if limit is not None and limit >= 4 and limit % 2 == 0 else []
            )
        cpus = self._cpus
        return [
            (n * cpus, {"processes": cpus, "threads": n})
            for n in per_cpu
            if cpus > 1 and (self._most is None or n * cpus <= self._most)
        ]

    def _within(self, count: int) -> int:
        return count if self._most is None else min(count, self._most)
