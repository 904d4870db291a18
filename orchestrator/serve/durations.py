"""Times of sittings and trials as they come in, for the histograms."""

from __future__ import annotations

import math
from typing import Protocol

from prometheus_client import CollectorRegistry, Histogram

from parlab.orchestrator.plan.model import Plan
from parlab.workers.wire.result import SittingResult, TrialResult


class Histograms(Protocol):
    """Where times are counted."""

    def trial(self, node: str, host: str, python: str, workload: str, strategy: str, seconds: float) -> None:
        """Count a trial's duration."""
        ...

    def queue_wait(self, node: str, seconds: float) -> None:
        """Count what a sitting waited."""
        ...


class SittingWatch:
    """Counts each stored sitting once."""

    def __init__(self, histograms: Histograms) -> None:
        """Count into ``histograms``."""
        self._histograms = histograms

    def take(self, plan: Plan, result: SittingResult, waited_seconds: float | None) -> None:
        """Count a sitting; ``waited_seconds`` None: it was sent by an earlier process."""
        if waited_seconds is not None:
            self._histograms.queue_wait(result.node, max(waited_seconds, 0.0))
        configurations = {c.id: c for group in plan.groups for c in group.configurations}
        hosts = {node: host.id for host in plan.hosts for node in host.nodes}
        for trial in result.trials:
            configuration = configurations.get(trial.configuration)
            if configuration is not None and trial.outcome == "measured":
                self._histograms.trial(
                    result.node,
                    hosts.get(result.node, result.host),
                    configuration.python,
                    configuration.workload,
                    configuration.strategy,
                    duration_seconds(trial),
                )


def duration_seconds(trial: TrialResult) -> float:
    """Seconds that a trial was busy itself: what it waited while others' rounds ran is not in it."""
    parts = (trial.start_up_seconds, trial.warm_up_seconds, trial.tear_down_seconds)
    rounds = (one.seconds for one in trial.rounds)
    return math.fsum([*rounds, *(part for part in parts if part is not None)])


_TRIAL_BUCKETS = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0)

_WAIT_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0)


class Durations:
    """Counts durations, from any thread, in a registry of its own."""

    def __init__(self) -> None:
        """Begin with nothing counted."""
        self.registry = CollectorRegistry()
        self._trials = Histogram(
            "parlab_trial_duration_seconds",
            "What a trial was busy itself: start-up, warm-up, rounds, tear-down.",
            ("host", "node", "python", "workload", "strategy"),
            buckets=_TRIAL_BUCKETS,
            registry=self.registry,
        )
        self._waits = Histogram(
            "parlab_queue_wait_seconds",
            "From a sitting's sending until its result is stored, less its own time.",
            ("node",),
            buckets=_WAIT_BUCKETS,
            registry=self.registry,
        )

    def trial(self, node: str, host: str, python: str, workload: str, strategy: str, seconds: float) -> None:
        """Count a trial's duration."""
        self._trials.labels(host, node, python, workload, strategy).observe(seconds)

    def queue_wait(self, node: str, seconds: float) -> None:
        """Count what a sitting waited."""
        self._waits.labels(node).observe(seconds)
