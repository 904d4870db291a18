"""Nodes in containers that a command makes: for a lab, and for one run on this machine."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.composed import Lab, docker, wait_until
from tests.support.checkout import CHECKOUT

LIMITS = """
[experiment]
name = "limits"
question = "What does a quota do?"
trial_seconds = 0.1
[[workload]]
name = "wait"
seconds = 0.002
tasks = 4
[[strategy]]
name = "serial"
[[strategy]]
name = "threads"
max_workers = 2
[[node]]
cpus = [0.1, 1]
memory = "256m"
[stop]
rule = "fixed"
blocks = {blocks}
budget = "120s"
"""


class Command:
    """The command with a home of its own."""

    def __init__(self, home: Path, **environment: str) -> None:
        self.home = home
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("PARLAB_")},
            "PARLAB_HOME": str(home),
            "TMPDIR": str(home),
            "PYTHONPATH": str(CHECKOUT / "src"),
            "NO_COLOR": "1",
            **environment,
        }

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "parlab", *arguments],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=self.home, env=self.environment,
        )  # fmt: skip

    def run(self, *arguments: str) -> tuple[int, str, str]:
        process = self.start(*arguments)
        out, err = process.communicate(timeout=300)
        return process.returncode, out, err


def containers(label: str) -> list[str]:
    return docker("ps", "--all", "--quiet", "--filter", f"label={label}").split()


@pytest.fixture(scope="module")
def images() -> Iterator[None]:
    """The images that fleets build are removed with the tests, where they were not there before."""
    before = set(docker("image", "ls", "--quiet", "--filter", "label=parlab.fleet=image").split())
    yield
    now = set(docker("image", "ls", "--quiet", "--filter", "label=parlab.fleet=image").split())
    if now - before:
        docker("image", "rm", "--force", *(now - before), check=False)


@pytest.fixture
def command(engine: None, images: None, home: Path) -> Command:
    return Command(home)


def write(home: Path, blocks: int) -> str:
    file = home / "limits.toml"
    file.write_text(LIMITS.format(blocks=blocks))
    return str(file)


def test_limits_of_cpu_are_a_factor_of_a_run_on_one_machine(command: Command) -> None:
    code, out, err = command.run(
        "run", write(command.home, 2), "--fleet", "--json", str(command.home / "r.json")
    )
    assert code == 0, err
    found = json.loads((command.home / "r.json").read_text())
    nodes = {node["node"]: node["host"] for node in found["nodes"]}
    assert nodes.keys() == {"fleet-py313-0p1cpu-256m", "fleet-py313-1cpu-256m"}
    assert nodes["fleet-py313-0p1cpu-256m"]["effective_cpus"]["quota"] == pytest.approx(0.1)
    assert nodes["fleet-py313-1cpu-256m"]["memory_limit_bytes"] == 256 << 20
    assert len({host["id"] for host in nodes.values()}) == 1
    measured = [
        trial for trial in found["trials"] if trial["outcome"] == "measured" and trial["block"] is not None
    ]
    assert len(measured) >= 2 * 4
    assert "fleet-py313-0p1cpu-256m" in out
    assert containers("parlab.fleet.run") == []


def test_a_run_that_is_stopped_leaves_no_container_and_goes_on_with_the_same_nodes(command: Command) -> None:
    process = command.start("run", write(command.home, 60), "--fleet")
    wait_until(lambda: len(containers("parlab.fleet.run")) == 2, 120, "two containers")
    store = command.home / "parlab.db"
    wait_until(store.exists, 30)
    run = wait_until(lambda: [p.name for p in (command.home / "runs").iterdir()], 30)[0]
    wait_until(lambda: "1 block" in command.run("list")[1] or " running " in command.run("list")[1], 60)
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 143, err
    assert containers("parlab.fleet.run") == []
    code, _, err = command.run("resume", run, "--blocks", "1")
    assert code == 0, err
    assert containers("parlab.fleet.run") == []


def test_what_a_killed_command_left_is_removed_by_the_next(command: Command) -> None:
    process = command.start("run", write(command.home, 60), "--fleet")
    wait_until(lambda: len(containers("parlab.fleet.run")) == 2, 120, "two containers")
    process.kill()
    process.communicate()
    assert len(containers("parlab.fleet.run")) == 2
    assert command.run("fleet", "down")[0] == 0
    assert containers("parlab.fleet.run") == []


def test_what_cannot_be_is_refused_and_leaves_nothing(command: Command) -> None:
    file = write(command.home, 1)
    code, _, err = command.run("run", file)
    assert code == 2
    assert "--fleet" in err
    assert command.run("run", "smoke", "--fleet")[0] == 2
    text = Path(file).read_text()
    Path(file).write_text(text.replace("0.1, 1", "4096"))
    code, _, err = command.run("run", file, "--fleet")
    assert code == 3
    assert "CPUs" in err
    Path(file).write_text(text.replace('"256m"', '"4m"'))
    code, _, err = command.run("run", file, "--fleet")
    assert code == 2
    assert "too little" in err
    Path(file).write_text(text.replace("[[node]]", '[[node]]\npython = "3.2"'))
    code, _, err = command.run("run", file, "--fleet")
    assert code == 3
    assert "python:3.2-slim" in err
    code, _, err = Command(command.home, DOCKER_HOST="unix:///nowhere.sock").run(
        "run", write(command.home, 1), "--fleet"
    )
    assert code == 3
    assert "no Docker engine answers" in err
    assert containers("parlab.fleet.run") == []


def test_a_fleet_joins_a_lab_is_idempotent_and_is_taken_down(quiet_lab: Lab, command: Command) -> None:
    lab = quiet_lab
    own = Command(command.home, PARLAB_LAB=lab.url, PARLAB_TOKEN=lab.token)
    network = f"{lab.project}_lab"
    limits = ("--python", "3.14", "--cpus", "0.5", "--memory", "512m")
    wanted = ("fleet", "up", *limits, "--name", "t1", "--network", network)
    try:
        code, _, err = own.run(*wanted, "--count", "2")
        assert code == 0, err
        names = {"t1-py314-0p5cpu-512m-1", "t1-py314-0p5cpu-512m-2"}
        assert names <= {name for name, node in lab.nodes().items() if node["up"]}
        before = set(containers("parlab.fleet=t1"))
        assert own.run(*wanted, "--count", "2")[0] == 0
        assert set(containers("parlab.fleet=t1")) == before
        assert all(name in own.run("fleet", "ls")[1] for name in names)
        assert "effective CPU" in own.run("fleet", "logs", min(names))[1]
        (about,) = json.loads(docker("inspect", min(before)))
        assert about["HostConfig"]["CapDrop"] == ["ALL"]
        assert about["HostConfig"]["ReadonlyRootfs"] is True
        assert about["HostConfig"]["NanoCpus"] == 500_000_000
        assert own.run(*wanted, "--count", "1")[0] == 0
        assert len(containers("parlab.fleet=t1")) == 1
    finally:
        code, _, err = own.run("fleet", "down", "--name", "t1")
    assert code == 0, err
    assert containers("parlab.fleet=t1") == []
    assert not names & lab.nodes().keys()
    assert own.run("fleet", "logs", "nobody")[0] == 2


def test_a_run_in_a_lab_makes_and_removes_its_nodes(quiet_lab: Lab, command: Command) -> None:
    lab = quiet_lab
    own = Command(command.home, PARLAB_LAB=lab.url, PARLAB_TOKEN=lab.token)
    # Where an engine has more than one lab's network, the command asks which one is meant.
    code, out, err = own.run("run", write(command.home, 1), "--fleet")
    assert code == 0, err
    assert "0p1cpu" in out
    assert not [name for name in lab.nodes() if name.startswith("run")]
    assert docker("ps", "--all", "--quiet", "--filter", "label=parlab.fleet").strip() == ""
