"""An experiment file, validated whole: what to compare, to what precision."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from parlab.workers.errors import BadInput
from parlab.workers.wire.codec import encode
from parlab.workers.wire.spec import Gil, OwnFunction, Scalar

Rule = Literal["sequential", "fixed"]
#: What is best: the shortest round of a warm pool, the shortest way from nothing to the last result (the
#: pool's start and a round), or the least memory of what is faster than the baseline.
Goal = Literal["throughput", "latency", "memory"]


#: ratio: how many times as good one way is as another; value: a level by itself; trend: how a ratio
#: changes from one condition to another.
RuleName = Literal["ratio", "value", "trend"]
Direction = Literal["above", "below"]

_FACTOR = re.compile(r"([0-9]+(?:\.[0-9]+)?)\*cpus")


@dataclass(frozen=True)
class WorkloadChoice:
    """One workload or scenario, one value per parameter (a list in the file is a factor: one choice each)."""

    name: str
    parameters: Mapping[str, Scalar]
    #: Calls per round; None is "auto": calibrated once per host.
    tasks: int | None = None
    #: A function of the user's own; ``name`` is how it is referred to then, "shop.images:thumbnail".
    function: OwnFunction | None = None
    #: How it is run, where that is its own; empty: by the experiment's strategies.
    strategies: tuple[StrategyChoice, ...] = ()
    #: Whether it is a scenario: not tasks, but what ``strategies`` then names the variants of.
    scenario: bool = False


@dataclass(frozen=True)
class StrategyChoice:
    """One strategy with one value per option."""

    name: str
    options: Mapping[str, Scalar] = field(default_factory=dict)
    #: A number, or an expression of the host's effective CPUs: "cpus", "2*cpus", "cpus+1".
    max_workers: int | str = "cpus"
    #: Sets a configuration apart from another of equal content: the same thing entered twice.
    label: str = ""


@dataclass(frozen=True)
class Contrast:
    """What is looked at in one condition, and from which bound on it speaks for the claim: a cell."""

    #: Workload or scenario, with the parameters that its choice was given.
    workload: str
    parameters: Mapping[str, Scalar]
    tasks: int | None
    scenario: bool
    rule: RuleName
    #: Ways to run it, a scenario's variants among them; a set stands for its best in each block.
    of: tuple[StrategyChoice, ...]
    #: Empty for a value.
    against: tuple[StrategyChoice, ...]
    #: A number, or a factor of the host's effective CPUs: "0.7*cpus".
    bound: float | str
    #: On which side of the bound the claim is right.
    supports: Direction
    #: A reading's name; empty: what the group is compared by.
    measure: str = ""
    #: The parameter along which a trend is looked at, and its value at the trend's end; its beginning
    #: is among ``parameters``.
    over: str = ""
    end: Scalar = None
    #: Effective CPUs without which it means nothing.
    least_cpus: int = 1


@dataclass(frozen=True)
class Claim:
    """A statement and the cells that settle it."""

    #: "C1".
    id: str
    #: The statement, in a sentence.
    text: str
    #: A few words for a table.
    title: str
    contrasts: tuple[Contrast, ...] = ()


def bound_on(bound: float | str, cpus: int) -> float:
    """Work a bound out on a host with so many effective CPUs; NaN where it is none."""
    if not isinstance(bound, str):
        return bound
    match = _FACTOR.fullmatch(bound.replace(" ", ""))
    return float(match[1]) * cpus if match else math.nan


@dataclass(frozen=True)
class PythonChoice:
    """One Python build: by executable (one machine) or by version (a lab's nodes); None: any."""

    executable: str | None = None
    version: str | None = None
    gil: Gil | None = None


@dataclass(frozen=True)
class Stop:
    """When a run has enough (STATISTICS: a look after every block)."""

    rule: Rule = "sequential"
    #: Relative half-width wanted of a speed-up's interval.
    precision: float = 0.10
    budget_seconds: float = 600.0
    #: What has that wall time: the run, or each build of it (made the run's when it is laid out).
    budget_per: Literal["run", "build"] = "run"
    #: "fixed": exactly so many blocks. "sequential": at most so many; None: no limit but the budget.
    blocks: int | None = None
    #: Two configurations are tied when the interval of their ratio lies within ± margin.
    margin: float = 0.05
    #: Error rate of the verdicts (false discovery rate) and of the intervals.
    alpha: float = 0.05
    #: "verdicts": every comparison is done. "best": it is known what is best, and how much it gains; what
    #: cannot be it is measured no more.
    until: Literal["verdicts", "best"] = "verdicts"
    goal: Goal = "throughput"
    #: What takes more memory is not recommended; None: any may be taken.
    memory_limit_bytes: int | None = None

    @property
    def most_effects(self) -> int | None:
        """Effects of a comparison that count at most, the first ones; None: all.

        The fixed rule is about exactly so many blocks; replacements for others' may bring more.
        """
        return self.blocks if self.rule == "fixed" else None


@dataclass(frozen=True)
class Experiment:
    """A question and the configurations that answer it."""

    name: str
    question: str
    workloads: tuple[WorkloadChoice, ...]
    strategies: tuple[StrategyChoice, ...]
    pythons: tuple[PythonChoice, ...] = (PythonChoice(),)
    #: Names of the nodes to use; empty: all that answer.
    nodes: tuple[str, ...] = ()
    #: Nodes in containers that are made for the run, by their limits; empty: none are.
    fleet: tuple[NodeLimits, ...] = ()
    #: Strategy that the others of the same workload and build are compared with.
    baseline: str = "serial"
    stop: Stop = Stop()
    #: Seconds of rounds in a trial, where the tasks allow.
    trial_seconds: float = 0.2
    #: Seconds of a round, where the tasks allow.
    round_seconds: float = 0.02
    #: Limit of every single step of a trial.
    timeout_seconds: float = 60.0
    #: Most interpreters alive together.
    sitting_size: int = 12
    seed: int | None = None
    #: Statements that the run is to settle.
    claims: tuple[Claim, ...] = ()


_PYTHON = re.compile(r"3\.[0-9]{1,2}t?")

_CPUSET = re.compile(r"[0-9]+(-[0-9]+)?(,[0-9]+(-[0-9]+)?)*")

#: Docker refuses less.
LEAST_CPUS = 0.01

#: A node and one trial's interpreter need so much.
LEAST_MEMORY_BYTES = 96 << 20


@dataclass(frozen=True)
class NodeLimits:
    """One kind of node. What is None is not limited."""

    python: str = "3.13"
    #: CPUs' worth of time.
    cpus: float | None = None
    memory_bytes: int | None = None
    #: CPUs that it may run on: "0-1".
    cpuset: str | None = None

    def __post_init__(self) -> None:
        """Refuse what no node can be; raises BadInput."""
        if not _PYTHON.fullmatch(self.python):
            raise BadInput(f"python {self.python!r} is not a version", "Write 3.13, 3.14 or 3.13t.")
        if self.cpus is not None and not (math.isfinite(self.cpus) and self.cpus >= LEAST_CPUS):
            raise BadInput(f"cpus {self.cpus} is not a limit", f"Give {LEAST_CPUS} or more: 0.5, 2.")
        if self.memory_bytes is not None and self.memory_bytes < LEAST_MEMORY_BYTES:
            raise BadInput(
                f"memory of {self.memory_bytes} bytes is too little for a node",
                f"Give {LEAST_MEMORY_BYTES >> 20} MiB or more: 256m.",
            )
        if self.cpuset is not None and not _CPUSET.fullmatch(self.cpuset):
            raise BadInput(f"cpuset {self.cpuset!r} is not a list of CPUs", "Write 0-1 or 0,2.")

    @property
    def label(self) -> str:
        """Name it within a node's name: "py313-0p5cpu-512m"."""
        parts = [f"py{self.python.replace('.', '')}"]
        if self.cpus is not None:
            parts.append(f"{self.cpus:g}cpu".replace(".", "p"))
        if self.memory_bytes is not None:
            parts.append(f"{math.ceil(self.memory_bytes / (1 << 20))}m")
        if self.cpuset is not None:
            parts.append("on" + self.cpuset.replace(",", "and").replace("-", "to"))
        return "-".join(parts)

    @property
    def fingerprint(self) -> str:
        """Tell kinds of nodes apart."""
        return hashlib.sha256(encode(self).encode()).hexdigest()[:12]
