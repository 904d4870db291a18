"""A run's claims laid out over its plan: which trials each cell is about, or why it has none."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from parlab.orchestrator.experiment import quantities
from parlab.orchestrator.experiment.labels import group_label
from parlab.orchestrator.experiment.model import Claim, Contrast, StrategyChoice, WorkloadChoice, bound_on
from parlab.orchestrator.experiment.work import measures_of, settled_parameters
from parlab.orchestrator.figures import counted
from parlab.orchestrator.plan.model import Configuration, Group, Plan, PlannedBuild
from parlab.orchestrator.store.records import Failure
from parlab.workers import catalog
from parlab.workers.errors import BadInput
from parlab.workers.parameter import settle
from parlab.workers.strategies.hybrid import split
from parlab.workers.wire.codec import encode
from parlab.workers.wire.spec import Scalar


@dataclass(frozen=True)
class Cell:
    """One contrast in one condition on one build."""

    contrast: Contrast
    label: str
    bound: float
    conditions: Mapping[str, Scalar]
    #: The reading that is looked at; "" for the seconds of a round.
    measure: str
    unit: str
    better: Literal["lower", "higher", "neither"]
    #: The group, or the groups at a trend's beginning and end.
    groups: tuple[Group, ...]
    #: Configurations of each side, one tuple for each group.
    of: tuple[tuple[str, ...], ...]
    against: tuple[tuple[str, ...], ...]
    #: Why there is nothing to look at.
    reason: str | None = None


@dataclass(frozen=True)
class _Asked:
    """What a contrast asks for, the same on every build."""

    #: Of the groups that it is about.
    keys: tuple[str, ...]
    #: The work as it is shown.
    shown: WorkloadChoice
    label: str
    #: What is measured; None: this installation does not know it.
    quantity: tuple[str, str, Literal["lower", "higher", "neither"]] | None


@dataclass(frozen=True)
class _Side:
    """What of one side of a contrast there is on a build."""

    ids: tuple[str, ...]
    label: str
    #: Why what is not there is not.
    reason: str | None


def builds(plan: Plan) -> list[PlannedBuild]:
    """Give the builds of a plan, those on which nothing could be tried included, in its order."""
    planned = {
        PlannedBuild(group.host, *c.place): None
        for group in plan.groups
        for c in (*group.configurations, *(skip.configuration for skip in group.skipped))
    }
    return list(planned)


def claim_cells(plan: Plan, failed: Mapping[str, Failure]) -> list[tuple[Claim, PlannedBuild, list[Cell]]]:
    """Lay all claims of a plan out over its builds."""
    if not plan.experiment.claims:
        return []
    index, there = _Index(plan, failed), builds(plan)
    return [
        (claim, build, [index.cell(contrast, build) for contrast in claim.contrasts])
        for claim in plan.experiment.claims
        for build in there
    ]


class _Index:
    """Finds groups by their work, and configurations by the way they are run."""

    def __init__(self, plan: Plan, failed: Mapping[str, Failure]) -> None:
        self._failed = failed
        self._strategies = plan.experiment.strategies
        self._cpus = {host.id: host.effective_cpus.count for host in plan.hosts}
        self._groups = {(group.host, _key(group.workload)): group for group in plan.groups}
        self._reasons = {s.configuration.id: s.reason for group in plan.groups for s in group.skipped}
        self._there: dict[tuple[str, PlannedBuild], list[Configuration]] = {}
        for group in plan.groups:
            for c in (*group.configurations, *(skip.configuration for skip in group.skipped)):
                build = PlannedBuild(group.host, *c.place)
                self._there.setdefault((group.id, build), []).append(c)
        self._node_cpus: dict[PlannedBuild, int] = {}
        # By identity, which holds as long as the plan: a plan has each on every build.
        self._asked: dict[int, _Asked] = {}
        self._options: dict[int, Mapping[str, Scalar] | None] = {}

    def cell(self, contrast: Contrast, build: PlannedBuild) -> Cell:
        """Find what a contrast is about on a build."""
        cpus, asked = self._cpus_of(build), self._asked_by(contrast)
        groups = [self._groups.get((build.host, key)) for key in asked.keys]
        sides = [
            (
                self._side(contrast.of, contrast, g, build, cpus),
                self._side(contrast.against, contrast, g, build, cpus),
            )
            for g in groups
        ]
        ofs, againsts = zip(*sides, strict=True)
        measure, unit, better = asked.quantity or (contrast.measure, "", "neither")
        label = f"{asked.label}: {ofs[0].label}"
        if contrast.against:
            label += f" against {againsts[0].label}"
        if contrast.measure:
            label += f", {contrast.measure}"
        return Cell(
            contrast=contrast,
            label=label,
            bound=bound_on(contrast.bound, cpus),
            conditions={
                **asked.shown.parameters,
                "work": contrast.workload,
                "of": ofs[0].label,
                "against": againsts[0].label,
                "measure": contrast.measure,
            },
            measure=measure,
            unit=unit,
            better=better,
            groups=tuple(group for group in groups if group is not None),
            of=tuple(side.ids for side in ofs),
            against=tuple(side.ids for side in againsts),
            reason=_reason(contrast, ofs, againsts, cpus)
            if asked.quantity is not None
            else f"this installation does not know what {contrast.workload} measures",
        )

    def _asked_by(self, contrast: Contrast) -> _Asked:
        if id(contrast) not in self._asked:
            shown = _shown(contrast)
            self._asked[id(contrast)] = _Asked(
                tuple(_keys(contrast)), shown, group_label(shown), _quantity(contrast)
            )
        return self._asked[id(contrast)]

    def _side(
        self,
        ways: Iterable[StrategyChoice],
        contrast: Contrast,
        group: Group | None,
        build: PlannedBuild,
        cpus: int,
    ) -> _Side:
        there = self._there.get((group.id, build), []) if group is not None else []
        ids, labels, reasons = [], [], []
        for way in ways:
            own = next((c for c in there if self._is(c, way, cpus, scenario=contrast.scenario)), None)
            why = "it is not measured in this run" if own is None else self._why_not(own.id)
            if own is None or why is not None:
                reasons.append(f"{own.label if own else way.name}: {why}")
            elif own.id not in ids:
                ids.append(own.id)
                labels.append(own.label)
        names = labels or [reason.partition(":")[0] for reason in reasons]
        label = names[0] if len(names) == 1 else f"the best of {' and '.join(names)}" if names else ""
        return _Side(tuple(ids), label, reasons[0] if reasons else None)

    def _why_not(self, configuration: str) -> str | None:
        failure = self._failed.get(configuration)
        return self._reasons.get(configuration) if failure is None else failure.reason

    def _cpus_of(self, build: PlannedBuild) -> int:
        """Tell a node's effective CPUs by the widths that its plan has: nodes of a host may have fewer."""
        if build not in self._node_cpus:
            most = self._cpus[build.host]
            fitting = (n for n in range(most, 0, -1) if self._fits(build, n))
            self._node_cpus[build] = next(fitting, most)
        return self._node_cpus[build]

    def _fits(self, build: PlannedBuild, cpus: int) -> bool:
        for (host, _), group in self._groups.items():
            if host != build.host or group.workload.scenario:
                continue
            asked = group.workload.strategies or self._strategies
            widths = {(s.name, _width(s.name, s.max_workers, cpus)) for s in asked}
            there = {(c.strategy, c.max_workers) for c in self._there.get((group.id, build), ())}
            # All of them: twice the CPUs of a node may be among the widths that its host would have.
            if there and there != widths:
                return False
        return True

    def _is(self, configuration: Configuration, way: StrategyChoice, cpus: int, *, scenario: bool) -> bool:
        """Tell whether a configuration is run this way, what is not said having its default."""
        if configuration.strategy != way.name or configuration.alias != way.label:
            return False
        if scenario:
            return True
        if configuration.max_workers != _width(way.name, way.max_workers, cpus):
            return False
        options = self._options_of(way)
        if options is None:
            return False
        if way.name == "hybrid" and (factors := split(configuration.max_workers, options)) is not None:
            options = {**options, "processes": factors[0], "threads": factors[1]}
        return all(configuration.options.get(name) == value for name, value in options.items())

    def _options_of(self, way: StrategyChoice) -> Mapping[str, Scalar] | None:
        """Give a way's options, defaults included; None where this installation does not know them."""
        if id(way) not in self._options:
            try:
                options = settle(catalog.strategy(way.name).options, way.options, way.name)
            except BadInput:
                options = None
            self._options[id(way)] = options
        return self._options[id(way)]


def _reason(contrast: Contrast, ofs: Iterable[_Side], againsts: Iterable[_Side], cpus: int) -> str | None:
    if cpus < contrast.least_cpus:
        return f"it needs {contrast.least_cpus} effective CPUs; there {'is' if cpus == 1 else 'are'} {cpus}"
    for of, against in zip(ofs, againsts, strict=True):
        for side, wanted in ((of, True), (against, bool(contrast.against))):
            if wanted and not side.ids:
                return side.reason
        if set(of.ids) & set(against.ids):
            return f"{of.label} and {against.label} are the same with {counted(cpus, 'effective CPU')}"
    return None


def _keys(contrast: Contrast) -> Iterator[str]:
    yield _key(_choice(contrast, contrast.parameters))
    if contrast.over:
        yield _key(_choice(contrast, {**contrast.parameters, contrast.over: contrast.end}))


def _choice(contrast: Contrast, parameters: Mapping[str, Scalar]) -> WorkloadChoice:
    return WorkloadChoice(contrast.workload, parameters, contrast.tasks, scenario=contrast.scenario)


def _shown(contrast: Contrast) -> WorkloadChoice:
    """Give the work of a cell as it is shown: a trend's parameter goes from here to there."""
    if not contrast.over:
        return _choice(contrast, contrast.parameters)
    ends = f"{contrast.parameters[contrast.over]}→{contrast.end}"
    return _choice(contrast, {**contrast.parameters, contrast.over: ends})


def _key(choice: WorkloadChoice) -> str:
    parameters: Mapping[str, Scalar] = choice.parameters
    if ":" not in choice.name:
        try:
            parameters = settled_parameters(choice, choice.name)
        except BadInput:
            # Of a run that another installation measured; its claims name what its plan names.
            parameters = choice.parameters
    return encode([choice.name, dict(parameters), choice.tasks, choice.scenario])


def _width(strategy: str, expression: int | str, cpus: int) -> int:
    if strategy == "serial":
        return 1
    try:
        return quantities.workers(expression, cpus)
    except ValueError:
        return 0


def _quantity(contrast: Contrast) -> tuple[str, str, Literal["lower", "higher", "neither"]] | None:
    """Give the name and unit of what is measured, and whether more of it is better; None: not known here."""
    if contrast.scenario:
        measures = measures_of(_choice(contrast, contrast.parameters))
        measure = next((m for m in measures if not contrast.measure or m.name == contrast.measure), None)
        return None if measure is None else (measure.name, measure.unit, measure.better)
    if not contrast.measure:
        return "", "seconds", "lower"
    for probe in catalog.probes().values():
        for quantity in probe.quantities:
            if quantity.name == contrast.measure:
                return quantity.name, quantity.unit, quantity.better
    return None
