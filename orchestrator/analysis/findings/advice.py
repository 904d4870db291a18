"""Advice as data: the outcome of a race among the ways to run a piece of work."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from parlab.orchestrator.statistics.interval import Interval
from parlab.workers.wire.spec import Gil

#: pick: what is advised. tied: as fast as the fastest, and dearer. not distinguished: more blocks would tell.
#: behind: slower, or (goal memory) no less of it. unresolved: too few blocks for any of these words.
Standing = Literal[
    "pick", "tied", "not distinguished", "behind", "over the limit", "unresolved", "failed", "skipped"
]


@dataclass(frozen=True)
class Candidate:
    """One way to run the work, and how it came out."""

    configuration: str
    #: For people: "processes ×2 forkserver on 3.11.7".
    label: str
    strategy: str
    max_workers: int
    python: str
    node: str
    standing: Standing
    #: Against serial on its own build; None for that one, and without a block.
    speed_up: Interval | None = None
    #: Against the fastest: above 1, faster; None for the fastest, and without common blocks.
    against_fastest: Interval | None = None
    memory_bytes: float | None = None
    #: Trials that were measured of it.
    trials: int = 0
    #: Why it failed, was skipped, or may not be taken; "" for the others.
    reason: str = ""


@dataclass(frozen=True)
class Recipe:
    """A configuration as Python code."""

    #: What has to be imported, the function itself too, a line each.
    imports: tuple[str, ...]
    #: The executor, in one line; "" for what needs none.
    executor: str
    #: The call that does the work, in one line.
    call: str
    #: All of it: lines to be pasted, given ``items``.
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Payback:
    """From which size of an item, and from how many on, the pick is worth its costs: a model's answer."""

    #: Below so long an item, serial is as fast; None: it never is.
    item_seconds: float | None
    #: The same with the bounds of the speed-up; None where these are not finite.
    item_low_seconds: float | None
    item_high_seconds: float | None
    #: What handing over one item takes.
    dispatch_seconds: float
    #: So many items of the size measured pay for the pool's start; None: no number does.
    items: int | None
    start_up_seconds: float | None


@dataclass(frozen=True)
class PlaceFinding:
    """The best on one build of one node."""

    node: str
    python: str
    gil: Gil | None
    configuration: str
    #: For people, without its place.
    label: str
    #: Against serial there.
    speed_up: Interval | None
    #: Against the pick of the whole host: above 1, faster; None for the pick itself.
    against_pick: Interval | None
    standing: Standing


@dataclass(frozen=True)
class AdviceFinding:
    """What is advised for one piece of work on one host."""

    group: str
    host: str
    #: The work, for people.
    label: str
    goal: str
    #: Id of what is advised; None: nothing can be said yet.
    pick: str | None
    recipe: Recipe | None
    speed_up: Interval | None
    #: Seconds of one item, one after the other, on the pick's build.
    item_seconds: float | None
    #: Why it was chosen among those tied, in a clause; "" where none ties.
    why: str
    payback: Payback | None
    memory_bytes: float | None
    baseline_memory_bytes: float | None
    #: What keeps it from being faster, in a clause; "" where nothing that was measured says so.
    limit: str
    #: Whether nothing that matters stays open: all others are behind, tied or at most a little faster, and
    #: the gain is known well enough.
    settled: bool
    candidates: tuple[Candidate, ...]
    places: tuple[PlaceFinding, ...]
    #: All of it for people, in the order in which it is wanted.
    sentences: tuple[str, ...] = ()
