"""Readings of a group's trials, by configuration, and ratios of them within sittings."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable

from parlab.orchestrator.statistics import inference
from parlab.orchestrator.store.observation import Observation

#: What a trial says of something; None where it has no such reading.
Reader = Callable[[Observation], float | None]


class Readings:
    """The measured trials of one group."""

    def __init__(self, observations: Iterable[Observation]) -> None:
        self._by_configuration: dict[str, list[Observation]] = defaultdict(list)
        for o in observations:
            if o.outcome == "measured" and o.rounds > 0 and o.seconds:
                self._by_configuration[o.configuration].append(o)

    def median(self, configuration: str, read: Reader) -> float | None:
        """Give the median of what a configuration's trials say; None where none says it."""
        values = [value for o in self._by_configuration[configuration] if (value := read(o)) is not None]
        return inference.median(values) if values else None

    def ratio(self, configuration: str, reference: str, read: Reader) -> float | None:
        """Give the median of the ratios of two configurations' trials that sat together; None without one."""
        beside = {o.sitting: value for o in self._by_configuration[reference] if (value := read(o))}
        ratios = [
            value / beside[o.sitting]
            for o in self._by_configuration[configuration]
            if o.sitting in beside and (value := read(o)) is not None
        ]
        return inference.median(ratios) if ratios else None

    def why_not(self, configuration: str, probe: str) -> str:
        """Say why a probe has no value."""
        for o in self._by_configuration[configuration]:
            if probe in o.unread:
                return o.unread[probe]
        return f"no trial has a reading {probe}"


def round_seconds(o: Observation) -> float:
    """Seconds of a round."""
    assert o.seconds is not None
    return o.seconds / o.rounds


def cpu_seconds(o: Observation) -> float | None:
    """CPU seconds of a round, of all of the trial's processes."""
    if not {"cpu_user", "cpu_system"} <= o.readings.keys():
        return None
    return (o.readings["cpu_user"] + o.readings["cpu_system"]) / o.rounds


def cpus_used(o: Observation) -> float | None:
    """Mean number of CPUs that the trial's processes kept busy in rounds."""
    used = cpu_seconds(o)
    return None if used is None else used / round_seconds(o)


def throttled_ratio(o: Observation) -> float | None:
    """Time that a quota held back, over all CPUs, by the seconds of the rounds."""
    assert o.seconds is not None
    return None if "throttled" not in o.readings else o.readings["throttled"] / o.seconds


def pressure_ratio(o: Observation) -> float | None:
    """Time in which anything on the machine waited for a CPU, by the seconds of the rounds."""
    assert o.seconds is not None
    return None if "pressure_cpu" not in o.readings else o.readings["pressure_cpu"] / o.seconds


def reading(probe: str) -> Reader:
    """Give what asks a trial for a probe's value."""
    return lambda o: o.readings.get(probe)
