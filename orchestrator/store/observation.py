"""One trial as the analysis sees it: the total of its rounds is a single observation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from parlab.workers.wire.result import Outcome


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
