"""Claims as a file has them, laid out over nodes as they register, and trials whose effects are known."""

from __future__ import annotations

import math
import random
import tomllib
from collections.abc import Callable, Mapping, Sequence

from parlab.orchestrator.experiment.file import parse
from parlab.orchestrator.experiment.model import Experiment
from parlab.orchestrator.experiment.work import measures_of
from parlab.orchestrator.plan.blocks import block
from parlab.orchestrator.plan.model import Configuration, Group, Plan
from parlab.orchestrator.plan.planner import RuledOut, make_plan, nothing_ruled_out
from parlab.orchestrator.store.observation import Observation
from parlab.orchestrator.store.records import Failure
from parlab.workers import catalog
from parlab.workers.wire.registration import EffectiveCpus, Host, NodeRegistration, PythonBuild

HEAD = '[experiment]\nname = "claimed"\n'

#: Draws the level of one trial; None: it was rejected.
Level = Callable[[Group, Configuration, int, random.Random], float | None]


def node(
    name: str = "local", versions: Sequence[str] = ("3.11.7",), *, host: str = "host-a", cpus: int = 2
) -> NodeRegistration:
    """Register a node; a version with a "t" is a free-threaded build."""
    effective = EffectiveCpus(cpus, cpus, None, None, cpus, f"affinity {cpus}, no quota")
    return NodeRegistration(
        node=name,
        host=Host(host, f"boot-{host}", host, "Linux", "6.1", "cpu", 8 << 30, 2, effective),
        builds=tuple(
            PythonBuild(
                version,
                f"/opt/{version}/bin/python",
                version.removesuffix("t"),
                "CPython",
                version.endswith("t"),
                ("fork", "spawn", "forkserver"),
            )
            for version in versions
        ),
        harness_python="3.11.7",
        parlab_version="0.1.0",
        pid=4711,
        scenarios=tuple(catalog.available("scenarios")),
        targets=("http",),
    )


def experiment_of(lines: str) -> Experiment:
    """Read an experiment's tables, all but ``[experiment]``."""
    return parse("test.toml", tomllib.loads(HEAD + lines))


def plan_of(lines: str, *nodes: NodeRegistration, ruled_out: RuledOut = nothing_ruled_out) -> Plan:
    """Lay an experiment's tables out over nodes: one of its own where none is given."""
    return make_plan("ab12", experiment_of(lines), nodes or (node(),), 1, ruled_out)


def by_strategy(**levels: float) -> Level:
    """Give each strategy's trials (or each variant's, "-" being "_") a level, with noise of 2 %."""

    def level(group: Group, configuration: Configuration, index: int, draw: random.Random) -> float | None:
        del group, index
        return levels[configuration.strategy.replace("-", "_")] * (1 + draw.gauss(0, 0.02))

    return level


def trials_of(plan: Plan, blocks: int, level: Level, seed: int = 1, first: int = 0) -> list[Observation]:
    """Measure all blocks of a plan: ``level`` is the seconds of a round, or each measure of a scenario."""
    draw = random.Random(seed)
    found = []
    for group in plan.groups:
        measures = [measure.name for measure in measures_of(group.workload)]
        planned = {c.id: c for c in group.configurations}
        for index in range(first, first + blocks):
            for sitting in block(plan, group.id, index).sittings:
                for name in sitting.configurations:
                    drawn = level(group, planned[name], index, draw)
                    found.append(_trial(group, index, sitting.id, name, drawn, measures))
    return found


def _trial(
    group: Group, index: int, sitting: str, name: str, level: float | None, measures: Sequence[str]
) -> Observation:
    if level is None:
        return Observation(group.id, index, sitting, name, "rejected", cause="steal", reason="steal 9 %")
    readings: Mapping[str, float] = dict.fromkeys(measures, level)
    seconds = 10.0 if measures else 10 * level
    return Observation(
        group.id, index, sitting, name, "measured", seconds=seconds, rounds=10, readings=readings
    )


#: A claim of four cells: two algorithms, two sizes.
FOUR = """
[[claim]]
id = "four"
text = "Processes compress faster than threads."
[[claim.workload]]
name = "compress"
algorithm = ["zlib", "bz2"]
size = [1000, 100000]
[[claim.contrast]]
of = "processes"
against = "threads"
bound = 1.1
supports = "above"
"""
#: A claim of one cell.
ONE = """
[[claim]]
id = "one"
text = "Threads do not help."
[[claim.workload]]
name = "integer_sum"
[[claim.contrast]]
of = "threads"
against = "serial"
bound = 1.1
supports = "below"
"""
#: A claim of two cells, which are values.
LOST = """
[[claim]]
id = "lost"
text = "Updates are lost."
[[claim.scenario]]
name = "counter"
form = ["augmented", "call"]
[[claim.contrast]]
of = "thread"
rule = "value"
measure = "lost_updates"
bound = 1e-9
supports = "above"
"""


def faster(**times: float) -> Level:
    """Make processes so many times as fast as threads and serial, by algorithm or workload; noise of 2 %."""

    def level(group: Group, configuration: Configuration, index: int, draw: random.Random) -> float:
        del index
        name = str(group.workload.parameters.get("algorithm", group.workload.name))
        speed = times[name] if configuration.strategy == "processes" else 1.0
        return math.exp(draw.gauss(0, 0.02)) / speed

    return level


def failures(plan: Plan, *strategies: str, algorithm: str | None = None) -> dict[str, Failure]:
    """Fail all configurations of some strategies, or only those of one algorithm."""
    return {
        c.id: Failure(c.id, "no zlib in this Python", None, 0.0)
        for group in plan.groups
        for c in group.configurations
        if c.strategy in strategies and algorithm in (None, c.parameters.get("algorithm"))
    }
