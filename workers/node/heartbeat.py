"""A node's heartbeat: says every few seconds that it is there, what it is, and what it does."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import redis

from ..clock import Clock
from ..errors import NotReadable
from ..host.environment import steal_and_total_ticks
from ..wire.codec import encode
from ..wire.keys import NODES, node_hash
from ..wire.registration import Heartbeat, NodeRegistration
from .readings import Sampler

#: How often it beats, and how long a beat is believed.
INTERVAL_SECONDS = 2.0
TTL_SECONDS = 10


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
