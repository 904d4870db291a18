"""The whole way as a user goes it: an experiment file, the command, and what it says and keeps."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from parlab.orchestrator.lab.embedded import EmbeddedServer

Plain = dict[str, Any]

_SEED = 11


def _experiment(
    folder: Path,
    *,
    workloads: Sequence[str] = ("wait",),
    strategies: Sequence[str] = ("serial", "threads"),
    pythons: str = "",
    blocks: int = 2,
) -> Path:
    tables = {"wait": "seconds = 0.005", "integer_sum": "steps = 2000"}
    path = folder / "tiny.toml"
    parts = [
        '[experiment]\nname = "tiny"\nquestion = "Does the way work?"',
        "trial_seconds = 0.02\nround_seconds = 0.005",
        *(f'[[workload]]\nname = "{name}"\n{tables[name]}\ntasks = 4' for name in workloads),
        *(
            f'[[strategy]]\nname = "{name}"' + ("" if name == "serial" else "\nmax_workers = 2")
            for name in strategies
        ),
        pythons,
        f'[stop]\nrule = "fixed"\nblocks = {blocks}\nbudget = "90s"',
    ]
    path.write_text("\n".join(parts) + "\n")
    return path


def _document(path: Path) -> Plain:
    found: Plain = json.loads(path.read_text())
    return found


def _measured(document: Plain) -> list[Plain]:
    return [t for t in document["trials"] if t["block"] is not None and t["outcome"] == "measured"]


def _orders(document: Plain) -> dict[str, list[str]]:
    """Which trial came when in the first turn of each sitting, by sitting."""
    first = [
        (trial["sitting"], one["position"], trial["configuration"])
        for trial in _measured(document)
        for one in trial["rounds"]
        if one["turn"] == 0
    ]
    return {
        sitting: [name for _, _, name in sorted(t for t in first if t[0] == sitting)]
        for sitting, _, _ in first
    }


@pytest.fixture(scope="module")
def done(commands: Callable[..., Any]) -> tuple[Any, Any, Plain]:
    """A run of all strategies that has ended: the command, how it ended, and the file it wrote."""
    parlab = commands()
    path = _experiment(
        parlab.home,
        workloads=("integer_sum", "wait"),
        strategies=("serial", "threads", "processes"),
        blocks=8,
    )
    ended = parlab.run("run", path, "--json", parlab.home / "result.json", "--seed", _SEED)
    assert ended.code == 0, ended.err
    return parlab, ended, _document(parlab.home / "result.json")


def test_a_run_ends_with_verdicts(done: tuple[Any, Any, Plain]) -> None:
    parlab, ended, document = done
    table = ended.out.splitlines()
    # Four waits of 5 ms, two at a time: nothing that this machine does besides can hide that.
    assert re.search(r"threads ×2 .* faster", ended.out.partition("wait(")[2])
    assert sum("baseline" in line for line in table if line.startswith("  serial")) == 2
    assert "run " + document["run"] in ended.out
    assert "Traceback" not in ended.err
    parlab.assert_nothing_left()


def test_the_run_is_told_at_its_start(done: tuple[Any, Any, Plain]) -> None:
    _, ended, document = done
    assert document["run"] in ended.err
    assert "4 comparisons" in ended.err


def test_the_file_holds_every_block_once(done: tuple[Any, Any, Plain]) -> None:
    _, _, document = done
    assert document["schema"] == "parlab/run/1"
    assert document["state"] == "done"
    assert document["plan"]["seed"] == _SEED
    assert document["ended_unix_seconds"] >= document["started_unix_seconds"]
    for group in document["plan"]["groups"]:
        configurations = {c["id"] for c in group["configurations"]}
        blocks = [b for b in document["blocks"] if b["group"] == group["id"]]
        assert [b["block"] for b in blocks] == list(range(8))
        assert all(set(b["seconds"]) == configurations for b in blocks)
    names = [t["trial"] for t in _measured(document)]
    assert len(names) == len(set(names)) == 8 * 2 * 3


def test_a_stored_run_is_listed_shown_and_exported(done: tuple[Any, Any, Plain]) -> None:
    parlab, ended, document = done
    run = document["run"]
    listed = parlab.run("list")
    assert re.search(rf"^{run} +tiny .*done", listed.out, re.MULTILINE)
    shown = parlab.run("show", run[:3])
    assert shown.code == 0
    assert shown.out.splitlines()[2:8] == ended.out.splitlines()[2:8]
    exported = parlab.run("export", run, "--format", "json")
    assert json.loads(exported.out)["trials"] == document["trials"]
    written = parlab.home / "again.json"
    assert parlab.run("export", run, "-o", written).out == ""
    assert _document(written)["finding"] == document["finding"]


def test_a_resume_goes_on_with_the_next_block(done: tuple[Any, Any, Plain]) -> None:
    parlab, _, document = done
    path = parlab.home / "more.json"
    ended = parlab.run("resume", document["run"], "--blocks", "9", "--json", path, "--quiet")
    assert (ended.code, ended.out, ended.err) == (0, "", "")
    more = _document(path)
    assert more["run"] == document["run"]
    assert [t for t in more["trials"] if t["block"] != 8] == document["trials"]
    new = [b for b in more["blocks"] if b["block"] == 8]
    assert len(new) == len(document["plan"]["groups"])
    assert all(set(b["seconds"].values()) != {None} for b in new)
    assert parlab.run("list").out.count("tiny") == 1


def test_the_same_seed_gives_the_same_plan_and_orders(
    done: tuple[Any, Any, Plain], commands: Callable[..., Any]
) -> None:
    _, _, document = done
    parlab = commands()
    path = _experiment(
        parlab.home,
        workloads=("integer_sum", "wait"),
        strategies=("serial", "threads", "processes"),
        blocks=8,
    )
    options = ["--seed", _SEED, "--blocks", 2, "--json", parlab.home / "r.json", "--quiet"]
    assert parlab.run("run", path, *options).code == 0
    again = _document(parlab.home / "r.json")
    assert again["plan"] == document["plan"]
    orders = _orders(document)
    assert len(_orders(again)) == 4
    assert all(orders[sitting] == order for sitting, order in _orders(again).items())
    assert len(set(map(tuple, orders.values()))) > 2, "every order was the same"


def test_two_builds_are_measured_in_the_same_sittings(parlab: Any, free_threaded: str) -> None:
    pythons = (
        f'[[python]]\nexecutable = "{sys.executable}"\n'
        f'[[python]]\nexecutable = "{free_threaded}"\ngil = ["on", "off"]'
    )
    path = _experiment(parlab.home, pythons=pythons)
    ended = parlab.run("run", path, "--json", parlab.home / "r.json")
    assert ended.code == 0, ended.err
    document = _document(parlab.home / "r.json")
    (group,) = document["plan"]["groups"]
    planned = {c["id"]: c for c in group["configurations"]}
    assert len(planned) == 6
    assert len({c["python"] for c in planned.values()}) == 2
    for block in document["blocks"]:
        assert set(block["seconds"]) == set(planned)
        sat = {t["sitting"] for t in _measured(document) if t["block"] == block["block"]}
        assert len(sat) == 1
    for trial in _measured(document):
        planned_gil = planned[trial["configuration"]]["gil"]
        assert trial["gil_enabled"] is (planned_gil != "off")


def test_a_build_without_the_state_of_the_gil_is_skipped_and_the_other_is_measured(
    parlab: Any, free_threaded: str
) -> None:
    pythons = ["--python", sys.executable, "--python", free_threaded]
    options = ["--gil", "off", "--json", parlab.home / "r.json"]
    ended = parlab.run("run", _experiment(parlab.home), *pythons, *options)
    assert ended.code == 0, ended.err
    document = _document(parlab.home / "r.json")
    (group,) = document["plan"]["groups"]
    own = [c["id"] for c in group["configurations"] if not c["python"].endswith("t")]
    assert {f["configuration"] for f in document["failures"]} == set(own)
    assert all("GIL" in f["reason"] for f in document["failures"])
    assert "GIL" in ended.out
    others = [t for t in _measured(document) if t["configuration"] not in own]
    assert len(others) == 4
    assert all(t["gil_enabled"] is False for t in others)


@contextmanager
def _node(parlab: Any, url: str, name: str) -> Iterator[subprocess.Popen[str]]:
    node = parlab.start("node", "--name", name, "--redis", url, "--python", sys.executable)
    assert "effective CPU" in node.stdout.readline()
    yield node
    node.terminate()
    ended = parlab.wait(node)
    assert "Traceback" not in ended.err


def test_an_existing_server_and_its_node_are_used_and_left_alone(parlab: Any) -> None:
    # The lab's key is made by its first command; the node's is derived from it.
    path = _experiment(parlab.home)
    server = EmbeddedServer(parlab.home / "server")
    with ExitStack() as stack:
        server.start()
        stack.callback(server.stop)
        nobody = parlab.run("run", path, "--redis", server.url)
        assert nobody.code == 3
        assert "parlab node" in nobody.err
        node = stack.enter_context(_node(parlab, server.url, "desk"))
        ended = parlab.run("run", path, "--redis", server.url, "--json", parlab.home / "r.json")
        assert ended.code == 0, ended.err
        document = _document(parlab.home / "r.json")
        assert [n["node"] for n in document["nodes"]] == ["desk"]
        assert len(_measured(document)) == 4
        # A resume has to know the server, too.
        alone = parlab.run("resume", document["run"], "--blocks", "3")
        assert alone.code == 2
        assert "--redis" in alone.err
        more = parlab.run("resume", document["run"], "--blocks", "3", PARLAB_REDIS_URL=server.url)
        assert more.code == 0, more.err
        assert node.poll() is None
        assert server.pid is not None


def test_a_second_run_waits_for_the_first_and_says_so(parlab: Any) -> None:
    path = _experiment(parlab.home, blocks=6)
    first = parlab.start("run", path)
    first.stderr.readline()  # what it is about to do, and how long that may take
    run = re.search(r"run (\w+)", first.stderr.readline())
    assert run is not None
    second = parlab.start("run", path, "--blocks", "2")
    said = second.stderr.readline()
    assert f"waiting for run {run[1]}" in said
    assert first.poll() is None
    began = time.monotonic()
    assert parlab.wait(first).code == 0
    ended = parlab.wait(second)
    assert ended.code == 0, ended.err
    assert "threads" in ended.out
    assert time.monotonic() - began < 60
    assert len(re.findall(r"^\w+ +tiny .*? done ", parlab.run("list").out, re.MULTILINE)) == 2
    parlab.assert_nothing_left()
