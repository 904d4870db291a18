"""The long-lived orchestrator: its API, its lease, what it survives, and what it refuses."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING

from parlab.workers.wire import keys as rediskeys
from parlab.workers.wire.codec import decode, encode
from parlab.workers.wire.registration import Heartbeat, NodeRegistration
from tests.conftest import Command
from tests.support.laboratory import Laboratory, wait_until
from tests.support.served import TOKEN, Served, compared, events, experiment, serving, start

if TYPE_CHECKING:
    import httpx


def problem(answer: httpx.Response, status: int) -> dict[str, str]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    about: dict[str, str] = answer.json()
    assert about.keys() == {"type", "title", "status", "detail", "hint"}
    assert about["hint"]
    return about


def test_a_run_is_begun_followed_and_read(served: Served) -> None:
    run = served.begin(experiment(blocks=3, seconds=0.01))
    told = events(served.ask(f"/api/runs/{run}/events").text)
    assert told[-1][0] == "end"
    assert told[-1][1]["state"] == "done"
    assert {kind for kind, _ in told} >= {"progress", "end"}
    assert max(state["blocks"] for kind, state in told if kind == "progress") >= 3
    found = served.run(run)
    (threads,) = (v for v in found["verdicts"] if v["label"] == "threads ×2")
    assert 1.5 < threads["speed_up"] < 2.2
    listed = next(one for one in served.ask("/api/runs").json() if one["run"] == run)
    assert (listed["run"], listed["state"], listed["active"]) == (run, "done", False)
    # Who comes later hears how it ended.
    assert events(served.ask(f"/api/runs/{run[:3]}/events").text)[-1][0] == "end"


def test_an_experiment_is_taken_as_toml_too(served: Served) -> None:
    text = """
    experiment = { name = "toml", question = "?", trial_seconds = 0.05 }
    workload = [{ name = "wait", seconds = 0.001, tasks = 2 }]
    strategy = [{ name = "serial" }, { name = "threads", max_workers = 2 }]
    stop = { rule = "fixed", blocks = 1 }
    """
    answer = served.ask(
        "/api/runs",
        "POST",
        content=text.encode(),
        headers={"Content-Type": "application/toml; charset=utf-8"},
    )
    assert answer.status_code == 201
    served.until(answer.json()["run"], "done")


def test_a_run_is_stopped_and_what_was_measured_stays_and_it_can_go_on(served: Served) -> None:
    run = served.begin(experiment(blocks=200))
    wait_until(lambda: served.blocks(run) >= 2, 30)
    stopped = served.ask(f"/api/runs/{run}", "DELETE").json()
    assert (stopped["state"], stopped["reason"]) == ("interrupted", "it was stopped")
    blocks = served.blocks(run)
    assert blocks >= 2
    answer = served.ask(f"/api/runs/{run}/resume", "POST", json={"blocks": blocks + 1})
    assert answer.status_code == 202
    assert compared(served.until(run, "done")) == [blocks + 1]


CHANGING = (
    ("POST", "/api/runs"), ("DELETE", "/api/runs/abcd"), ("POST", "/api/runs/abcd/resume"),
    ("PUT", "/api/runs/abcd/pin"), ("DELETE", "/api/runs/abcd/pin"), ("POST", "/api/nodes"),
    ("DELETE", "/api/nodes/a"), ("POST", "/api/nodes/a/pause"), ("POST", "/api/nodes/a/resume"),
)  # fmt: skip


def test_nothing_is_changed_without_the_token(served: Served) -> None:
    for method, path in CHANGING:
        for token in (None, "wrong", TOKEN + "x", TOKEN[:-1]):
            answer = served.ask(path, method, token=token)
            about = problem(answer, 401)
            assert answer.headers["www-authenticate"] == "Bearer"
            assert TOKEN not in json.dumps(about)
    # All that changes something is in the list.
    described = served.ask("/openapi.json", token=None).json()["paths"]
    changing = {(m.upper(), p) for p, methods in described.items() for m in methods if m != "get"}
    assert len(changing) == len(CHANGING)
    assert served.ask("/api/runs", token=None).status_code == 200


def test_what_is_wrong_with_a_request_is_said_with_its_cure(served: Served) -> None:
    body = experiment()
    assert (
        "no_such"
        in problem(served.ask("/api/runs", "POST", json={**body, "workload": [{"name": "no_such"}]}), 422)[
            "detail"
        ]
    )
    large = problem(
        served.ask(
            "/api/runs", "POST", content=b"#" * (5 << 20), headers={"Content-Type": "application/toml"}
        ),
        413,
    )
    assert "4 MiB" in large["detail"]
    problem(served.ask("/api/runs", "POST", content=b"x", headers={"Content-Type": "text/plain"}), 415)
    problem(served.ask("/api/runs", "POST", content=b"{", headers={"Content-Type": "application/json"}), 422)
    problem(
        served.ask("/api/runs", "POST", content=b"[" * 100_000, headers={"Content-Type": "application/json"}),
        422,
    )
    path = problem(served.ask("/api/runs", "POST", json={**body, "python": [{"executable": "/bin/sh"}]}), 422)
    assert "no paths" in path["detail"]
    made = problem(served.ask("/api/runs", "POST", json={**body, "node": [{"cpus": 1}]}), 422)
    assert "--fleet" in made["hint"]
    away = problem(served.ask("/api/runs", "POST", json={**body, "node": [{"name": "nobody"}]}), 503)
    assert "nobody" in away["detail"]
    problem(served.ask("/api/runs/ffff"), 404)
    problem(served.ask("/api/runs/ffff/events"), 404)
    problem(served.ask("/api/nodes/nobody/pause", "POST"), 404)
    problem(served.ask("/nothing"), 404)
    assert served.ask("/api/runs", "PATCH").status_code == 405
    # The lab goes on.
    served.until(served.begin(experiment(blocks=1)), "done")


def test_a_paused_node_gets_no_further_sittings_until_it_goes_on(served: Served) -> None:
    run = served.begin(experiment(blocks=30))
    wait_until(lambda: served.blocks(run) >= 1, 30)
    assert served.ask("/api/nodes/a/pause", "POST").json()["paused"] is True
    wait_until(lambda: "paused" in (served.run(run)["waiting_for"] or ""), 20)
    blocks = served.blocks(run)
    problem(served.ask("/api/runs", "POST", json=experiment()), 503)
    assert served.blocks(run) == blocks
    assert served.ask("/api/nodes/a/resume", "POST").json()["paused"] is False
    wait_until(lambda: served.blocks(run) > blocks, 20)
    served.ask(f"/api/runs/{run}", "DELETE")


def test_two_runs_take_turns_on_a_host_and_waiting_takes_nothing_from_the_budget(served: Served) -> None:
    first = served.begin(experiment("first", blocks=14))
    # It has the host: else the second may be quicker to take it.
    wait_until(lambda: served.blocks(first) >= 1, 30)
    second = served.begin(
        experiment("second", blocks=2) | {"stop": {"rule": "fixed", "blocks": 2, "budget": "30s"}}
    )
    wait_until(lambda: f"run {first}" in (served.run(second)["waiting_for"] or ""), 20)
    # In one answer: by the next the first may have ended.
    both = {"parlab_orchestrator_waiting_runs 1.0", "parlab_orchestrator_active_runs 2.0"}
    wait_until(lambda: both <= set(served.ask("/metrics").text.splitlines()), 10)
    assert compared(served.until(first, "done")) == [14]
    assert compared(served.until(second, "done")) == [2]
    assert served.run(second)["running_seconds"] < 15


def test_a_second_orchestrator_waits_for_the_lease_and_takes_over(own_lab: Laboratory, home: Path) -> None:
    with serving(own_lab, home / "one") as one, serving(own_lab, home / "two") as two:
        wait_until(lambda: two.ask("/readyz").json()["orchestrator"] == "waiting")
        about = problem(two.ask("/api/runs", "POST", json=experiment()), 503)
        assert "another orchestrator" in about["detail"]
        assert one.ask("/readyz").json()["orchestrator"] == "leading"
        assert one.end() == 0
        wait_until(lambda: two.ask("/readyz").json()["orchestrator"] == "leading", 25)


def test_a_run_goes_on_after_a_stop_and_after_a_kill_of_its_orchestrator(
    own_lab: Laboratory, home: Path
) -> None:
    own_lab.node("a").start()
    with serving(own_lab, home / "o") as served:
        wait_until(lambda: served.ask("/readyz").status_code == 200)
        run = served.begin(experiment(blocks=10))
        wait_until(lambda: served.blocks(run) >= 2, 30)
        assert served.end() == 0
        assert any("will continue when it is started again" in line for line in served.lines)
    with serving(own_lab, home / "o") as served:
        wait_until(lambda: served.blocks(run) >= 5, 30)
        served.process.kill()
    with serving(own_lab, home / "o") as served:
        found = served.until(run, "done")
        assert compared(found) == [10]
        trials = json.loads(served.ask(f"/api/runs/{run}/record").text)["trials"]
        counted = [t["result"]["trial"] for t in trials if t["block"] is not None]
        assert len(counted) == len(set(counted)) >= 20


def test_a_server_that_is_not_there_yet_is_waited_for(own_lab: Laboratory, home: Path) -> None:
    own_lab.server.stop()
    with serving(own_lab, home / "o", PARLAB_REDIS_URL="redis://127.0.0.1:1/0") as served:
        assert served.ask("/healthz").status_code == 200
        answer = served.ask("/readyz")
        assert answer.status_code == 503
        wait_until(lambda: served.ask("/readyz").json()["orchestrator"] == "server away")
        assert "does not answer" in problem(served.ask("/api/runs", "POST", json=experiment()), 503)["detail"]
        problem(served.ask("/api/nodes"), 503)


def test_the_first_experiment_starts_by_itself_once(own_lab: Laboratory, home: Path) -> None:
    options = {"PARLAB_FIRST_EXPERIMENT": "smoke"}
    with serving(own_lab, home / "o", **options) as served:
        own_lab.node("a").start()
        (run,) = wait_until_list(served)
        assert run["experiment"] == "smoke"
        served.ask(f"/api/runs/{run['run']}", "DELETE")
        assert served.end() == 0
    with serving(own_lab, home / "o", **options) as served:
        wait_until(lambda: served.ask("/readyz").status_code == 200)
        assert len(served.ask("/api/runs").json()) == 1


def wait_until_list(served: Served) -> list[dict[str, str]]:
    wait_until(lambda: served.ask("/api/runs").json(), 30)
    return list(served.ask("/api/runs").json())


def test_a_node_of_another_version_or_with_a_wrong_clock_is_told_of_and_the_lab_goes_on(
    served: Served,
) -> None:
    client = served.lab.client
    key = rediskeys.node_hash("a")
    registration = decode(NodeRegistration, client.hget(key, "registration") or b"")
    old = json.loads(encode(registration)) | {"node": "old", "schema_version": 99}
    beat = encode(Heartbeat("old", time.time() - 3600, None))
    client.sadd(rediskeys.NODES, "old", "strange")
    client.hset(rediskeys.node_hash("old"), mapping={"registration": json.dumps(old), "heartbeat": beat})
    client.hset(
        rediskeys.node_hash("strange"), mapping={"registration": '{"of": "tomorrow"}', "heartbeat": beat}
    )
    nodes = {node["name"]: node for node in served.ask("/api/nodes").json()}
    assert "version 99" in nodes["old"]["problem"]
    assert "another version" in nodes["strange"]["problem"]
    assert 3500 < nodes["old"]["clock_offset_seconds"] < 3700
    found = served.until(served.begin(experiment(blocks=1)), "done")
    assert found["nodes"] == ["a"]
    assert (
        "old"
        in problem(served.ask("/api/runs", "POST", json=experiment(node=[{"name": "old"}])), 503)["detail"]
    )
    client.srem(rediskeys.NODES, "old", "strange")
    client.delete(rediskeys.node_hash("old"), rediskeys.node_hash("strange"))


def test_reading_metrics_changes_nothing_at_the_server(served: Served) -> None:
    served.until(served.begin(experiment(blocks=1)), "done")
    kept = {"rq:finished:a", "rq:wip:a", "rq:failed:a", "parlab:results:a"}

    def image() -> dict[str, bytes | None]:
        return {key: served.lab.client.dump(key) for key in kept}

    before = image()
    wait_until(lambda: "parlab_comparison_blocks{host=" in served.ask("/metrics", token=None).text)
    assert 'parlab_node_up{node="a"} 1.0' in served.ask("/metrics", token=None).text
    assert image() == before


def test_a_run_that_is_pinned_stays_exported(served: Served) -> None:
    first = served.begin(experiment("first", blocks=1))
    served.until(first, "done")
    assert served.ask(f"/api/runs/{first}/pin", "PUT").status_code == 204
    second = served.begin(experiment("second", blocks=1))
    served.until(second, "done")

    def exported() -> set[str]:
        text = served.ask("/metrics").text
        return {
            run
            for run in (first, second)
            if f'parlab_run_info{{experiment="first",run="{run}"' in text or f'run="{run}",state' in text
        }

    wait_until(lambda: exported() == {first, second})
    served.ask(f"/api/runs/{first}/pin", "DELETE")
    wait_until(lambda: exported() == {second})


def test_docs_describe_every_route_without_anything_from_elsewhere(served: Served) -> None:
    page = served.ask("/docs", token=None)
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert "src=" not in page.text
    for path in served.ask("/openapi.json").json()["paths"]:
        assert path in page.text


def test_an_address_or_home_that_is_taken_is_said(served: Served, parlab: Command) -> None:
    port = served.url.rpartition(":")[2]
    taken = parlab.run("serve", "--port", port, PARLAB_REDIS_URL=served.lab.server.url)
    assert taken.code == 3
    assert "cannot listen" in taken.err
    home = parlab.run(
        "serve", "--port", "0", PARLAB_REDIS_URL=served.lab.server.url, PARLAB_HOME=str(served.home)
    )
    assert home.code == 3
    assert "another parlab serve" in home.err
    short = parlab.run("serve", "--port", "0", PARLAB_REDIS_URL=served.lab.server.url, PARLAB_TOKEN="short")
    assert short.code == 2
    assert parlab.run("serve", "--port", "0").code == 2


def test_ctrl_c_ends_it_in_order(own_lab: Laboratory, home: Path) -> None:
    served = start(own_lab, home / "o")
    os.kill(served.process.pid, signal.SIGINT)
    assert served.process.wait(10) == 0
