"""The experiment that a question for advice comes to."""

from __future__ import annotations

from collections.abc import Sequence

from parlab.orchestrator.experiment.functions import inputs_label
from parlab.orchestrator.experiment.model import Experiment, Goal, Stop, StrategyChoice, WorkloadChoice
from parlab.orchestrator.plan.model import Configuration
from parlab.orchestrator.plan.planner import RuledOut
from parlab.workers.wire.spec import OwnFunction

#: Trials of a race are short: what loses is to be known soon, and a start costs little beside this.
TRIAL_SECONDS = 0.15
#: Wanted of the gain's interval; more can be had by parlab resume.
PRECISION = 0.10


def race(
    function: OwnFunction,
    strategies: Sequence[StrategyChoice],
    *,
    goal: Goal,
    memory_limit_bytes: int | None,
    budget_seconds: float,
    seed: int | None,
) -> Experiment:
    """Make the experiment: all ways against each other, until it is known which is best."""
    label = inputs_label(function)
    return Experiment(
        name="advise",
        question=f"What makes {function.function} fastest?"
        if goal != "memory"
        else f"What makes {function.function} faster with the least memory?",
        workloads=(WorkloadChoice(function.function, {"inputs": label} if label else {}, function=function),),
        strategies=tuple(strategies),
        stop=Stop(
            precision=PRECISION,
            budget_seconds=budget_seconds,
            until="best",
            goal=goal,
            memory_limit_bytes=memory_limit_bytes,
        ),
        trial_seconds=TRIAL_SECONDS,
        seed=seed,
    )


class TooLarge:
    """Rules out what would surely take more memory than it may: each worker's call takes its share."""

    def __init__(self, also: RuledOut, call_bytes: float | None, limit_bytes: int | None) -> None:
        """Rule out what ``also`` does, too; None of the others: nothing is known, or there is no limit."""
        self._also = also
        self._call_bytes = call_bytes
        self._limit_bytes = limit_bytes

    def __call__(self, workload: WorkloadChoice, configuration: Configuration) -> str | None:
        """Say why a configuration is not to be tried, or None."""
        reason = self._also(workload, configuration)
        if reason is not None or self._limit_bytes is None or self._call_bytes is None:
            return reason
        taken = self._call_bytes * configuration.max_workers
        if configuration.strategy == "serial" or taken <= self._limit_bytes:
            return None
        return (
            f"{configuration.max_workers} calls at once take {taken / 1e6:,.0f} MB, "
            f"{self._limit_bytes / 1e6:,.0f} MB is the most"
        )
