"""What a node reads of its host and its control group, at each beat, as cheaply as it can be had."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from ..host import cgroup
from ..host.files import place
from ..host.tree import read_file
from ..wire.registration import CoreSeconds, NodeReadings, Pressure

if TYPE_CHECKING:
    from ..host.files import Root

_RESOURCES: tuple[Literal["cpu", "memory", "io"], ...] = ("cpu", "memory", "io")
#: The kernel's clock ticks per second, in which /proc/stat counts.
_TICKS = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100


class Sampler:
    """Reads the counters. Where they lie is looked up once; a read is a handful of small files."""

    def __init__(self, root: Root = "/") -> None:
        """Look up where things are, under ``root`` (of the file system, for tests)."""
        self._stat = place(root, "/proc/stat")
        self._meminfo = place(root, "/proc/meminfo")
        self._pressure = {name: place(root, f"/proc/pressure/{name}") for name in _RESOURCES}
        self._group = cgroup.usage_paths(root)
        self._began = time.thread_time()

    def begin(self) -> None:
        """Count the CPU time of the calling thread from here on as the sampler's own."""
        self._began = time.thread_time()

    def read(self) -> NodeReadings:
        """Read everything; what cannot be read is None, with the reason in ``unread``."""
        unread: dict[str, str] = {}
        stat = _lines(self._stat, "cores", unread)
        cores = tuple(_core(line.split()) for line in stat if line[:3] == "cpu" and line[3:4].isdigit())
        switches = next((int(line.split()[1]) for line in stat if line.startswith("ctxt ")), None)
        cpu_stat = _fields(self._group.get("cpu_stat"), "throttled_seconds", unread)
        return NodeReadings(
            cores=cores,
            pressure=tuple(p for name in _RESOURCES for p in self._read_pressure(name, unread)),
            throttled_seconds=_throttled_seconds(cpu_stat),
            throttled_periods=cpu_stat.get("nr_throttled"),
            periods=cpu_stat.get("nr_periods"),
            cgroup_cpu_seconds=self._cpu_seconds(unread),
            memory_bytes=self._memory_bytes(unread),
            memory_available_bytes=_available(_lines(self._meminfo, "memory_available_bytes", unread)),
            context_switches=switches,
            sampler_cpu_seconds=time.thread_time() - self._began,
            unread=unread,
        )

    def _read_pressure(self, name: Literal["cpu", "memory", "io"], unread: dict[str, str]) -> list[Pressure]:
        totals = {}
        for line in _lines(self._pressure[name], f"pressure.{name}", unread):
            kind, _, rest = line.partition(" ")
            total = rest.rpartition("total=")[2]
            if total.isdecimal():
                totals[kind] = int(total) / 1e6
        return [Pressure(name, totals["some"], totals.get("full"))] if "some" in totals else []

    def _cpu_seconds(self, unread: dict[str, str]) -> float | None:
        path = self._group.get("cpu")
        lines = _lines(path, "cgroup_cpu_seconds", unread)
        if lines and lines[0].isdecimal():
            return int(lines[0]) / 1e9
        usage = next((line.split()[1] for line in lines if line.startswith("usage_usec ")), None)
        if usage is None:
            unread.setdefault("cgroup_cpu_seconds", f"{path} does not count CPU time")
            return None
        return int(usage) / 1e6

    def _memory_bytes(self, unread: dict[str, str]) -> int | None:
        """Memory in use without what the kernel would give back first: files that were read long ago."""
        lines = _lines(self._group.get("memory"), "memory_bytes", unread)
        if not lines or not lines[0].isdecimal():
            return None
        stat = _fields(self._group.get("memory_stat"), "memory_stat", {})
        inactive = stat.get("total_inactive_file", stat.get("inactive_file", 0))
        return max(int(lines[0]) - inactive, 0)


def _lines(path: str | None, field: str, unread: dict[str, str]) -> list[str]:
    if path is None:
        unread[field] = "no control group counts it here"
        return []
    try:
        return read_file(path).decode("utf-8", "replace").splitlines()
    except OSError as error:
        unread[field] = f"{path}: {error.strerror}"
        return []


def _fields(path: str | None, field: str, unread: dict[str, str]) -> dict[str, int]:
    found = {}
    for line in _lines(path, field, unread):
        name, _, value = line.partition(" ")
        if value.isdecimal():
            found[name] = int(value)
    return found


def _core(fields: list[str]) -> CoreSeconds:
    """Read a line of /proc/stat: user, nice, system, idle, iowait, irq, softirq, steal (proc(5))."""
    user, nice, system, idle, iowait, irq, softirq, steal = (
        int(field) / _TICKS for field in [*fields[1:9], *["0"] * 8][:8]
    )
    return CoreSeconds(int(fields[0][3:]), user + nice, system + irq + softirq, idle, iowait, steal)


def _throttled_seconds(cpu_stat: Mapping[str, int]) -> float | None:
    if "throttled_usec" in cpu_stat:
        return cpu_stat["throttled_usec"] / 1e6
    return cpu_stat["throttled_time"] / 1e9 if "throttled_time" in cpu_stat else None


def _available(meminfo: list[str]) -> int | None:
    return next((int(line.split()[1]) * 1024 for line in meminfo if line.startswith("MemAvailable:")), None)
