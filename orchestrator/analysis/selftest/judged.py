"""Judgement of a run of the experiment ``self-test``, for each node and build that it was measured on.

The rates are counted on effects of the run itself, so that they hold for this machine as it was then, with
whatever else ran on it. Nothing here is used for the verdicts of any other run.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from parlab.orchestrator.analysis.effects import Blocks
from parlab.orchestrator.analysis.findings.selftest import PairFinding, PlantedFinding, SelfTestFinding
from parlab.orchestrator.analysis.selftest import noise, rates
from parlab.orchestrator.analysis.view import RunView, observations_of
from parlab.orchestrator.experiment.labels import strategy_label
from parlab.orchestrator.experiment.model import Experiment
from parlab.orchestrator.experiment.work import measures_of
from parlab.orchestrator.plan.model import Configuration, Group, Plan, PlannedBuild
from parlab.orchestrator.statistics import inference
from parlab.orchestrator.store.facade import Store
from parlab.orchestrator.store.observation import Observation, by_group

#: The experiment that ships, and its scenario.
EXPERIMENT = "self-test"
SCENARIO = "planted"
#: Blocks of a try of what was entered twice.
TRY_BLOCKS = 20
#: Most blocks of a try, by the per cent of the slowdown: what STATISTICS asks for.
LIMIT_BLOCKS = {2: 200, 5: 100, 10: 40}
#: What precision is told for: so many configurations, for so many seconds.
CONFIGURATIONS = 4
LENGTHS_SECONDS = (60.0, 300.0, 900.0)

_SAME, _AGAIN = "same", "again"


@dataclass(frozen=True)
class _Pair:
    """Two of a group, and what was seen of them, in block order."""

    label: str
    scenario: bool
    effects: list[float]
    levels: list[tuple[float, float]]


def is_self_test(experiment: Experiment) -> bool:
    """Whether an experiment is the one that ships: by its name and by what it measures."""
    return experiment.name == EXPERIMENT and any(
        w.scenario and w.name == SCENARIO for w in experiment.workloads
    )


def found_in(store: Store, run: str) -> tuple[SelfTestFinding, ...]:
    """Say what a stored run of the self-test found of each node and build; nothing before it was planned."""
    plan = store.plan(run)
    if plan is None:
        return ()
    seconds = {s.attempt.sitting: s.result.seconds for s in store.sittings.stored(run)}
    return self_tests(plan, store.sittings.observations(run), seconds)


def found_in_view(run: RunView) -> tuple[SelfTestFinding, ...]:
    """Say the same of a run with its trials."""
    seconds = {s.attempt.sitting: s.result.seconds for s in run.sittings}
    return self_tests(run.plan, observations_of(run), seconds)


def self_tests(
    plan: Plan, observations: Sequence[Observation], sitting_seconds: Mapping[str, float]
) -> tuple[SelfTestFinding, ...]:
    """Say what is known of each node and build of a plan, in its order.

    Args:
        plan: of a run that :func:`is_self_test`.
        observations: trials of blocks that count.
        sitting_seconds: what each sitting took, by its id; where it is missing, nothing is said of time.
    """
    trials = by_group(observations)
    builds = dict.fromkeys(PlannedBuild(g.host, *c.place) for g in plan.groups for c in g.configurations)
    return tuple(_finding(plan, build, trials, sitting_seconds) for build in builds)


def _finding(
    plan: Plan,
    build: PlannedBuild,
    observations: Mapping[str, Sequence[Observation]],
    sitting_seconds: Mapping[str, float],
) -> SelfTestFinding:
    alpha = plan.experiment.stop.alpha
    pairs: list[_Pair] = []
    planted: list[PlantedFinding] = []
    trials: list[Observation] = []
    work: list[Observation] = []
    for group in plan.groups:
        own = {c.id for c in group.configurations if PlannedBuild(group.host, *c.place) == build}
        observed = observations.get(group.id, ())
        here = [o for o in observed if o.configuration in own]
        trials += here
        if not own:
            continue
        seen = _Seen(group, observed, own)
        if not group.workload.scenario:
            work += here
            pairs += [seen.pair(a, b) for a, b in _entered_twice(seen.configurations)]
        elif group.workload.name == SCENARIO and (pair := seen.of_variants(_AGAIN)) is not None:
            pairs.append(pair)
            planted += _planted(seen, pair, alpha)
    wrong = [rates.wrong_verdicts(p.effects, TRY_BLOCKS, alpha) for p in pairs]
    significant = [rates.significant_t_tests(p.levels, TRY_BLOCKS, alpha) for p in pairs]
    block_seconds = _block_seconds(work, sitting_seconds)
    of_work = [pair.effects for pair in pairs if not pair.scenario]
    return SelfTestFinding(
        node=build.node,
        host=build.host,
        python=build.python,
        gil=build.gil,
        alpha=alpha,
        try_blocks=TRY_BLOCKS,
        pairs=tuple(map(_pair_finding, pairs, wrong, significant)),
        wrong=rates.rate(*_sums(wrong)),
        t_test_wrong=rates.rate(*_sums(significant)),
        planted=tuple(planted),
        configurations=CONFIGURATIONS,
        trial_seconds=Experiment.trial_seconds,
        block_seconds=block_seconds,
        # Before anything is declared each interval has its share of the error rate.
        precision=noise.precision(
            of_work, block_seconds or 0.0, LENGTHS_SECONDS, alpha / (CONFIGURATIONS - 1)
        ),
        trials=len(trials),
        not_counted=dict(Counter(o.cause or o.outcome for o in trials if o.outcome != "measured")),
    )


def _sums(counts: Sequence[tuple[int, int]]) -> tuple[int, int]:
    return sum(count for count, _ in counts), sum(tried for _, tried in counts)


class _Seen:
    """What was seen of a group's configurations of one build."""

    def __init__(self, group: Group, observations: Sequence[Observation], own: set[str]) -> None:
        self.configurations = [c for c in group.configurations if c.id in own]
        measures = measures_of(group.workload)
        measure = measures[0].name if measures else None
        self._blocks = Blocks(observations, group.baselines, measure=measure)
        self._scenario = group.workload.scenario

    def pair(self, first: Configuration, second: Configuration) -> _Pair:
        """Give two with their effects: above 0 where the second one took longer."""
        # A baseline has a trial in each sitting of a block: one of them is enough for a t test.
        a, b = self._blocks.first_levels(first.id), self._blocks.first_levels(second.id)
        label = first.label
        if not self._scenario:
            label = strategy_label(first.strategy, first.options, first.max_workers, "")
        return _Pair(
            label=label,
            scenario=self._scenario,
            effects=self._blocks.effects(first.id, second.id),
            levels=[(a[block], b[block]) for block in sorted(a.keys() & b.keys())],
        )

    def of_variants(self, variant: str) -> _Pair | None:
        """Give the scenario's loop and another variant of it; None where one takes no part."""
        by_name = {c.strategy: c for c in self.configurations}
        if _SAME not in by_name or variant not in by_name:
            return None
        return self.pair(by_name[_SAME], by_name[variant])


def _entered_twice(configurations: Sequence[Configuration]) -> list[tuple[Configuration, Configuration]]:
    """Pair those that differ in nothing but what they are called."""
    alike: dict[tuple[object, ...], list[Configuration]] = defaultdict(list)
    for c in configurations:
        alike[c.strategy, tuple(sorted(c.options.items())), c.max_workers].append(c)
    return [(same[i], same[i + 1]) for same in alike.values() for i in range(0, len(same) - 1, 2)]


def _pair_finding(pair: _Pair, wrong: tuple[int, int], significant: tuple[int, int]) -> PairFinding:
    return PairFinding(
        label=f"{SCENARIO} loop" if pair.scenario else pair.label,
        blocks=len(pair.effects),
        spread=noise.spread(pair.effects),
        autocorrelation=inference.lag1_autocorrelation(pair.effects),
        wrong=rates.rate(*wrong),
        t_test_wrong=rates.rate(*significant),
    )


def _planted(seen: _Seen, twice: _Pair, alpha: float) -> Iterator[PlantedFinding]:
    from statistics import NormalDist

    sd = inference.standard_deviation(twice.effects) if len(twice.effects) >= TRY_BLOCKS else None
    for percent, most in LIMIT_BLOCKS.items():
        pair = seen.of_variants(f"slower-{percent}-percent")
        if pair is None:
            continue
        blocks = len(pair.effects)
        # A run that is shorter than a try may be has one try, as long as itself.
        limit = min(most, blocks) if blocks >= TRY_BLOCKS else None
        tries = rates.tries(pair.effects, limit, alpha) if limit is not None else []
        above = NormalDist().cdf(math.log1p(percent / 100) / sd) if sd else None
        expected = rates.expected(above, most, alpha) if above is not None else None
        yield PlantedFinding(
            slowdown_ratio=percent / 100,
            blocks=blocks,
            limit_blocks=limit,
            found=rates.rate(sum(right for _, right in tries), len(tries)),
            wrong_sign=rates.rate(sum(after is not None and not right for after, right in tries), len(tries)),
            median_blocks=rates.median_blocks(tries),
            seen_ratio=math.expm1(inference.median(pair.effects)) if blocks >= noise.LEAST_BLOCKS else None,
            expected_ratio=expected[0] if expected is not None else None,
            expected_blocks=expected[1] if expected is not None else None,
        )


def _block_seconds(work: Sequence[Observation], sitting_seconds: Mapping[str, float]) -> float | None:
    """Seconds of a block of CONFIGURATIONS trials as an experiment has them that says nothing of length.

    What a trial costs besides its rounds is taken as it was, in the median over sittings. Longer trials
    than these are not noisier, so that what is said of precision is rather too little than too much.
    """
    by_sitting: dict[str, list[Observation]] = defaultdict(list)
    for o in work:
        by_sitting[o.sitting].append(o)
    besides = [
        (sitting_seconds[name] - math.fsum(o.seconds or 0.0 for o in own)) / len(own)
        for name, own in by_sitting.items()
        if name in sitting_seconds and all(o.outcome == "measured" for o in own)
    ]
    if not besides:
        return None
    return CONFIGURATIONS * (Experiment.trial_seconds + max(inference.median(besides), 0.0))
