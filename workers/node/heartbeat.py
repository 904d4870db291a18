"""Heartbeat of a node: that it is there, what it is and does, and what it reads of its host."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import redis

from ..clock import Clock
from ..errors import NotReadable
from ..host import cgroup
from ..host.environment import steal_and_total_ticks
from ..host.files import place
from ..host.tree import read_file
from ..wire.codec import encode
from ..wire.keys import NODES, node_hash
from ..wire.registration import CoreSeconds, Heartbeat, NodeReadings, NodeRegistration, Pressure

if TYPE_CHECKING:
    from ..host.files import Root

#: How often it beats, and how long a beat is believed.
INTERVAL_SECONDS = 2.0
TTL_SECONDS = 10
_RESOURCES: tuple[Literal["cpu", "memory", "io"], ...] = ("cpu", "memory", "io")
#: The kernel's clock ticks per second, in which /proc/stat counts.
_TICKS = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100


class HeartbeatThread(threading.Thread):
    """Writes registration and heartbeat; their key expires when the node falls silent."""

    def __init__(
        self,
        connection: redis.Redis,
        registration: NodeRegistration,
        clock: Clock,
        running: Callable[[], str | None],
        spooled: Callable[[], int],
        interval_seconds: float = INTERVAL_SECONDS,
        alive: Path | None = None,
    ) -> None:
        """Prepare it.

        Args:
            connection: of its own, since it goes on while the node waits for a job.
            registration: written with each beat, so that a server that lost its data has it again.
            clock: stamps the beats.
            running: gives the job that runs, or None.
            spooled: gives the number of results in the spool.
            interval_seconds: between two beats.
            alive: file that is touched after each beat that the server took; None: none is.
        """
        super().__init__(name="heartbeat", daemon=True)
        self._connection = connection
        self._node = registration.node
        self._registration = encode(registration)
        self._clock = clock
        self._running = running
        self._spooled = spooled
        self._interval_seconds = interval_seconds
        self._stopping = threading.Event()
        self._ticks: tuple[int, int] | None = None
        self._sampler = Sampler()
        self._alive = alive

    def run(self) -> None:
        """Beat until :meth:`stop`; a server that is away is told of by the node's main thread."""
        self._sampler.begin()
        while not self._stopping.wait(self._interval_seconds):
            try:
                self.beat()
            except redis.RedisError:
                continue

    def beat(self) -> None:
        """Write one beat; raises what redis-py raises."""
        key = node_hash(self._node)
        with self._connection.pipeline() as pipeline:
            pipeline.sadd(NODES, self._node)
            pipeline.hset(
                key, mapping={"registration": self._registration, "heartbeat": encode(self._heartbeat())}
            )
            pipeline.expire(key, TTL_SECONDS)
            pipeline.execute()
        if self._alive is not None:
            # Its age says whether the node is in the lab; one that cannot be written shows as not.
            with suppress(OSError):
                self._alive.touch()

    def stop(self) -> None:
        """End the thread and take the node's row away; its name stays, for what its stream holds."""
        self._stopping.set()
        if self.is_alive():
            self.join(self._interval_seconds)
        self._connection.delete(node_hash(self._node))

    def _heartbeat(self) -> Heartbeat:
        return Heartbeat(
            node=self._node,
            unix_seconds=self._clock.unix_seconds(),
            sitting=self._running(),
            spooled=self._spooled(),
            steal_ratio=self._steal_ratio(),
            load_1m=os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
            readings=self._sampler.read(),
        )

    def _steal_ratio(self) -> float | None:
        """Share of CPU time that the hypervisor gave to others since the beat before."""
        try:
            steal, total = steal_and_total_ticks()
        except NotReadable:
            return None
        before, self._ticks = self._ticks, (steal, total)
        if before is None or total <= before[1]:
            return None
        return (steal - before[0]) / (total - before[1])


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
    parts = (line.partition(" ") for line in _lines(path, field, unread))
    return {name: int(value) for name, _, value in parts if value.isdecimal()}


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
