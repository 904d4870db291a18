"""A run meets real faults: signals, killed parts, workloads that go wrong, a disk that is full.

Whatever happens, nothing is left running, nothing that was measured is lost, and the run or its
resume ends with the blocks that it would have had anyway.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

Plain = dict[str, Any]

_SEED = 5
_BLOCKS = 5
_EXPERIMENT = f"""
[experiment]
name = "tiny"
trial_seconds = 0.02
round_seconds = 0.005
seed = {_SEED}

[[workload]]
name = "wait"
seconds = 0.005
tasks = 4

[[strategy]]
name = "serial"
[[strategy]]
name = "threads"
max_workers = 2
[[strategy]]
name = "processes"
max_workers = 2

[stop]
rule = "fixed"
blocks = {_BLOCKS}
budget = "90s"
"""


def _write(parlab: Any, text: str = _EXPERIMENT) -> Path:
    path: Path = parlab.home / "tiny.toml"
    path.write_text(text)
    return path


def _accepted(store: Path) -> int:
    """Sittings of blocks that are stored, as another process sees them while the run goes on."""
    question = "SELECT count(*) FROM sittings WHERE state = 'accepted' AND block IS NOT NULL"
    try:
        with closing(sqlite3.connect(f"file:{store}?mode=ro", uri=True)) as connection:
            (count,) = connection.execute(question).fetchone()
    except sqlite3.OperationalError:
        # Not made yet.
        return 0
    return int(count)


def _until(condition: Callable[[], Any], limit_seconds: float = 30.0) -> Any:
    deadline = time.monotonic() + limit_seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(0.01)
    return found


def _in_the_middle(parlab: Any, *arguments: str) -> subprocess.Popen[str]:
    """Start a run and wait until two of its blocks are stored."""
    command: subprocess.Popen[str] = parlab.start("run", _write(parlab), *arguments)
    _until(lambda: _accepted(parlab.home / "parlab.db") >= 2 or command.poll() is not None)
    assert command.poll() is None
    return command


def _export(parlab: Any) -> Plain:
    """Export the only run of a PARLAB_HOME."""
    (run,) = [path.name for path in (parlab.home / "runs").iterdir()]
    ended = parlab.run("export", run)
    assert ended.code == 0, ended.err
    document: Plain = json.loads(ended.out)
    return document


def _blocks(document: Plain) -> dict[str, tuple[int, frozenset[str]]]:
    """What was measured in which sitting of which block; each trial counts once."""
    trials = [t for t in document["trials"] if t["block"] is not None and t["outcome"] == "measured"]
    twice = [name for name, count in Counter(t["trial"] for t in trials).items() if count > 1]
    assert not twice
    return {
        name: (block, frozenset(t["configuration"] for t in trials if t["sitting"] == name))
        for name, block in {t["sitting"]: t["block"] for t in trials}.items()
    }


@pytest.fixture(scope="module")
def uninterrupted(commands: Callable[..., Any]) -> dict[str, tuple[int, frozenset[str]]]:
    """The blocks of a run to which nothing happened."""
    parlab = commands()
    ended = parlab.run("run", _write(parlab), "--quiet")
    assert ended.code == 0, ended.err
    blocks = _blocks(_export(parlab))
    assert sorted(block for block, _ in blocks.values()) == list(range(_BLOCKS))
    return blocks


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_run_that_is_stopped_keeps_what_it_has_and_can_be_resumed(
    parlab: Any, uninterrupted: dict[str, Any], number: signal.Signals, code: int
) -> None:
    command = _in_the_middle(parlab)
    command.send_signal(number)
    ended = parlab.wait(command, 15)
    assert ended.code == code
    assert "Traceback" not in ended.err
    parlab.assert_nothing_left(0.5)
    partial = _export(parlab)
    assert f"parlab resume {partial['run']}" in ended.err
    assert partial["state"] == "interrupted"
    assert 2 <= len(_blocks(partial)) < _BLOCKS
    resumed = parlab.run("resume", partial["run"])
    assert resumed.code == 0, resumed.err
    assert _blocks(_export(parlab)) == uninterrupted
    parlab.assert_nothing_left()


def test_a_run_that_is_killed_leaves_nothing_running_and_can_be_resumed(
    parlab: Any, uninterrupted: dict[str, Any]
) -> None:
    command = _in_the_middle(parlab)
    _until(lambda: _trial_interpreters(parlab))
    command.kill()
    command.wait()
    parlab.assert_nothing_left()
    parlab.wait(command)
    (run,) = [path.name for path in (parlab.home / "runs").iterdir()]
    assert "interrupted" in parlab.run("list").out
    resumed = parlab.run("resume", run)
    assert resumed.code == 0, resumed.err
    assert _blocks(_export(parlab)) == uninterrupted
    parlab.assert_nothing_left()


def _parent(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def _nodes_and_guardians(parlab: Any) -> set[int]:
    return {pid for pid, line in parlab.processes().items() if "parlab.workers.node" in line}


def _node(parlab: Any) -> list[int]:
    both = _nodes_and_guardians(parlab)
    return [pid for pid in both if _parent(pid) not in both]


def _guardian(parlab: Any) -> list[int]:
    both = _nodes_and_guardians(parlab)
    return [pid for pid in both if _parent(pid) in both]


def _trial_interpreters(parlab: Any) -> list[int]:
    guardians = set(_guardian(parlab))
    return [pid for pid in parlab.processes() if _parent(pid) in guardians]


def _server(parlab: Any) -> list[int]:
    return [pid for pid, line in parlab.processes().items() if "-server " in f"{line} "]


@pytest.mark.parametrize("victim", [_node, _guardian, _server, _trial_interpreters])
def test_a_run_outlives_its_parts(
    parlab: Any, uninterrupted: dict[str, Any], victim: Callable[[Any], list[int]]
) -> None:
    command = _in_the_middle(parlab)
    os.kill(_until(lambda: victim(parlab))[0], signal.SIGKILL)
    ended = parlab.wait(command)
    assert ended.code == 0, ended.err
    assert "Traceback" not in ended.err
    parlab.assert_nothing_left(0.5)
    document = _export(parlab)
    blocks = _blocks(document)
    if victim is _trial_interpreters:
        # The block that lost a trial is void; one more is appended for it.
        lost = [t for t in document["trials"] if t["outcome"] == "lost"]
        assert [t["cause"] for t in lost] == ["died"]
        assert blocks.pop(lost[0]["sitting"])[1] < uninterrupted[lost[0]["sitting"]][1]
        appended = [name for name in blocks if name not in uninterrupted]
        assert [blocks.pop(name)[0] for name in appended] == [_BLOCKS]
        assert blocks == {n: b for n, b in uninterrupted.items() if n != lost[0]["sitting"]}
    else:
        assert blocks == uninterrupted


# Workloads that go wrong: in a pool's threads only, so that the baseline can be measured.

_FAULTY = """
import os, signal, subprocess, sys, threading, time
from .base import Parameter, Workload

def run(item):
    number, fault = item
    if threading.current_thread() is threading.main_thread() or number != 2:
        return number
    if fault == "raises":
        raise ValueError("task 2 does not like it here")
    if fault == "exits":
        os._exit(7)
    if fault == "segfaults":
        signal.pthread_kill(threading.main_thread().ident, signal.SIGSEGV)
        time.sleep(10)
    if fault == "hangs":
        time.sleep(600)
    if fault == "differs":
        return time.perf_counter_ns()
    if fault == "floods":
        for _ in range(100):
            os.write(2, b"x" * 1_000_000)
    if fault == "litters":
        subprocess.Popen(["sleep", "600"], start_new_session=True, stdin=subprocess.DEVNULL)
    return number

def inputs(parameters, count):
    return [(number, parameters["fault"]) for number in range(count)]

WORKLOAD = Workload(
    name="faulty", summary="Goes wrong in threads.", kind="cpu",
    parameters={"fault": Parameter(str, "none")}, function=run, inputs=inputs,
)
"""

_FAULTS = """
[experiment]
name = "faulty"
trial_seconds = 0.001
round_seconds = 0.005
timeout = 2

[[workload]]
name = "faulty"
fault = ["raises", "exits", "segfaults", "hangs", "differs", "floods", "litters"]
tasks = 4

[[strategy]]
name = "serial"
[[strategy]]
name = "threads"
max_workers = 2
[[strategy]]
name = "processes"
max_workers = 2
start_method = "fork"

[stop]
rule = "fixed"
blocks = 2
budget = "90s"
"""


@pytest.fixture(scope="module")
def faulty(commands: Callable[..., Any], root: Path, tmp_path_factory: pytest.TempPathFactory) -> Plain:
    """A run of a workload that goes wrong in every way, made by a copy that has this workload."""
    copy = tmp_path_factory.mktemp("checkout")
    # Links are followed: what is in them is copied, too.
    shutil.copytree(root / "src", copy / "src", ignore=shutil.ignore_patterns("__pycache__"))
    (copy / "src" / "parlab" / "workers" / "workloads" / "faulty.py").write_text(_FAULTY)
    parlab = commands(checkout=copy)
    ended = parlab.run("run", _write(parlab, _FAULTS), "--json", parlab.home / "r.json")
    parlab.assert_nothing_left(0.5)
    assert "Traceback" not in ended.err
    document: Plain = json.loads((parlab.home / "r.json").read_text())
    return {"ended": ended, "document": document}


def _group(document: Plain, fault: str) -> dict[str, Plain]:
    """The configurations of a fault's group by strategy, with their trials and why they failed."""
    (group,) = [g for g in document["plan"]["groups"] if g["workload"]["parameters"]["fault"] == fault]
    return {
        c["strategy"]: {
            "trials": [
                t for t in document["trials"] if t["configuration"] == c["id"] and t["block"] is not None
            ],
            "failure": next((f for f in document["failures"] if f["configuration"] == c["id"]), None),
        }
        for c in group["configurations"]
    }


def test_workloads_that_fail_end_the_run_with_exit_code_1(faulty: Plain) -> None:
    assert faulty["ended"].code == 1
    assert len(faulty["document"]["failures"]) == 5


@pytest.mark.parametrize(
    ("fault", "cause", "said"),
    [
        ("raises", "raised", "does not like it here"),
        ("exits", "died", "7"),
        ("segfaults", "died", "SIGSEGV"),
        ("hangs", "timeout", "within 2 s"),
        ("differs", "wrong-result", "task 2"),
    ],
)
def test_what_fails_fails_alone_and_says_why(faulty: Plain, fault: str, cause: str, said: str) -> None:
    found = _group(faulty["document"], fault)
    failure = found["threads"]["failure"]
    assert said in failure["reason"]
    assert {t["cause"] for t in found["threads"]["trials"]} == {cause}
    # Bad luck is tried again, a fault of the workload's own is not.
    assert len(found["threads"]["trials"]) == (3 if cause == "died" else 1)
    assert ("ValueError" in (failure["traceback"] or "")) is (fault == "raises")
    for other in ("serial", "processes"):
        assert found[other]["failure"] is None
        assert "measured" in {t["outcome"] for t in found[other]["trials"]}
    assert said in faulty["ended"].out


def test_a_flood_of_output_costs_nothing(faulty: Plain) -> None:
    found = _group(faulty["document"], "floods")
    assert all(one["failure"] is None for one in found.values())
    # A trial that the machine disturbed is rejected, and measured again in another block.
    trials = [trial for trial in found["threads"]["trials"] if trial["outcome"] != "rejected"]
    assert [trial["outcome"] for trial in trials] == ["measured"] * 2
    for trial in trials:
        assert trial["output_tail"].endswith("x" * 1000)
        assert len(trial["output_tail"]) < 10_000


def test_what_a_workload_leaves_behind_is_ended_and_told(faulty: Plain) -> None:
    found = _group(faulty["document"], "litters")
    assert all(one["failure"] is None for one in found.values())
    assert any("sleep" in what for s in faulty["document"]["sittings"] for what in s["left_behind"])


# A disk that is full

_WAIT = """
import sqlite3, sys, time
limit, count = time.monotonic() + 30, 0
while count < 2:
    assert time.monotonic() < limit
    time.sleep(0.05)
    try:
        connection = sqlite3.connect(f"file:{sys.argv[1]}?mode=ro", uri=True)
        question = "SELECT count(*) FROM sittings WHERE state = 'accepted' AND block IS NOT NULL"
        (count,) = connection.execute(question).fetchone()
        connection.close()
    except sqlite3.OperationalError:
        pass
"""


@pytest.fixture
def small_disk(parlab: Any) -> Iterator[Path]:
    """The PARLAB_HOME is a small disk in a mount namespace; its path as seen from outside."""
    enter = shutil.which("nsenter")
    if enter is None or shutil.which("unshare") is None:
        pytest.skip("no unshare and nsenter here: no small disk can be made")
    home = parlab.home
    mount = f"mount -t tmpfs -o size=6m tmpfs {home} && mkdir {home}/t && echo ready && exec sleep 600"
    holder = subprocess.Popen(["unshare", "-m", "sh", "-c", mount], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    try:
        if holder.stdout.readline() != "ready\n":
            pytest.skip("no file system can be mounted here")
        parlab.through = (enter, "-m", "-t", str(holder.pid))
        yield Path(f"/proc/{holder.pid}/root{parlab.home}")
    finally:
        holder.kill()
        holder.communicate()


def _fill(ballast: Path) -> None:
    with ballast.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))


def test_a_full_disk_ends_the_run_and_loses_nothing(
    parlab: Any, small_disk: Path, uninterrupted: dict[str, Any]
) -> None:
    (small_disk / "tiny.toml").write_text(_EXPERIMENT)
    command = parlab.start("run", parlab.home / "tiny.toml")
    # SQLite follows every link of a path, and so would leave the namespace again.
    subprocess.run([*parlab.through, sys.executable, "-c", _WAIT, parlab.home / "parlab.db"], check=True)
    with pytest.raises(OSError, match="No space"):
        _fill(small_disk / "ballast")
    ended = parlab.wait(command)
    assert ended.code == 3, ended.err
    assert "Traceback" not in ended.err
    assert "full" in ended.err or "space" in ended.err
    assert "parlab resume" in ended.err
    parlab.assert_nothing_left()
    (small_disk / "ballast").unlink()
    (run,) = [path.name for path in (small_disk / "runs").iterdir()]
    kept = json.loads(parlab.run("export", run).out)
    assert len(_blocks(kept)) >= 2
    resumed = parlab.run("resume", run)
    assert resumed.code == 0, resumed.err
    assert _blocks(json.loads(parlab.run("export", run).out)) == uninterrupted
    parlab.assert_nothing_left()
