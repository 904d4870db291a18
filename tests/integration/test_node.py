"""A node on a real server: what it runs, what it refuses, and how it comes and goes."""

from __future__ import annotations

import json
import os
import signal
import time
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from parlab.orchestrator.lab.access import acl
from parlab.orchestrator.lab.embedded import EmbeddedNode
from parlab.workers.clock import SystemClock
from parlab.workers.errors import EnvironmentFault
from parlab.workers.host.lock import sitting_lock, sitting_lock_path
from parlab.workers.wire import keys as rediskeys
from parlab.workers.wire.codec import encode
from parlab.workers.wire.job import FUNCTION, SERIALIZER, SittingJob
from parlab.workers.wire.spec import SittingSpec
from tests.support.laboratory import LAB_KEY, Laboratory


@pytest.fixture
def node(lab: Laboratory) -> EmbeddedNode:
    node = lab.node()
    node.start()
    return node


def name_of(node: EmbeddedNode) -> str:
    return node._name


def push(lab: Laboratory, node: str, body: str, signature: str, job: str) -> None:
    """Put a job on a queue as somebody who can write there, lab or not."""
    SittingJob.create(
        func=FUNCTION,
        args=[body, signature],
        connection=lab.client,
        serializer=SERIALIZER,
        id=job,
        origin=node,
        status="queued",  # type: ignore[arg-type]
    ).save()
    lab.client.rpush(f"rq:queue:{node}", job)


def ran(lab: Laboratory, node: EmbeddedNode, spec: SittingSpec) -> bool:
    """Send a sitting and tell whether it was run."""
    lab.queue.dispatch(spec)
    (entry,) = lab.entries(name_of(node))
    return entry.result is not None


# What runs


def test_a_sitting_is_run_and_its_result_comes_back_signed(lab: Laboratory, node: EmbeddedNode) -> None:
    spec = lab.sitting(name_of(node))
    lab.queue.dispatch(spec)
    (entry,) = lab.entries(name_of(node))
    result = entry.result
    assert result is not None
    assert (result.run, result.sitting, result.attempt, result.node) == (spec.run, spec.sitting, 1, spec.node)
    assert result.calibration is not None
    assert [trial.outcome for trial in result.trials] == ["measured"]
    lab.wait_until(lambda: lab.queue.state_of(entry.job_id, spec.node) == "finished")
    lab.wait_until(lambda: list(lab.spool(spec.node).iterdir()) == [])
    lab.wait_until(lambda: lab.below(node.pid or 0) == [])


def test_sittings_are_run_one_after_another_in_their_order(lab: Laboratory, node: EmbeddedNode) -> None:
    specs = [lab.sitting(name_of(node)) for _ in range(4)]
    for spec in specs:
        lab.queue.dispatch(spec)
    results = [entry.result for entry in lab.entries(name_of(node), 4)]
    assert [result and result.sitting for result in results] == [spec.sitting for spec in specs]


def test_a_job_whose_id_is_pushed_twice_is_run_once(lab: Laboratory, node: EmbeddedNode) -> None:
    name, spec = name_of(node), lab.sitting(name_of(node))
    lab.queue.dispatch(spec)
    lab.client.rpush(f"rq:queue:{name}", rediskeys.job_id(spec))
    lab.entries(name)
    # RQ's plain way to enqueue would write it down as queued once more.
    lab.client.hset(f"rq:job:{rediskeys.job_id(spec)}", "status", "queued")
    lab.client.rpush(f"rq:queue:{name}", rediskeys.job_id(spec))
    last = lab.sitting(name)
    lab.queue.dispatch(last)
    (entry,) = lab.entries(name)
    assert entry.result is not None
    assert entry.result.sitting == last.sitting
    lab.wait_until(lambda: lab.client.llen(f"rq:queue:{name}:intermediate") == 0)


# What is refused


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"node": "another"}, "is not what its spec says"),
        ({"sitting": "s0"}, "is not what its spec says"),
        ({"attempt": 2}, "is not what its spec says"),
        ({"schema_version": 99}, "of schema version 99"),
        ({"kind": "destroy"}, "'destroy' is none of"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_spec_that_is_not_for_this_job_is_refused_though_the_lab_signed_it(
    lab: Laboratory, node: EmbeddedNode, change: dict[str, object], reason: str
) -> None:
    name = name_of(node)
    spec = lab.sitting(name)
    job = rediskeys.job_id(spec)
    body = encode({**json.loads(encode(spec)), **change})
    push(lab, name, body, lab.signer(name).sign_spec(body, job), job)
    (entry,) = lab.entries(name)
    assert entry.result is None
    assert reason in (entry.lost or "")
    assert "\n" not in (entry.lost or ""), "a sentence, not a traceback"
    assert ran(lab, node, lab.sitting(name)), "the node goes on"


def test_a_spec_that_the_lab_did_not_sign_is_refused(lab: Laboratory, node: EmbeddedNode) -> None:
    name = name_of(node)
    for number, (body, signature) in enumerate(
        [(encode(lab.sitting(name)), ""), ("{", "x"), ("null", "é"), ("[]", "0" * 64)]
    ):
        push(lab, name, body, signature, f"{name}-7f3a-x{number}-a1")
        (entry,) = lab.entries(name)
        assert "not the lab's" in (entry.lost or "")
    stranger = lab.sitting(name)
    body, job = encode(stranger), rediskeys.job_id(stranger)
    push(lab, name, body, lab.signer("another").sign_spec(body, job), job)
    (entry,) = lab.entries(name)
    assert "not the lab's" in (entry.lost or "")
    lab.wait_until(lambda: not lab.below(node.pid or 0))


def test_a_sitting_of_an_older_slot_is_refused(lab: Laboratory, node: EmbeddedNode) -> None:
    name = name_of(node)
    boot_id = next(r.host.boot_id for r, _ in lab.queue.nodes() if r.node == name)
    mine = lab.queue.acquire_slot(boot_id, "7f3a", 30).fence or 0
    assert ran(lab, node, lab.sitting(name, fence=mine))
    theirs = lab.queue.acquire_slot(boot_id, "7f3a", 30).fence or 0
    lab.queue.dispatch(lab.sitting(name, fence=mine))
    (entry,) = lab.entries(name)
    assert f"slot {mine} of the host" in (entry.lost or "")
    assert ran(lab, node, lab.sitting(name, fence=theirs))
    lab.client.delete(rediskeys.slot(boot_id), rediskeys.slot_counter(boot_id))


def test_a_job_that_names_another_function_runs_nothing(
    lab: Laboratory, node: EmbeddedNode, home: Path
) -> None:
    name, mark = name_of(node), home / "ran"
    command = f"touch {mark}"
    datas: list[object] = [
        ["os.system", None, [command], {}],
        ["os.system", None, [], {"command": command}],
        ["system", {"x": 1}, [command], {}],
        None,
        "os.system",
    ]
    for number, data in enumerate(datas):
        job = f"{name}-7f3a-evil{number}-a1"
        lab.client.hset(
            f"rq:job:{job}",
            mapping={
                "data": zlib.compress(json.dumps(data).encode()),
                "origin": name,
                "status": "queued",
                "created_at": "2026-01-01T00:00:00.000000Z",
                "success_callback_name": "os.system",
                "failure_callback_name": "os.system",
                "webhooks": json.dumps([{"url": "http://127.0.0.1:9/", "status": "failed"}]),
                "retries_left": 5,
            },
        )
        lab.client.rpush(f"rq:queue:{name}", job)
        (entry,) = lab.entries(name)
        assert entry.result is None
        assert entry.lost
    assert not mark.exists()


def test_a_malformed_job_is_passed_over_and_the_node_goes_on(lab: Laboratory, node: EmbeddedNode) -> None:
    name = name_of(node)
    malformed: list[dict[Any, Any]] = [
        {"nothing": "x"},
        {"data": "x", "timeout": "soon"},
        {"data": b"\xff\x00", "created_at": "never"},
    ]
    for number, fields in enumerate(malformed):
        lab.client.hset(f"rq:job:{name}-bad{number}", mapping=fields)
        lab.client.rpush(f"rq:queue:{name}", f"{name}-bad{number}", "no-such-job", b"\xff/../x")
    pid = node.pid
    assert ran(lab, node, lab.sitting(name))
    assert not node.restart_if_died()
    assert node.pid == pid


def test_a_malformed_command_does_not_deafen_the_node(lab: Laboratory, node: EmbeddedNode) -> None:
    name = name_of(node)
    for message in ("", "{", "[]", "{}", '{"command": "stop-job"}', b"\xff"):
        lab.client.publish(f"rq:pubsub:{name}", message)
    spec = lab.sitting(name, 30.0)
    lab.queue.dispatch(spec)
    lab.wait_until(lambda: lab.queue.state_of(rediskeys.job_id(spec), name) == "started")
    lab.queue.cancel(name, rediskeys.job_id(spec))
    (entry,) = lab.entries(name)
    assert entry.lost == "it was stopped on request"


# One measurement per host at a time


def test_a_sitting_waits_for_the_host_and_says_who_held_it(lab: Laboratory) -> None:
    name = lab.fresh_name()
    node = lab.node(name)
    node.lock_limit_seconds = 0.3
    node.start()
    place = lab.folder / sitting_lock_path().name
    with sitting_lock(SystemClock(), "81bc", "s9", path=place):
        lab.queue.dispatch(lab.sitting(name))
        (entry,) = lab.entries(name)
        assert f"held by sitting s9 of run 81bc (pid {os.getpid()})" in (entry.lost or "")
    assert ran(lab, node, lab.sitting(name))


def test_two_nodes_of_a_host_do_not_measure_at_once(lab: Laboratory) -> None:
    nodes = [lab.node() for _ in range(2)]
    for node in nodes:
        node.start()
        lab.queue.dispatch(lab.sitting(name_of(node), 0.3))
    first, second = (lab.entries(name_of(node))[0].result for node in nodes)
    assert first is not None
    assert second is not None
    early, late = sorted((first, second), key=lambda result: result.started_unix_seconds)
    assert late.started_unix_seconds >= early.started_unix_seconds + early.seconds


# Coming and going


def test_a_second_node_of_a_name_is_refused_with_the_cure(lab: Laboratory, node: EmbeddedNode) -> None:
    twin = lab.node(name_of(node))
    with pytest.raises(EnvironmentFault, match=f"there is a node named {name_of(node)} already") as refused:
        twin.start()
    assert "Choose another --name" in str(refused.value)
    assert not lab.client.hexists(f"rq:worker:{name_of(node)}", "death"), (
        "its refusal leaves the other's rows alone"
    )
    assert name_of(node) in [registration.node for registration, _ in lab.queue.nodes()]
    assert ran(lab, node, lab.sitting(name_of(node)))


def test_a_node_that_was_killed_starts_again_at_once_under_its_name(
    lab: Laboratory, node: EmbeddedNode
) -> None:
    assert node.pid is not None
    os.kill(node.pid, signal.SIGKILL)
    began = time.monotonic()
    lab.wait_until(node.restart_if_died)
    assert time.monotonic() - began < 5.0, "waiting for its row to expire takes ten seconds"
    assert ran(lab, node, lab.sitting(name_of(node)))


def test_a_node_that_ends_takes_its_rows_along(lab: Laboratory, node: EmbeddedNode) -> None:
    name = name_of(node)
    node.stop()
    assert name not in [registration.node for registration, _ in lab.queue.nodes()]
    assert lab.client.smembers(f"rq:workers:{name}") == set()
    assert lab.client.hexists(f"rq:worker:{name}", "death")


def test_an_embedded_node_that_is_told_to_end_ends_its_sitting_with_it(
    lab: Laboratory, node: EmbeddedNode
) -> None:
    spec = lab.sitting(name_of(node), 30.0, strategy="processes")
    lab.queue.dispatch(spec)
    assert node.pid is not None
    lab.wait_until(lambda: len(lab.below(node.pid or 0)) >= 2)
    processes = lab.below(node.pid)
    node.stop()
    lab.wait_until(lambda: not [pid for pid in processes if lab.alive(pid)], 2)


def test_a_row_that_names_no_process_keeps_no_node_out(lab: Laboratory) -> None:
    name = lab.fresh_name()
    # What a server put together that was started again over its data: no process, and no expiry.
    lab.client.hset(f"rq:worker:{name}", mapping={"state": "idle"})
    lab.client.sadd("rq:workers", f"rq:worker:{name}")
    node = lab.node(name)
    node.start()
    assert ran(lab, node, lab.sitting(name))


def test_neither_password_nor_key_is_in_a_process_list(lab: Laboratory, node: EmbeddedNode) -> None:
    spec = lab.sitting(name_of(node), 0.3)
    lab.queue.dispatch(spec)
    lab.wait_until(lambda: len(lab.below(node.pid or 0)) >= 2)
    secret = lab.signer(name_of(node)).key.hex()
    for pid in (os.getpid(), lab.server.pid, node.pid, *lab.below(node.pid or 0)):
        shown = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
        assert secret not in shown
        assert LAB_KEY.hex() not in shown
    lab.entries(name_of(node))


def test_a_node_does_with_the_permissions_of_a_node(lab: Laboratory, home: Path) -> None:
    name = lab.fresh_name()
    rules = ["reset", "on", ">pw", *acl.node_rules(name, group=False)]
    cast("Any", lab.client).execute_command("ACL", "SETUSER", name, *rules)
    url = lab.server.url.replace("unix://", f"unix://{name}:pw@")
    node = lab.node(name, PARLAB_REDIS_URL=url)
    node.start()
    assert ran(lab, node, lab.sitting(name))
    lab.queue.dispatch(replace(lab.sitting(name), turns=-1, node=name, run="81bc", fence=-1))
    (entry,) = lab.entries(name)
    assert "given to another" in (entry.lost or "")
    node.stop()
    assert "NOPERM" not in node.log.read_text()
    denied = lab.client.acl_log()
    assert [entry for entry in denied if entry["username"] == name] == []
