"""Figures of runs: how far each is, and what is known of every configuration."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from parlab.orchestrator.analysis.findings.run import ConfigurationFinding, GroupFinding
from parlab.orchestrator.plan.model import Configuration
from parlab.orchestrator.serve.metrics.claims import add_claims
from parlab.orchestrator.serve.metrics.families import Families
from parlab.orchestrator.serve.snapshot import RunSnapshot
from parlab.workers import catalog

_QUARTILES = (("0.25", "low"), ("0.5", "median"), ("0.75", "high"))


def add_run(families: Families, snapshot: RunSnapshot) -> None:
    """Add everything that is exported of a run."""
    record, progress = snapshot.record, snapshot.progress
    own = families.labelled(run=record.id)
    own.gauge(
        "parlab_run_info",
        "A run, its experiment and its state; always 1.",
        1,
        experiment=record.experiment.name,
        state=record.state,
    )
    own.gauge("parlab_run_active", "Whether a controller works on the run.", snapshot.active)
    own.gauge(
        "parlab_run_waiting",
        "Whether the run waits: for its hosts, or for a node.",
        snapshot.waiting_for is not None,
    )
    own.gauge("parlab_run_created_timestamp_seconds", "When the run started.", record.created_unix_seconds)
    own.gauge(
        "parlab_run_last_result_timestamp_seconds",
        "When something last came in of the run.",
        snapshot.changed_unix_seconds or None,
    )
    own.gauge("parlab_run_blocks", "Blocks measured, over all groups.", progress.blocks)
    own.gauge("parlab_run_comparisons", "Comparisons of the run.", progress.comparisons)
    own.gauge("parlab_run_comparisons_settled", "Comparisons that need no more blocks.", progress.settled)
    own.gauge(
        "parlab_run_budget_left_seconds",
        "What is left of the run's budget of wall time.",
        progress.budget_seconds if snapshot.active else None,
    )
    own.gauge("parlab_run_voided_blocks", "Blocks that count for nothing.", snapshot.voided_blocks)
    if snapshot.plan is None or snapshot.finding is None:
        return
    planned = {c.id: c for group in snapshot.plan.groups for c in group.configurations}
    for group in snapshot.finding.groups:
        for row in group.configurations:
            if row.configuration in planned:
                _add_configuration(own, group, row, planned[row.configuration])
    add_claims(families, snapshot)


def strategy_label(label: str, max_workers: int) -> str:
    """Return a configuration's strategy with what tells it apart, the same for every number of workers.

    "processes ×4 forkserver" is "processes forkserver"; "hybrid 2×2" stays.
    """
    return label.replace(f" ×{max_workers}", "", 1)


def _add_configuration(
    families: Families, group: GroupFinding, row: ConfigurationFinding, planned: Configuration
) -> None:
    own = families.labelled(
        host=group.host,
        node=planned.node,
        python=planned.python + (f" GIL {planned.gil}" if planned.gil else ""),
        workload=group.label,
        strategy=strategy_label(row.label, row.max_workers),
        max_workers=str(row.max_workers),
    )
    if row.seconds is not None:
        for quartile, name in _QUARTILES:
            own.gauge(
                "parlab_round_seconds",
                "Seconds of one round (all tasks once), by quartile over trials.",
                getattr(row.seconds, name),
                quartile=quartile,
            )
    _add_speed_up(own, row)
    own.gauge(
        "parlab_start_up_seconds",
        "From making the pool until each worker has answered; median over trials.",
        row.start_up_seconds,
    )
    own.gauge("parlab_memory_bytes", "Peak of the process tree (PSS); median over trials.", row.memory_bytes)
    units = _units()
    for probe, value in row.readings.items():
        # Only what this installation's own probes give: a label's values are not a node's to choose.
        if probe in units:
            own.gauge("parlab_reading", _READING, value, probe=probe, unit=units[probe])
    if row.value is not None and group.measure.name in units:
        read = own.labelled(probe=group.measure.name, unit=group.measure.unit)
        read.gauge("parlab_reading_lower", "Lower bound of a share's median.", row.value.low)
        read.gauge("parlab_reading_upper", "Upper bound of a share's median.", row.value.high)
    own.gauge("parlab_cpus_used", "CPUs that the tree kept busy during rounds.", row.cpus_used)
    own.gauge(
        "parlab_task_latency_seconds",
        "Mean seconds that a task takes, by Little's law: round * min(max_workers, tasks) / tasks.",
        _latency_seconds(group, row),
    )
    own.gauge("parlab_verdict", "1 for the verdict that holds now.", 1, verdict=row.verdict)
    own.gauge(
        "parlab_recommended", "Whether it is the cheapest of those tied with the fastest.", row.recommended
    )
    for outcome, count in row.outcomes.items():
        own.counter("parlab_trials_total", "Trials by outcome.", count, outcome=outcome)
    for cause, count in row.causes.items():
        own.counter(
            "parlab_trials_not_counted_total",
            "Trials that were rejected, failed or lost, by cause.",
            count,
            cause=cause,
        )


def _add_speed_up(own: Families, row: ConfigurationFinding) -> None:
    comparison = row.comparison
    effect = comparison.speed_up if comparison is not None else None
    if comparison is None and row.level is not None and row.value is None:
        # The baseline itself: a point on every scaling curve, without an interval.
        own.gauge("parlab_speedup_ratio", _SPEED_UP, 1.0)
        own.gauge("parlab_ideal_speedup_ratio", _IDEAL, 1.0)
    if effect is None:
        return
    own.gauge("parlab_speedup_ratio", _SPEED_UP, effect.ratio)
    own.gauge("parlab_speedup_lower_ratio", "Lower bound of the speed-up.", effect.low)
    own.gauge("parlab_speedup_upper_ratio", "Upper bound of the speed-up.", effect.high)
    own.gauge("parlab_comparison_blocks", "Blocks in the comparison.", effect.blocks)
    trials = sum(row.outcomes.get(outcome, 0) for outcome in ("measured", "rejected", "lost"))
    own.gauge(
        "parlab_comparison_void_blocks",
        "Trials in no block of the comparison: mostly, they or their baseline's were rejected or lost.",
        max(trials - effect.blocks, 0),
    )
    if row.efficiency is not None and effect.ratio > 0:
        share = row.efficiency / effect.ratio
        own.gauge("parlab_ideal_speedup_ratio", _IDEAL, 1 / share if share > 0 else None)
        own.gauge(
            "parlab_efficiency_ratio", "Speed-up by what the workers could give at best.", row.efficiency
        )
        for which, bound in (("lower", effect.low), ("upper", effect.high)):
            own.gauge(
                f"parlab_efficiency_{which}_ratio",
                f"{which.capitalize()} bound of the efficiency.",
                bound * share if bound is not None else None,
            )


@cache
def _units() -> Mapping[str, str]:
    """Units of all that probes and scenarios measure, by name."""
    quantities = [quantity for probe in catalog.probes().values() for quantity in probe.quantities]
    measures = [measure for scenario in catalog.scenarios().values() for measure in scenario.measures]
    return {measured.name: measured.unit for measured in (*quantities, *measures)}


_READING = "What a probe or scenario read of a trial, in the base unit that is named; median over trials."
_IDEAL = "The best speed-up that this many workers (and for CPU work, this many CPUs) could give."
_SPEED_UP = "How many times as fast as the baseline; above 1 is faster."


def _latency_seconds(group: GroupFinding, row: ConfigurationFinding) -> float | None:
    if row.seconds is None or not group.tasks:
        return None
    return row.seconds.median * min(row.max_workers, group.tasks) / group.tasks
