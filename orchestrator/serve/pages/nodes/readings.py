"""Readings of a node's last beat, as rows for people: what is missing has its reason."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from parlab.orchestrator.figures import NONE, duration, number, percent, size, waiting
from parlab.orchestrator.serve.nodes import CLOCK_LIMIT_SECONDS
from parlab.orchestrator.serve.snapshot import NodeSnapshot
from parlab.workers.wire.registration import CoreSeconds, Heartbeat, NodeReadings, Pressure

#: What a resource is called where tasks wait for it.
_RESOURCES = {"cpu": "a CPU", "memory": "memory", "io": "input and output"}
#: From here on a time is told in minutes and hours.
_LONG_SECONDS = 120.0


@dataclass(frozen=True)
class ReadingRow:
    """One reading."""

    name: str
    value: str
    #: What it is about, or why there is none.
    note: str


@dataclass(frozen=True)
class CoreUse:
    """What one CPU of the host did since it was started, as shares of that time."""

    core: int
    busy: float
    steal: float
    iowait: float


def readings(node: NodeSnapshot) -> list[ReadingRow]:
    """Lay a node's last beat out; empty without one."""
    beat = node.heartbeat
    if beat is None:
        return []
    return [*_of_host(beat), *_of_group(beat.readings), *_pressure(beat.readings), *_of_parlab(node, beat)]


def core_use(node: NodeSnapshot) -> list[CoreUse]:
    """Say what each CPU of the host did; empty where the node cannot read it."""
    cores = node.heartbeat.readings.cores if node.heartbeat is not None else ()
    return [use for core in cores if (use := _use(core)) is not None]


def _use(core: CoreSeconds) -> CoreUse | None:
    whole = core.user + core.system + core.idle + core.iowait + core.steal
    if not whole:
        return None
    return CoreUse(core.core, (core.user + core.system) / whole, core.steal / whole, core.iowait / whole)


def _of_host(beat: Heartbeat) -> Iterator[ReadingRow]:
    own = beat.readings
    yield ReadingRow(
        "load", number(beat.load_1m), "tasks of the host that run or want to, over the last minute"
    )
    stolen = NONE if beat.steal_ratio is None else percent(beat.steal_ratio)
    why = "CPU time that the hypervisor gave to others since the previous heartbeat"
    yield ReadingRow("steal", stolen, "not known after one heartbeat" if stolen == NONE else why)
    available = size(own.memory_available_bytes)
    yield _row(own, "memory_available_bytes", "memory available", available, "of the host")
    switches = NONE if own.context_switches is None else f"{own.context_switches:,}".replace(",", "\u202f")
    yield _row(own, "cores", "context switches", switches, "of the host, since its start")


def _of_group(own: NodeReadings) -> Iterator[ReadingRow]:
    yield _row(own, "memory_bytes", "memory in use", size(own.memory_bytes), "by the node's control group")
    cpu = _time(own.cgroup_cpu_seconds)
    yield _row(own, "cgroup_cpu_seconds", "CPU time", cpu, "of the node's control group, since it was made")
    note = "time that the node's control group was held back by its quota, since it was made"
    if own.periods and own.throttled_periods is not None:
        note += f"; in {own.throttled_periods} of {own.periods} periods"
    yield _row(own, "throttled_seconds", "throttled", _time(own.throttled_seconds), note)


def _pressure(own: NodeReadings) -> Iterator[ReadingRow]:
    known: dict[str, Pressure] = {pressure.resource: pressure for pressure in own.pressure}
    for name, called in _RESOURCES.items():
        pressure = known.get(name)
        note = "at least one task of the host was waiting, since its start"
        if pressure is not None and pressure.full_seconds is not None:
            note += f"; all at once for {_time(pressure.full_seconds)}"
        value = _time(pressure.some_seconds) if pressure is not None else NONE
        yield _row(own, f"pressure.{name}", f"waited for {called}", value, note)


def _of_parlab(node: NodeSnapshot, beat: Heartbeat) -> Iterator[ReadingRow]:
    cost = _time(beat.readings.sampler_cpu_seconds)
    note = "CPU time that reading and sending all this took, since the node's start"
    yield _row(beat.readings, "sampler_cpu_seconds", "cost of these readings", cost, note)
    yield ReadingRow("results kept back", str(beat.spooled), "results that could not be sent yet")
    offset = node.clock_offset_seconds
    if offset is not None:
        off = abs(offset) > CLOCK_LIMIT_SECONDS
        note = "the clock is off: set it" if off else "within the time between two heartbeats"
        yield ReadingRow("lab's clock less the node's", f"{offset:+.1f} s".replace("-", "−"), note)


def _time(seconds: float | None) -> str:
    """Write a time that may be of microseconds or of days."""
    return duration(seconds) if seconds is None or seconds < _LONG_SECONDS else waiting(seconds)


def _row(own: NodeReadings, field: str, name: str, value: str, note: str) -> ReadingRow:
    missing = value == NONE
    return ReadingRow(name, value, own.unread.get(field, "the node does not say") if missing else note)
