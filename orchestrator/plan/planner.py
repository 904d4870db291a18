"""The planner: an experiment laid out over nodes as groups of configurations."""

from __future__ import annotations

import hashlib
import math
import random
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from parlab.orchestrator.experiment import quantities
from parlab.orchestrator.experiment.labels import group_label, strategy_label
from parlab.orchestrator.experiment.model import Experiment, PythonChoice, StrategyChoice, WorkloadChoice
from parlab.orchestrator.experiment.work import has_async_form, is_compared, settled_parameters, targets_of
from parlab.orchestrator.plan.model import Comparison, Configuration, Group, Plan, PlannedHost, Skip
from parlab.workers import catalog
from parlab.workers.errors import BadInput, EnvironmentFault
from parlab.workers.function.place import not_allowed
from parlab.workers.parameter import settle
from parlab.workers.strategies.base import BuildFacts
from parlab.workers.strategies.hybrid import split
from parlab.workers.wire.codec import encode
from parlab.workers.wire.registration import NodeRegistration, PythonBuild
from parlab.workers.wire.spec import SCHEMA_VERSION, Gil

#: Fields of a configuration that its id is made of. More of them would give what is stored other ids.
_CONTENT = (
    *("workload", "parameters", "tasks", "strategy", "options"),
    *("max_workers", "node", "python", "gil", "alias"),
)


@dataclass(frozen=True)
class _Offer:
    """One build on one node, as an experiment asks for it."""

    node: NodeRegistration
    build: PythonBuild
    gil: Gil | None


#: (workload, configuration) → why it is not to be tried, or None.
RuledOut = Callable[[WorkloadChoice, Configuration], str | None]


def nothing_ruled_out(workload: WorkloadChoice, configuration: Configuration) -> None:
    """Rule out nothing: what a node cannot do shows when it is asked to."""
    del workload, configuration


def make_plan(
    run: str,
    experiment: Experiment,
    nodes: Sequence[NodeRegistration],
    seed: int,
    ruled_out: RuledOut = nothing_ruled_out,
) -> Plan:
    """Lay an experiment out over the nodes that answer, without what was ruled out beforehand.

    Raises:
        EnvironmentFault: no node is there, or none offers a build that is asked for.
        BadInput: nothing of the experiment can be run on any of them.
    """
    used = _used_nodes(experiment, nodes)
    offers = [offer for choice in experiment.pythons for offer in _offers(choice, used)]
    offers = list({(o.node.node, o.build.id, o.gil): o for o in offers}.values())
    host_ids = list(dict.fromkeys(node.host.id for node in used))
    hosts, groups = [], []
    for index, host_id in enumerate(host_ids):
        here = [node for node in used if node.host.id == host_id]
        most = max((node.host.effective_cpus for node in here), key=lambda cpus: cpus.count)
        hosts.append(PlannedHost(host_id, tuple(node.node for node in here), most))
        own = [offer for offer in offers if offer.node.host.id == host_id]
        groups += [
            _group(experiment, workload, f"h{index}", host_id, own, ruled_out)
            for workload in experiment.workloads
        ]
    if not any(group.configurations for group in groups):
        reasons = dict.fromkeys(skip.reason for group in groups for skip in group.skipped)
        why = "; ".join(reasons) or "no build matches"
        raise BadInput(
            f"no part of experiment {experiment.name} can be run here: {why}",
            "Name other strategies, or another Python build with --python.",
        )
    # One of which nothing can be run stays, with its reasons: what was asked for is not passed over.
    shown = tuple(group for group in groups if group.configurations or group.skipped)
    return Plan(run, seed, _with_budget(experiment, offers), tuple(hosts), shown)


def _with_budget(experiment: Experiment, offers: Sequence[_Offer]) -> Experiment:
    """Make a budget per build the run's: as many as the host with most of them has."""
    if experiment.stop.budget_per == "run":
        return experiment
    most = max(Counter(offer.node.host.id for offer in offers).values())
    seconds = experiment.stop.budget_seconds * most
    return replace(experiment, stop=replace(experiment.stop, budget_seconds=seconds, budget_per="run"))


def _used_nodes(experiment: Experiment, nodes: Sequence[NodeRegistration]) -> list[NodeRegistration]:
    names = [node.node for node in nodes]
    missing = [name for name in experiment.nodes if name not in names]
    if not nodes or missing:
        what = f"node {missing[0]} does not answer" if missing else "no node answers"
        there = (
            f"There are: {', '.join(names)}." if names else "Start one: parlab node --redis URL --name NAME."
        )
        raise EnvironmentFault(what, there)
    asked = [node for node in nodes if not experiment.nodes or node.node in experiment.nodes]
    used = [node for node in asked if node.schema_version == SCHEMA_VERSION]
    other = next((node for node in asked if node.schema_version != SCHEMA_VERSION), None)
    # One old node must not keep the others from measuring, unless it was asked for.
    if other is not None and (experiment.nodes or not used):
        raise EnvironmentFault(
            f"node {other.node} uses version {other.schema_version} of the specs, not {SCHEMA_VERSION}",
            f"Install the same parlab on both (the node has {other.parlab_version}).",
        )
    _check_hosts(used)
    return used


def _check_hosts(nodes: Sequence[NodeRegistration]) -> None:
    """Refuse nodes of one host that are on two machines: what they measure cannot be compared within it."""
    first: dict[str, NodeRegistration] = {}
    for node in nodes:
        other = first.setdefault(node.host.id, node)
        if other.host.boot_id != node.host.boot_id:
            raise EnvironmentFault(
                f"nodes {other.node} and {node.node} both name host {node.host.id}, but run on two machines",
                "Give the hosts different names (parlab node --host, PARLAB_HOST). If the machine has "
                "just been "
                "restarted, try again in a few seconds.",
            )


def _offers(choice: PythonChoice, nodes: Sequence[NodeRegistration]) -> Iterator[_Offer]:
    offers = [
        _Offer(node, build, choice.gil) for node in nodes for build in node.builds if _matches(choice, build)
    ]
    if not offers:
        offered = ", ".join(dict.fromkeys(build.id for node in nodes for build in node.builds))
        raise EnvironmentFault(
            f"no node offers Python {choice.executable or choice.version}", f"They offer: {offered}."
        )
    yield from offers


def _matches(choice: PythonChoice, build: PythonBuild) -> bool:
    if choice.executable is not None:
        return build.executable == choice.executable
    if choice.version is None:
        return True
    wanted = choice.version.removesuffix("t")
    same = build.version == wanted or build.version.startswith(f"{wanted}.")
    return same and build.free_threaded == choice.version.endswith("t")


def _group(
    experiment: Experiment,
    workload: WorkloadChoice,
    place: str,
    host: str,
    offers: Sequence[_Offer],
    ruled_out: RuledOut,
) -> Group:
    parameters = settled_parameters(workload, f"workload {workload.name}")
    function = () if workload.function is None else (workload.function,)
    fingerprint = _fingerprint(host, workload.name, parameters, workload.tasks, *function)[:6]
    configurations: dict[str, Configuration] = {}
    skipped: dict[str, Skip] = {}
    comparisons: list[Comparison] = []
    first: str | None = None
    for offer in offers:
        own: list[Configuration] = []
        for choice in _baseline_first(experiment, workload):
            settled = replace(workload, parameters=parameters)
            configuration = _configuration(settled, choice, offer)
            reason = _unavailable(settled, configuration, offer) or ruled_out(settled, configuration)
            if reason is not None:
                skipped[configuration.id] = Skip(configuration, reason)
            elif configuration.id not in configurations:
                configurations[configuration.id] = configuration
                own.append(configuration)
        baseline = next((c.id for c in own if c.strategy == _baseline(experiment, workload)), None)
        for configuration in own if is_compared(workload) else ():
            against = baseline if configuration.id != baseline else first
            against = against or first
            if against is not None and against != configuration.id:
                comparisons.append(Comparison(configuration.id, against))
        first = first or baseline
    return Group(
        # Part of a job's id, which takes no other characters.
        id=f"{place}-{re.sub('[^A-Za-z0-9_]', '_', workload.name.rpartition(':')[2])}-{fingerprint}",
        host=host,
        workload=workload,
        label=group_label(workload),
        configurations=tuple(configurations.values()),
        comparisons=tuple(comparisons),
        skipped=tuple(skipped.values()),
    )


def _baseline(experiment: Experiment, workload: WorkloadChoice) -> str:
    """Name what the others of a group are compared with: a scenario's first variant that is asked for."""
    return workload.strategies[0].name if workload.scenario else experiment.baseline


def _baseline_first(experiment: Experiment, workload: WorkloadChoice) -> list[StrategyChoice]:
    baseline = _baseline(experiment, workload)
    return sorted(
        workload.strategies or experiment.strategies, key=lambda strategy: strategy.name != baseline
    )


def _configuration(workload: WorkloadChoice, choice: StrategyChoice, offer: _Offer) -> Configuration:
    declared = {} if workload.scenario else catalog.strategy(choice.name).options
    options = settle(declared, choice.options, f"strategy {choice.name}")
    cpus = offer.node.host.effective_cpus.count
    max_workers = 1 if workload.scenario or choice.name == "serial" else _width(choice, cpus)
    if choice.name == "hybrid" and (factors := split(max_workers, options)) is not None:
        # What was left out is worked out here, so that one split has one fingerprint.
        options |= {"processes": factors[0], "threads": factors[1]}
    configuration = Configuration(
        id="",
        workload=workload.name,
        parameters=workload.parameters,
        tasks=workload.tasks,
        strategy=choice.name,
        options=options,
        max_workers=max_workers,
        node=offer.node.node,
        python=offer.build.id,
        gil=offer.gil,
        label=choice.name
        if workload.scenario
        else strategy_label(choice.name, options, max_workers, choice.label),
        alias=choice.label,
    )
    content: dict[str, object] = {name: getattr(configuration, name) for name in _CONTENT}
    if workload.function is not None:
        content["function"] = workload.function
    if workload.scenario:
        content["scenario"] = True
    return replace(configuration, id=_fingerprint(content))


def _width(choice: StrategyChoice, cpus: int) -> int:
    try:
        return quantities.workers(choice.max_workers, cpus)
    except ValueError as error:
        raise BadInput(
            f"strategy {choice.name}: max_workers {error} (a host has {cpus} effective CPUs)",
            "Write a smaller number or factor.",
        ) from error


def _unavailable(workload: WorkloadChoice, configuration: Configuration, offer: _Offer) -> str | None:
    """Say why a build cannot run a configuration, as far as that is known before it is tried."""
    build, node = offer.build, offer.node
    reason = _lacking(workload, configuration, node)
    if reason is not None:
        return reason
    if configuration.gil == "off" and not build.free_threaded:
        return f"the GIL cannot be off on Python {build.id}: only a free-threaded build can run without it"
    major, minor = (int(part) for part in build.version.split(".")[:2])
    facts = BuildFacts((major, minor), build.start_methods, build.lacks)
    if workload.scenario:
        scenario = catalog.scenario(workload.name)
        return scenario.refusal(configuration.strategy, configuration.parameters, facts)
    strategy = catalog.strategy(configuration.strategy)
    if strategy.form == "async" and has_async_form(workload) is False:
        return f"{workload.name} has no async form"
    impossible = strategy.impossible(configuration.max_workers, configuration.options)
    if impossible is not None:
        return impossible
    return strategy.unavailable(facts, configuration.options)


def _lacking(workload: WorkloadChoice, configuration: Configuration, node: NodeRegistration) -> str | None:
    """Say what a node's installation lacks, or does not allow."""
    its = f"its parlab is {node.parlab_version}"
    if workload.function is not None:
        module = not_allowed(workload.function, node.allow)
        if module is not None:
            return f"node {node.node} does not allow module {module}: set PARLAB_ALLOW={module} there"
    elif workload.scenario:
        known = workload.name in node.scenarios
        return None if known else f"node {node.node} has no scenario {workload.name}: {its}"
    elif node.workloads and workload.name not in node.workloads:
        return f"node {node.node} has no workload {workload.name}: {its}"
    for target in targets_of(workload):
        if target not in node.targets:
            return f"node {node.node} has no target named {target}: set PARLAB_TARGET_{target.upper()} there"
    if node.strategies and configuration.strategy not in node.strategies:
        return f"node {node.node} has no strategy {configuration.strategy}: {its}"
    return None


def _fingerprint(*content: object) -> str:
    return hashlib.sha256(encode(list(content)).encode()).hexdigest()[:12]


def least_common_multiple(numbers: Sequence[int], most: int = 64) -> int:
    """Give a number of tasks that all numbers of workers divide; above ``most``, the largest of them."""
    multiple = math.lcm(*numbers)
    return multiple if multiple <= most else max(numbers)


def draw(plan: Plan, *what: object) -> random.Random:
    """Give the source of randomness for one thing of a plan: the same for the same seed, always."""
    return random.Random("/".join(map(str, (plan.seed, *what))))
