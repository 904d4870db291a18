"""Histograms of what sittings and trials took, counted as they come in."""

from __future__ import annotations

import math

from prometheus_client import CollectorRegistry, Histogram

from parlab.orchestrator.plan.model import Plan
from parlab.workers.wire.result import SittingResult, TrialResult

_TRIAL_BUCKETS = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0)
_WAIT_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0)


class Durations:
    """Counts each stored sitting once, from any thread, in a registry of its own."""

    def __init__(self) -> None:
        """Begin with nothing counted."""
        self.registry = CollectorRegistry()
        self._trials = Histogram(
            "parlab_trial_duration_seconds",
            "How long a trial itself was busy: start-up, warm-up, rounds, tear-down.",
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

    def take(self, plan: Plan, result: SittingResult, waited_seconds: float | None) -> None:
        """Count a sitting; ``waited_seconds`` None: it was sent by an earlier process."""
        if waited_seconds is not None:
            self._waits.labels(result.node).observe(max(waited_seconds, 0.0))
        configurations = {c.id: c for group in plan.groups for c in group.configurations}
        hosts = {node: host.id for host in plan.hosts for node in host.nodes}
        host = hosts.get(result.node, result.host)
        for trial in result.trials:
            ran = configurations.get(trial.configuration)
            if ran is not None and trial.outcome == "measured":
                labels = (host, result.node, ran.python, ran.workload, ran.strategy)
                self._trials.labels(*labels).observe(duration_seconds(trial))


def duration_seconds(trial: TrialResult) -> float:
    """Seconds that a trial was busy itself: what it waited while others' rounds ran is not in it."""
    parts = (trial.start_up_seconds, trial.warm_up_seconds, trial.tear_down_seconds)
    rounds = (each.seconds for each in trial.rounds)
    return math.fsum([*rounds, *(part for part in parts if part is not None)])
