"""One configuration's trials in one run, and what it is called along each axis of a comparison."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from parlab.orchestrator.analysis.across.measured_run import MeasuredRun
from parlab.orchestrator.analysis.effects import Blocks
from parlab.orchestrator.analysis.findings.across import Axis
from parlab.orchestrator.experiment.work import measures_of
from parlab.orchestrator.plan.model import Configuration, Group
from parlab.workers.wire.codec import encode
from parlab.workers.wire.registration import NodeRegistration, PythonBuild

AXES: tuple[Axis, ...] = ("run", "host", "node", "python", "workload")

#: A host's id where nobody gave it a name (parlab.workers.host.environment).
_UNNAMED = re.compile(r"h[0-9a-f]{8}")


class Measured:
    """One group of a run, with the effects of its blocks."""

    def __init__(self, run: MeasuredRun, group: Group) -> None:
        """Take a group's trials from its run."""
        measures = measures_of(group.workload)
        self.run = run
        self.group = group
        #: Name and unit of what is compared: "seconds" of a task, or a scenario's first measure.
        self.measure = measures[0].name if measures else "seconds"
        self.unit = measures[0].unit if measures else "seconds"
        #: Whether ratios of it mean something here, and less of it is better.
        self.compared = not group.workload.scenario or bool(
            measures and measures[0].compared and measures[0].better == "lower"
        )
        self.baselines = {c.configuration: c.baseline for c in group.comparisons}
        self.blocks = Blocks(
            [o for o in run.observations if o.group == group.id],
            group.baselines,
            measure=measures[0].name if group.workload.scenario and measures else None,
        )
        #: Calls in a round.
        self.tasks = group.tasks(run.calibrations)

    def coordinates(self, configuration: Configuration) -> dict[Axis, str]:
        """Say where one of its configurations stands, on all axes."""
        work, c = self.group.workload, configuration
        return {
            "run": self.run.run,
            "host": self.group.host,
            "node": c.node,
            "python": c.python + (f" (GIL {c.gil})" if c.gil else ""),
            "workload": encode([work.name, dict(c.parameters), work.tasks, work.function, work.scenario]),
        }

    def levels(self, configuration: str) -> list[float]:
        """Seconds of a task (a scenario: its measure), one value per measured trial, in block order."""
        levels = self.blocks.levels(configuration)
        if self.group.workload.scenario:
            return levels
        # Of a round they could not be compared: how many tasks it has is calibrated per host and run.
        return [level / self.tasks for level in levels] if self.tasks else []


@dataclass(frozen=True)
class Sample:
    """One configuration in one run."""

    measured: Measured
    configuration: Configuration
    #: Why it was not run; None where it was tried.
    skipped: str | None = None

    @property
    def run(self) -> MeasuredRun:
        """The run that it is in."""
        return self.measured.run

    @property
    def problem(self) -> str | None:
        """Why it takes no part, be it skipped or failed."""
        failure = self.run.failures.get(self.configuration.id)
        return self.skipped or (failure.reason if failure is not None else None)

    @cached_property
    def levels(self) -> Sequence[float]:
        """Seconds of a task, or a scenario's measure, per trial."""
        return self.measured.levels(self.configuration.id)

    @cached_property
    def speed_ups(self) -> Sequence[float]:
        """Log speed-ups over its baseline, per block; none of a run's first baseline."""
        baseline = self.measured.baselines.get(self.configuration.id)
        if baseline is None:
            return ()
        return self.measured.blocks.effects(self.configuration.id, baseline)

    @property
    def baseline(self) -> Configuration | None:
        """What it is compared with in its own run."""
        wanted = self.measured.baselines.get(self.configuration.id)
        return next((c for c in self.measured.group.configurations if c.id == wanted), None)

    @property
    def registration(self) -> NodeRegistration | None:
        """Its node as that described itself."""
        return next((r for r in self.run.registrations if r.node == self.configuration.node), None)

    @property
    def build(self) -> PythonBuild | None:
        """Its Python build as its node described it."""
        builds = self.registration.builds if self.registration is not None else ()
        return next((build for build in builds if build.id == self.configuration.python), None)

    def coordinate(self, axis: Axis) -> str:
        """Say where it stands on an axis."""
        return self.measured.coordinates(self.configuration)[axis]

    def called(self, axis: Axis) -> str:
        """Say the same for people."""
        if axis == "workload":
            return self.measured.group.label
        if axis == "host":
            node = self.registration
            named = node is not None and _UNNAMED.fullmatch(node.host.id) is not None
            return node.host.hostname if named and node is not None else self.measured.group.host
        return self.coordinate(axis)


def samples_of(run: MeasuredRun) -> Iterator[Sample]:
    """Give all configurations of a run whose ratios mean something, those that were not run included."""
    for group in run.plan.groups:
        measured = Measured(run, group)
        if not measured.compared:
            continue
        for configuration in group.configurations:
            yield Sample(measured, configuration)
        for skip in group.skipped:
            yield Sample(measured, skip.configuration, skip.reason)
