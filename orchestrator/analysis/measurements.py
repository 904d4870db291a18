"""Measurements of a run: its plan, and what was measured of it so far."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from parlab.orchestrator.plan.model import Plan
from parlab.orchestrator.store.facade import Store
from parlab.orchestrator.store.observation import Observation
from parlab.orchestrator.store.records import Failure
from parlab.workers.wire.result import Calibration


@dataclass(frozen=True)
class Measurements:
    """All that findings are worked out of."""

    #: Its ``experiment.stop`` holds margin and rates.
    plan: Plan
    #: Trials of blocks, in any order; calibrations are none.
    observations: Sequence[Observation]
    #: By group.
    calibrations: Mapping[str, Calibration] = field(default_factory=dict)
    #: Configurations that were taken out, by id.
    failed: Mapping[str, Failure] = field(default_factory=dict)

    @classmethod
    def of(cls, store: Store, plan: Plan) -> Measurements:
        """Read those of a stored run."""
        run = plan.run
        return cls(plan, store.sittings.observations(run), store.calibrations(run), store.failed(run))
