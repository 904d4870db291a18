"""Runs over tasks of several lengths and payloads, with costs that are known."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from parlab.orchestrator.experiment.model import Experiment, StrategyChoice, WorkloadChoice
from parlab.orchestrator.plan.model import Comparison, Configuration, Group, Plan, PlannedHost
from parlab.orchestrator.store.observation import Observation
from parlab.workers.wire.result import Calibration
from parlab.workers.wire.spec import Gil, Scalar
from tests.unit.analysis.conftest import CPUS, configuration

SECONDS = (0.0002, 0.001, 0.005, 0.025)
PAYLOADS = (2_000, 200_000, 2_000_000)
#: What serial work takes for each byte: it reads them.
READING = 2.5e-10
ROUNDS = 10
TASKS = 20


@dataclass(frozen=True)
class Costs:
    """What a strategy truly costs."""

    dispatch: float = 0.0002
    per_byte: float = 1.5e-9
    share: float = 0.55
    start_up: float = 0.06
    overlapping: bool = False

    def seconds(self, work: float, payload: float) -> float:
        """Seconds of a task that takes ``work`` serially."""
        handing, working = self.dispatch + self.per_byte * payload, self.share * work
        return max(handing, working) if self.overlapping else handing + working

    @property
    def share_there(self) -> float:
        """The share that counts where nothing is gained nor lost."""
        return 0.0 if self.overlapping else self.share

    def least_task(self, payload: float) -> float:
        """Serial seconds from which it pays."""
        return (self.dispatch + self.per_byte * payload) / (1 - self.share_there)

    def greatest_payload(self, work: float) -> float:
        """Bytes up to which it pays."""
        return ((1 - self.share_there) * work - self.dispatch) / self.per_byte


@dataclass(frozen=True)
class Build:
    """One Python build on one host."""

    host: str = "h"
    node: str = "local"
    python: str = "3.11.7"
    gil: Gil | None = None


def payload_parameters(payload: int, seconds: float) -> dict[str, Scalar]:
    """Give a workload's parameters: what a task sends, gets and does."""
    return {"bytes_in": payload // 2, "bytes_out": payload - payload // 2, "steps": round(seconds * 1e7)}


@dataclass(frozen=True)
class Run:
    """A plan, and how long each of its cells takes serially, with which payload."""

    plan: Plan
    #: By group.
    work: Mapping[str, float]
    payload: Mapping[str, float]
    costs: Mapping[str, Costs]

    @property
    def calibrations(self) -> dict[str, Calibration]:
        return {group: Calibration(TASKS, work, None) for group, work in self.work.items()}

    def observations(
        self,
        *,
        blocks: int = 7,
        noise: float = 0.0,
        drift: float = 0.0,
        seed: int = 1,
        truth: Callable[[Costs, float, float], float] = Costs.seconds,
        **readings: float,
    ) -> list[Observation]:
        """Measure each cell: blocks differ in level by ``drift``, trials by ``noise`` (of the logarithm)."""
        draw = random.Random(seed)
        found = []
        for group in self.plan.groups:
            work, payload = self.work[group.id], self.payload[group.id]
            for block in range(blocks):
                level = draw.lognormvariate(0, drift)
                for one in group.configurations:
                    costs = self.costs.get(one.strategy)
                    mean = work if costs is None else truth(costs, work, payload)
                    own = {name: value * TASKS for name, value in readings.items()} if costs else {}
                    if "pickled_in" in own:
                        own["pickled_in"] += payload * TASKS
                    found.append(
                        Observation(
                            group=group.id,
                            block=block,
                            sitting=f"{group.id}-b{block}-{one.node}",
                            configuration=one.id,
                            outcome="measured",
                            seconds=ROUNDS * TASKS * mean * level * draw.lognormvariate(0, noise),
                            rounds=ROUNDS,
                            start_up_seconds=costs.start_up * draw.lognormvariate(0, noise)
                            if costs
                            else None,
                            readings=own,
                        )
                    )
        return found


def make_run(
    costs: Mapping[str, Costs],
    *,
    seconds: Sequence[float] = SECONDS,
    payloads: Sequence[int] = PAYLOADS,
    builds: Sequence[Build] = (Build(),),
    parameters: Callable[[int, float], dict[str, Scalar]] = payload_parameters,
    name: str = "payload",
) -> Run:
    """Plan a grid of cells with serial and some strategies on each build."""
    groups, work, bytes_of = [], {}, {}
    for host in dict.fromkeys(build.host for build in builds):
        for payload in payloads:
            for length in seconds:
                group = f"{host}-{payload}-{length}"
                work[group], bytes_of[group] = length + READING * payload, float(payload)
                chosen = WorkloadChoice(name, parameters(payload, length))
                own = [
                    _configuration(f"{group}-{build.node}-{build.python}-{strategy}", strategy, build, chosen)
                    for build in builds
                    if build.host == host
                    for strategy in ("serial", *costs)
                ]
                comparisons = tuple(Comparison(c.id, own[0].id) for c in own[1:])
                groups.append(Group(group, host, chosen, group, tuple(own), comparisons))
    experiment = Experiment(
        name="test",
        question="?",
        workloads=tuple(group.workload for group in groups),
        strategies=(StrategyChoice("serial"),),
    )
    hosts = [
        PlannedHost(host, tuple(dict.fromkeys(b.node for b in builds if b.host == host)), CPUS)
        for host in dict.fromkeys(build.host for build in builds)
    ]
    return Run(Plan("ab12", 1, experiment, tuple(hosts), tuple(groups)), work, bytes_of, costs)


def _configuration(name: str, strategy: str, build: Build, chosen: WorkloadChoice) -> Configuration:
    return replace(
        configuration(name, strategy, max_workers=2, python=build.python),
        workload=chosen.name,
        parameters=chosen.parameters,
        tasks=None,
        node=build.node,
        gil=build.gil,
    )
