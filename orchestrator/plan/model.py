"""An experiment laid out over hosts: groups of configurations, blocks of sittings, seeded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from parlab.orchestrator.experiment.model import Experiment, WorkloadChoice
from parlab.workers.wire.registration import EffectiveCpus
from parlab.workers.wire.result import Calibration
from parlab.workers.wire.spec import Gil, Scalar


@dataclass(frozen=True)
class Configuration:
    """Workload, parameters, strategy, options, max_workers and Python build on one node."""

    #: Fingerprint (12 hex digits) of all that follows: equal content, equal id.
    id: str
    workload: str
    parameters: Mapping[str, Scalar]
    #: None: calibrated per host.
    tasks: int | None
    strategy: str
    options: Mapping[str, Scalar]
    max_workers: int
    node: str
    #: The build by its node's name, "3.11.7".
    python: str
    gil: Gil | None = None
    #: For people, within its workload: "threads ×4", "processes ×4 forkserver".
    label: str = ""
    #: Of the experiment's, where the same thing is entered twice.
    alias: str = ""

    @property
    def place(self) -> tuple[str, str, Gil | None]:
        """Node, build and GIL: where it runs on its host."""
        return self.node, self.python, self.gil

    @property
    def gil_is_on(self) -> bool:
        """Whether it runs with the GIL: as asked for, else as its build does by default."""
        if self.gil is not None:
            return self.gil == "on"
        return not self.python.partition("#")[0].endswith("t")


@dataclass(frozen=True)
class Skip:
    """A configuration that a build or node cannot run, with the reason that is shown."""

    configuration: Configuration
    reason: str


@dataclass(frozen=True)
class Comparison:
    """A configuration and what it is compared with, both ids of the same group."""

    configuration: str
    baseline: str


@dataclass(frozen=True)
class PlannedBuild:
    """One build on one node of one host."""

    host: str
    node: str
    python: str
    gil: Gil | None


@dataclass(frozen=True)
class PlannedHost:
    """A host and its nodes as the plan sees them."""

    id: str
    nodes: tuple[str, ...]
    effective_cpus: EffectiveCpus


@dataclass(frozen=True)
class Group:
    """The configurations of one workload on one host: what is compared, block by block."""

    #: Unique in the run, made of host and workload: "h1-integer_sum-9f2c41".
    id: str
    host: str
    workload: WorkloadChoice
    #: For people: "integer_sum(steps=10000000) × 4".
    label: str
    configurations: tuple[Configuration, ...]
    #: One per configuration but the first build's baseline: each against the baseline strategy of
    #: its own build, and each further build's baseline against the first build's.
    comparisons: tuple[Comparison, ...]
    skipped: tuple[Skip, ...] = ()

    @property
    def baselines(self) -> set[str]:
        """Ids of what others are compared with."""
        return {comparison.baseline for comparison in self.comparisons}

    def tasks(self, calibrations: Mapping[str, Calibration]) -> int | None:
        """Tasks of a round; None before it was calibrated, and of a scenario, which has none."""
        calibration = calibrations.get(self.id)
        return self.workload.tasks if calibration is None else calibration.tasks


@dataclass(frozen=True)
class PlannedSitting:
    """The part of a block that one node does."""

    #: "<group>-b<index>-s<part>"
    id: str
    node: str
    #: Configuration ids; the first one or ones are the baselines that the others need.
    configurations: tuple[str, ...]
    seed: int


@dataclass(frozen=True)
class Block:
    """One trial of every configuration of a group, as sittings in the order they are done."""

    group: str
    index: int
    sittings: tuple[PlannedSitting, ...]


@dataclass(frozen=True)
class Plan:
    """What a run should measure. Blocks are made on demand, the same for the same seed and index."""

    run: str
    seed: int
    experiment: Experiment
    hosts: tuple[PlannedHost, ...]
    groups: tuple[Group, ...]

    def cpus_of(self, host: str) -> EffectiveCpus:
        """Look up a host's effective CPUs."""
        return next(there.effective_cpus for there in self.hosts if there.id == host)


def places(configurations: Iterable[Configuration]) -> dict[str, str]:
    """Say for each configuration of a group what tells its place apart, by id: " on 3.13.5", or nothing.

    The build where builds differ; the node where several nodes have the same one; both where neither
    alone would do.
    """
    listed = list(configurations)
    builds = {(c.python, c.gil) for c in listed}
    nodes = {c.node for c in listed}
    pairs = {(c.python, c.gil, c.node) for c in listed}
    if len(pairs) == 1:
        return {c.id: "" for c in listed}
    by_build, by_node = len(pairs) == len(builds), len(pairs) == len(nodes)
    suffixes = {}
    for c in listed:
        build = c.python + (f" (GIL {c.gil})" if c.gil else "")
        suffixes[c.id] = (
            f" on {build}" if by_build else f" on {c.node}" if by_node else f" on {build} of {c.node}"
        )
    return suffixes
