"""RQ's worker, made to outlive its server's absence and whatever is written to it."""

from __future__ import annotations

import logging
import time
from abc import abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

import redis
from rq import Worker
from rq.utils import now

if TYPE_CHECKING:
    from redis.client import Pipeline, PubSub, PubSubWorkerThread
    from rq.executions import Execution
    from rq.job import Job

log = logging.getLogger("rq.worker.node")


class SteadyWorker(Worker):
    """A worker that waits for its server. RQ's ends with exit code 0 when it is away at a wrong moment."""

    max_connection_wait_time = 2.0
    log_result_lifespan = False

    def __init__(self, *args: Any, say: Callable[[str], None], **options: Any) -> None:
        """Prepare a worker as RQ does; ``say`` tells people that the server went and came."""
        self._say = say
        self._away = False
        #: Whether what an absence left open is to be settled at the next moment without a job.
        self._settle_now = True
        super().__init__(*args, **options)

    @abstractmethod
    def settle(self) -> None:
        """Make up for what an absence left open; raises what redis-py raises."""

    def maintain_heartbeats(self, job: Job, execution: Execution) -> None:
        """Prolong the rows of a running job; without a server the sitting goes on."""
        with self.tolerating():
            super().maintain_heartbeats(job, execution)

    def set_state(self, state: str, pipeline: Pipeline | None = None) -> None:
        """Note the state; without a server it is known here at least."""
        if pipeline is not None:
            super().set_state(state, pipeline)
            return
        with self.tolerating():
            super().set_state(state)

    def set_shutdown_requested_date(self) -> None:
        """Note when it was asked to end; called by a signal handler, which must not raise."""
        with self.tolerating():
            super().set_shutdown_requested_date()

    def check_for_suspension(self, burst: bool) -> None:  # noqa: FBT001 - RQ's signature
        """Wait while workers are suspended; without a server, that is not known."""
        with self.tolerating():
            super().check_for_suspension(burst)

    @property
    def should_run_maintenance_tasks(self) -> bool:
        """Whether something waits to be settled, or was not looked for in the last seconds."""
        return self._settle_now or bool(super().should_run_maintenance_tasks)

    def run_maintenance_tasks(self) -> None:
        """Settle what is open. RQ's own maintenance would run callbacks and touch others' jobs."""
        with self.tolerating():
            self.settle()
            self._settle_now = False
            # RQ's type for it is inferred from None.
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

    def unsubscribe(self) -> None:
        """Let the listening thread go; RQ would wait up to a second for it, and it ends with us."""
        thread = cast("PubSubWorkerThread | None", self.pubsub_thread)
        if thread is not None:
            thread.stop()

    @contextmanager
    def tolerating(self) -> Iterator[None]:
        """Keep the server's absence from ending what is done; it is told of, once."""
        try:
            yield
        except redis.RedisError as error:
            if not self._away:
                self._away = True
                why = " ".join(str(error).split())
                self._say(f"the server cannot be reached ({why}); trying again until it can")
        else:
            if self._away:
                self._away = False
                self._settle_now = True
                self._say("the server is back")
