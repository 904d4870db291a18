"""Sittings whose server, node or guardian does not live to see their end."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from parlab.orchestrator.lab.embedded import EmbeddedNode
from parlab.workers.node.spool import Spool
from parlab.workers.wire import keys as rediskeys
from parlab.workers.wire.codec import encode
from parlab.workers.wire.job import FUNCTION, SERIALIZER, SittingJob
from parlab.workers.wire.spec import SittingSpec
from tests.support.laboratory import Laboratory


@pytest.fixture
def node(own_lab: Laboratory) -> EmbeddedNode:
    node = own_lab.node("local")
    node.start()
    return node


def begin(lab: Laboratory, spec: SittingSpec) -> list[int]:
    """Send a sitting, wait until its trial runs, and give the processes: guardian, trial, workers."""
    lab.queue.dispatch(spec)
    pid = lab.nodes[0].pid or 0
    least = 4 if spec.trials[0].strategy == "processes" else 2
    lab.wait_until(lambda: len(lab.below(pid)) >= least)
    return lab.below(pid)


def gone(lab: Laboratory, pids: list[int], seconds: float = 3.0) -> None:
    lab.wait_until(lambda: not [pid for pid in pids if lab.alive(pid)], seconds)


def kill_server(lab: Laboratory) -> None:
    assert lab.server.pid is not None
    os.kill(lab.server.pid, signal.SIGKILL)
    lab.wait_until(lambda: lab.server._process is not None and lab.server._process.poll() is not None)


# The server


def test_a_result_outlives_a_server_that_is_away_at_the_job_s_end(
    own_lab: Laboratory, node: EmbeddedNode
) -> None:
    # RQ alone: the result is lost, and the worker ends with exit code 0.
    spec = own_lab.sitting("local", 0.3)
    begin(own_lab, spec)
    kill_server(own_lab)
    spool = Spool(own_lab.spool("local"))
    own_lab.wait_until(lambda: spool.count() == 1)
    own_lab.wait_until(lambda: not own_lab.below(node.pid or 0))
    assert own_lab.server.restart_if_died()
    (entry,) = own_lab.entries("local")
    assert entry.result is not None
    assert entry.result.sitting == spec.sitting
    own_lab.wait_until(lambda: spool.count() == 0)
    assert own_lab.queue.state_of(entry.job_id, "local") == "finished"
    assert not node.restart_if_died(), "the node was there all the time"
    # It is back at work, and told of the absence once.
    own_lab.queue.dispatch(own_lab.sitting("local"))
    assert own_lab.entries("local")[0].result is not None
    said = node.log.read_text()
    assert said.count("the server cannot be reached") == 1
    assert said.count("the server is back") == 1


def test_a_server_that_is_away_for_a_while_does_not_end_a_sitting(
    own_lab: Laboratory, node: EmbeddedNode
) -> None:
    spec = own_lab.sitting("local", 2.0)
    processes = begin(own_lab, spec)
    kill_server(own_lab)
    # Longer than the node's look every two seconds.
    time.sleep(2.2)
    assert [own_lab.alive(pid) for pid in processes] == [True] * len(processes)
    assert own_lab.server.restart_if_died()
    (entry,) = own_lab.entries("local")
    assert entry.result is not None
    # The node, too, waited for its guardian's end all the time.
    own_lab.wait_until(lambda: f"{entry.job_id}: " in node.log.read_text())


def test_a_server_that_hangs_at_the_job_s_end_loses_nothing(own_lab: Laboratory, node: EmbeddedNode) -> None:
    begin(own_lab, own_lab.sitting("local", 0.3))
    assert own_lab.server.pid is not None
    os.kill(own_lab.server.pid, signal.SIGSTOP)
    spool = Spool(own_lab.spool("local"))
    own_lab.wait_until(lambda: spool.count() == 1)
    time.sleep(1.0)
    os.kill(own_lab.server.pid, signal.SIGCONT)
    (entry,) = own_lab.entries("local")
    assert entry.result is not None
    own_lab.wait_until(lambda: spool.count() == 0)
    assert own_lab.queue.collect(0.2) == []


def test_a_node_without_work_waits_for_its_server_and_goes_on(
    own_lab: Laboratory, node: EmbeddedNode
) -> None:
    pid = node.pid
    kill_server(own_lab)
    own_lab.wait_until(lambda: "cannot be reached" in node.log.read_text())
    assert own_lab.server.restart_if_died()
    own_lab.queue.dispatch(own_lab.sitting("local"))
    assert own_lab.entries("local")[0].result is not None
    assert not node.restart_if_died()
    assert node.pid == pid
    own_lab.wait_until(lambda: [r.pid for r, _ in own_lab.queue.nodes()] == [pid])


def test_a_server_that_lost_its_data_gets_the_result_all_the_same(
    own_lab: Laboratory, node: EmbeddedNode
) -> None:
    begin(own_lab, own_lab.sitting("local", 0.3))
    own_lab.client.flushall()
    (entry,) = own_lab.entries("local")
    assert entry.result is not None


def test_a_server_whose_memory_is_full_gets_the_result_when_it_has_room(
    own_lab: Laboratory, node: EmbeddedNode
) -> None:
    begin(own_lab, own_lab.sitting("local", 0.3))
    own_lab.client.config_set("maxmemory", "1")
    spool = Spool(own_lab.spool("local"))
    own_lab.wait_until(lambda: spool.count() == 1)
    own_lab.wait_until(lambda: not own_lab.below(node.pid or 0))
    own_lab.client.config_set("maxmemory", "0")
    (entry,) = own_lab.entries("local")
    assert entry.result is not None
    assert not node.restart_if_died()


# The node


def test_a_killed_node_takes_its_guardian_and_trials_along_and_its_successor_reports_the_loss(
    own_lab: Laboratory, node: EmbeddedNode
) -> None:
    spec = own_lab.sitting("local", 30.0, strategy="processes")
    processes = begin(own_lab, spec)
    assert node.pid is not None
    os.kill(node.pid, signal.SIGKILL)
    gone(own_lab, processes)
    own_lab.wait_until(node.restart_if_died)
    (entry,) = own_lab.entries("local")
    assert (entry.job_id, entry.lost) == (
        rediskeys.job_id(spec),
        "node local was restarted while it ran",
    )
    assert own_lab.queue.state_of(entry.job_id, "local") == "failed"
    own_lab.queue.dispatch(own_lab.sitting("local"))
    assert own_lab.entries("local")[0].result is not None


def test_what_a_dead_node_had_spooled_is_sent_by_its_successor(own_lab: Laboratory) -> None:
    spec = own_lab.sitting("local")
    sealed = own_lab.signer("local").seal("lost", rediskeys.job_id(spec), encode("no room"))
    Spool(own_lab.spool("local")).keep(sealed)
    # Of a lab whose key was another's: kept for people, not sent, and in nobody's way.
    stranger = own_lab.signer("stranger").seal("lost", "local-7f3a-x-a1", encode("forged"))
    Spool(own_lab.spool("local")).keep(stranger)
    own_lab.queue.dispatch(spec)
    own_lab.client.lpop("rq:queue:local")
    own_lab.client.hset(f"rq:job:{rediskeys.job_id(spec)}", "status", "started")
    own_lab.node("local").start()
    (entry,) = own_lab.entries("local")
    assert (entry.job_id, entry.lost) == (rediskeys.job_id(spec), "no room")
    assert own_lab.queue.state_of(entry.job_id, "local") == "failed"
    own_lab.wait_until(lambda: [p.suffix for p in own_lab.spool("local").iterdir()] == [".unreadable"])
    assert own_lab.queue.collect(0.1) == []


def test_a_job_that_was_handed_to_a_node_and_never_began_is_begun(own_lab: Laboratory) -> None:
    specs = [own_lab.sitting("local") for _ in range(3)]
    for spec in specs:
        own_lab.queue.dispatch(spec)
    for _ in range(2):
        own_lab.client.lmove("rq:queue:local", "rq:queue:local:intermediate", "LEFT", "RIGHT")
    own_lab.client.rpush("rq:queue:local:intermediate", "local-gone-a1", b"\xff")
    own_lab.node("local").start()
    results = [entry.result for entry in own_lab.entries("local", 3)]
    assert [result and result.sitting for result in results] == [spec.sitting for spec in specs]
    assert own_lab.client.llen("rq:queue:local:intermediate") == 0


def test_a_job_that_was_begun_is_not_begun_again_when_it_is_found_on_the_queue(own_lab: Laboratory) -> None:
    spec = own_lab.sitting("local")
    own_lab.queue.dispatch(spec)
    own_lab.client.hset(f"rq:job:{rediskeys.job_id(spec)}", "status", "started")
    own_lab.node("local").start()
    (entry,) = own_lab.entries("local")
    assert entry.lost == "node local was restarted while it ran"


def test_maintenance_runs_nothing_that_a_job_names(own_lab: Laboratory, home: Path) -> None:
    # RQ's own clean-up of abandoned jobs calls their failure callbacks, in whoever looks.
    mark, job = home / "ran", "local-7f3a-evil-a1"
    SittingJob.create(
        func=FUNCTION,
        connection=own_lab.client,
        serializer=SERIALIZER,
        id=job,
        origin="local",
        status="started",  # type: ignore[arg-type]
    ).save()
    own_lab.client.hset(f"rq:job:{job}", mapping={"failure_callback_name": "os.system", "retries_left": 3})
    own_lab.client.zadd("rq:wip:local", {f"{job}:e1": 1.0})
    own_lab.client.zadd("rq:wip:local", {"local-none-a1:e2": 1.0})
    own_lab.node("local").start()
    (entry,) = own_lab.entries("local")
    assert entry.lost == "node local was restarted while it ran"
    # The node told of the job before it took the last of them off the registry.
    own_lab.wait_until(lambda: own_lab.client.zcard("rq:wip:local") == 0)
    assert own_lab.client.llen("rq:queue:local") == 0
    assert not mark.exists()


# The guardian


def test_a_killed_guardian_is_reported_and_leaves_no_process(own_lab: Laboratory, node: EmbeddedNode) -> None:
    spec = own_lab.sitting("local", 30.0, strategy="processes")
    processes = begin(own_lab, spec)
    guardian = min(processes)
    began = time.monotonic()
    os.kill(guardian, signal.SIGKILL)
    (entry,) = own_lab.entries("local")
    assert entry.lost == "its guardian was killed by SIGKILL"
    assert time.monotonic() - began < 2.0
    gone(own_lab, processes)
    own_lab.queue.dispatch(own_lab.sitting("local"))
    assert own_lab.entries("local")[0].result is not None


def test_a_guardian_that_is_killed_while_the_server_is_away_is_reported_afterwards(
    own_lab: Laboratory, node: EmbeddedNode
) -> None:
    processes = begin(own_lab, own_lab.sitting("local", 30.0))
    kill_server(own_lab)
    os.kill(min(processes), signal.SIGKILL)
    gone(own_lab, processes)
    assert own_lab.server.restart_if_died()
    (entry,) = own_lab.entries("local")
    assert entry.lost == "its guardian was killed by SIGKILL"
    assert not node.restart_if_died()


def test_a_sitting_that_is_stopped_is_reported_as_such_and_leaves_no_process(
    own_lab: Laboratory, node: EmbeddedNode
) -> None:
    spec = own_lab.sitting("local", 30.0, strategy="processes")
    processes = begin(own_lab, spec)
    own_lab.queue.cancel("local", rediskeys.job_id(spec))
    (entry,) = own_lab.entries("local")
    assert entry.lost == "it was stopped on request"
    gone(own_lab, processes)
    assert not own_lab.below(node.pid or 0)


def test_a_stop_that_comes_as_a_sitting_begins_does_not_kill_the_node(
    own_lab: Laboratory, node: EmbeddedNode
) -> None:
    # RQ killed the worker's own group in 6 of 8 tries.
    pid = node.pid
    stopped = 0
    for _ in range(12):
        spec = own_lab.sitting("local", 30.0)
        job = rediskeys.job_id(spec)
        own_lab.queue.dispatch(spec)
        message = f'{{"command": "stop-job", "job_id": "{job}"}}'
        ended = False
        limit = time.monotonic() + 10
        while not ended:
            assert time.monotonic() < limit
            own_lab.client.publish("rq:pubsub:local", message)
            ended = own_lab.queue.state_of(job, "local") == "failed"
        stopped += own_lab.entries("local")[0].lost == "it was stopped on request"
    assert stopped == 12
    assert not node.restart_if_died()
    assert node.pid == pid


def begin_with_limit(lab: Laboratory, spec: SittingSpec, seconds: int) -> EmbeddedNode:
    """Begin a sitting whose job has another limit than the lab would give it."""
    lab.queue.dispatch(spec)
    lab.client.hset(f"rq:job:{rediskeys.job_id(spec)}", "timeout", seconds)
    node = lab.node("local")
    node.start()
    return node


def test_a_sitting_over_its_time_is_ended_with_all_its_processes(own_lab: Laboratory) -> None:
    node = begin_with_limit(own_lab, own_lab.sitting("local", 30.0, strategy="processes"), 2)
    own_lab.wait_until(lambda: len(own_lab.below(node.pid or 0)) >= 4)
    processes = own_lab.below(node.pid or 0)
    (entry,) = own_lab.entries("local")
    assert entry.lost == "JobTimeoutException: Task exceeded maximum timeout value (2 seconds)"
    gone(own_lab, processes)


def test_a_guardian_that_hangs_is_killed_by_its_node(own_lab: Laboratory) -> None:
    # RQ's limit is an alarm in the guardian, which does not hear it while it is stopped.
    node = begin_with_limit(own_lab, own_lab.sitting("local", 30.0, strategy="processes"), -8)
    own_lab.wait_until(lambda: len(own_lab.below(node.pid or 0)) >= 4)
    processes = own_lab.below(node.pid or 0)
    os.kill(min(processes), signal.SIGSTOP)
    (entry,) = own_lab.entries("local")
    assert entry.lost == "it had not ended after 2 s and was killed"
    gone(own_lab, processes)


# The disk


def test_a_full_disk_does_not_keep_a_result_from_being_sent(own_lab: Laboratory, node: EmbeddedNode) -> None:
    spec = own_lab.sitting("local", 0.2)
    # Whoever writes to this device finds a full disk.
    (own_lab.spool("local") / f"{rediskeys.job_id(spec)}.part").symlink_to("/dev/full")
    own_lab.queue.dispatch(spec)
    (entry,) = own_lab.entries("local")
    assert entry.result is not None
    assert "is not spooled: the disk of the spool" in node.log.read_text()
    own_lab.queue.dispatch(own_lab.sitting("local"))
    assert own_lab.entries("local")[0].result is not None


def test_a_full_disk_while_the_server_is_away_is_a_loss_with_that_reason(
    own_lab: Laboratory, node: EmbeddedNode
) -> None:
    spec = own_lab.sitting("local", 0.3)
    (own_lab.spool("local") / f"{rediskeys.job_id(spec)}.part").symlink_to("/dev/full")
    begin(own_lab, spec)
    kill_server(own_lab)
    own_lab.wait_until(lambda: not own_lab.below(node.pid or 0))
    assert own_lab.server.restart_if_died()
    (entry,) = own_lab.entries("local")
    assert entry.lost is not None
    assert "spool disk is full or failing, and the server could not be reached" in entry.lost
    assert not node.restart_if_died()
