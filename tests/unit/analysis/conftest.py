"""Plans and observations to summarize: small, and with effects that are known."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import pytest

from parlab.orchestrator.experiment.model import Experiment, Stop, StrategyChoice, WorkloadChoice
from parlab.orchestrator.plan.model import Comparison, Configuration, Group, Plan, PlannedHost
from parlab.orchestrator.store.observation import Observation
from parlab.workers.wire.registration import EffectiveCpus

CPUS = EffectiveCpus(count=2, affinity=2, cpuset=None, quota=None, online=2, why="affinity 2, no quota")


def configuration(name: str, strategy: str, max_workers: int = 4, python: str = "3.11.7") -> Configuration:
    return Configuration(
        id=name,
        workload="integer_sum",
        parameters={"steps": 100},
        tasks=4,
        strategy=strategy,
        options={},
        max_workers=1 if strategy == "serial" else max_workers,
        node="local",
        python=python,
        label=strategy if strategy == "serial" else f"{strategy} ×{max_workers}",
    )


@pytest.fixture
def make_plan() -> Callable[..., Plan]:
    def make(configurations: Sequence[Configuration], stop: Stop | None = None, **baselines: str) -> Plan:
        """Plan one group; each configuration is compared with the first, or as ``baselines`` says."""
        workload = WorkloadChoice("integer_sum", {"steps": 100}, tasks=4)
        experiment = Experiment(
            name="test",
            question="?",
            workloads=(workload,),
            strategies=(StrategyChoice("serial"),),
            stop=stop or Stop(),
        )
        first = configurations[0].id
        comparisons = tuple(
            Comparison(c.id, baselines.get(c.id, first)) for c in configurations if c.id != first
        )
        group = Group("g", "h", workload, "integer_sum(steps=100) × 4", tuple(configurations), comparisons)
        return Plan("ab12", 1, experiment, (PlannedHost("h", ("local",), CPUS),), (group,))

    return make


@pytest.fixture
def make_observations() -> Callable[..., list[Observation]]:
    def make(
        seconds: Mapping[str, float], blocks: int, noise: float = 0.01, seed: int = 1, **readings: float
    ) -> list[Observation]:
        """Give one measured trial per configuration and block; its level drifts, its noise does not."""
        draw = random.Random(seed)
        found = []
        for block in range(blocks):
            level = 1 + 0.3 * draw.random()
            for name, mean in seconds.items():
                total = 10 * mean * level * (1 + draw.gauss(0, noise))
                found.append(
                    Observation(
                        group="g",
                        block=block,
                        sitting=f"g-b{block}-s0",
                        configuration=name,
                        outcome="measured",
                        seconds=total,
                        rounds=10,
                        start_up_seconds=0.04,
                        tear_down_seconds=0.01,
                        readings={"cpu_user": total, "cpu_system": 0.0, **readings},
                    )
                )
        return found

    return make


@pytest.fixture
def lose() -> Callable[[Observation, str], Observation]:
    def lose(observation: Observation, cause: str) -> Observation:
        """Turn a measured trial into a rejected one."""
        return replace(observation, outcome="rejected", cause=cause, reason=f"{cause} 9 %", seconds=None)

    return lose
