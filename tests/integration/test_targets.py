"""Runs whose workloads talk to something: started by the command, told to a node, or missing."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from parlab.workers.errors import BadInput, EnvironmentFault
from parlab.workers.node.settings import read
from tests.support.laboratory import Laboratory, wait_until
from tests.support.targets import RunningTarget, http_target


def _experiment(folder: Path, *, workload: str = "http_get", blocks: int = 2, tables: str = "") -> Path:
    path = folder / "gets.toml"
    path.write_text(
        f"""
[experiment]
name = "gets"
trial_seconds = 0.05
round_seconds = 0.01
[[workload]]
name = "{workload}"
tasks = 4
{tables}
[[strategy]]
name = "serial"
[[strategy]]
name = "threads"
max_workers = 2
[stop]
rule = "fixed"
blocks = {blocks}
budget = "10s"
"""
    )
    return path


def _targets(parlab: Any) -> list[int]:
    return [pid for pid, line in parlab.processes().items() if "http_target" in line]


def test_the_target_is_started_said_and_ended_with_the_run(parlab: Any) -> None:
    result = parlab.home / "r.json"
    ended = parlab.run("run", _experiment(parlab.home), "--json", result)
    assert ended.code == 0, ended.err
    cpu, cpus = max(os.sched_getaffinity(0)), len(os.sched_getaffinity(0))
    there = f"there are {cpus}" if cpus > 1 else "there is no other"
    assert f"http target on CPU {cpu} (shared with the measurement: {there})" in ended.err
    assert "threads ×2" in ended.out
    parlab.assert_nothing_left()
    text = result.read_text()
    document = json.loads(text)
    assert sum(t["outcome"] == "measured" and t["block"] is not None for t in document["trials"]) == 4
    # Its address is nobody's affair.
    assert not re.search(r"127\.0\.0\.1:\d+", text + ended.err + ended.out)
    # A run that goes on starts it again.
    more = parlab.run("resume", document["run"], "--blocks", "3")
    assert more.code == 0, more.err
    assert "http target on CPU" in more.err
    parlab.assert_nothing_left()


@pytest.fixture
def measuring(parlab: Any) -> Iterator[tuple[Any, Any]]:
    """A command in the middle of a long run."""
    process = parlab.start("run", _experiment(parlab.home, blocks=1000))
    wait_until(lambda: _targets(parlab), 20)
    while "run " not in process.stderr.readline():
        pass
    yield parlab, process
    process.kill()
    process.communicate()


def test_nothing_is_left_of_a_command_that_is_killed(measuring: tuple[Any, Any]) -> None:
    parlab, process = measuring
    process.kill()
    process.wait(10)
    parlab.assert_nothing_left()


def test_a_target_that_dies_is_named_by_what_it_failed(measuring: tuple[Any, Any]) -> None:
    parlab, process = measuring
    (target,) = _targets(parlab)
    os.kill(target, 9)
    ended = parlab.wait(process, 40)
    assert ended.code == 1
    assert "target http did not answer" in " ".join(ended.out.split())
    parlab.assert_nothing_left()


def test_a_target_of_the_environment_is_used_and_none_is_started(parlab: Any) -> None:
    with http_target() as own:
        ended = parlab.run("run", _experiment(parlab.home), PARLAB_TARGET_HTTP=own.address)
        assert ended.code == 0, ended.err
        assert "http target on CPU" not in ended.err
        assert own.process.poll() is None
        assert own.address not in ended.err + ended.out


def test_a_run_without_a_database_says_what_is_missing(parlab: Any) -> None:
    ended = parlab.run("run", _experiment(parlab.home, workload="postgres_query"))
    assert ended.code == 2
    assert "node local has no target named postgres: set PARLAB_TARGET_POSTGRES there" in ended.err
    assert "Traceback" not in ended.err


def test_a_run_that_waits_for_nothing_starts_no_target(parlab: Any) -> None:
    ended = parlab.run("run", _experiment(parlab.home, workload="wait", tables="seconds = 0.005"))
    assert ended.code == 0, ended.err
    assert "target" not in ended.err


def test_a_node_says_the_names_of_its_targets_and_nothing_more(
    lab: Laboratory, http_address: RunningTarget
) -> None:
    secret = "postgresql://u:a-password@db:5432/x"
    file = lab.folder / "dsn"
    file.write_text(secret + "\n")
    node = lab.node(
        "told",
        PARLAB_TARGET_HTTP=http_address.address,
        PARLAB_TARGET_POSTGRES_FILE=str(file),
        PARLAB_TARGET_OTHER="",
        PARLAB_TARGET_AWAY_FILE=str(lab.folder / "missing"),
    )
    node.start()
    ((registration, _),) = [found for found in lab.queue.nodes() if found[0].node == "told"]
    assert registration.targets == ("http", "postgres")
    seen = b""
    for key in cast("list[bytes]", lab.client.keys("*told*")):
        if lab.client.type(key) == b"hash":
            seen += b"".join(cast("list[bytes]", lab.client.hvals(key.decode())))
    assert b"targets" in seen
    assert b"a-password" not in seen
    assert http_address.address.encode() not in seen
    assert "a-password" not in node.log.read_text()


@pytest.fixture
def http_address() -> Iterator[RunningTarget]:
    with http_target() as running:
        yield running


def _read(home: Path, **environ: str) -> Any:
    key = {"PARLAB_NODE_KEY": "00" * 32, "PARLAB_REDIS_URL": "redis://r", "PARLAB_HOME": str(home)}
    return read(["--name", "n"], {**key, **environ})


def test_addresses_are_read_once_and_not_shown(home: Path) -> None:
    (home / "dsn").write_text("postgresql://u:secret@db/x\n")
    settings = _read(
        home, PARLAB_TARGET_HTTP=" http://t:8080 ", PARLAB_TARGET_POSTGRES_FILE=str(home / "dsn")
    )
    assert settings.targets == {"http": "http://t:8080", "postgres": "postgresql://u:secret@db/x"}
    assert "secret" not in repr(settings)
    both = _read(home, PARLAB_TARGET_POSTGRES="x", PARLAB_TARGET_POSTGRES_FILE=str(home / "dsn"))
    assert both.targets == {"postgres": "x"}
    assert _read(home, PARLAB_TARGET_POSTGRES_FILE=str(home / "missing")).targets == {}
    assert _read(home, PARLAB_TARGET_HTTP="").targets == {}


def test_addresses_that_cannot_be_are_refused(home: Path) -> None:
    with pytest.raises(BadInput, match="PARLAB_TARGET_HTTP is not the address"):
        _read(home, PARLAB_TARGET_HTTP="t:8080")
    (home / "dsn").mkdir()
    with pytest.raises(EnvironmentFault, match="PARLAB_TARGET_POSTGRES_FILE: cannot read"):
        _read(home, PARLAB_TARGET_POSTGRES_FILE=str(home / "dsn"))
