"""RQ 3.0 is held by the hand in these places; each must still be there, be ours, and be called."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import pytest
import rq.callbacks
import rq.executions
import rq.registry
from rq import Queue, Worker
from rq.exceptions import NoSuchJobError
from rq.job import Job
from rq.worker import base

from parlab.workers.node.worker import NodeWorker
from parlab.workers.wire.job import SittingJob, SittingQueue

BaseWorker = base.BaseWorker

#: Ours → whose → parameters as RQ has them → a method of RQ's that calls it, by this text.
OVERRIDES = [
    (NodeWorker, BaseWorker, "register_birth", "self", BaseWorker.bootstrap, "self.register_birth()"),
    (NodeWorker, BaseWorker, "serialize", "self", BaseWorker.register_birth, "self.serialize()"),
    (
        NodeWorker,
        BaseWorker,
        "_set_ip_address",
        "self connection",
        BaseWorker.__init__,
        "self._set_ip_address(",
    ),
    (
        NodeWorker,
        BaseWorker,
        "bootstrap",
        "self logging_level date_format log_format",
        BaseWorker.work,
        "self.bootstrap(",
    ),
    (NodeWorker, BaseWorker, "teardown", "self", BaseWorker.work, "self.teardown()"),
    (NodeWorker, BaseWorker, "unsubscribe", "self", BaseWorker.teardown, "self.unsubscribe()"),
    (
        NodeWorker,
        BaseWorker,
        "heartbeat",
        "self timeout pipeline",
        BaseWorker.dequeue_job_and_maintain_ttl,
        "self.heartbeat()",
    ),
    (
        NodeWorker,
        BaseWorker,
        "maintain_heartbeats",
        "self job execution",
        Worker.monitor_work_horse,
        "self.maintain_heartbeats(job, execution)",
    ),
    (NodeWorker, BaseWorker, "set_state", "self state pipeline", Worker.execute_job, "self.set_state("),
    (
        NodeWorker,
        BaseWorker,
        "set_shutdown_requested_date",
        "self",
        BaseWorker._shutdown,
        "self.set_shutdown_requested_date()",
    ),
    (
        NodeWorker,
        BaseWorker,
        "check_for_suspension",
        "self burst",
        BaseWorker.work,
        "self.check_for_suspension(",
    ),
    (
        NodeWorker,
        BaseWorker,
        "run_maintenance_tasks",
        "self",
        BaseWorker.work,
        "self.run_maintenance_tasks()",
    ),
    (
        NodeWorker,
        BaseWorker,
        "_pubsub_exception_handler",
        "self exc pubsub pubsub_thread",
        BaseWorker.subscribe,
        "exception_handler=self._pubsub_exception_handler",
    ),
    (NodeWorker, BaseWorker, "handle_payload", "self message", BaseWorker.subscribe, "self.handle_payload"),
    (NodeWorker, Worker, "execute_job", "self job queue", BaseWorker.work, "self.execute_job(job, queue)"),
    (
        NodeWorker,
        Worker,
        "fork_work_horse",
        "self job queue",
        Worker.execute_job,
        "self.fork_work_horse(job, queue)",
    ),
    (
        NodeWorker,
        BaseWorker,
        "main_work_horse",
        "self job queue",
        Worker.fork_work_horse,
        "self.main_work_horse(job, queue)",
    ),
    (
        NodeWorker,
        BaseWorker,
        "setup_work_horse_signals",
        "self",
        BaseWorker.main_work_horse,
        "self.setup_work_horse_signals()",
    ),
    (
        NodeWorker,
        Worker,
        "monitor_work_horse",
        "self job queue execution",
        Worker.execute_job,
        "self.monitor_work_horse(job, queue, execution)",
    ),
    (NodeWorker, Worker, "wait_for_horse", "self", BaseWorker.request_force_stop, "self.wait_for_horse()"),
    (NodeWorker, Worker, "kill_horse", "self sig", BaseWorker.request_force_stop, "self.kill_horse()"),
    (
        NodeWorker,
        BaseWorker,
        "handle_job_success",
        "self job queue started_job_registry execution",
        BaseWorker._finalize_success,
        "self.handle_job_success(",
    ),
    (
        NodeWorker,
        BaseWorker,
        "handle_job_failure",
        "self job queue started_job_registry exc_string execution",
        BaseWorker._finalize_failure,
        "self.handle_job_failure(",
    ),
    (
        NodeWorker,
        BaseWorker,
        "handle_exception",
        "self job exc_info",
        BaseWorker._finalize_failure,
        "self.handle_exception(job, *exc_info)",
    ),
    (
        NodeWorker,
        BaseWorker,
        "_install_signal_handlers",
        "self",
        BaseWorker.work,
        "self._install_signal_handlers()",
    ),
    (
        NodeWorker,
        BaseWorker,
        "handle_warm_shutdown_request",
        "self",
        BaseWorker.request_stop,
        "self.handle_warm_shutdown_request()",
    ),
    (
        NodeWorker,
        BaseWorker,
        "request_force_stop",
        "self signum frame",
        BaseWorker.request_stop,
        "self.request_force_stop",
    ),
    (SittingQueue, Queue, "lmove", "connection queue_key timeout", Queue.dequeue_any, "cls.lmove(connection"),
    (SittingJob, Job, "fetch", "id connection serializer", Queue._fetch_dequeued_job, "job_cls.fetch(job_id"),
    (SittingJob, Job, "restore", "self raw_data", Job.refresh, "self.restore("),
    (
        SittingJob,
        Job,
        "_handle_success",
        "self result_ttl pipeline worker_name execution_id execution_started_at execution_ended_at",
        BaseWorker.handle_job_success,
        "job._handle_success(",
    ),
    (
        SittingJob,
        Job,
        "_handle_failure",
        "self exc_string pipeline worker_name execution_id execution_started_at execution_ended_at",
        BaseWorker.handle_job_failure,
        "job._handle_failure(",
    ),
]

#: Properties of ours, and where RQ reads them.
PROPERTIES: list[tuple[type, type, str, Callable[..., Any], str]] = [
    (
        NodeWorker,
        BaseWorker,
        "should_run_maintenance_tasks",
        BaseWorker.work,
        "self.should_run_maintenance_tasks",
    ),
    (SittingJob, Job, "func", Job._execute, "self.func("),
    (SittingJob, Job, "success_callback", rq.callbacks.execute_success_callback, "job.success_callback"),
    (SittingJob, Job, "failure_callback", rq.callbacks.execute_failure_callback, "job.failure_callback"),
    (
        SittingJob,
        Job,
        "stopped_callback",
        rq.callbacks.execute_stopped_callback,
        "job.stopped_callback",
    ),
]


def definition(ours: type, name: str) -> object:
    """What one of our classes, of which ``ours`` is the last, says under a name; None: nothing."""
    return next(
        (vars(c)[name] for c in ours.__mro__ if c.__module__.startswith("parlab.") and name in vars(c)), None
    )


def test_rq_is_the_version_that_was_read() -> None:
    assert version("rq").startswith("3.0."), "read RQ's source again, then this list, then change the pin"


@pytest.mark.parametrize(
    ("ours", "theirs", "name", "parameters", "caller", "call"),
    OVERRIDES,
    ids=lambda v: v if isinstance(v, str) else "",
)
def test_an_override_is_still_there_and_called(
    ours: type, theirs: type, name: str, parameters: str, caller: Callable[..., Any], call: str
) -> None:
    assert definition(ours, name) is not None
    assert list(inspect.signature(getattr(theirs, name)).parameters) == parameters.split()
    assert call in inspect.getsource(caller)


@pytest.mark.parametrize(
    ("ours", "theirs", "name", "caller", "call"), PROPERTIES, ids=lambda v: v if isinstance(v, str) else ""
)
def test_a_property_is_still_there_and_read(
    ours: type, theirs: type, name: str, caller: Callable[..., Any], call: str
) -> None:
    assert isinstance(definition(ours, name), property)
    assert isinstance(inspect.getattr_static(theirs, name), property)
    assert call in inspect.getsource(caller)


def test_nothing_else_of_rq_s_is_overridden() -> None:
    listed = {(ours, name) for ours, _, name, *_ in OVERRIDES} | {
        (ours, name) for ours, _, name, *_ in PROPERTIES
    }
    chosen = {"max_connection_wait_time", "log_result_lifespan", "__init__"}
    for ours, theirs in ((NodeWorker, Worker), (SittingJob, Job), (SittingQueue, Queue)):
        own = [c for c in ours.__mro__ if c.__module__.startswith("parlab.")]
        for name in {name for c in own for name in vars(c)} - chosen:
            if not name.startswith("__") and hasattr(theirs, name):
                assert (ours, name) in listed, f"{ours.__name__}.{name} is not in the list"


@pytest.mark.parametrize(
    ("where", "what"),
    [
        # One queue: BLMOVE to the intermediate list. Several: BLPOP, and a crash loses the job.
        (Queue.dequeue_any, "len(queue_keys) == 1"),
        (Queue.lmove, "connection.blmove(queue_key, intermediate_queue.key, timeout)"),
        # A job whose hash is malformed is passed over by this, and by nothing else.
        (Queue._fetch_dequeued_job, "except NoSuchJobError"),
        (BaseWorker.prepare_job_execution, "pipeline.lrem(queue.intermediate_queue_key, 1, job.id)"),
        # The first answer tells whether the worker's row had gone: our heartbeat keeps RQ's command first.
        (BaseWorker.maintain_heartbeats, "results[0] == 1"),
        # A worker that waits is woken by these two; floats would crash the alarm.
        (vars(BaseWorker)["dequeue_timeout"].fget, "self.worker_ttl - 15"),
        (rq.executions.prepare_execution, "worker.executions[execution.id] = execution"),
        (base.BaseWorker.request_stop_execution, "self.kill_horse()"),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) else "",
)
def test_what_is_relied_on_is_still_so(where: Callable[..., Any], what: str) -> None:
    assert what in inspect.getsource(where)


def test_reading_a_registry_by_rq_s_own_count_still_cleans_up() -> None:
    # The reason why nothing here uses it.
    assert "cleanup=True" in inspect.getsource(vars(rq.registry.BaseRegistry)["count"].fget)


def test_a_job_s_data_cannot_name_what_is_run(monkeypatch: pytest.MonkeyPatch) -> None:
    job = SittingJob("n-7f3a-s1-a1", connection=object(), serializer="json")  # type: ignore[arg-type]
    job.restore(
        {
            b"data": b'["os.system", null, ["touch /tmp/never"], {}]',
            b"success_callback_name": b"os.system",
            b"failure_callback_name": b"os.system",
            b"stopped_callback_name": b"os.system",
            b"webhooks": b'[{"url": "http://localhost/", "status": "finished"}]',
            b"retries_left": b"3",
            b"repeats_left": b"3",
            b"rate_limit_key": b"x",
            b"rate_limit_concurrency": b"1",
            b"dependency_ids": b'["another"]',
            b"group_id": b"g",
            b"result_ttl": b"0",
            b"failure_ttl": b"0",
        }
    )
    with pytest.raises(RuntimeError, match="not on its node"):
        _ = job.func
    job.entry = lambda *_: "ours"
    assert job.func() == "ours"
    assert (job.success_callback, job.failure_callback, job.stopped_callback) == (None, None, None)
    assert (job.webhooks, job._dependency_ids, job.group_id) == ([], [], None)
    assert [job.should_retry, job.repeats_left, job.has_rate_limit] == [False, None, False]
    assert job.result_ttl == job.failure_ttl == 86400, "a job without its records would end unseen"


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {b"data": b"x", b"timeout": b"soon"},
        {b"data": b"x", b"status": b"new"},
        {b"data": b"x", b"created_at": b"?"},
    ],
)
def test_a_malformed_job_is_no_job(fields: dict[bytes, bytes]) -> None:
    job = SittingJob("n-7f3a-s1-a1", connection=object(), serializer="json")  # type: ignore[arg-type]
    with pytest.raises(NoSuchJobError):
        job.restore(fields)
