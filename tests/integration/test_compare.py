"""``parlab compare`` on real runs: two versions of a function in the same blocks, and runs of their own."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from parlab.orchestrator.experiment.file import parse
from parlab.orchestrator.experiment.tables import document
from tests.support.environments import virtual_environment
from tests.support.served import TOKEN, Served, experiment

#: It waits, so that what else this machine does changes little; the versions differ by their waits. Trials
#: are so short that no load beside them is seen, and none rejected.
VERSION = "import time\ndef total(n):\n    time.sleep({seconds})\n    return n * n\n"
EXPERIMENT = """
[experiment]
name = "gate"
trial_seconds = 0.01
[[workload]]
function = "{function}"
inputs = [1, 2]
tasks = 2
[[strategy]]
name = "serial"
[[strategy]]
name = "threads"
max_workers = 2
[stop]
rule = "fixed"
blocks = {blocks}
budget = "80s"
"""


@dataclass(frozen=True)
class Measured:
    """A command, and the runs that it has measured."""

    command: Any
    #: Of the old version and the new, slower one, in the same blocks.
    both: str
    #: Of the old one alone, and of one whose threads gain nothing.
    old: str
    worse: str


def begin(command: Any, function: str, *pythons: Path, blocks: int = 20) -> str:
    path = command.home / "gate.toml"
    path.write_text(EXPERIMENT.format(function=function, blocks=blocks))
    options = [part for python in pythons for part in ("--python", python)]
    ended = command.run("run", path, *options, "--quiet", "--json", command.home / "run.json")
    assert ended.code in (0, 1), ended.err
    return str(json.loads((command.home / "run.json").read_text())["run"])


@pytest.fixture(scope="module")
def measured(commands: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Measured:
    """Measure three runs with interpreters of two environments of the user's own."""
    folder = tmp_path_factory.mktemp("versions")
    pythons = []
    for name, seconds in (("old", 0.01), ("new", 0.025)):
        (folder / name).mkdir()
        (folder / name / "shopping.py").write_text(VERSION.format(seconds=seconds))
        pythons.append(virtual_environment(folder / f"env-{name}", folder / name))
    locked = "import threading\nlock = threading.Lock()\nimport time\ndef total(n):\n    with lock:\n"
    (folder / "locked").mkdir()
    (folder / "locked" / "shopping.py").write_text(f"{locked}        time.sleep(0.01)\n    return n * n\n")
    pythons.append(virtual_environment(folder / "env-locked", folder / "locked"))
    command = commands()
    return Measured(
        command,
        both=begin(command, "shopping:total", *pythons[:2], blocks=12),
        old=begin(command, "shopping:total", pythons[0]),
        worse=begin(command, "shopping:total", pythons[2]),
    )


def test_two_versions_in_the_same_blocks_are_paired_and_the_gate_ends_as_it_should(
    measured: Measured,
) -> None:
    slower = measured.command.run("compare", measured.both, "--fail-on", "slower:5%")
    assert slower.code == 10, slower.out
    assert "Seconds of a task, paired in the same blocks" in slower.out
    # Which environment is which comes before any ratio.
    assert slower.out.index("env-old") < slower.out.index("env-new") < slower.out.index("verdict")
    # The other way round: the old one is held against the new, and is shown not to be slower.
    builds = json.loads(measured.command.run("compare", measured.both, "-f", "json").out)["columns"]
    new = builds[1]["value"]
    passed = measured.command.run("compare", measured.both, "--baseline", new, "--fail-on", "slower:5%")
    assert passed.code == 0, passed.out
    assert "passed" in passed.out


def test_runs_of_their_own_are_compared_by_speed_ups_and_seconds_stay_unresolved(measured: Measured) -> None:
    worse = measured.command.run("compare", measured.old, measured.worse, "--fail-on", "gains-less:20%")
    assert worse.code == 10, worse.out
    assert worse.out.index("Speed-ups") < worse.out.index("Seconds of a task, not paired")
    unknown = measured.command.run("compare", measured.old, measured.worse, "--fail-on", "slower:5%")
    assert unknown.code == 11
    assert "not paired: seconds of two runs" in unknown.out


def test_json_and_markdown_go_to_a_file_and_the_gate_is_told_on_the_side(measured: Measured) -> None:
    path = measured.command.home / "compared.json"
    ended = measured.command.run(
        "compare", measured.old, measured.worse, "-f", "json", "-o", path, "--fail-on", "gains-less:20%"
    )
    assert (ended.code, ended.out) == (10, "")
    assert ended.err.startswith("parlab: gate failed\n")
    found = json.loads(path.read_text())
    assert found["gate"]["word"] == "failed"
    threads = [c for c in found["comparisons"] if c["quantity"] == "speed-up"]
    assert [(c["label"], c["verdict"], c["paired"]) for c in threads] == [("threads ×2", "gains less", False)]
    assert "interpreter" in {d["field"] for d in found["differences"]}
    assert measured.command.run("compare", measured.old, measured.worse, "-f", "markdown").out.startswith(
        "# "
    )


def test_a_run_in_which_something_fails_is_broken(measured: Measured) -> None:
    path = measured.command.home / "broken.json"
    exported = json.loads(measured.command.run("export", measured.old).out)
    # As another lab would have measured it: its threads failed.
    failing = exported["plan"]["groups"][0]["configurations"][1]["id"]
    exported["run"] = "f00d"
    exported["plan"]["seed"] += 1
    exported["failures"] = [
        {
            "configuration": failing, "reason": "ValueError: broken", "traceback": None, "unix_seconds": 1.0,
            "skipped": False,
        }
    ]  # fmt: skip
    path.write_text(json.dumps(exported))
    assert measured.command.run("import", path).code == 0
    ended = measured.command.run("compare", measured.old, "f00d", "--fail-on", "gains-less:20%")
    assert ended.code == 12, ended.out
    assert "ValueError: broken" in ended.out


def test_runs_of_a_lab_are_compared_as_they_are_where_they_are_stored(served: Served, parlab: Any) -> None:
    runs = [served.begin(document(parse("x", experiment(blocks=2)))) for _ in range(2)]
    for run in runs:
        served.until(run, "done")
    there = parlab.run("compare", *runs, "--format", "json", PARLAB_LAB=served.url, PARLAB_TOKEN=TOKEN)
    assert there.code == 0, there.err
    here = parlab.run("compare", *runs, "--format", "json", PARLAB_HOME=str(served.home))
    assert there.out == here.out
    assert [c["value"] for c in json.loads(there.out)["columns"]] == runs


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("zzzz",), "there is no run"),
        (("OLD",), "there is only one"),
        (("OLD", "OLD"), "there is only one"),
        (("OLD", "WORSE", "--by", "moon"), "--by moon: there is no such axis"),
        (("OLD", "WORSE", "--fail-on", "nonsense"), "'nonsense' is not a condition"),
        (("OLD", "WORSE", "--format", "csv"), "there is no format 'csv'"),
        (("OLD", "WORSE", "--baseline", "moon"), "there is no such run"),
    ],
)
def test_what_cannot_be_compared_is_told_with_a_cure(
    arguments: tuple[str, ...], said: str, measured: Measured
) -> None:
    names = {"OLD": measured.old, "WORSE": measured.worse}
    ended = measured.command.run("compare", *(names.get(a, a) for a in arguments))
    assert ended.code == 2
    assert said in ended.err
    assert "Traceback" not in ended.err


def test_a_file_that_cannot_be_written_is_told(measured: Measured) -> None:
    ended = measured.command.run("compare", measured.old, measured.worse, "-o", "/nowhere/x.md")
    assert ended.code == 3
    assert "cannot write /nowhere/x.md" in ended.err
