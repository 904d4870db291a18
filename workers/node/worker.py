"""RQ's worker, held by the hand where a lab needs it: one queue, one guardian at a time, nothing lost."""

from __future__ import annotations

import logging
import os
import random
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NoReturn, cast

import redis
from rq.exceptions import InvalidJobOperation
from rq.job import Job, JobStatus
from rq.worker import WorkerStatus

from ..errors import EnvironmentFault, LabError
from ..wire.job import SERIALIZER, TTL_SECONDS, SittingJob, SittingQueue
from ..wire.keys import node_hash
from .guarded_worker import NOT_KEPT, GuardedWorker, end_descendants, wait_for_end, why_it_ended
from .guardian import Guardian
from .heartbeat import TTL_SECONDS as HEARTBEAT_TTL_SECONDS
from .heartbeat import HeartbeatThread
from .identity import describe_process, is_gone
from .settlement import Settlement

if TYPE_CHECKING:
    from redis.client import Pipeline
    from rq import Queue
    from rq.executions import Execution

log = logging.getLogger("rq.worker.node")

#: A job that is over its time is killed by its node after so much more.
GRACE_SECONDS = 10.0
#: What waits to be settled is looked for so often, at least.
_SETTLE_SECONDS = 10
_ENDED = (JobStatus.FINISHED, JobStatus.FAILED, JobStatus.STOPPED, JobStatus.CANCELED)


class NodeWorker(GuardedWorker):
    """A node: takes sittings from its queue, one after another, each in a guardian of its own."""

    def __init__(
        self,
        guardian: Guardian,
        connection: redis.Redis,
        say: Callable[[str], None],
        *,
        cold: bool,
    ) -> None:
        """Prepare a node.

        Args:
            guardian: runs the sittings.
            connection: to the server; raises what redis-py raises where it is not there.
            say: tells people what happens.
            cold: stop at once on the first signal, as an embedded node does.
        """
        name = guardian.registration.node
        super().__init__(
            [name],
            name=name,
            connection=connection,
            job_class=SittingJob,
            queue_class=SittingQueue,
            serializer=SERIALIZER,
            default_result_ttl=TTL_SECONDS,
            # A wait for jobs lasts worker_ttl - 15 seconds. Floats would crash RQ's loop.
            worker_ttl=17,
            job_monitoring_interval=2,
            maintenance_interval=_SETTLE_SECONDS,
            log_job_description=False,
            say=say,
            prctl=guardian.prctl,
            cold=cold,
        )
        self._guardian = guardian
        self._heartbeat: HeartbeatThread | None = None
        self._process = describe_process(guardian.registration.host.boot_id)
        self._begun: deque[str] = deque(maxlen=1000)
        #: Whether the node's rows are this process's.
        self._registered = False
        self._settlement = Settlement(self, self._bind, guardian.spool, guardian.signer)

    def beat_with(self, heartbeat: HeartbeatThread) -> None:
        """Have ``heartbeat`` started when the node is registered, and stopped when it ends."""
        self._heartbeat = heartbeat

    def running(self) -> str | None:
        """Return the id of the job that runs; called by the heartbeat's thread."""
        return next((execution.job_id for execution in tuple(self.executions.values())), None)

    # Registration

    def register_birth(self) -> None:
        """Take the node's name; raises EnvironmentFault where a living node has it."""
        holder = cast("bytes | None", self.connection.hget(self.key, "process"))
        if is_gone(holder, self._guardian.registration.host.boot_id) or (
            # A server that was started again over its data may have put together a row of the writes
            # that came after its last expiry: it names no process, and would never expire.
            holder is None and not self.connection.exists(node_hash(self.name))
        ):
            # Its row would stand in the way until it expires.
            self.connection.delete(self.key)
        try:
            super().register_birth()
        except ValueError as error:
            raise EnvironmentFault(
                f"there is a node named {self.name} already",
                "Choose another --name; if that node has died just now, try again in "
                f"{HEARTBEAT_TTL_SECONDS} s.",
            ) from error
        self._registered = True

    def _set_ip_address(self, connection: redis.Redis) -> None:
        # RQ asks for it by CLIENT INFO, which redis-py cannot read where a socket's path has a space.
        connection.client_setname(self.name)
        self.ip_address = "unknown"

    def serialize(self) -> dict[str, Any]:
        """Describe the worker for its row, with what proves later that it is gone."""
        return {**super().serialize(), "process": self._process}

    def bootstrap(self, *args: Any, **options: Any) -> None:
        """Register, listen to commands, and only then say that the node is there."""
        self._guardian.prctl.adopt_orphans()
        super().bootstrap(*args, **options)
        # RQ would do it a moment later: who sees the node may tell it to end at once.
        self._install_signal_handlers()
        if self._heartbeat is not None:
            self._heartbeat.beat()
            self._heartbeat.start()

    def teardown(self) -> None:
        """Say goodbye, as far as the server is there to hear it; else the rows expire."""
        if self.is_horse or not self._registered:
            # Not registered: the rows of this name are another's, who lives.
            return
        self._registered = False
        if self._heartbeat is not None:
            with suppress(redis.RedisError):
                self._heartbeat.stop()
        with suppress(redis.RedisError):
            super().teardown()

    def heartbeat(self, timeout: int | None = None, pipeline: Pipeline | None = None) -> None:
        """Prolong the worker's row by 10 s, whatever RQ asks for: a name is free soon after a death."""
        del timeout
        if pipeline is not None:
            # RQ looks at the first answer, so that its own command comes first.
            super().heartbeat(HEARTBEAT_TTL_SECONDS, pipeline)
            pipeline.hset(self.key, "process", self._process)
            return
        with self.tolerating(), self.connection.pipeline() as own:
            self.heartbeat(pipeline=own)
            own.execute()

    def settle(self) -> None:
        """Settle what is open. RQ's own maintenance would run callbacks and touch others' jobs."""
        self._settlement.settle()

    # Sittings

    def execute_job(self, job: Job, queue: Queue) -> None:
        """Run a job in a guardian of its own, once, and account for its end."""
        assert isinstance(job, SittingJob)
        # The data could name another queue, and so another node's rows.
        job.origin = queue.name
        self._bind(job)
        status = job.get_status(refresh=False)
        with self.tolerating():
            if job.id in self._begun or status in _ENDED:
                log.warning("job %s came twice (%s); it is not run again", job.id, status.value)
                self.connection.lrem(queue.intermediate_queue_key, 1, job.id)
                return
            refusal = self._refusal(status)
            if refusal is not None:
                job.lose(refusal)
                self.handle_job_failure(job, queue)
                return
            self._run(job, queue)
        # RQ keeps an execution that could not be written, and would believe that it runs.
        self.executions.clear()
        self.set_state(WorkerStatus.IDLE)

    def _run(self, job: SittingJob, queue: Queue) -> None:
        execution = self.prepare_execution(job)
        self._begun.append(job.id)
        began = time.monotonic()
        try:
            self.fork_work_horse(job, queue)
        except OSError as error:
            job.lose(f"node {self.name} cannot start a process: {error.strerror}")
            self._settlement.owe(job, execution)
            self._settle_now = True
            return
        self.monitor_work_horse(job, queue, execution)
        self._say(f"{job.id}: {time.monotonic() - began:.1f} s")

    def _bind(self, job: SittingJob) -> None:
        """Make a job this node's own: it can be run, and speaks in the node's name."""
        job.signer = self._guardian.signer
        job.entry = lambda *args, **options: self._guardian.run(job, *args, **options)

    def _refusal(self, status: JobStatus) -> str | None:
        if status == JobStatus.STARTED:
            return f"node {self.name} was restarted while it ran"
        # Nothing measures beside what an earlier sitting left.
        left = end_descendants()
        if left:
            return f"an earlier sitting left {', '.join(left)} behind, which could not be ended"
        return None

    def main_work_horse(self, job: Job, queue: Queue) -> NoReturn:
        """Be the guardian. Its exit code says whether all was said: RQ would say 0 for a lost failure."""
        random.seed()
        self.setup_work_horse_signals()
        self._is_horse = True
        code = 1
        execution = self.execution
        assert execution is not None
        assert isinstance(job, SittingJob)
        try:
            self.perform_job(job, queue, execution)
            code = 0
        except BaseException:
            if job.outcome is not None and self._guardian.spool.get(job.id) is None:
                code = NOT_KEPT
            log.exception("job %s: its end could not be sent", job.id)
        finally:
            os._exit(code)

    def monitor_work_horse(self, job: Job, queue: Queue, execution: Execution) -> None:
        """Wait for the guardian's end, whether or not the server is there, and account for it."""
        assert isinstance(job, SittingJob)
        limit = float(job.timeout or queue.DEFAULT_TIMEOUT) + GRACE_SECONDS
        deadline = time.monotonic() + limit
        overdue = None
        while not wait_for_end(self.horse_pid, self.job_monitoring_interval):
            if time.monotonic() > deadline:
                overdue = f"it had not ended after {limit:.0f} s and was killed"
                self.kill_horse()
            self.maintain_heartbeats(job, execution)
        _, status, _ = self.wait_for_horse()
        self.executions.pop(execution.id, None)
        if status != 0:
            stopped = self._stopped_job_id == job.id
            self._account(job, execution, overdue or why_it_ended(status, stopped=stopped))

    def _account(self, job: SittingJob, execution: Execution, reason: str) -> None:
        """Report a guardian that did not end as it should, now or when the server is there."""
        self._settle_now = True
        if self._guardian.spool.get(job.id) is not None:
            return
        with suppress(redis.RedisError, InvalidJobOperation):
            if job.get_status() in _ENDED:
                return
        job.lose(reason)
        self._settlement.owe(job, execution)

    # What becomes of a job

    def handle_job_success(
        self, job: Job, queue: Queue, started_job_registry: Any, execution: Execution
    ) -> None:
        """Commit a result with its event; only then the spool lets go of it."""
        super().handle_job_success(job, queue, started_job_registry, execution)
        self._settlement.forget(job.id)

    def handle_job_failure(
        self,
        job: Job,
        queue: Queue,
        started_job_registry: Any = None,
        exc_string: str = "",
        execution: Execution | None = None,
    ) -> None:
        """Commit a failure with its event; unlike RQ's, it raises where that did not work."""
        del started_job_registry
        assert isinstance(job, SittingJob)
        # Where there is a result (it could not be committed as RQ does it), that is what is said.
        job.lose(exc_string)
        if self.is_horse and job.outcome is not None:
            # For the case that the server is away now; the node sends it then.
            with suppress(EnvironmentFault):
                self._guardian.spool.keep(job.outcome)
        stopped = self._stopped_job_id == job.id
        with self.connection.pipeline() as pipeline:
            job.set_status(JobStatus.STOPPED if stopped else JobStatus.FAILED, pipeline=pipeline)
            self.cleanup_execution(job, pipeline=pipeline, execution=execution)
            job._handle_failure(exc_string, pipeline=pipeline, worker_name=self.name)  # noqa: SLF001 - RQ's own seam
            self.increment_failed_job_count(pipeline)
            pipeline.lrem(queue.intermediate_queue_key, 1, job.id)
            pipeline.expire(job.key, TTL_SECONDS)
            pipeline.execute()
        self._settlement.forget(job.id)
        if stopped:
            self._stopped_job_id = None

    def handle_exception(self, job: Job, *exc_info: Any) -> None:
        """Note why the job failed: a sentence where it was foreseen, else with a traceback in the log."""
        assert isinstance(job, SittingJob)
        error = exc_info[1]
        if isinstance(error, LabError):
            job.lose(error.message)
            log.warning("job %s: %s", job.id, error)
            return
        job.lose(f"{type(error).__name__}: {error}")
        super().handle_exception(job, *exc_info)
