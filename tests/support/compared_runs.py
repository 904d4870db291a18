"""Runs to be compared: real dataclasses, with figures that were drawn from a seed."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence

from parlab.orchestrator.analysis.across.measured_run import MeasuredRun
from parlab.orchestrator.experiment.model import Experiment, Stop, StrategyChoice, WorkloadChoice
from parlab.orchestrator.plan.model import Comparison, Configuration, Group, Plan, PlannedHost, Skip
from parlab.orchestrator.store.observation import Observation
from parlab.orchestrator.store.records import Failure
from parlab.workers.wire.registration import EffectiveCpus, Host, NodeRegistration, PythonBuild
from parlab.workers.wire.result import Calibration

CPUS = EffectiveCpus(count=2, affinity=2, cpuset=None, quota=None, online=2, why="affinity 2, no quota")
#: Seconds of a task by strategy, in the sense of :func:`measured_run`.
SECONDS = {"serial": 0.010, "threads": 0.010, "processes": 0.0055}


def host(
    identifier: str = "h1", hostname: str = "laptop", boot: str = "b00t0000", kernel: str = "6.8"
) -> Host:
    return Host(identifier, boot, hostname, "Linux", kernel, "Some CPU", 8_000_000_000, 2, CPUS)


def build(version: str, compiler: str = "GCC 12") -> PythonBuild:
    free = version.endswith("t")
    plain = version.removesuffix("t")
    return PythonBuild(
        version, f"/usr/bin/python{version}", plain, "cpython", free, ("fork", "spawn"), compiler=compiler
    )


def measured_run(
    run: str = "aaaa",
    *,
    seconds: Mapping[str, float] = SECONDS,
    builds: Mapping[str, float] | None = None,
    hosts: Sequence[Host] = (host(),),
    workloads: Sequence[str] = ("integer_sum",),
    blocks: int = 20,
    noise: float = 0.02,
    seed: int = 1,
    tasks: int = 4,
    failed: Sequence[str] = (),
    skipped: Sequence[str] = (),
    stop: Stop | None = None,
    parlab: str = "1.0",
) -> MeasuredRun:
    """Make a run: ``blocks`` of each workload on each host, whose levels wander and whose ratios do not.

    Args:
        run: its id.
        seconds: of a task, by strategy; the first is the baseline.
        builds: by version, the factor that its seconds have (default: 3.11.7, 1).
        hosts: where it ran; the second's trials take twice as long as the first's.
        workloads: shipped ones by name.
        blocks: of each group.
        noise: standard deviation of the logarithm of a trial's seconds.
        seed: of all that is drawn.
        tasks: in a round, as calibrated.
        failed: strategies that failed on the first block.
        skipped: strategies that the build cannot run.
        stop: the stop rule.
        parlab: version of the node.
    """
    draw = random.Random(f"{run}/{seed}")
    builds = builds or {"3.11.7": 1.0}
    groups: list[Group] = []
    observations: list[Observation] = []
    failures: dict[str, Failure] = {}
    calibrations: dict[str, Calibration] = {}
    for place, machine in enumerate(hosts):
        for work in workloads:
            identifier = f"h{place}-{work}"
            workload = WorkloadChoice(work, {"steps": 100})
            configurations = [
                Configuration(
                    id=f"{run}-{identifier}-{version}-{strategy}",
                    workload=work,
                    parameters={"steps": 100},
                    tasks=None,
                    strategy=strategy,
                    options={},
                    max_workers=1 if strategy == "serial" else 2,
                    node=f"node{place}",
                    python=version,
                    label=strategy if strategy == "serial" else f"{strategy} ×2",
                )
                for version in builds
                for strategy in seconds
            ]
            first = configurations[0].id
            comparisons = []
            for number, configuration in enumerate(configurations):
                own = configurations[number - number % len(seconds)].id
                against = own if own != configuration.id else first
                if against != configuration.id:
                    comparisons.append(Comparison(configuration.id, against))
            out = [c for c in configurations if c.strategy in skipped]
            kept = tuple(c for c in configurations if c not in out)
            groups.append(
                Group(
                    *(identifier, machine.id, workload, f"{work}(steps=100)", kept),
                    tuple(c for c in comparisons if c.configuration in {k.id for k in kept}),
                    tuple(Skip(c, "this build cannot") for c in out),
                )
            )
            calibrations[identifier] = Calibration(tasks, seconds[next(iter(seconds))], None)
            failures |= {
                c.id: Failure(c.id, "ValueError: broken", None, 1.0) for c in kept if c.strategy in failed
            }
            level = draw.gauss(0, 0.3)
            for block in range(blocks):
                level = 0.97 * level + draw.gauss(0, 0.1)
                for c in kept:
                    if c.strategy in failed:
                        continue
                    own_seconds = seconds[c.strategy] * builds[c.python] * (1 + place)
                    total = 10 * tasks * own_seconds * math.exp(level + draw.gauss(0, noise))
                    observations.append(
                        Observation(
                            *(identifier, block, f"{identifier}-b{block}-s0", c.id, "measured"),
                            seconds=total,
                            rounds=10,
                        )
                    )
    experiment = Experiment(
        name="test",
        question="?",
        workloads=tuple(WorkloadChoice(work, {"steps": 100}) for work in workloads),
        strategies=tuple(StrategyChoice(strategy) for strategy in seconds),
        stop=stop or Stop(),
    )
    nodes = tuple(
        NodeRegistration(f"node{place}", machine, tuple(build(v) for v in builds), "3.11.7", parlab, 4711)
        for place, machine in enumerate(hosts)
    )
    planned = tuple(PlannedHost(h.id, (f"node{place}",), CPUS) for place, h in enumerate(hosts))
    return MeasuredRun(
        run=run,
        experiment=experiment,
        plan=Plan(run, seed, experiment, planned, tuple(groups)),
        registrations=nodes,
        observations=tuple(observations),
        calibrations=calibrations,
        failures=failures,
        state="done",
        started_unix_seconds=1_790_000_000.0,
        parlab_version=parlab,
    )
