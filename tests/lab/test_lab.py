"""`docker compose up --wait` on a real engine: what a user gets, and what happens when parts fail."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from parlab.orchestrator.lab.access.certificates import ensure_authority, for_token
from parlab.workers.wire.join_token import JoinToken, decode_token
from tests.lab.composed import SERVICES, Lab, docker, experiment, wait_until
from tests.support.checkout import CHECKOUT
from tests.support.served import compared


def test_up_ends_when_the_lab_works_and_soon_has_a_first_result(lab: Lab) -> None:
    began = time.monotonic()
    assert lab.ask("/readyz")[1]["ready"] is True
    wait_until(
        lambda: lab.query("parlab_speedup_lower_ratio or parlab_comparison_blocks"), 60, "a first result"
    )
    seconds = lab.seconds_to_up + time.monotonic() - began
    print(f"up: {lab.seconds_to_up:.0f} s; first result in Prometheus: {seconds:.0f} s")
    assert seconds < 60
    # The latest first: other tests may have begun runs by now.
    assert lab.ask("/api/runs")[1][-1]["experiment"] == "lab"


def test_the_nodes_say_what_they_are(lab: Lab) -> None:
    nodes = wait_until(lambda: len(lab.nodes()) == 4 and lab.nodes(), 30, "four nodes")
    assert {name: nodes[name]["builds"][0]["id"] for name in ("node-py313", "node-py314")} != {}
    assert nodes["node-py314"]["builds"][0]["version"].startswith("3.14")
    assert nodes["node-freethreaded"]["builds"][0]["free_threaded"] is True
    assert nodes["node-freethreaded"]["builds"][0]["gil_enabled"] is False
    assert nodes["node-limited"]["effective_cpus"] == 1
    assert "quota 1" in nodes["node-limited"]["effective_cpus_why"]
    assert nodes["node-limited"]["memory_limit_bytes"] == 1 << 30
    # Containers of one machine agree on which machine that is.
    assert len({node["host"] for node in nodes.values()}) == 1
    assert all(node["problem"] is None for node in nodes.values())


def test_containers_have_least_rights_and_ports_are_this_machines(lab: Lab) -> None:
    for service in SERVICES:
        (about,) = json.loads(docker("inspect", lab.container(service)))
        host = about["HostConfig"]
        assert host["ReadonlyRootfs"] is True, service
        assert host["CapDrop"] == ["ALL"], service
        assert not host["CapAdd"], service
        assert "no-new-privileges:true" in host["SecurityOpt"], service
        assert about["Config"]["User"].partition(":")[0] not in ("", "0", "root"), service
        assert not any("docker.sock" in mount["Source"] for mount in about["Mounts"]), service
        for published in (about["NetworkSettings"]["Ports"] or {}).values():
            for port in published or ():
                assert port["HostIp"] == (
                    "127.0.0.1" if service != "redis" else lab.redis_address.split(":")[0]
                )
        said = json.dumps([about["Config"]["Env"], about["Config"]["Cmd"], about["Args"]])
        assert lab.token not in said
        assert "parlab1." not in said


def test_each_container_sees_its_own_secrets_only(lab: Lab) -> None:
    seen = {s: lab.compose("exec", "-T", s, "ls", "/run/parlab-secrets").split() for s in SERVICES[:5]}
    assert seen["node-py313"] == ["join"]
    assert seen["node-py314"] == ["join"]
    assert "lab.key" in seen["orchestrator"]
    assert "users.acl" in seen["redis"]
    assert "lab.key" not in seen["redis"]
    logs = lab.compose("logs", "--no-color")
    assert lab.token not in logs
    assert "parlab1." not in logs


def test_a_small_experiment_through_the_api_is_measured_on_every_node(quiet_lab: Lab) -> None:
    lab = quiet_lab
    found = lab.until_ended(lab.begin(experiment("small", blocks=10)), 180)
    assert found["state"] == "done"
    assert sorted(found["nodes"]) == ["node-freethreaded", "node-limited", "node-py313", "node-py314"]
    threads = [v for v in found["verdicts"] if v["label"].startswith("threads")]
    assert len(threads) == 4
    for verdict in threads:
        assert verdict["blocks"] == 10
        assert verdict["low"] < verdict["speed_up"] < verdict["high"]
        assert 1.5 < verdict["speed_up"] < 2.2, verdict
    stored = json.loads(lab.parlab("export", found["run"]))
    trials = [trial for trial in stored["trials"] if trial["block"] is not None]
    assert len(trials) == len({trial["trial"] for trial in trials}) >= 10 * 8


def test_a_node_fetches_from_the_labs_target_and_others_have_none(quiet_lab: Lab) -> None:
    lab = quiet_lab
    text = experiment("gets", blocks=2, nodes='[[node]]\nname = "node-py313"')
    text = text.replace('"wait"\nseconds = 0.004', '"http_get"\ndelay = 0.004')
    found = lab.until_ended(lab.begin(text), 90)
    assert found["state"] == "done", found
    assert compared(found) == [2]
    # The profile with a database is not up: its workload is refused with the reason, before anything runs.
    asked = text.replace('"http_get"\ndelay = 0.004', '"postgres_query"')
    status, answer = lab.ask("/api/runs", method="POST", body=asked.encode(), kind="application/toml")
    assert status >= 400
    assert "has no target named postgres: set PARLAB_TARGET_POSTGRES there" in json.dumps(answer)


def test_commands_against_the_lab_print_what_a_local_run_prints(quiet_lab: Lab, tmp_path: Path) -> None:
    lab = quiet_lab
    file = tmp_path / "waits.toml"
    file.write_text(experiment("waits", blocks=3, nodes='[[node]]\nname = "node-py313"'))
    own = {**os.environ, "PARLAB_HOME": str(tmp_path), "PARLAB_TOKEN": lab.token, "NO_COLOR": "1"}

    def command(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "parlab", *arguments, "--lab", lab.url],
            capture_output=True, text=True, cwd=CHECKOUT, env=own, timeout=120, check=False,
        )  # fmt: skip

    ran = command("run", str(file))
    assert ran.returncode == 0, ran.stderr
    assert "Does waiting work gain by threads?" in ran.stdout
    assert "threads ×2" in ran.stdout
    listed = command("list").stdout
    run = next(line.split()[0] for line in listed.splitlines() if " waits " in line)
    assert command("show", run).stdout == ran.stdout
    assert json.loads(command("export", run).stdout)["run"] == run
    further = command("resume", run, "--blocks", "5")
    assert further.returncode == 0, further.stderr
    assert compared(lab.run(run)) == [5]


def test_a_node_that_is_killed_is_told_of_and_its_run_goes_on_when_it_is_back(quiet_lab: Lab) -> None:
    lab = quiet_lab
    run = lab.begin(experiment("killed", blocks=14, nodes='[[node]]\nname = "node-py313"'))
    wait_until(lambda: lab.run(run)["progress"]["blocks"] >= 2, 60, "two blocks")
    node = lab.container("node-py313")
    docker("kill", "--signal", "KILL", node)
    alert = 'ALERTS{alertname="NodeGone", alertstate="firing", node="node-py313"}'
    wait_until(lambda: lab.query(alert), 90, "the alert")
    wait_until(
        lambda: "node-py313" in (lab.run(run)["waiting_for"] or ""), 30, "the run says what it waits for"
    )
    docker("start", node)
    found = lab.until_ended(run, 120)
    assert found["state"] == "done"
    assert compared(found) == [14]
    wait_until(lambda: not lab.query(alert), 60, "the alert's end")


def test_down_and_up_in_mid_run_lose_nothing(quiet_lab: Lab) -> None:
    lab = quiet_lab
    run = lab.begin(experiment("downup", blocks=12))
    wait_until(lambda: lab.run(run)["progress"]["blocks"] >= 2, 60, "two blocks")
    before = lab.run(run)["progress"]["blocks"]
    lab.down()
    lab.up()
    assert lab.run(run)["progress"]["blocks"] >= before
    found = lab.until_ended(run, 180)
    assert found["state"] == "done"
    stored = json.loads(lab.parlab("export", run))
    counted = [t["trial"] for t in stored["trials"] if t["block"] is not None and t["outcome"] == "measured"]
    assert len(counted) == len(set(counted))
    assert found["progress"]["blocks"] >= 12


def test_redis_killed_in_mid_run_loses_nothing(quiet_lab: Lab) -> None:
    lab = quiet_lab
    run = lab.begin(experiment("redis", blocks=10))
    wait_until(lambda: lab.run(run)["progress"]["blocks"] >= 2, 60, "two blocks")
    server = lab.container("redis")
    docker("kill", "--signal", "KILL", server)
    wait_until(lambda: lab.ask("/readyz")[0] == 503, 30, "not ready")
    assert lab.ask("/healthz")[0] == 200
    docker("start", server)
    found = lab.until_ended(run, 180)
    assert found["state"] == "done"
    assert found["progress"]["blocks"] >= 10
    wait_until(lambda: lab.ask("/readyz")[0] == 200, 30, "ready again")


@pytest.fixture
def token_of(lab: Lab) -> Iterator[str]:
    status, answer = lab.ask("/api/nodes", method="POST", body=b'{"name": "visitor"}')
    assert status == 201, answer
    yield answer["join_token"]
    lab.ask("/api/nodes/visitor", method="DELETE")


def test_a_node_joins_from_another_network_with_an_address_and_a_token(quiet_lab: Lab, token_of: str) -> None:
    lab = quiet_lab
    project = f"{lab.project}second"
    own = {
        **os.environ,
        "PARLAB_REDIS": lab.redis_address,
        "PARLAB_JOIN": token_of,
        "PARLAB_NODE_IMAGE": f"{lab.environment['PARLAB_IMAGES']}-node-py313",
    }
    compose = ["compose", "--project-name", project, "--file", str(CHECKOUT / "docker-compose.node.yml")]
    try:
        docker(*compose, "up", "--wait", "--detach", "--no-build", env=own)
        wait_until(lambda: lab.nodes().get("visitor", {}).get("up"), 30, "the visitor")
        found = lab.until_ended(
            lab.begin(experiment("visit", blocks=3, nodes='[[node]]\nname = "visitor"')), 90
        )
        assert found["state"] == "done"
        assert found["nodes"] == ["visitor"]
    finally:
        docker(*compose, "down", "--volumes", env=own, check=False)


def test_a_node_trusts_no_server_but_its_labs(lab: Lab, token_of: str, tmp_path: Path) -> None:
    image = f"{lab.environment['PARLAB_IMAGES']}-node-py313"

    def told(token: JoinToken, address: str) -> str:
        done = subprocess.run(
            ["docker", "run", "--rm", "--init", "--env", "PARLAB_JOIN", "--env", f"PARLAB_REDIS={address}",
             "--env", "PARLAB_WAIT_SECONDS=60", image],
            env={**os.environ, "PARLAB_JOIN": token.encode()}, capture_output=True, text=True, timeout=50,
            check=False,
        )  # fmt: skip
        assert done.returncode == 3, done.stdout
        assert "Traceback" not in done.stderr
        return done.stderr

    token = decode_token(token_of)
    ensure_authority(tmp_path, datetime.now(UTC))
    another = replace(token, ca=for_token(tmp_path / "ca.crt"))
    # At once, though a server that is away would be waited for.
    assert "is not signed by the one that is trusted" in told(another, lab.redis_address)
    refused = replace(token, password="guess")
    assert "refuses the password" in told(refused, lab.redis_address)
