"""A run's sittings by host, each with its trials and when it was."""

from __future__ import annotations

import math
from dataclasses import dataclass

from parlab.orchestrator.analysis.view import RunView
from parlab.orchestrator.show.text.builds import host_names
from parlab.orchestrator.store.records import StoredTrial


@dataclass(frozen=True)
class TimedSitting:
    """One sitting that came back."""

    start_unix_seconds: float
    seconds: float
    trials: tuple[StoredTrial, ...]

    def values(self, probe: str) -> list[float]:
        """Give what a probe read in its trials."""
        return [
            r.value
            for t in self.trials
            for r in t.result.readings
            if r.probe == probe and r.value is not None
        ]

    def why(self, probe: str) -> str | None:
        """Say why a probe has no value, where it says so."""
        reasons = (
            r.reason for t in self.trials for r in t.result.readings if r.probe == probe and r.value is None
        )
        return next((reason for reason in reasons if reason), None)


@dataclass(frozen=True)
class HostSittings:
    """What one host did."""

    #: From 1, in the order of the plan.
    number: int
    #: For people.
    name: str
    #: By when they began.
    sittings: tuple[TimedSitting, ...]
    #: Labels and strategies of configurations, by id, in the order of the plan.
    labels: dict[str, str]
    strategies: dict[str, str]


def hosts_of(run: RunView) -> list[HostSittings]:
    """Give the hosts that have trials here, with their sittings by time."""
    trials: dict[tuple[str, int, str], list[StoredTrial]] = {}
    for trial in run.trials:
        trials.setdefault((trial.sitting, trial.attempt, trial.node), []).append(trial)
    by_host: dict[str, list[TimedSitting]] = {host.id: [] for host in run.plan.hosts}
    for stored in run.sittings:
        result = stored.result
        own = trials.get((result.sitting, result.attempt, result.node), [])
        # A clock that is no number would stretch the picture to infinity.
        if own and math.isfinite(result.started_unix_seconds) and result.seconds >= 0:
            sitting = TimedSitting(result.started_unix_seconds, result.seconds, tuple(own))
            by_host.setdefault(result.host, []).append(sitting)
    names = host_names(run)
    planned = [(group.host, c) for group in run.plan.groups for c in group.configurations]
    return [
        HostSittings(
            number=number,
            name=names.get(host, host),
            sittings=tuple(sorted(sittings, key=lambda sitting: sitting.start_unix_seconds)),
            labels={c.id: c.label for where, c in planned if where == host},
            strategies={c.id: c.strategy for where, c in planned if where == host},
        )
        for number, (host, sittings) in enumerate(by_host.items(), 1)
        if sittings
    ]
