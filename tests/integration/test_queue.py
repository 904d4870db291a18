"""The lab's side of the queue, on a real server."""

from __future__ import annotations

import os
import signal
import threading
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import pytest
import redis

from parlab.orchestrator.lab.queue import LabQueue, ResultEntry
from parlab.workers.errors import BadInput, ServerUnreachable
from parlab.workers.wire import keys as rediskeys
from parlab.workers.wire.codec import encode
from parlab.workers.wire.connection import connect, masked
from parlab.workers.wire.registration import Heartbeat
from parlab.workers.wire.result import SittingResult
from parlab.workers.wire.spec import SittingSpec
from tests.support.laboratory import LAB_KEY, Laboratory


def waiting(lab: Laboratory, node: str) -> int:
    return int(lab.client.llen(f"rq:queue:{node}"))


def known(lab: Laboratory) -> str:
    """A node's name that the lab knows, without a node."""
    name = lab.fresh_name()
    lab.client.sadd(rediskeys.NODES, name)
    return name


def result_of(spec: SittingSpec) -> SittingResult:
    return SittingResult(
        run=spec.run,
        sitting=spec.sitting,
        attempt=spec.attempt,
        node=spec.node,
        host="h",
        boot_id="b",
        started_unix_seconds=1.0,
        seconds=1.0,
        trials=(),
    )


def say(lab: Laboratory, spec: SittingSpec, *, by: str | None = None) -> None:
    sealed = lab.signer(by or spec.node).seal("result", rediskeys.job_id(spec), encode(result_of(spec)))
    lab.client.xadd(rediskeys.result_stream(spec.node), sealed.fields())


# Dispatch


def test_a_sitting_that_is_sent_twice_is_queued_once(lab: Laboratory) -> None:
    spec = lab.sitting(lab.fresh_name())
    lab.queue.dispatch(spec)
    lab.queue.dispatch(spec)
    assert waiting(lab, spec.node) == 1
    lab.queue.dispatch(replace(spec, attempt=2))
    assert waiting(lab, spec.node) == 2


def test_a_server_that_stalls_while_a_sitting_is_sent_queues_it_once(own_lab: Laboratory) -> None:
    # redis-py's own retries pushed every job twice here; a command may also take effect late.
    spec = own_lab.sitting(own_lab.fresh_name())
    impatient = LabQueue(connect(own_lab.server.url, timeout_seconds=0.3), LAB_KEY, "here")
    impatient.dispatch(own_lab.sitting(spec.node))
    assert own_lab.server.pid is not None
    os.kill(own_lab.server.pid, signal.SIGSTOP)
    for _ in range(3):
        with pytest.raises(ServerUnreachable, match="does not answer"):
            impatient.dispatch(spec)
    os.kill(own_lab.server.pid, signal.SIGCONT)
    impatient.dispatch(spec)
    own_lab.queue.dispatch(spec)
    assert own_lab.client.lrange(f"rq:queue:{spec.node}", 0, -1)[1:] == [rediskeys.job_id(spec).encode()]


def test_two_that_send_a_sitting_at_once_queue_it_once(lab: Laboratory) -> None:
    specs = [lab.sitting(lab.fresh_name()) for _ in range(20)]
    start = threading.Barrier(4)

    def send() -> None:
        queue = LabQueue(connect(lab.server.url), LAB_KEY, "here")
        start.wait()
        for spec in specs:
            queue.dispatch(spec)

    threads = [threading.Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [waiting(lab, spec.node) for spec in specs] == [1] * len(specs)


def test_clients_wait_longer_than_any_blocking_command_and_repeat_nothing() -> None:
    client = connect("redis://localhost:1")
    about = client.connection_pool.connection_kwargs
    assert about["socket_timeout"] == 30
    assert about["retry"]._retries == 0


# Errors


def test_a_server_that_is_not_there_is_told_with_the_cure(home: Path) -> None:
    queue = LabQueue(connect(f"unix://{home}/none.sock"), LAB_KEY, "none.sock")
    with pytest.raises(
        ServerUnreachable, match=r"server none.sock does not answer.*\n.*PARLAB_REDIS_URL"
    ) as told:
        queue.ping()
    assert told.value.exit_code == 3


def test_a_wrong_password_is_told_as_such_and_not_shown(lab: Laboratory) -> None:
    url = lab.server.url.replace("unix://", "unix://somebody:secret@")
    with pytest.raises(ServerUnreachable, match="refuses the password") as told:
        LabQueue(connect(url), LAB_KEY, masked(url)).nodes()
    assert "secret" not in str(told.value)
    assert "somebody:***@" in str(told.value)


def test_a_missing_permission_is_told_as_such(lab: Laboratory) -> None:
    lab.client.acl_setuser("reader", enabled=True, passwords=["+pw"], commands=["+ping", "+client|setinfo"])
    url = lab.server.url.replace("unix://", "unix://reader:pw@")
    with pytest.raises(ServerUnreachable, match="does not allow"):
        LabQueue(connect(url), LAB_KEY, "here").nodes()


@pytest.mark.parametrize("url", ["localhost:6379", "http://localhost", "redis://localhost:port", ""])
def test_what_is_no_server_s_url_is_told_as_such(url: str) -> None:
    with pytest.raises(BadInput, match="is not the URL of a server"):
        connect(url)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://h:1/0", "redis://h:1/0"),
        ("redis://:pw@h", "redis://:***@h"),
        ("rediss://u:p%40w@h", "rediss://u:***@h"),
        ("unix:///x.sock?password=pw&db=1", "unix:///x.sock?password=***&db=1"),
    ],
)
def test_a_url_is_shown_without_its_password(url: str, shown: str) -> None:
    assert masked(url) == shown


# Where a job is


def test_a_job_s_place_is_told_and_looking_changes_nothing(lab: Laboratory) -> None:
    node = lab.fresh_name()
    spec = lab.sitting(node)
    job = rediskeys.job_id(spec)
    assert lab.queue.state_of(job, node) == "absent"
    lab.queue.dispatch(spec)
    before = {key: lab.client.dump(key) for key in lab.client.keys("*")}
    assert lab.queue.state_of(job, node) == "queued"
    assert {key: lab.client.dump(key) for key in lab.client.keys("*")} == before
    lab.client.lmove(f"rq:queue:{node}", f"rq:queue:{node}:intermediate", "LEFT", "RIGHT")
    assert lab.queue.state_of(job, node) == "intermediate"
    lab.client.delete(f"rq:queue:{node}:intermediate")
    assert lab.queue.state_of(job, node) == "absent", "it is written down and on no list: nobody will run it"
    for status, state in {
        "started": "started",
        "finished": "finished",
        "failed": "failed",
        "stopped": "failed",
    }.items():
        lab.client.hset(f"rq:job:{job}", "status", status)
        assert lab.queue.state_of(job, node) == state


def test_a_queued_sitting_that_is_cancelled_is_gone(lab: Laboratory) -> None:
    spec = lab.sitting(lab.fresh_name())
    lab.queue.dispatch(spec)
    lab.queue.cancel(spec.node, rediskeys.job_id(spec))
    assert waiting(lab, spec.node) == 0
    assert lab.queue.state_of(rediskeys.job_id(spec), spec.node) == "absent"
    lab.queue.cancel(spec.node, rediskeys.job_id(spec))


# Results


def test_a_result_comes_again_until_it_is_acknowledged(lab: Laboratory) -> None:
    spec = lab.sitting(known(lab))
    say(lab, spec)

    def mine(found: list[ResultEntry]) -> list[SittingResult | None]:
        return [d.result for d in found if d.node == spec.node]

    assert mine(lab.queue.collect(1.0)) == [result_of(spec)]
    assert mine(lab.queue.collect(0.0)) == [result_of(spec)]
    # Another command, after the first was killed.
    successor = LabQueue(lab.client, LAB_KEY, "here")
    again = successor.collect(0.0)
    assert mine(again) == [result_of(spec)]
    successor.acknowledge(again)
    assert mine(successor.collect(0.0)) == []
    assert mine(LabQueue(lab.client, LAB_KEY, "here").collect(0.0)) == []
    assert lab.client.xlen(rediskeys.result_stream(spec.node)) == 0


def test_results_that_came_before_anybody_collected_are_there(lab: Laboratory) -> None:
    node = known(lab)
    specs = [lab.sitting(node) for _ in range(3)]
    for spec in specs:
        say(lab, spec)
    assert [d.result for d in lab.entries(node, 3)] == [result_of(spec) for spec in specs]


def test_more_results_than_one_batch_all_come(lab: Laboratory) -> None:
    node = known(lab)
    spec = lab.sitting(node)
    for _ in range(700):
        say(lab, spec)
    successor = LabQueue(lab.client, LAB_KEY, "here")
    assert lab.queue.collect(0.0), "read, and its reader dies"
    assert len(lab.entries(node, 700, queue=successor)) == 700


def test_one_run_does_not_take_another_run_s_results(lab: Laboratory) -> None:
    node = known(lab)
    ours = lab.sitting(node)
    theirs = replace(ours, run="81bc")
    one = LabQueue(lab.client, LAB_KEY, "here", run=ours.run)
    other = LabQueue(lab.client, LAB_KEY, "here", run=theirs.run)
    say(lab, theirs)
    say(lab, ours)
    assert [d.result for d in lab.entries(node, 1, queue=one)] == [result_of(ours)]
    assert one.collect(0.0) == []
    assert [d.result for d in lab.entries(node, 1, queue=other)] == [result_of(theirs)]
    assert lab.client.xlen(rediskeys.result_stream(node)) == 0


def test_a_forged_result_is_refused_and_told(lab: Laboratory) -> None:
    node, stranger = known(lab), known(lab)
    spec = lab.sitting(node)
    say(lab, spec, by=stranger)
    lab.client.xadd(rediskeys.result_stream(node), {"job": "x", "kind": "result"})
    lab.client.xadd(
        rediskeys.result_stream(node), {"job": "x", "kind": "\udcff".encode("utf-8", "surrogateescape")}
    )
    sealed = lab.signer(stranger).seal("result", rediskeys.job_id(spec), encode(result_of(spec)))
    # One node speaks for another, in its own stream.
    lab.client.xadd(rediskeys.result_stream(stranger), sealed.fields())
    for forged in (*lab.entries(node, 3), *lab.entries(stranger, 0)):
        assert forged.result is None
        assert forged.lost is None
        assert forged.refused


def test_a_node_cannot_send_the_result_of_another_node_s_sitting(lab: Laboratory) -> None:
    node, stranger = known(lab), known(lab)
    sealed = lab.signer(stranger).seal(
        "result", f"{stranger}-7f3a-s1-a1", encode(result_of(lab.sitting(node)))
    )
    lab.client.xadd(rediskeys.result_stream(stranger), sealed.fields())
    (entry,) = lab.entries(stranger)
    assert entry.result is None
    assert "the result of another" in (entry.refused or "")


def test_a_server_that_lost_its_data_is_collected_from_again(own_lab: Laboratory) -> None:
    node = known(own_lab)
    assert own_lab.queue.collect(0.0) == []
    own_lab.client.flushall()
    own_lab.client.sadd(rediskeys.NODES, node)
    spec = own_lab.sitting(node)
    say(own_lab, spec)
    assert [d.result for d in own_lab.entries(node)] == [result_of(spec)]


def test_collecting_without_any_node_waits_as_long_as_it_was_asked_to(own_lab: Laboratory) -> None:
    import time

    began = time.monotonic()
    assert own_lab.queue.collect(0.2) == []
    assert time.monotonic() - began >= 0.2


# Nodes


def test_only_nodes_that_beat_and_can_be_read_are_listed(own_lab: Laboratory) -> None:
    living, silent, newer = (known(own_lab) for _ in range(3))
    node = own_lab.node(living)
    node.start()
    own_lab.client.hset(
        rediskeys.node_hash(newer),
        mapping={"registration": '{"schema_version":99}', "heartbeat": encode(Heartbeat(newer, 1.0, None))},
    )
    (found,) = own_lab.queue.nodes()
    assert (found[0].node, found[0].pid, found[1].node) == (living, node.pid, living)
    assert silent not in [r.node for r, _ in own_lab.queue.nodes()]
    assert 0 < own_lab.client.ttl(rediskeys.node_hash(living)) <= 10


# Slots


def test_a_host_s_slot_has_one_holder_and_the_other_is_told_who(lab: Laboratory) -> None:
    boot = lab.fresh_name()
    first = lab.queue.acquire_slot(boot, "7f3a", 30)
    assert (first.fence, first.holder) == (1, None)
    second = lab.queue.acquire_slot(boot, "81bc", 30)
    assert (second.fence, second.holder) == (None, "run 7f3a")
    assert lab.queue.renew_slot(boot, 1, 30)
    assert lab.queue.release_slot(boot, 1)
    assert lab.queue.acquire_slot(boot, "81bc", 30).fence == 2
    assert not lab.queue.renew_slot(boot, 1, 30), "it is another's now"
    assert not lab.queue.release_slot(boot, 1)
    assert lab.queue.acquire_slot(boot, "7f3a", 30).holder == "run 81bc"


def test_a_run_that_comes_back_takes_its_own_slot_with_a_higher_number(lab: Laboratory) -> None:
    boot = lab.fresh_name()
    assert [lab.queue.acquire_slot(boot, "7f3a", 30).fence for _ in range(3)] == [1, 2, 3]


def test_a_slot_whose_holder_died_is_free_after_its_lease(lab: Laboratory) -> None:
    boot = lab.fresh_name()
    lab.queue.acquire_slot(boot, "7f3a", 1)
    lab.wait_until(lambda: lab.queue.acquire_slot(boot, "81bc", 30).fence == 2, 5)


def test_of_many_that_want_a_slot_at_once_one_gets_it_and_its_number_is_the_newest(lab: Laboratory) -> None:
    boots = [lab.fresh_name() for _ in range(30)]
    start = threading.Barrier(6)
    got: dict[str, list[int]] = {boot: [] for boot in boots}

    def take(owner: str) -> None:
        queue = LabQueue(connect(lab.server.url), LAB_KEY, "here")
        for boot in boots:
            start.wait()
            fence = queue.acquire_slot(boot, owner, 30).fence
            if fence is not None:
                got[boot].append(fence)

    threads = [threading.Thread(target=take, args=(f"r{number}",)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for boot in boots:
        newest = lab.client.get(rediskeys.slot_counter(boot))
        assert [str(fence).encode() for fence in got[boot]] == [newest], (
            "a newer number would shut its holder out"
        )


def test_a_path_with_a_space_is_part_of_a_server_s_url(home: Path) -> None:
    client = connect(f"unix://{quote(str(home / 'a b'))}/x.sock")
    assert client.connection_pool.connection_kwargs["path"] == f"{home}/a b/x.sock"
    with pytest.raises(redis.ConnectionError):
        client.ping()
