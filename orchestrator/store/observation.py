"""One trial as the analysis sees it: the total of its rounds is a single observation."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from parlab.workers.wire.result import Outcome, TrialResult


@dataclass(frozen=True)
class Observation:
    """One trial of one configuration in one block."""

    group: str
    block: int
    sitting: str
    configuration: str
    outcome: Outcome
    #: Machine-readable cause of any outcome but "measured".
    cause: str | None = None
    reason: str | None = None
    #: Seconds of all its rounds together; None unless measured.
    seconds: float | None = None
    rounds: int = 0
    start_up_seconds: float | None = None
    tear_down_seconds: float | None = None
    #: Probe name → value; probes that could not read are absent here and in ``unread``.
    readings: Mapping[str, float] = field(default_factory=dict)
    #: Probe name → why there is no value.
    unread: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, trial: TrialResult, group: str, block: int, sitting: str) -> Observation:
        """Take from a trial's result what the analysis needs of it."""
        # Missing is never zero: a trial that was not measured has no seconds, whatever rounds it made.
        seconds = math.fsum(r.seconds for r in trial.rounds) if trial.outcome == "measured" else None
        return cls(
            group=group,
            block=block,
            sitting=sitting,
            configuration=trial.configuration,
            outcome=trial.outcome,
            cause=trial.cause,
            reason=trial.reason,
            seconds=seconds,
            rounds=len(trial.rounds),
            start_up_seconds=trial.start_up_seconds,
            tear_down_seconds=trial.tear_down_seconds,
            readings={r.probe: r.value for r in trial.readings if r.value is not None},
            unread={r.probe: r.reason or "no reason was given" for r in trial.readings if r.value is None},
        )


def by_group(observations: Iterable[Observation]) -> dict[str, list[Observation]]:
    """Part observations by their group; one without any has an empty list."""
    groups: dict[str, list[Observation]] = defaultdict(list)
    for observation in observations:
        groups[observation.group].append(observation)
    return groups
