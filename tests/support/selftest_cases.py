"""Runs of the self-test whose truth is known: the plan is real, the seconds are drawn."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

from parlab.orchestrator.experiment.file import load
from parlab.orchestrator.plan.model import Plan
from parlab.orchestrator.plan.planner import make_plan
from parlab.orchestrator.store.observation import Observation
from parlab.workers import catalog
from parlab.workers.scenarios.planted import PERCENT
from parlab.workers.wire.registration import EffectiveCpus, Host, NodeRegistration, PythonBuild

#: What a sitting takes: six trials of 0.15 s of rounds, and 1.5 s besides.
SITTING_SECONDS = 2.4
_ROUNDS, _ROUND_SECONDS = 3, 0.05


def node(name: str = "local", versions: Sequence[str] = ("3.11.7",), host: str = "h1") -> NodeRegistration:
    """Make a node that has everything."""
    cpus = EffectiveCpus(2, 2, None, None, 2, "affinity 2, no quota")
    builds = tuple(
        PythonBuild(v, f"/opt/{v}", v.removesuffix("t"), "CPython", v.endswith("t"), ("fork", "forkserver"))
        for v in versions
    )
    machine = Host(host, f"boot-{host}", host, "Linux", "6.1", "cpu", 8 << 30, 2, cpus)
    scenarios = tuple(catalog.available("scenarios"))
    return NodeRegistration(name, machine, builds, "3.11.7", "0.1.0", 1, scenarios=scenarios)


def plan_of(*nodes: NodeRegistration) -> Plan:
    """Lay the experiment that ships out over nodes."""
    experiment = load("self-test")
    return make_plan("5e1f", experiment, nodes or (node(),), seed=7)


def observations(
    plan: Plan,
    blocks: int,
    *,
    sd: float = 0.05,
    seed: int = 1,
    follows: float = 0.0,
    twice_slower: float = 0.0,
    times: Mapping[str, float] | None = None,
) -> list[Observation]:
    """Draw the trials of so many blocks.

    Args:
        plan: of the self-test.
        blocks: of each group.
        sd: of the log ratio of any two.
        seed: of what is drawn.
        follows: how much a block's deviation is that of the block before it (an AR(1) of effects).
        twice_slower: by how much, as a logarithm, what is entered second is slower: it should not be.
        times: by how much a variant is slower than it says, as a factor of its planted logarithm.
    """
    draw = random.Random(seed)
    deviation: dict[str, float] = {}
    found = []
    for block in range(blocks):
        # What drifts is common to a block, and no ratio shows it.
        level = draw.gauss(0, 0.3)
        for group in plan.groups:
            for c in group.configurations:
                own = draw.gauss(0, sd / 2**0.5 * (1 - follows**2) ** 0.5)
                deviation[c.id] = follows * deviation.get(c.id, 0.0) + own
                log = level + deviation[c.id] + (twice_slower if c.alias == "twice" else 0.0)
                seconds = _ROUND_SECONDS * 2.718281828459045**log
                readings = {}
                if group.workload.scenario:
                    planted = (1 + PERCENT[c.strategy] / 100) ** (times or {}).get(c.strategy, 1.0)
                    readings = {"planted": seconds * planted}
                    if c.strategy == "again":
                        readings["planted"] *= 2.718281828459045**twice_slower
                found.append(
                    Observation(
                        group.id,
                        block,
                        f"{group.id}-b{block}-{c.node}",
                        c.id,
                        "measured",
                        seconds=_ROUNDS * seconds,
                        rounds=_ROUNDS,
                        readings=readings,
                    )
                )
    return found


def sittings(seen: Sequence[Observation]) -> dict[str, float]:
    """Say that each sitting took as long."""
    return {o.sitting: SITTING_SECONDS for o in seen}
