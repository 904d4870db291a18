"""RQ's job, narrowed to the one thing it may be here: a sitting."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from redis.exceptions import ConnectionError, ResponseError  # noqa: A004 - redis-py's name
from rq.exceptions import DequeueTimeout, NoSuchJobError
from rq.intermediate_queue import IntermediateQueue
from rq.job import Job, JobStatus
from rq.queue import Queue

from .codec import encode
from .keys import result_stream
from .signing import SignedResult, Signer

if TYPE_CHECKING:
    from redis import Redis
    from redis.client import Pipeline

#: What a job's data names as its function. It is a label: nothing is ever looked up by it.
FUNCTION = "workers.job.sitting"
#: RQ's own records of a job are kept so long; the result itself goes through the stream.
TTL_SECONDS = 86400
#: The serializer, everywhere: pickle would run what a queue's writer puts there.
SERIALIZER = "json"

#: Fields of a job that are believed. Callbacks, webhooks, retries, repeats, dependencies and rate
#: limits would let a queue's writer name code, addresses and other jobs.
_BELIEVED = frozenset(
    {
        "data", "created_at", "origin", "worker_name", "description", "enqueued_at", "started_at",
        "ended_at", "last_heartbeat", "timeout", "status",
    }
)  # fmt: skip


class SittingJob(Job):
    """A sitting on its way: runs the one entry point, and says its end in the node's result stream."""

    #: Runs (spec, signature); set by the node that took the job.
    entry: Callable[..., str] | None = None
    #: Signs what is said of the job; None in a process that is no node.
    signer: Signer | None = None
    #: What the guardian has to say of the job, once it has.
    outcome: SignedResult | None = None

    @property
    def func(self) -> Callable[..., str]:
        """The one entry point, whatever function the job's data names."""
        if self.entry is None:
            raise RuntimeError(f"job {self.id} is not on its node")
        return self.entry

    @property
    def success_callback(self) -> None:
        """None: a job runs nothing else."""
        return

    failure_callback = stopped_callback = success_callback

    @classmethod
    def fetch(cls, id: str, connection: Redis | None = None, serializer: Any = None) -> Job:  # noqa: A002 - RQ's name
        """Read a job; raises NoSuchJobError also where ``id`` cannot be one."""
        try:
            return super().fetch(id, connection=connection, serializer=serializer)
        except ValueError as error:
            raise NoSuchJobError(str(error)) from error

    def restore(self, raw_data: Mapping[Any, Any]) -> None:
        """Read the fields that are believed; what cannot be read is no job.

        Raises:
            NoSuchJobError: which RQ passes over. Another error would end the node's loop, and a
                queue's writer could end every node with one line.
        """
        names = {key: key.decode("utf-8", "replace") if isinstance(key, bytes) else key for key in raw_data}
        believed = {key: value for key, value in raw_data.items() if names[key] in _BELIEVED}
        try:
            super().restore(believed)
        except (ValueError, TypeError, KeyError, AttributeError, AssertionError) as error:
            raise NoSuchJobError(f"job {self.id} is malformed: {error}") from error
        # A job without its records would end unseen.
        self.result_ttl = TTL_SECONDS
        self.failure_ttl = TTL_SECONDS

    def lose(self, reason: str) -> None:
        """Note why no result will come of this job, unless something is known of it already."""
        if self.outcome is None and self.signer is not None:
            self.outcome = self.signer.seal("lost", self.id, encode(reason))

    def commit(self, result: SignedResult, pipeline: Pipeline, worker_name: str) -> None:
        """Queue the job's end, with ``result`` as its event, on a pipeline."""
        self.outcome = result
        if result.kind == "result":
            self._handle_success(TTL_SECONDS, pipeline, worker_name)
        else:
            self.set_status(JobStatus.FAILED, pipeline=pipeline)
            self._handle_failure("", pipeline, worker_name)
        pipeline.expire(self.key, TTL_SECONDS)

    def _handle_success(self, result_ttl: int, pipeline: Pipeline, *args: Any, **options: Any) -> None:
        super()._handle_success(result_ttl, pipeline, *args, **options)
        self._say(pipeline)

    def _handle_failure(self, exc_string: str, pipeline: Pipeline, *args: Any, **options: Any) -> None:
        super()._handle_failure(exc_string, pipeline, *args, **options)
        self.lose(exc_string.strip().rpartition("\n")[2][:2000] or "its node gave no reason")
        self._say(pipeline)

    def _say(self, pipeline: Pipeline) -> None:
        # In the same MULTI as RQ's own records: there is no end of a job without its event.
        if self.outcome is not None and self.signer is not None:
            pipeline.xadd(result_stream(self.signer.node), self.outcome.fields())


class SittingQueue(Queue):
    """A node's queue, on which anything may be found."""

    @classmethod
    def lmove(cls, connection: Redis, queue_key: str, timeout: int | None) -> Any:
        """Take the next job; what is not even text is thrown away: it would end the node's loop.

        Raises:
            DequeueTimeout: there is none.
            redis.exceptions.ConnectionError: the server is away, or does not do it.
        """
        try:
            taken = super().lmove(connection, queue_key, timeout)
        except ResponseError as error:
            # Its memory is full, it is a replica now, …: waited for like a server that is away. RQ
            # waits for this error only, and would end the node on another.
            raise ConnectionError(str(error)) from error
        if taken is None:
            return None
        try:
            bytes(taken[1]).decode()
        except UnicodeDecodeError:
            connection.lrem(IntermediateQueue(queue_key, connection).key, 1, taken[1])
            raise DequeueTimeout(timeout, queue_key) from None
        return taken
