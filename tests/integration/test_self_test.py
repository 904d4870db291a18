"""`parlab doctor --self-test` as its users run it: on this machine, stopped early, and in a lab."""

from __future__ import annotations

import json
import signal
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.conftest import Command
from tests.support.laboratory import wait_until
from tests.support.served import TOKEN, Served

#: Time for a few blocks: nothing is said of rates then, and nothing hangs on the machine's noise.
BUDGET = "6s"
PAIRS = ["serial", "threads", "processes", "planted"]


def accepted(store: Path) -> int:
    """Sittings of blocks that are stored, as another process sees them."""
    question = "SELECT count(*) FROM sittings WHERE state = 'accepted' AND block IS NOT NULL"
    try:
        with closing(sqlite3.connect(f"file:{store}?mode=ro", uri=True)) as connection:
            return int(connection.execute(question).fetchone()[0])
    except sqlite3.OperationalError:
        # Not made yet.
        return 0


def test_a_self_test_measures_on_the_usual_way_and_says_what_it_knows(parlab: Command) -> None:
    file = parlab.home / "self-test.json"
    ended = parlab.run("doctor", "--self-test", "--budget", BUDGET, "--seed", "7", "--json", file)
    assert ended.code == 0, ended.out + ended.err
    checks, _, rest = ended.out.partition("self-test · node local")
    assert "effective CPUs" in checks
    assert "Ready to measure" not in checks, "the last word is the self-test's"
    assert "planted" in rest
    assert "Traceback" not in ended.err
    document = json.loads(file.read_text())
    assert (document["seed"], document["complete"]) == (7, True)
    assert {check["name"] for check in document["checks"]} >= {"steal", "home"}
    (one,) = document["self_tests"]
    assert one["node"] == "local"
    assert [pair["label"].partition(" ")[0] for pair in one["pairs"]] == PAIRS
    assert [slow["slowdown_ratio"] for slow in one["planted"]] == [0.02, 0.05, 0.1]
    blocks = {pair["blocks"] for pair in one["pairs"]}
    if max(blocks) < 20:
        assert one["wrong"] is None
        assert one["precision"] == []
    assert one["trials"] > 0
    # It is a run as any other is.
    assert document["run"] in parlab.run("list").out
    exported = json.loads(parlab.run("export", document["run"]).out)
    counted = [t for t in exported["trials"] if t["block"] is not None]
    assert len(counted) == one["trials"]
    assert {group["label"].partition("(")[0] for group in exported["finding"]["groups"]} == {
        "integer_sum",
        "planted",
    }
    parlab.assert_nothing_left()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_one_that_is_stopped_shows_what_it_has(parlab: Command, number: signal.Signals, code: int) -> None:
    command = parlab.start("doctor", "--self-test", "--budget", "80s")
    wait_until(lambda: accepted(parlab.home / "parlab.db") >= 1 or command.poll() is not None, 60)
    assert command.poll() is None
    command.send_signal(number)
    ended = parlab.wait(command, 20)
    assert ended.code == code, ended.err
    assert "stopped; what was measured so far counts · run " in ended.out
    assert "planted loop" in ended.out
    assert "Traceback" not in ended.err
    parlab.assert_nothing_left()


def test_in_a_lab_it_is_the_labs_and_its_figures_are_metrics(served: Served, parlab: Command) -> None:
    assert "parlab_selftest" not in served.ask("/metrics").text
    file = parlab.home / "self-test.json"
    ended = parlab.run(
        "doctor", "--self-test", "--lab", served.url, "--budget", BUDGET, "--json", file, PARLAB_TOKEN=TOKEN
    )
    assert ended.code == 0, ended.out + ended.err
    assert "effective CPUs" not in ended.out, "this machine's state says nothing of the lab's nodes"
    assert "self-test · node a on host" in ended.out
    document = json.loads(file.read_text())
    (one,) = document["self_tests"]
    wait_until(lambda: "parlab_selftest_trials{" in served.ask("/metrics").text)
    metrics = served.ask("/metrics").text
    (line,) = [text for text in metrics.splitlines() if text.startswith("parlab_selftest_trials{")]
    assert f'node="a",python="{one["python"]}"' in line
    assert float(line.rpartition(" ")[2]) == one["trials"]
    assert document["run"] in {run["run"] for run in served.ask("/api/runs").json()}


def test_its_options_mean_nothing_without_it(parlab: Command) -> None:
    ended = parlab.run("doctor", "--budget", "5m")
    assert ended.code == 2
    assert "--self-test" in ended.err
