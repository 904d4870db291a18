"""RQ's worker, held by the hand where a lab needs it: one queue, one guardian at a time, nothing lost."""

from __future__ import annotations

import logging
import os
import random
import signal
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import TYPE_CHECKING, Any, NoReturn, cast

import redis
from rq import Queue, Worker
from rq.exceptions import InvalidJobOperation
from rq.job import Job, JobStatus
from rq.utils import now
from rq.worker import WorkerStatus

from .errors import EnvironmentFault, LabError
from .guardian import Guardian
from .heartbeat import TTL_SECONDS as HEARTBEAT_TTL_SECONDS
from .heartbeat import HeartbeatThread
from .isolation import guard
from .job import SERIALIZER, TTL_SECONDS, SittingJob, SittingQueue
from .predecessor import describe_process, is_gone
from .reaping import end_descendants, take_end, wait_for_end
from .scratch import remove_abandoned
from .settlement import Settlement

if TYPE_CHECKING:
    from redis.client import Pipeline, PubSub, PubSubWorkerThread
    from rq.executions import Execution

log = logging.getLogger("rq.worker.node")

#: A job that is over its time is killed by its node after so much more.
GRACE_SECONDS = 10.0
#: Exit code of a guardian whose result could neither be spooled nor sent.
NOT_KEPT = 74
#: What waits to be settled is looked for so often, at least.
_SETTLE_SECONDS = 10
#: How long a node that is stopped at once tries to say goodbye.
_FAREWELL_SECONDS = 3.0
_ENDED = (JobStatus.FINISHED, JobStatus.FAILED, JobStatus.STOPPED, JobStatus.CANCELED)


class NodeWorker(Worker):
    """A node: takes sittings from its queue, one after another, each in a guardian of its own."""

    max_connection_wait_time = 2.0
    log_result_lifespan = False

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
        )
        self._guardian = guardian
        self._heartbeat: HeartbeatThread | None = None
        self._say = say
        self._cold = cold
        self._process = describe_process(guardian.registration.host.boot_id)
        self._away = False
        self._settle_now = True
        self._begun: deque[str] = deque(maxlen=1000)
        self._stuck: list[str] = []
        self._torn_down = False
        self._settlement = Settlement(self, guardian.spool, guardian.signer)

    def beat_with(self, heartbeat: HeartbeatThread) -> None:
        """Have ``heartbeat`` started when the node is registered, and stopped when it ends."""
        self._heartbeat = heartbeat

    def running(self) -> str | None:
        """Return the id of the job that runs; called by the heartbeat's thread."""
        return next((execution.job_id for execution in tuple(self.executions.values())), None)

    @property
    def asked_to_end(self) -> bool:
        """Whether the node ends because somebody wanted it to."""
        return self._stop_requested or self._shutdown_requested_date is not None

    # Registration

    def register_birth(self) -> None:
        """Take the node's name; raises EnvironmentFault where a living node has it."""
        holder = cast("bytes | None", self.connection.hget(self.key, "process"))
        if is_gone(holder, self._guardian.registration.host.boot_id):
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
        if self.is_horse or self._torn_down:
            return
        self._torn_down = True
        if self._heartbeat is not None:
            with suppress(redis.RedisError):
                self._heartbeat.stop()
        with suppress(redis.RedisError):
            super().teardown()

    def unsubscribe(self) -> None:
        """Let the listening thread go; RQ would wait up to a second for it, and it ends with us."""
        if self.pubsub_thread is not None:
            self.pubsub_thread.stop()

    # A server that comes and goes

    def heartbeat(self, timeout: int | None = None, pipeline: Pipeline | None = None) -> None:
        """Prolong the worker's row by 10 s, whatever RQ asks for: a name is free soon after a death."""
        del timeout
        if pipeline is not None:
            # RQ looks at the first answer, so that its own command comes first.
            super().heartbeat(HEARTBEAT_TTL_SECONDS, pipeline)
            pipeline.hset(self.key, "process", self._process)
            return
        with self._tolerating(), self.connection.pipeline() as own:
            self.heartbeat(pipeline=own)
            own.execute()

    def maintain_heartbeats(self, job: Job, execution: Execution) -> None:
        """Prolong the rows of a running job; without a server the sitting goes on."""
        with self._tolerating():
            super().maintain_heartbeats(job, execution)

    def set_state(self, state: str, pipeline: Pipeline | None = None) -> None:
        """Note the state; without a server it is known here at least."""
        if pipeline is not None:
            super().set_state(state, pipeline)
            return
        with self._tolerating():
            super().set_state(state)

    def set_shutdown_requested_date(self) -> None:
        """Note when it was asked to end; called by a signal handler, which must not raise."""
        with self._tolerating():
            super().set_shutdown_requested_date()

    def check_for_suspension(self, burst: bool) -> None:  # noqa: FBT001 - RQ's signature
        """Wait while workers are suspended; without a server, that is not known."""
        with self._tolerating():
            super().check_for_suspension(burst)

    def _tolerating(self) -> _Tolerance:
        return _Tolerance(self._lost_server, self._found_server)

    def _lost_server(self, error: redis.RedisError) -> None:
        if not self._away:
            self._away = True
            self._say(
                f"the server cannot be reached ({' '.join(str(error).split())}); trying again until it can"
            )

    def _found_server(self) -> None:
        if self._away:
            self._away = False
            self._settle_now = True
            self._say("the server is back")

    @property
    def should_run_maintenance_tasks(self) -> bool:
        """Whether something waits to be settled, or was not looked for in the last seconds."""
        return self._settle_now or bool(super().should_run_maintenance_tasks)

    def run_maintenance_tasks(self) -> None:
        """Settle what is open. RQ's own maintenance would run callbacks and touch others' jobs."""
        with self._tolerating():
            self._settlement.settle()
            self._settle_now = False
            # rq's type for it is inferred from None.
            self.last_cleaned_at = now()  # type: ignore[assignment]

    def _pubsub_exception_handler(
        self, exc: Exception, pubsub: PubSub, pubsub_thread: PubSubWorkerThread
    ) -> None:
        if not isinstance(exc, redis.RedisError):
            super()._pubsub_exception_handler(exc, pubsub, pubsub_thread)
        # A time-out, too: without its thread the node could not be told to stop a sitting.
        time.sleep(self.max_connection_wait_time)

    def handle_payload(self, message: dict[str, Any]) -> None:
        """Obey a command; one that is malformed must not end the thread that listens."""
        try:
            super().handle_payload(message)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            log.warning("a malformed command was ignored: %r", error)

    # Sittings

    def execute_job(self, job: Job, queue: Queue) -> None:
        """Run a job in a guardian of its own, once, and account for its end."""
        assert isinstance(job, SittingJob)
        # The data could name another queue, and so another node's rows.
        job.origin = queue.name
        self.bind(job)
        status = job.get_status(refresh=False)
        with self._tolerating():
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

    def bind(self, job: SittingJob) -> None:
        """Make a job this node's own: it can be run, and speaks in the node's name."""
        job.signer = self._guardian.signer
        job.entry = lambda *args, **options: self._guardian.run(job, *args, **options)

    def _refusal(self, status: JobStatus) -> str | None:
        if status == JobStatus.STARTED:
            return f"node {self.name} was restarted while it ran"
        if self._stuck:
            self._stuck = end_descendants()
        if self._stuck:
            return f"an earlier sitting left {', '.join(self._stuck)} behind, which could not be ended"
        return None

    def fork_work_horse(self, job: Job, queue: Queue) -> None:
        """Fork the guardian, in a group of its own before either side goes on."""
        super().fork_work_horse(job, queue)
        with suppress(OSError):
            os.setpgid(self.horse_pid, self.horse_pid)
        if self._stopped_job_id == job.id:
            # The command to stop came before there was anything to stop.
            self.kill_horse()

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

    def setup_work_horse_signals(self) -> None:
        """Have the guardian take all of its group along, also when its node dies."""
        assert self.pid is not None
        guard(self._guardian.prctl, self.pid)

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
            self._account(job, execution, overdue or _why(status, stopped=self._stopped_job_id == job.id))

    def wait_for_horse(self) -> tuple[int | None, int | None, Any]:
        """Wait for the guardian, kill its group, reap it, and end whatever escaped."""
        pid = self.horse_pid
        if pid <= 0:
            return None, None, None
        while not wait_for_end(pid, self.job_monitoring_interval):
            continue
        # Before it is reaped: its number can be another's afterwards, and a stop command would hit that.
        self._horse_pid = 0
        status = take_end(pid)
        self._stuck = end_descendants()
        if status != 0:
            remove_abandoned()
        return pid, status, None

    def kill_horse(self, sig: signal.Signals = signal.SIGKILL) -> None:
        """Kill the guardian with its group; never the node's own."""
        pid = self.horse_pid
        if pid <= 0:
            return
        with suppress(ProcessLookupError):
            if os.getpgid(pid) == os.getpgrp():
                # It has no group yet, and so no trials.
                os.kill(pid, sig)
            else:
                os.killpg(pid, sig)

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

    # Signals

    def _install_signal_handlers(self) -> None:
        if self._cold:
            signal.signal(signal.SIGINT, self._stop_now)
            signal.signal(signal.SIGTERM, self._stop_now)
        else:
            super()._install_signal_handlers()

    def handle_warm_shutdown_request(self) -> None:
        """Say what the first Ctrl-C does."""
        if self.get_state() == WorkerStatus.BUSY:
            self._say("ending after the sitting that runs; Ctrl-C again ends it now")

    def request_force_stop(self, signum: int, frame: FrameType | None) -> None:
        """Say what the second Ctrl-C does, and do it."""
        asked = self._shutdown_requested_date
        # RQ takes a second signal within a second for the first one, sent by somebody else, too.
        if asked is None or (now() - asked).total_seconds() >= 1.0:
            self._say("ending now; a sitting that ran is lost and will be sent again")
        super().request_force_stop(signum, frame)

    def _stop_now(self, signum: int, frame: FrameType | None) -> NoReturn:
        del signum, frame
        for ignored in (signal.SIGINT, signal.SIGTERM):
            signal.signal(ignored, signal.SIG_IGN)
        # The server may have ended with our parent, or hang: saying goodbye must not keep us.
        signal.signal(signal.SIGALRM, lambda *_: os._exit(0))
        signal.setitimer(signal.ITIMER_REAL, _FAREWELL_SECONDS)
        self._stop_requested = True
        self.kill_horse()
        self.wait_for_horse()
        raise SystemExit(0)


def _why(status: int | None, *, stopped: bool) -> str:
    if stopped:
        return "it was stopped on request"
    if status is None:
        return "its guardian is gone"
    if os.WIFSIGNALED(status):
        return f"its guardian was killed by {signal.Signals(os.WTERMSIG(status)).name}"
    if os.WEXITSTATUS(status) == NOT_KEPT:
        return "the disk of its node's spool is full or fails, and the server was away when it ended"
    return f"its guardian ended with exit code {os.WEXITSTATUS(status)}; the node's log may say why"


class _Tolerance:
    """Keeps a server's absence from ending the node, and tells of its going and coming."""

    def __init__(self, lost: Callable[[redis.RedisError], None], found: Callable[[], None]) -> None:
        self._lost = lost
        self._found = found

    def __enter__(self) -> None:
        return

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> bool:
        if error is None:
            self._found()
            return False
        if isinstance(error, redis.RedisError):
            self._lost(error)
            return True
        return False
