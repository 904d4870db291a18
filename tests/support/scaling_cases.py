"""Plans and observations of strategies at several counts of workers, with speed-ups that are known."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from parlab.orchestrator.analysis.findings.scaling import ScalingFinding
from parlab.orchestrator.analysis.measurements import Measurements
from parlab.orchestrator.analysis.scaling.curves import scaling_of
from parlab.orchestrator.analysis.summary import summarize
from parlab.orchestrator.experiment.model import Experiment, Stop, StrategyChoice, WorkloadChoice
from parlab.orchestrator.plan.model import Comparison, Configuration, Group, Plan, PlannedHost, Skip
from parlab.orchestrator.store.observation import Observation
from parlab.orchestrator.store.records import Failure
from parlab.workers.wire.registration import EffectiveCpus
from parlab.workers.wire.result import Calibration
from parlab.workers.wire.spec import Gil

TASKS = 64
#: Serial seconds of a round.
ROUND_SECONDS = 0.1
ROUNDS = 10


@dataclass(frozen=True)
class Counted:
    """What is measured of one count: its speed-up, the CPUs it keeps busy, other readings."""

    speed_up: float
    cpus_used: float = 1.0
    #: Sums over all rounds, as probes give them.
    readings: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Swept:
    """One strategy by its counts."""

    strategy: str
    counts: Mapping[int, Counted]
    python: str = "3.11.7"
    gil: Gil | None = None


def cpus(count: int, quota: float | None = None) -> EffectiveCpus:
    return EffectiveCpus(count, affinity=count, cpuset=None, quota=quota, online=count, why="")


def configuration(
    strategy: str, count: int, python: str = "3.11.7", gil: Gil | None = None, workload: str = "integer_sum"
) -> Configuration:
    return Configuration(
        id=f"{strategy}-{count}-{python}-{gil}",
        workload=workload,
        parameters={},
        tasks=None,
        strategy=strategy,
        options={},
        max_workers=count,
        node="local",
        python=python,
        gil=gil,
        label=strategy if strategy == "serial" else f"{strategy} ×{count}",
    )


def plan_of(
    swept: Sequence[Swept],
    *,
    workload: str = "integer_sum",
    effective: EffectiveCpus | None = None,
    stop: Stop | None = None,
    serial: bool = True,
    skipped: Sequence[Skip] = (),
) -> Plan:
    choice = WorkloadChoice(workload, {})
    experiment = Experiment("test", "?", (choice,), (StrategyChoice("serial"),), stop=stop or Stop())
    configurations: list[Configuration] = []
    comparisons: list[Comparison] = []
    for build in dict.fromkeys((one.python, one.gil) for one in swept):
        own = [
            configuration(one.strategy, count, *build, workload)
            for one in swept
            if (one.python, one.gil) == build
            for count in one.counts
        ]
        if serial:
            own.insert(0, configuration("serial", 1, *build, workload))
        comparisons += [Comparison(c.id, own[0].id) for c in own[1:]]
        if configurations:
            comparisons.append(Comparison(own[0].id, configurations[0].id))
        configurations += own
    group = Group(
        "g", "h", choice, workload, tuple(configurations), tuple(comparisons), skipped=tuple(skipped)
    )
    host = PlannedHost("h", ("local",), effective or cpus(64))
    return Plan("ab12", 1, experiment, (host,), (group,))


def observed(
    plan: Plan,
    swept: Sequence[Swept],
    blocks: int,
    noise: float = 0.01,
    seed: int = 1,
    serial: Counted | None = None,
) -> list[Observation]:
    """Give a trial of each configuration per block; a block's level is its own, and cancels."""
    draw = random.Random(seed)
    counted = {
        (one.strategy, count, one.python, one.gil): seen
        for one in swept
        for count, seen in one.counts.items()
    }
    found = []
    for block in range(blocks):
        level = 1 + 0.5 * draw.random()
        for c in plan.groups[0].configurations:
            seen = counted.get((c.strategy, c.max_workers, c.python, c.gil), serial or Counted(1.0))
            seconds = ROUNDS * ROUND_SECONDS * level / seen.speed_up * (1 + draw.gauss(0, noise))
            busy = {"cpu_user": seen.cpus_used * seconds, "cpu_system": 0.0}
            found.append(
                Observation(
                    group="g",
                    block=block,
                    sitting=f"g-b{block}-s0",
                    configuration=c.id,
                    outcome="measured",
                    seconds=seconds,
                    rounds=ROUNDS,
                    readings={**busy, **seen.readings},
                    unread={"throttled": "no cgroup CPU controller counts throttling here"},
                )
            )
    return found


def found(
    plan: Plan,
    observations: Sequence[Observation],
    failed: Mapping[str, Failure] | None = None,
    tasks: int = TASKS,
) -> tuple[ScalingFinding, ...]:
    calibrations = {"g": Calibration(tasks, ROUND_SECONDS / tasks, None)}
    finding = summarize(Measurements(plan, observations, calibrations, failed or {}))
    return scaling_of(Measurements(plan, observations, calibrations, failed or {}), finding)


def scaled(
    speed_ups: Mapping[int, float],
    blocks: int = 12,
    *,
    strategy: str = "processes",
    busy: Callable[[int], float] = float,
    noise: float = 0.01,
    seed: int = 1,
    effective: EffectiveCpus | None = None,
    stop: Stop | None = None,
    workload: str = "integer_sum",
) -> ScalingFinding:
    """Find the one curve of one strategy."""
    swept = [Swept(strategy, {n: Counted(s, busy(n)) for n, s in speed_ups.items()})]
    plan = plan_of(swept, effective=effective, stop=stop, workload=workload)
    (finding,) = found(plan, observed(plan, swept, blocks, noise, seed))
    return finding
