"""An experiment that ships, described for people: what it asks, measures and takes, and its file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

from parlab.orchestrator.experiment.file import load
from parlab.orchestrator.experiment.labels import group_label
from parlab.orchestrator.experiment.model import Experiment, PythonChoice, StrategyChoice, WorkloadChoice
from parlab.orchestrator.experiment.toml import shipped_names
from parlab.orchestrator.figures import percent, waiting
from parlab.workers import catalog
from parlab.workers.errors import BadInput

#: So many conditions of a workload are told; the file has all.
_MOST_CONDITIONS = 6


@dataclass(frozen=True)
class MeasuredWork:
    """One workload or scenario of an experiment."""

    name: str
    scenario: bool
    summary: str
    #: With its parameters, as a run's tables name them.
    conditions: tuple[str, ...]
    #: Conditions that are not among these.
    more: int
    #: How it is run: strategies, or a scenario's variants.
    ways: tuple[str, ...]


@dataclass(frozen=True)
class ExperimentCard:
    """One experiment that ships."""

    name: str
    question: str
    #: What its file says at its top.
    about: str
    works: tuple[MeasuredWork, ...]
    builds: tuple[str, ...]
    #: Ids of the claims that it settles.
    claims: tuple[str, ...]
    budget: str
    stop: str
    trial: str
    text: str


@cache
def cards() -> dict[str, ExperimentCard]:
    """Describe all experiments that ship, by name. They do not change under a process."""
    return {name: _card(name) for name in shipped_names()}


def _card(name: str) -> ExperimentCard:
    experiment = load(name)
    text = (
        resources.files("parlab.orchestrator.experiment.shipped")
        .joinpath(f"{name}.toml")
        .read_text(encoding="utf-8")
    )
    return ExperimentCard(
        name=name,
        question=experiment.question,
        about=_comment(text),
        works=tuple(_works(experiment)),
        builds=tuple(map(_build, experiment.pythons)),
        claims=tuple(claim.id for claim in experiment.claims),
        budget=budget_words(experiment),
        stop=_stop_words(experiment),
        trial=f"{experiment.trial_seconds:g} s of rounds of {experiment.round_seconds:g} s",
        text=text,
    )


def budget_words(experiment: Experiment) -> str:
    """Say how long it may take: "6 min", "15 min for each build"."""
    each = " for each build" if experiment.stop.budget_per == "build" else ""
    return waiting(experiment.stop.budget_seconds) + each


def _comment(text: str) -> str:
    """Give the comment that a file begins with, as running text."""
    lines = []
    for line in text.splitlines():
        if not line.startswith("#"):
            break
        lines.append(line.lstrip("# ").rstrip())
    return " ".join(lines)


def _works(experiment: Experiment) -> list[MeasuredWork]:
    by_name: dict[tuple[str, bool], list[WorkloadChoice]] = {}
    for choice in experiment.workloads:
        by_name.setdefault((choice.name, choice.scenario), []).append(choice)
    works = []
    for (name, scenario), choices in by_name.items():
        conditions = tuple(dict.fromkeys(group_label(choice) for choice in choices))
        ways = [way for choice in choices for way in _ways(choice, experiment.strategies)]
        more = max(len(conditions) - _MOST_CONDITIONS, 0)
        works.append(
            MeasuredWork(
                name, scenario, _summary(name, scenario=scenario), conditions[:_MOST_CONDITIONS], more,
                tuple(dict.fromkeys(ways)),
            )
        )  # fmt: skip
    return works


def _ways(choice: WorkloadChoice, strategies: Sequence[StrategyChoice]) -> list[str]:
    if choice.scenario:
        own = [way.name for way in choice.strategies]
        return own or [variant.name for variant in catalog.scenario(choice.name).variants]
    return [_way(strategy) for strategy in choice.strategies or strategies]


def _way(strategy: StrategyChoice) -> str:
    words = [strategy.name]
    if strategy.name != "serial":
        words.append(f"×{strategy.max_workers}")
    words += [f"{name}={value}" for name, value in strategy.options.items()]
    return " ".join([*words, *([f"({strategy.label})"] if strategy.label else [])])


def _summary(name: str, *, scenario: bool) -> str:
    try:
        return catalog.scenario(name).summary if scenario else catalog.workload(name).summary
    except BadInput:
        return ""


def _build(python: PythonChoice) -> str:
    if python.version is None:
        return "the one that runs the command, or each that a lab's nodes offer"
    return f"Python {python.version}" + (f", GIL {python.gil}" if python.gil else "")


def _stop_words(experiment: Experiment) -> str:
    stop = experiment.stop
    if stop.rule == "fixed":
        return f"after {stop.blocks} blocks"
    if experiment.claims:
        return "when every claim is settled"
    if stop.until == "best":
        return "when the best is known"
    most = f", after {stop.blocks} blocks at the latest" if stop.blocks is not None else ""
    return f"when every comparison is settled and its speed-up known to ±{percent(stop.precision)}{most}"
