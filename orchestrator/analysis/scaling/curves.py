"""Scaling with the number of workers: curves, laws, knees, and why they flatten.

What is said here describes. Verdicts and their intervals are the run's own (summary.py), under its one error
control; the knee is found as the best set is (best.py); intervals of fitted figures stand each by itself.
"""

from __future__ import annotations

from collections.abc import Mapping

from parlab.orchestrator.analysis.findings.run import ComparisonFinding, GroupFinding, RunFinding
from parlab.orchestrator.analysis.findings.scaling import ScalingFinding, ScalingPoint
from parlab.orchestrator.analysis.measurements import Measurements
from parlab.orchestrator.analysis.scaling.curve import Curve, curves_of
from parlab.orchestrator.analysis.scaling.diagnosis import BUSY_CPU, diagnosis_of
from parlab.orchestrator.analysis.scaling.knee import knee_of
from parlab.orchestrator.analysis.scaling.laws import laws_of
from parlab.orchestrator.analysis.scaling.readings import Readings, cpus_used
from parlab.orchestrator.experiment.work import kind_of
from parlab.orchestrator.plan.model import Plan
from parlab.orchestrator.store.observation import by_group


def scaling_of(measured: Measurements, finding: RunFinding) -> tuple[ScalingFinding, ...]:
    """Find how a run's strategies scale; empty where none was measured at two counts of workers.

    ``finding`` is what the run found of them, for the intervals of speed-ups.
    """
    groups = {group.group: group for group in finding.groups}
    trials = {group: Readings(some) for group, some in by_group(measured.observations).items()}
    findings = []
    for curve in curves_of(measured):
        tasks = curve.group.tasks(measured.calibrations)
        findings.append(_finding(measured.plan, curve, trials[curve.group.id], groups[curve.group.id], tasks))
    return tuple(findings)


def _finding(
    plan: Plan, curve: Curve, trials: Readings, group: GroupFinding, tasks: int | None
) -> ScalingFinding:
    stop = plan.experiment.stop
    first = curve.configurations[0]
    comparisons = {
        row.configuration: row.comparison for row in group.configurations if row.comparison is not None
    }
    computes = _computes(curve, trials)
    return ScalingFinding(
        group=curve.group.id,
        host=curve.group.host,
        work=curve.group.label,
        node=first.node,
        python=first.python,
        gil=first.gil,
        strategy=first.strategy,
        label=curve.label,
        reference=curve.reference.label,
        against_serial=curve.against_serial,
        cpus=curve.cpus.count,
        points=tuple(_point(curve, place, trials, comparisons) for place in range(len(curve.counts))),
        laws=laws_of(curve, computes=computes),
        knee=knee_of(curve, comparisons, stop),
        diagnosis=diagnosis_of(curve, trials, tasks, stop, computes=computes),
        left_out=curve.left_out,
    )


def _point(
    curve: Curve, place: int, trials: Readings, comparisons: Mapping[str, ComparisonFinding]
) -> ScalingPoint:
    configuration = curve.configurations[place]
    comparison = comparisons.get(configuration.id)
    if comparison is not None and comparison.baseline != curve.reference.id:
        # An interval against something else is none of this curve.
        comparison = None
    fold = curve.counts[place] / (1 if curve.against_serial else curve.counts[0])
    if kind_of(configuration.workload) == "cpu":
        fold = min(fold, max(curve.cpus.count / (1 if curve.against_serial else curve.counts[0]), 1.0))
    speed_up = curve.speed_up(place)
    own = comparison.speed_up if comparison is not None else None
    return ScalingPoint(
        configuration=configuration.id,
        max_workers=configuration.max_workers,
        speed_up=speed_up,
        interval=own,
        verdict=None if comparison is None else comparison.verdict,
        blocks=len(curve.effects_at(place)),
        efficiency=speed_up / fold,
        cpus_used=trials.median(configuration.id, cpus_used),
    )


def _computes(curve: Curve, trials: Readings) -> bool:
    """Tell whether the work uses the CPU: as it says of itself, else as the reference was seen to."""
    kind = kind_of(curve.reference.workload)
    if kind != "mixed":
        return kind == "cpu"
    used = trials.median(curve.reference.id, cpus_used)
    return used is not None and used >= BUSY_CPU
