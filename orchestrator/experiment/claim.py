"""A claim: a statement about ways to run work, and what of a run's trials settles it."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from parlab.workers.wire.spec import Scalar

#: ratio: how many times as good one way is as another; value: a level by itself; trend: how a ratio
#: changes from one condition to another.
RuleName = Literal["ratio", "value", "trend"]
Direction = Literal["above", "below"]

_FACTOR = re.compile(r"([0-9]+(?:\.[0-9]+)?)\*cpus")


@dataclass(frozen=True)
class Way:
    """One way to run work: a strategy, or a scenario's variant."""

    name: str
    options: Mapping[str, Scalar] = field(default_factory=dict)
    #: As a strategy's; a variant's is 1.
    max_workers: int | str = 1
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
    #: A set stands for its best in each block.
    of: tuple[Way, ...]
    #: Empty for a value.
    against: tuple[Way, ...]
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
