"""Settlement of what an absent server or a dead predecessor left open: results, losses, lost jobs."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, cast

from rq.exceptions import NoSuchJobError
from rq.executions import Execution
from rq.job import JobStatus
from rq.utils import current_timestamp

from ..errors import SpecRefused
from ..wire.job import SERIALIZER, SittingJob
from ..wire.keys import result_stream
from ..wire.signing import SignedResult, Signer
from .spool import Spool

if TYPE_CHECKING:
    from rq import Queue

    from .guarded_worker import GuardedWorker

log = logging.getLogger("rq.worker.settlement")


class Settlement:
    """What a node owes to the server. It is settled while no sitting runs."""

    def __init__(
        self, worker: GuardedWorker, bind: Callable[[SittingJob], None], spool: Spool, signer: Signer
    ) -> None:
        """Settle in the name of ``worker``, which has one queue; ``bind`` makes a job the worker's own."""
        self._worker = worker
        self._bind = bind
        self._connection = worker.connection
        self._queue: Queue = worker.queues[0]
        self._spool = spool
        self._signer = signer
        self._losses: deque[tuple[SittingJob, Execution]] = deque()
        self._took_over = False

    def owe(self, job: SittingJob, execution: Execution) -> None:
        """Note that the loss of a job is to be reported, with the reason that the job holds."""
        self._losses.append((job, execution))

    def forget(self, job: str) -> None:
        """Take a result out of the spool: the server has confirmed it."""
        try:
            self._spool.remove(job)
        except OSError as error:
            # It will be sent once more; a result counts once.
            log.warning("the result of job %s cannot be taken out of the spool: %s", job, error)

    def settle(self) -> None:
        """Send what is spooled, report what was lost, and put back what was on the way to this node.

        Raises what redis-py raises; what was not settled then stays open.
        """
        for result in self._spool.results():
            self._send(result)
        while self._losses:
            job, execution = self._losses[0]
            self._worker.handle_job_failure(job, self._queue, execution=execution)
            self._losses.popleft()
        if not self._took_over:
            self._report_predecessor()
            self._took_over = True
        self._put_back()
        self._trim()

    def _send(self, result: SignedResult) -> None:
        try:
            self._signer.open(result)
        except SpecRefused as error:
            log.error("a spooled result is not sent: %s", error.message)  # noqa: TRY400 - no bug
            self._spool.put_aside(result.job)
            return
        job = self._fetch(result.job)
        executions = self._executions(result.job)
        with self._connection.pipeline() as pipeline:
            if job is None:
                pipeline.xadd(result_stream(self._signer.node), result.fields())
            else:
                job.outcome = result
                for execution in executions:
                    self._worker.cleanup_execution(job, pipeline, execution)
                job.commit(result, pipeline, self._worker.name)
            pipeline.execute()
        self.forget(result.job)

    def _report_predecessor(self) -> None:
        """Report what an earlier process of this node began; nothing runs in its name any more."""
        for execution in self._executions():
            job = self._fetch(execution.job_id)
            if job is not None and job.get_status(refresh=False) == JobStatus.STARTED:
                job.lose(f"node {self._worker.name} was restarted while it ran")
                self._worker.handle_job_failure(job, self._queue, execution=execution)
                continue
            with self._connection.pipeline() as pipeline:
                pipeline.zrem(self._queue.started_job_registry.key, execution.composite_key)
                pipeline.delete(execution.key)
                pipeline.execute()

    def _put_back(self) -> None:
        """Put jobs back that were handed to this node and never began: the answer was lost."""
        intermediate = self._queue.intermediate_queue_key
        # The last one taken first, so that the first one taken is at the head again.
        for entry in reversed(cast("list[bytes]", self._connection.lrange(intermediate, 0, -1))):
            job = self._fetch(entry.decode("utf-8", "replace"))
            with self._connection.pipeline() as pipeline:
                pipeline.lrem(intermediate, 1, cast("str", entry))
                if job is not None and job.get_status(refresh=False) == JobStatus.QUEUED:
                    pipeline.lpush(self._queue.key, entry)
                pipeline.execute()

    def _trim(self) -> None:
        """Drop expired entries of the registries; RQ's own cleaning would also call what jobs name."""
        with self._connection.pipeline() as pipeline:
            for registry in (self._queue.finished_job_registry, self._queue.failed_job_registry):
                pipeline.zremrangebyscore(registry.key, 0, current_timestamp())
            pipeline.execute()

    def _executions(self, job: str | None = None) -> list[Execution]:
        executions = []
        for entry in cast(
            "list[bytes]", self._connection.zrange(self._queue.started_job_registry.key, 0, -1)
        ):
            owner, _, identity = entry.decode("utf-8", "replace").partition(":")
            if job in (None, owner):
                executions.append(Execution(identity, owner, self._connection, self._worker.name))
        return executions

    def _fetch(self, identity: str) -> SittingJob | None:
        try:
            job = SittingJob.fetch(identity, connection=self._connection, serializer=SERIALIZER)
        except NoSuchJobError:
            return None
        assert isinstance(job, SittingJob)
        job.origin = self._queue.name
        self._bind(job)
        return job
