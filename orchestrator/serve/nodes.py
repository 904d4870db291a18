"""The lab's nodes as the server shows them, read without changing anything there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from parlab.orchestrator.serve.snapshot import NodeSnapshot
from parlab.workers.clock import Clock
from parlab.workers.errors import SpecRefused
from parlab.workers.wire import keys as rediskeys
from parlab.workers.wire.codec import decode
from parlab.workers.wire.connection import reaching
from parlab.workers.wire.registration import Heartbeat, NodeRegistration
from parlab.workers.wire.spec import SCHEMA_VERSION

if TYPE_CHECKING:
    import redis

#: A clock that is off by more is told; less can be the time between two beats.
CLOCK_LIMIT_SECONDS = 5.0


class Roster:
    """Reads nodes, queues and streams: LLEN, LINDEX, HMGET, XLEN and the like, nothing of RQ's registries.

    RQ's own way of counting cleans registries and runs callbacks in whoever counts.
    """

    def __init__(self, server: redis.Redis, where: str, clock: Clock) -> None:
        """Read at ``server``; ``where`` names it in messages."""
        self._server = server
        self._where = where
        self._clock = clock
        #: Since when each job that waits at the head of a queue has been there.
        self._heads: dict[str, tuple[str, float]] = {}

    def read(self) -> list[NodeSnapshot]:
        """Look at all nodes that ever registered, by name; raises ServerUnreachable."""
        with reaching(self._where), self._server.pipeline(transaction=False) as pipeline:
            names = sorted(
                name.decode("utf-8", "replace")
                for name in cast("set[bytes]", self._server.smembers(rediskeys.NODES))
            )
            pipeline.smembers(rediskeys.PAUSED)
            for name in names:
                pipeline.hmget(rediskeys.node_hash(name), "registration", "heartbeat")
                pipeline.llen(f"rq:queue:{name}")
                pipeline.lindex(f"rq:queue:{name}", 0)
                pipeline.xlen(rediskeys.result_stream(name))
                pipeline.hget(f"rq:worker:{name}", "current_job")
            paused, *answers = pipeline.execute()
        paused_names = {name.decode("utf-8", "replace") for name in paused}
        return [
            self._snapshot(name, name in paused_names, answers[5 * i : 5 * i + 5])
            for i, name in enumerate(names)
        ]

    def forget(self, name: str) -> None:
        """Take a node that is gone off the list, with its queue and what its stream holds."""
        with reaching(self._where), self._server.pipeline() as pipeline:
            pipeline.srem(rediskeys.NODES, name)
            pipeline.srem(rediskeys.PAUSED, name)
            pipeline.delete(rediskeys.result_stream(name), f"rq:queue:{name}")
            pipeline.execute()

    def pause(self, name: str, *, paused: bool) -> None:
        """Have a node get no further sittings, or get them again; what runs there is finished first."""
        with reaching(self._where):
            change = self._server.sadd if paused else self._server.srem
            change(rediskeys.PAUSED, name)

    def _snapshot(self, name: str, paused: bool, answer: list[Any]) -> NodeSnapshot:  # noqa: FBT001 - a fact
        (registration_text, heartbeat_text), queued, oldest, uncollected, current = answer
        registration: NodeRegistration | None = None
        heartbeat: Heartbeat | None = None
        problem = None
        if registration_text is not None and heartbeat_text is not None:
            try:
                registration = decode(NodeRegistration, registration_text)
                heartbeat = decode(Heartbeat, heartbeat_text)
            except SpecRefused as refusal:
                problem = f"it has another version of parlab ({refusal.message}): install the lab's there"
        offset = None
        if heartbeat is not None:
            offset = self._clock.unix_seconds() - heartbeat.unix_seconds
        if registration is not None and registration.schema_version != SCHEMA_VERSION:
            problem = (
                f"it uses version {registration.schema_version} of the specs, not {SCHEMA_VERSION}: "
                f"install the lab's parlab there (it has {registration.parlab_version})"
            )
        return NodeSnapshot(
            name=name,
            up=heartbeat_text is not None,
            paused=paused,
            registration=registration,
            heartbeat=heartbeat,
            problem=problem,
            queued=queued,
            oldest_queued_seconds=self._waiting(name, oldest),
            running_job=_job_name(heartbeat, current),
            uncollected=uncollected,
            clock_offset_seconds=offset,
        )

    def _waiting(self, name: str, head: bytes | None) -> float | None:
        """How long the job at a queue's head has been seen there: by our clock, whatever the node's says."""
        if head is None:
            self._heads.pop(name, None)
            return None
        job = head.decode("utf-8", "replace")
        now = self._clock.monotonic_ns() / 1e9
        if self._heads.get(name, ("", 0.0))[0] != job:
            self._heads[name] = (job, now)
        return now - self._heads[name][1]


def _job_name(heartbeat: Heartbeat | None, current: bytes | None) -> str | None:
    if heartbeat is not None and heartbeat.sitting is not None:
        return heartbeat.sitting
    return current.decode("utf-8", "replace") if current is not None else None
