"""All that touches RQ and Redis on this side: nodes, dispatch, results, slots."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, cast

import redis
from rq import Queue
from rq.command import send_command
from rq.job import Job

from parlab.orchestrator.plan.blocks import longest_seconds
from parlab.workers.errors import SpecRefused
from parlab.workers.wire import keys as rediskeys
from parlab.workers.wire.codec import decode, encode
from parlab.workers.wire.connection import reaching
from parlab.workers.wire.job import FUNCTION, SERIALIZER, TTL_SECONDS, SittingJob
from parlab.workers.wire.registration import Heartbeat, NodeRegistration
from parlab.workers.wire.result import SittingResult
from parlab.workers.wire.signing import Kind, SignedResult, Signer, node_key
from parlab.workers.wire.spec import SittingSpec

if TYPE_CHECKING:
    from redis.client import Pipeline

#: Consumer group of the result streams; one controller at a time reads by it.
GROUP = "controller"
CONSUMER = "controller"
#: Entries taken from a stream at once.
BATCH = 500
#: Below the clients' time-out: a wait must not look like a server that hangs.
_LONGEST_WAIT_SECONDS = 20.0

JobState = Literal["queued", "intermediate", "started", "finished", "failed", "absent"]


@dataclass(frozen=True)
class Slot:
    """A host's exclusive slot as an attempt to take it found it."""

    #: Our number, where it is ours now.
    fence: int | None
    #: Who has it, where it is not.
    holder: str | None


@dataclass(frozen=True)
class ResultEntry:
    """An entry of a node's result stream. It comes again until it is acknowledged."""

    stream: str
    id: str
    job_id: str
    node: str
    #: The sitting's result, or None.
    result: SittingResult | None = None
    #: Why there is no result, by its node; or None.
    lost: str | None = None
    #: Why the entry is not believed; or None.
    refused: str | None = None

    def is_of(self, run: str) -> bool:
        """Whether it says that it belongs to a run; what is refused says so without proof."""
        return self.job_id.startswith(f"{self.node}-{run}-")


def read_entry(
    lab_key: bytes, stream: str, identity: bytes | str, fields: Mapping[Any, Any] | None
) -> ResultEntry:
    """Check an entry's signature and read it; what is wrong with it is said in ``refused``."""
    texts = {as_text(name): as_text(value) for name, value in (fields or {}).items()}
    # The stream says who speaks: only that node's key signs for it.
    node = stream.removeprefix(rediskeys.result_stream(""))
    job_id, kind = texts.get("job", ""), texts.get("kind", "")
    known = (stream, as_text(identity), job_id, node)
    signed = SignedResult(job_id, cast("Kind", kind), texts.get("body", ""), texts.get("signature", ""))
    try:
        body = Signer(node, node_key(lab_key, node)).open(signed)
        if kind == "lost":
            return ResultEntry(*known, lost=str(json.loads(body)))
        if kind != "result":
            raise SpecRefused(f"job {job_id}: node {node} sent an unknown kind of message, {kind!r}")
        result = decode(SittingResult, body)
        if result.node != node or f"{node}-{result.run}-{result.sitting}-a{result.attempt}" != job_id:
            raise SpecRefused(f"job {job_id}: node {node} sent the result of another job")
        return ResultEntry(*known, result=result)
    except (SpecRefused, ValueError) as refusal:
        return ResultEntry(*known, refused=str(refusal))


class LabQueue:
    """One lab's queues. Raises :class:`ServerUnreachable` wherever the server does not answer."""

    def __init__(self, server: redis.Redis, lab_key: bytes, where: str, run: str | None = None) -> None:
        """Speak to ``server``; it must not repeat commands by itself (:func:`connect`).

        Args:
            server: a client.
            lab_key: the lab's; each node's is derived from it.
            where: names the server in messages, without its password.
            run: whose results are collected, whatever other commands collect at the same server.
                None: everybody's; then nobody else may collect there.
        """
        self._server = server
        self._where = where
        self._key = lab_key
        self._run = run
        self._group = GROUP if run is None else f"{GROUP}-{run}"
        self._grouped: set[str] = set()
        #: Streams whose entries from before this process have been taken.
        self._taken_over: set[str] = set()
        #: Streams of which something was read and not acknowledged yet.
        self._open: set[str] = set()

    def ping(self) -> None:
        """Raise unless the server answers."""
        with reaching(self._where):
            self._server.ping()

    # Nodes. Reading only: RQ's own way of counting cleans registries and runs callbacks.

    def nodes(self) -> list[tuple[NodeRegistration, Heartbeat]]:
        """Nodes that are alive, by name, with their last heartbeat."""
        with reaching(self._where):
            known = sorted(
                name.decode() for name in cast("set[bytes]", self._server.smembers(rediskeys.NODES))
            )
            with self._server.pipeline(transaction=False) as pipeline:
                for name in known:
                    pipeline.hmget(rediskeys.node_hash(name), "registration", "heartbeat")
                answers = pipeline.execute()
        nodes = []
        for registration, heartbeat in answers:
            if registration is not None and heartbeat is not None:
                try:
                    nodes.append((decode(NodeRegistration, registration), decode(Heartbeat, heartbeat)))
                except SpecRefused:
                    # Another version of parlab's; it takes no part, and is not listed as if it could.
                    continue
        return nodes

    def paused(self) -> frozenset[str]:
        """Nodes that are to get no further sittings."""
        with reaching(self._where):
            return frozenset(
                as_text(name) for name in cast("set[bytes]", self._server.smembers(rediskeys.PAUSED))
            )

    # Dispatch

    def dispatch(self, spec: SittingSpec) -> None:
        """Put a sitting on its node's queue; once, however often it is called for the attempt.

        A time-out leaves open whether the server did it, or will when it wakes up: the next call
        finds out, and what was sent before it takes no effect after it.
        """
        job_id = rediskeys.job_id(spec)
        body = encode(spec)
        job = SittingJob.create(
            func=FUNCTION,
            args=[body, Signer(spec.node, node_key(self._key, spec.node)).sign_spec(body, job_id)],
            connection=self._server,
            serializer=SERIALIZER,
            id=job_id,
            origin=spec.node,
            timeout=int(longest_seconds(spec)) + 1,
            result_ttl=TTL_SECONDS,
            failure_ttl=TTL_SECONDS,
            description=spec.sitting,
        )
        queue = self._queue(spec.node)

        def enqueue(pipeline: Pipeline) -> None:
            if not pipeline.exists(job.key):
                pipeline.multi()
                # One MULTI: the job's data and its place in the queue are there together or not at all.
                queue.enqueue_job(job, pipeline=pipeline)

        with reaching(self._where):
            # Cached by RQ; asked for here, so that it does not come between WATCH and MULTI.
            queue.get_redis_server_version()
            self._server.transaction(enqueue, job.key)

    def state_of(self, job_id: str, node: str) -> JobState:
        """Say where a job is, without changing anything."""
        queue = self._queue(node)
        with reaching(self._where), self._server.pipeline(transaction=True) as pipeline:
            pipeline.lpos(queue.key, job_id)
            pipeline.lpos(queue.intermediate_queue_key, job_id)
            pipeline.hget(Job.key_for(job_id), "status")
            queued, intermediate, status = pipeline.execute()
        name = status.decode() if status is not None else None
        if name in ("started", "finished"):
            return cast("JobState", name)
        if name in ("failed", "stopped", "canceled"):
            return "failed"
        if name is None:
            return "absent"
        return "queued" if queued is not None else "intermediate" if intermediate is not None else "absent"

    def cancel(self, node: str, job_id: str) -> None:
        """Take a job off its queue and stop it if it runs; what is not there any more is no error."""
        queue = self._queue(node)
        with reaching(self._where):
            state = self.state_of(job_id, node)
            if state in ("queued", "intermediate"):
                with self._server.pipeline(transaction=True) as pipeline:
                    pipeline.lrem(queue.key, 0, job_id)
                    pipeline.lrem(queue.intermediate_queue_key, 0, job_id)
                    pipeline.delete(Job.key_for(job_id))
                    pipeline.execute()
            if state in ("intermediate", "started"):
                send_command(self._server, node, "stop-job", job_id=job_id)

    def _queue(self, node: str) -> Queue:
        return Queue(node, connection=self._server, serializer=SERIALIZER, job_class=SittingJob)

    # Results

    def collect(self, wait_seconds: float) -> list[ResultEntry]:
        """Wait for results of any node; what was read before and not acknowledged comes first.

        ``wait_seconds`` (at most 20) is how long to wait when there is nothing; 0 does not wait.
        """
        with reaching(self._where):
            known = cast("set[bytes]", self._server.smembers(rediskeys.NODES))
            streams = sorted({rediskeys.result_stream(as_text(name)) for name in known})
            if not streams:
                time.sleep(wait_seconds)
                return []
            self._make_groups(streams)
            again = [stream for stream in streams if stream in self._open or stream not in self._taken_over]
            if again:
                # "0": what this consumer, or the command before us, read and did not acknowledge.
                entries = self._read(dict.fromkeys(again, "0"), None)
                if entries:
                    return entries
                self._taken_over.update(again)
                self._open.clear()
            block = max(int(min(wait_seconds, _LONGEST_WAIT_SECONDS) * 1000), 1) if wait_seconds > 0 else None
            return self._read(dict.fromkeys(streams, ">"), block)

    def _read(self, places: dict[str, str], block: int | None) -> list[ResultEntry]:
        # Read or lost on the way: what is not acknowledged by the next call is asked for again.
        self._open.update(places)
        try:
            answer = self._server.xreadgroup(
                self._group, CONSUMER, cast("Any", places), count=BATCH, block=block
            )
        except redis.exceptions.ResponseError as error:
            if "NOGROUP" not in str(error):
                raise
            # The server came back without its data; the groups are made anew by the next call.
            self._grouped.clear()
            return []
        ours_only: list[ResultEntry] = []
        others: list[ResultEntry] = []
        for stream, entries in cast("list[tuple[bytes, Any]]", answer or ()):
            for identity, fields in entries:
                entry = read_entry(self._key, as_text(stream), identity, fields)
                # Deleted entries stay pending without their fields; another run's are not ours to judge.
                ours = self._run is None or entry.is_of(self._run)
                (ours_only if fields and ours else others).append(entry)
        if others:
            with self._server.pipeline() as pipeline:
                for entry in others:
                    pipeline.xack(entry.stream, self._group, entry.id)
                pipeline.execute()
        if not ours_only and set(places.values()) == {">"}:
            self._open.difference_update(places)
        return ours_only

    def _make_groups(self, streams: Sequence[str]) -> None:
        for stream in streams:
            if stream in self._grouped:
                continue
            try:
                self._server.xgroup_create(stream, self._group, id="0", mkstream=True)
            except redis.exceptions.ResponseError as error:
                if "BUSYGROUP" not in str(error):
                    raise
            self._grouped.add(stream)

    def acknowledge(self, entries: Sequence[ResultEntry]) -> None:
        """Let go of entries whose content is stored."""
        if not entries:
            return
        with reaching(self._where), self._server.pipeline(transaction=True) as pipeline:
            for entry in entries:
                pipeline.xack(entry.stream, self._group, entry.id)
                pipeline.xdel(entry.stream, entry.id)
            pipeline.execute()
        self._open.clear()

    def leave(self) -> None:
        """Read no more of the result streams; what was not acknowledged stays there, for whoever comes."""
        with reaching(self._where), self._server.pipeline(transaction=False) as pipeline:
            for stream in sorted(self._grouped):
                pipeline.xgroup_destroy(stream, self._group)
            # A stream that is gone (its node was taken off the list) has no group either.
            pipeline.execute(raise_on_error=False)
        self._grouped.clear()
        self._taken_over.clear()
        self._open.clear()

    # Slots

    def acquire_slot(self, boot_id: str, owner: str, ttl_seconds: int) -> Slot:
        """Take a host's slot if it is free or was ours before; each taking gets a higher number."""
        key, counter = rediskeys.slot(boot_id), rediskeys.slot_counter(boot_id)

        def take(pipeline: Pipeline) -> Any:
            held = cast("bytes | None", pipeline.hget(key, "owner"))
            if held is not None and held.decode() != owner:
                return Slot(None, f"run {held.decode()}")
            # In the same MULTI: a number that is drawn and not held would shut out its holder.
            fence = int(cast("bytes | None", pipeline.get(counter)) or 0) + 1
            pipeline.multi()
            pipeline.set(counter, fence)
            pipeline.hset(key, mapping={"owner": owner, "fence": str(fence)})
            pipeline.expire(key, ttl_seconds)
            return Slot(fence, None)

        with reaching(self._where):
            return cast("Slot", self._server.transaction(take, key, counter, value_from_callable=True))

    def renew_slot(self, boot_id: str, fence: int, ttl_seconds: int) -> bool:
        """Prolong a slot that is still ours; False where it is not."""
        return self._while_ours(boot_id, fence, lambda pipeline, key: pipeline.expire(key, ttl_seconds))

    def release_slot(self, boot_id: str, fence: int) -> bool:
        """Give a slot back that is still ours; False where it is not."""
        return self._while_ours(boot_id, fence, lambda pipeline, key: pipeline.delete(key))

    def _while_ours(self, boot_id: str, fence: int, change: Callable[[Pipeline, str], object]) -> bool:
        key = rediskeys.slot(boot_id)

        def change_ours(pipeline: Pipeline) -> Any:
            held = cast("bytes | None", pipeline.hget(key, "fence"))
            if held is None or int(held) != fence:
                return False
            pipeline.multi()
            change(pipeline, key)
            return True

        with reaching(self._where):
            return bool(self._server.transaction(change_ours, key, value_from_callable=True))


def as_text(value: bytes | str) -> str:
    """Decode what the server gave."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value
