"""Durations as they come in: histograms since the orchestrator was started."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Histogram

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
