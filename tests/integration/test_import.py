"""A run that one lab measured and exported, taken in by another that never met it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

SHORT = ("--set", "stop.rule=fixed", "--set", "stop.blocks=2", "--set", "experiment.trial_seconds=0.02")


@pytest.fixture(scope="module")
def exported(commands: Callable[..., Any]) -> tuple[Any, Path]:
    """A command that has measured a run, and the run's file."""
    command = commands()
    path = command.home / "theirs.json"
    ended = command.run("run", "smoke", *SHORT, "--quiet", "--json", path)
    assert ended.code == 0, ended.err
    return command, path


def document_of(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(path.read_text())
    return document


def test_what_was_imported_is_exported_again_as_it_was(exported: tuple[Any, Path], parlab: Any) -> None:
    theirs, path = exported
    run = document_of(path)["run"]
    ended = parlab.run("import", path)
    assert ended.code == 0, ended.err
    trials = len(document_of(path)["trials"])
    assert ended.out == f"{run}: smoke, {trials} trials imported\n"
    again = parlab.home / "again.json"
    parlab.run("export", run, "--output", again)
    assert again.read_text() == path.read_text()
    shown = parlab.run("show", run).out
    assert shown == theirs.run("show", run).out
    assert run in parlab.run("list").out


def test_importing_twice_changes_nothing(exported: tuple[Any, Path], parlab: Any) -> None:
    _, path = exported
    run = document_of(path)["run"]
    parlab.run("import", path)
    before = parlab.run("export", run).out
    assert parlab.run("import", path, path).out == f"{run}: smoke, already here\n" * 2
    assert parlab.run("export", run).out == before
    assert parlab.run("list").out.count(run) == 1


def test_a_run_that_has_grown_since_adds_what_is_new(exported: tuple[Any, Path], parlab: Any) -> None:
    _, path = exported
    whole = document_of(path)
    run = whole["run"]
    half = json.loads(path.read_text())
    half["sittings"] = [s for s in half["sittings"] if s["block"] in (None, 0)]
    half["trials"] = [t for t in half["trials"] if t["block"] in (None, 0)]
    half["blocks"] = [b for b in half["blocks"] if b["block"] == 0]
    part = parlab.home / "part.json"
    part.write_text(json.dumps(half))
    parlab.run("import", part)
    missing = len(whole["trials"]) - len(half["trials"])
    assert parlab.run("import", path).out == f"{run}: smoke, {missing} more trials imported\n"
    # An older file takes nothing away.
    assert parlab.run("import", part).out == f"{run}: smoke, already here\n"
    again = json.loads(parlab.run("export", run).out)
    assert sorted(t["trial"] for t in again["trials"]) == sorted(t["trial"] for t in whole["trials"])
    assert again["finding"] == whole["finding"]


def test_an_id_that_is_another_runs_here_is_left_to_it(exported: tuple[Any, Path], parlab: Any) -> None:
    _, path = exported
    run = document_of(path)["run"]
    other = document_of(path)
    other["plan"]["seed"] += 1
    different = parlab.home / "different.json"
    different.write_text(json.dumps(other))
    parlab.run("import", different)
    said = parlab.run("import", path).out
    name = said.split(":")[0]
    assert name != run
    assert said.endswith(f"imported (its id {run} is another run's here)\n")
    assert "already here" in parlab.run("import", path).out
    again = json.loads(parlab.run("export", name).out)
    assert again == {**document_of(path), "run": name}


def test_an_imported_run_is_not_resumed_here(exported: tuple[Any, Path], parlab: Any) -> None:
    _, path = exported
    run = document_of(path)["run"]
    parlab.run("import", path)
    ended = parlab.run("resume", run)
    assert ended.code == 2
    assert f"run {run} was imported: it was measured in another lab" in ended.err


def test_one_of_its_own_is_known(exported: tuple[Any, Path]) -> None:
    theirs, path = exported
    assert "already here" in theirs.run("import", path).out


def without(*keys: str) -> Callable[[Any], None]:
    def change(document: Any) -> None:
        for key in keys[:-1]:
            document = document[int(key) if key.isdigit() else key]
        del document[keys[-1]]

    return change


def having(value: Any, *keys: str) -> Callable[[Any], None]:
    def change(document: Any) -> None:
        for key in keys[:-1]:
            document = document[int(key) if key.isdigit() else key]
        document[keys[-1]] = value

    return change


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (having("parlab/run/9", "schema"), "its schema is 'parlab/run/9', not 'parlab/run/1'"),
        (without("plan"), "plan: an object was expected"),
        (without("nodes"), "field 'nodes' is missing"),
        (having("fast", "experiment", "timeout_seconds"), "experiment.timeout_seconds: float was expected"),
        (having("great", "trials", "1", "outcome"), "'great' is none of"),
        (having("elsewhere", "trials", "1", "group"), "trials[1]: group 'elsewhere' is not in the plan"),
        (having("never", "trials", "1", "sitting"), "sitting 'never' is not among the sittings"),
        (having([3], "trials"), "trials[0]: an object was expected"),
        (lambda document: document["trials"].append(document["trials"][-1]), "trials: one counts twice"),
        (lambda document: document["sittings"].append(document["sittings"][0]), "sittings: one is there "),
    ],
)  # fmt: skip
def test_what_is_no_export_is_refused_whole(
    change: Callable[[Any], None], said: str, exported: tuple[Any, Path], parlab: Any
) -> None:
    document = document_of(exported[1])
    change(document)
    path = parlab.home / "bad.json"
    path.write_text(json.dumps(document))
    ended = parlab.run("import", path)
    assert ended.code == 2
    assert said in ended.err
    assert "Traceback" not in ended.err
    assert "no runs yet" in parlab.run("list").out


def test_a_file_that_is_none_is_refused(parlab: Any) -> None:
    assert "cannot be read: No such file" in parlab.run("import", "nowhere.json").err
    (parlab.home / "text.json").write_text("{")
    assert "not valid JSON" in parlab.run("import", "text.json").err
    (parlab.home / "list.json").write_text("[]")
    assert "its schema is None" in parlab.run("import", "list.json").err


def test_every_format_of_a_real_run_can_be_written(exported: tuple[Any, Path], parlab: Any) -> None:
    _, path = exported
    run = document_of(path)["run"]
    parlab.run("import", path)
    for name in ("csv", "markdown", "parquet", "pyperf", "terminal"):
        ended = parlab.run("export", run, "--format", name, "--output", f"out.{name}")
        assert ended.code == 0, ended.err
        assert (parlab.home / f"out.{name}").stat().st_size > 100
    shown = subprocess.run(
        [sys.executable, "-m", "pyperf", "stats", str(parlab.home / "out.pyperf")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert shown.returncode == 0, shown.stderr
    assert "integer_sum(steps=10⁴) serial" in shown.stdout
    ended = parlab.run("export", run, "--format", "xls")
    assert ended.code == 2
    assert "there is no output 'xls'" in ended.err
