"""A plan's blocks and their sittings, made on demand, and the specs that are sent for them."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import replace

from parlab.orchestrator.experiment.work import has_check
from parlab.orchestrator.plan.model import Block, Configuration, Group, Plan, PlannedSitting
from parlab.orchestrator.plan.planner import draw, least_common_multiple
from parlab.workers import catalog
from parlab.workers.wire.result import Calibration
from parlab.workers.wire.spec import CalibrationSpec, SittingSpec, TrialSpec

#: Most rounds of a trial, however short they are.
MOST_TURNS = 50
#: A round longer than this needs no warm-up: what a worker's first task costs does not show in it.
LONG_ROUND_SECONDS = 0.5
#: Memory is read in so many blocks where rounds are short, and in the first only where they are not:
#: a pass costs a whole round.
MEMORY_BLOCKS = 3
SHORT_ROUND_SECONDS = 0.2


def group_of(plan: Plan, group: str) -> Group:
    """Look up a group; raises ``KeyError`` where the plan has none of that id."""
    for candidate in plan.groups:
        if candidate.id == group:
            return candidate
    raise KeyError(group)


def groups_in_order(plan: Plan, host: str, index: int) -> list[str]:
    """Order in which a host's groups take their block of this index."""
    names = [group.id for group in plan.groups if group.host == host]
    draw(plan, host, index).shuffle(names)
    return names


def block(plan: Plan, group: str, index: int, members: Collection[str] | None = None) -> Block:
    """Make a block: each node's configurations in one sitting, or several where they are too many.

    Each sitting holds the node's baselines, so that what is compared sat together. Nothing but the
    plan's seed, the group, the index and the members decides, so that a resumed run makes the same blocks.

    ``members`` are the configurations that it holds; None: all of the group.
    """
    whole = group_of(plan, group)
    source = draw(plan, group, index)
    baselines = whole.baselines
    parts: list[tuple[str, list[str]]] = []
    for node in sorted({configuration.node for configuration in whole.configurations}):
        here = [c.id for c in whole.configurations if c.node == node and (members is None or c.id in members)]
        if not here:
            continue
        own = [name for name in here if name in baselines]
        others = [name for name in here if name not in baselines]
        source.shuffle(others)
        room = max(plan.experiment.sitting_size - len(own), 1)
        count = max(math.ceil(len(others) / room), 1)
        parts += [(node, own + others[i::count]) for i in range(count)]
    source.shuffle(parts)
    return Block(
        group,
        index,
        tuple(
            PlannedSitting(f"{group}-b{index}-s{part}", node, tuple(names), source.getrandbits(31))
            for part, (node, names) in enumerate(parts)
        ),
    )


def calibrating(group: Group, failed: Collection[str]) -> Configuration:
    """Give the configuration whose build and node calibrate a group: the first that is left."""
    return next((c for c in group.configurations if c.id not in failed), group.configurations[0])


def calibration_sitting(
    plan: Plan, group: str, *, attempt: int, fence: int, failed: Collection[str] = ()
) -> SittingSpec:
    """Make the sitting that finds what a round of a group is: one serial trial on its first build.

    The first of which a configuration is left: those that ``failed`` are out.
    """
    whole = group_of(plan, group)
    first = calibrating(whole, failed)
    widest = max(c.max_workers for c in whole.configurations)
    cpus = plan.cpus_of(whole.host).count
    return SittingSpec(
        run=plan.run,
        sitting=f"{group}-cal",
        attempt=attempt,
        node=first.node,
        kind="calibrate",
        trials=(replace(_trial(plan, first, f"{group}-cal"), strategy="serial"),),
        turns=0,
        seed=plan.seed % 2**31,
        calibration=CalibrationSpec(
            # So long that the fastest configuration's round is still long enough to be timed well.
            round_seconds=plan.experiment.round_seconds * min(widest, cpus),
            tasks=whole.workload.tasks,
            multiple_of=1
            if whole.workload.tasks is not None
            else least_common_multiple([c.max_workers for c in whole.configurations]),
        ),
        fence=fence,
        function=whole.workload.function,
    )


def measuring_sitting(
    plan: Plan,
    group: str,
    index: int,
    sitting: PlannedSitting,
    calibration: Calibration | None,
    *,
    attempt: int,
    fence: int,
) -> SittingSpec:
    """Make the spec of one sitting of a block. A scenario needs no ``calibration``."""
    whole = group_of(plan, group)
    planned = {configuration.id: configuration for configuration in whole.configurations}
    names = {f"{sitting.id}-{name}": planned[name] for name in sitting.configurations}
    spec = SittingSpec(
        run=plan.run,
        sitting=sitting.id,
        attempt=attempt,
        node=sitting.node,
        kind="measure",
        trials=tuple(_trial(plan, configuration, name) for name, configuration in names.items()),
        turns=1,
        seed=sitting.seed,
        fence=fence,
        function=whole.workload.function,
    )
    if whole.workload.scenario:
        trials = tuple(replace(trial, scenario=True) for trial in spec.trials)
        return replace(spec, trials=trials, turns=catalog.scenario(whole.workload.name).rounds)
    assert calibration is not None
    round_seconds = max(calibration.tasks * calibration.task_seconds, 1e-9)
    expected = None if has_check(whole.workload) else calibration.expected
    return replace(
        spec,
        trials=tuple(
            replace(
                trial,
                tasks=calibration.tasks,
                options=configuration.options,
                max_workers=configuration.max_workers,
                expected=expected,
                # By its own round, about: the serial one is long where many workers' is not.
                warm_up_rounds=0 if round_seconds / configuration.max_workers > LONG_ROUND_SECONDS else 1,
            )
            for trial, configuration in zip(spec.trials, names.values(), strict=True)
        ),
        turns=min(max(math.ceil(plan.experiment.trial_seconds / round_seconds), 1), MOST_TURNS),
        memory_pass=index < (MEMORY_BLOCKS if round_seconds <= SHORT_ROUND_SECONDS else 1),
    )


def _trial(plan: Plan, configuration: Configuration, name: str) -> TrialSpec:
    """Make what all trials have in common: of one worker, with no tasks yet and no warm-up."""
    return TrialSpec(
        trial=name,
        configuration=configuration.id,
        workload=configuration.workload,
        parameters=configuration.parameters,
        tasks=0,
        strategy=configuration.strategy,
        options={},
        max_workers=1,
        python=configuration.python,
        gil=configuration.gil,
        warm_up_rounds=0,
        timeout_seconds=plan.experiment.timeout_seconds,
    )


def longest_seconds(spec: SittingSpec) -> float:
    """Bound of a sitting's time: every step of every trial at its own limit. A backstop, no estimate."""
    steps: Sequence[float] = [
        trial.timeout_seconds * (4 + trial.warm_up_rounds + spec.turns + 2 * spec.memory_pass) + 60
        for trial in spec.trials
    ]
    return math.fsum(steps) + 60
