"""Spec of what a node is asked to do: a sitting and its trials, as data that crosses the queue."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

#: Raised when a field is added or changes its meaning: specs are read strictly, and a node refuses another
#: version than its own. 2: functions of users' own. 3: scenarios.
SCHEMA_VERSION = 3

Scalar = str | int | float | bool | None
Gil = Literal["on", "off"]
SittingKind = Literal["measure", "calibrate"]


@dataclass(frozen=True)
class Expected:
    """The serial results of a workload's tasks, as structural digests (see ``digest.py``)."""

    #: Digest over all tasks' digests, in task order.
    combined: str
    #: Digests of the first tasks (at most 64), so that a wrong one can be named.
    heads: tuple[str, ...] = ()


@dataclass(frozen=True)
class OwnFunction:
    """A user's own function, and what belongs to it: each by module and name, "shop.images:thumbnail"."""

    function: str
    #: What gives the inputs: called without arguments, or a constant. None: see ``inputs_json``.
    inputs: str | None = None
    #: The inputs themselves, as the text of a JSON array; None and no ``inputs``: it takes nothing.
    inputs_json: str | None = None
    #: What these are called, for people: the file's name.
    inputs_name: str = ""
    #: The same work as a coroutine function; a ``function`` that is one needs none.
    async_function: str | None = None
    #: Called with an input and its result: whether that is right.
    check: str | None = None
    #: Called in each worker before its first task, and after its last.
    setup: str | None = None
    teardown: str | None = None
    #: Names of the node's environment variables that it may see.
    environment: tuple[str, ...] = ()

    def references(self) -> tuple[str, ...]:
        """Give all that is named by module and name."""
        named = (
            *(self.function, self.async_function, self.inputs),
            *(self.check, self.setup, self.teardown),
        )
        return tuple(name for name in named if name is not None)

    def modules(self) -> tuple[str, ...]:
        """Give the modules that are named, each once."""
        return tuple(dict.fromkeys(name.partition(":")[0] for name in self.references()))


@dataclass(frozen=True)
class TrialSpec:
    """One configuration's fresh interpreter in a sitting."""

    #: Unique within the run: host, group, block and configuration.
    trial: str
    #: Fingerprint of the configuration.
    configuration: str
    workload: str
    parameters: Mapping[str, Scalar]
    #: Calls of the workload per round; 0 in a calibration that is to find the number.
    tasks: int
    strategy: str
    #: What the strategy takes besides ``max_workers``: start_method, chunksize, processes, threads.
    options: Mapping[str, Scalar]
    #: How many tasks run at once.
    max_workers: int
    #: The Python build by the node's own name for it, never a path.
    python: str
    #: State of the GIL that is asked for; None: the build's default.
    gil: Gil | None = None
    #: None where the workload brings its own check, or in a calibration.
    expected: Expected | None = None
    #: Rounds before the timed ones; 0 where a round is so long that its start does not show.
    warm_up_rounds: int = 1
    #: Limit of every single step (cold start, warm-up, a round, tear-down).
    timeout_seconds: float = 60.0
    #: Whether ``workload`` names a scenario and ``strategy`` its variant; there are no tasks then.
    scenario: bool = False


@dataclass(frozen=True)
class CalibrationSpec:
    """How to find the number of tasks of a round. The number is a multiple of ``multiple_of``."""

    #: Wanted length of a serial round.
    round_seconds: float
    #: Fixed number of tasks, or None to find one.
    tasks: int | None = None
    multiple_of: int = 1
    max_tasks: int = 10_000


@dataclass(frozen=True)
class SittingSpec:
    """One RQ job: trials whose interpreters are alive together and whose rounds alternate."""

    run: str
    #: Unique within the run.
    sitting: str
    #: 1 for the first try; a result counts for exactly one (sitting, attempt).
    attempt: int
    node: str
    kind: SittingKind
    trials: tuple[TrialSpec, ...]
    #: Each turn is one round of every trial, in an order drawn from ``seed``.
    turns: int
    seed: int
    #: Whether untimed rounds of each trial are run at the end, for what would disturb the timed ones:
    #: one to read memory in, one whose tasks note when and where they ran.
    memory_pass: bool = False
    #: Set when ``kind`` is "calibrate"; there is exactly one (serial) trial then.
    calibration: CalibrationSpec | None = None
    #: Number of the host's exclusive slot; an older number than the host's is refused.
    fence: int = 0
    schema_version: int = field(default=SCHEMA_VERSION)
    #: What the trials run where that is the user's own; their ``workload`` is its name then.
    function: OwnFunction | None = None
