"""One configuration described: what its trials took, without any inference."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from parlab.orchestrator.analysis.findings.run import ConfigurationFinding, Quartiles
from parlab.orchestrator.plan.model import Configuration
from parlab.orchestrator.statistics import inference
from parlab.orchestrator.store.observation import Observation
from parlab.orchestrator.store.records import Failure


def describe(
    configuration: Configuration,
    observations: Sequence[Observation],
    levels: Sequence[float],
    failure: Failure | None,
    *,
    scenario: bool = False,
) -> ConfigurationFinding:
    """Describe a configuration by its trials.

    Levels are described (median, quartiles, how many) and get no interval: they are autocorrelated.

    Args:
        configuration: whose row it is.
        observations: its trials, whatever became of them.
        levels: what it is compared by (seconds of a round), one value per measured trial.
        failure: why it takes no further part; None where it does.
        scenario: whether it is a variant of a scenario, of which there is no pool that starts up.
    """
    measured = [o for o in observations if o.outcome == "measured"]
    values: dict[str, list[float]] = defaultdict(list)
    unread: dict[str, str] = {}
    for o in measured:
        for probe, value in o.readings.items():
            values[probe].append(value)
        unread.update(o.unread)
    readings = {probe: inference.median(read) for probe, read in sorted(values.items())}
    level = quartiles(levels)
    pooled = configuration.strategy != "serial" and not scenario
    return ConfigurationFinding(
        configuration=configuration.id,
        label=configuration.label,
        python=configuration.python,
        max_workers=configuration.max_workers,
        seconds=None if scenario else level,
        level=level,
        comparison=None,
        efficiency=None,
        start_up_seconds=_median(o.start_up_seconds for o in measured) if pooled else None,
        tear_down_seconds=_median(o.tear_down_seconds for o in measured) if pooled else None,
        memory_bytes=readings.get("memory_peak"),
        cpus_used=_cpus_used(measured),
        readings=readings,
        unread={probe: why for probe, why in unread.items() if probe not in readings},
        outcomes=dict(Counter(o.outcome for o in observations)),
        causes=dict(Counter(o.cause for o in observations if o.cause is not None)),
        problem=failure.reason if failure is not None else None,
        skipped=failure is not None and failure.skipped,
        best=None,
        recommended=False,
    )


def quartiles(levels: Sequence[float]) -> Quartiles | None:
    """Describe levels; None without any."""
    if not levels:
        return None
    return Quartiles(
        median=inference.median(levels),
        low=inference.quantile(levels, 0.25),
        high=inference.quantile(levels, 0.75),
        trials=len(levels),
    )


def _median(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return inference.median(known) if known else None


def _cpus_used(measured: Sequence[Observation]) -> float | None:
    """Give the mean number of CPUs that the trial's processes kept busy, median over trials."""
    busy = []
    for o in measured:
        used = [o.readings[name] for name in ("cpu_user", "cpu_system") if name in o.readings]
        if len(used) == 2 and o.seconds:
            busy.append(sum(used) / o.seconds)
    return inference.median(busy) if busy else None
