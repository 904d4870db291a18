"""Basics of a command line that people try first: help, version, completion, a pager, a poor terminal."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import typer

from parlab.orchestrator.cli.main import app
from parlab.orchestrator.show.formats import base
from parlab.workers import __version__
from tests.conftest import Command

#: A terminal that knows ASCII only, and an interpreter that does not help itself out of it.
ASCII = {"LC_ALL": "C", "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
EXPERIMENT = """
[experiment]
name = "waits"
question = 'Is מדידה × café faster?'
trial_seconds = 0.03
[[workload]]
name = "wait"
seconds = 0.005
tasks = 4
[[workload]]
name = "integer_sum"
steps = 1000
[[strategy]]
name = "serial"
[[strategy]]
name = "threads"
max_workers = 4
[stop]
rule = "fixed"
blocks = 6
budget = "80s"
"""
#: Runs several commands one after the other, each forked from an interpreter that has loaded them.
IN_TURN = """
import gc, json, os, sys
from parlab.orchestrator.cli.main import main
import parlab.orchestrator.control.sources, parlab.orchestrator.show.formats.terminal
codes = []
gc.freeze()
for arguments in json.loads(sys.argv[1]):
    child = os.fork()
    if child == 0:
        sys.argv = ["parlab", *arguments]
        main()
    codes.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
with open(sys.argv[2], "w") as file:
    json.dump(codes, file)
"""


@dataclass(frozen=True)
class Measured:
    """A command whose home has a run."""

    command: Command
    run: str
    #: What the run printed.
    out: str
    err: str

    def in_turn(self, every: list[list[str]], stdout: Any, shell: str = "", **environment: str) -> Any:
        """Run commands; their exit codes, and what they printed to both streams."""
        codes = self.command.home / "codes"
        arguments = [sys.executable, "-P", "-c", IN_TURN, json.dumps(every), str(codes)]
        done = subprocess.run(
            ["sh", "-c", f'exec "$@" {shell}', "sh", *arguments], stdout=stdout, stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL, check=False, timeout=120, cwd=self.command.home,
            env=self.command.environment(**environment),
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return json.loads(codes.read_text()), done.stdout, done.stderr


@pytest.fixture(scope="module")
def measured(commands: Callable[..., Command]) -> Measured:
    """A run that was made on an ASCII terminal."""
    command = commands()
    file = command.home / "waits.toml"
    file.write_text(EXPERIMENT, encoding="utf-8")
    ended = command.wait(command.start("run", file, "--seed", "7", "--json", command.home / "r", **ASCII))
    assert ended.code == 0, ended.err
    run = json.loads((command.home / "r").read_text(encoding="utf-8"))["run"]
    return Measured(command, str(run), ended.out, ended.err)


def every_command(group: Any = None, *path: str) -> Iterator[tuple[str, ...]]:
    """Name all commands, and the commands of commands."""
    group = group or typer.main.get_command(app)
    for name, command in group.commands.items():
        yield (*path, name)
        if hasattr(command, "commands"):
            yield from every_command(command, *path, name)


def looks(run: str) -> list[list[str]]:
    """Give commands that print something of what is there."""
    return [
        [], ["--help"], ["--version"], ["run", "-h"], ["nodes"], ["list"], ["show", run], ["compare", run],
        ["compare", run, "-f", "markdown"], ["compare", run, "-f", "json"], ["prune"],
        ["experiments"], ["workloads"], ["strategies"], ["scenarios"],
        *(["export", run, "-f", name] for name in base.names() if name != "advice"),
    ]  # fmt: skip


def test_the_version_is_told(parlab: Command) -> None:
    ended = parlab.run("--version")
    assert (ended.code, ended.out, ended.err) == (0, f"parlab {__version__}\n", "")


def test_alone_it_shows_its_help_and_so_does_h(parlab: Command) -> None:
    alone, short, long = parlab.run(), parlab.run("-h"), parlab.run("--help")
    assert alone == short == long
    assert alone.code == 0
    assert alone.out.startswith("Usage: parlab ")
    assert parlab.run("nodes") == parlab.run("nodes", "-h")


def test_the_help_groups_all_commands_by_what_they_are_for(parlab: Command) -> None:
    lines = parlab.run("--help").out.splitlines()
    measure, look, lab = (lines.index(f"{heading}:") for heading in ("measure", "look", "lab"))
    assert measure < look < lab
    assert "Commands:" not in lines

    def place(command: str) -> int:
        return next(i for i, line in enumerate(lines) if line.startswith(f"  {command} "))

    assert measure < place("run") < place("doctor") < look < place("list") < place("report") < lab
    assert lab < place("serve") < place("nodes")
    assert all(place(path[0]) > measure for path in every_command())


@pytest.mark.parametrize("path", [(), *every_command()], ids=" ".join)
def test_each_help_has_an_example_and_names_no_types(parlab: Command, path: tuple[str, ...]) -> None:
    ended = parlab.run(*path, "-h")
    assert ended.code == 0, ended.err
    assert ended == parlab.run(*path, "--help")
    assert not re.search(r"<\w+>|[{}]|\.\.\.\S|\b(TEXT|INTEGER|FLOAT|BOOLEAN|PATH)\b", ended.out)
    assert f"parlab {' '.join(path)}".rstrip() in ended.out.partition("\nExample")[2]
    assert "-h, --help" in ended.out


def test_a_wrong_option_ends_with_2_and_names_the_help(parlab: Command) -> None:
    for arguments in (["run", "smoke", "--no-such-option"], ["rnu"], ["show"], ["run", "--blocks", "many"]):
        ended = parlab.run(*arguments)
        assert ended.code == 2
        assert ended.out == ""
        assert "Try 'parlab" in ended.err


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_shown_and_installed(parlab: Command, shell: str) -> None:
    # typer sees which shell it is by the process that started it.
    known = {"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1", "HOME": str(parlab.home)}
    shown = parlab.wait(parlab.start("--show-completion", shell, **known))
    assert shown.code == 0, shown.err
    assert "_PARLAB_COMPLETE" in shown.out
    installed = parlab.wait(parlab.start("--install-completion", shell, **known))
    assert installed.code == 0, installed.err
    assert [path for path in parlab.home.rglob("*parlab*") if "_PARLAB_COMPLETE" in path.read_text()]


def test_completion_knows_commands_and_options(parlab: Command) -> None:
    asked = {"_PARLAB_COMPLETE": "complete_bash", "COMP_WORDS": "parlab re", "COMP_CWORD": "1"}
    assert parlab.wait(parlab.start(**asked)).out.split() == ["resume", "report"]
    asked |= {"COMP_WORDS": "parlab show --l", "COMP_CWORD": "2"}
    assert parlab.wait(parlab.start(**asked)).out.split() == ["--lab"]


def test_a_reader_that_has_gone_ends_every_command_with_141_and_no_word(measured: Measured) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    every = looks(measured.run)
    try:
        codes, _, said = measured.in_turn(every, writing)
    finally:
        os.close(writing)
    assert dict.fromkeys(map(str, every), 141) == dict(zip(map(str, every), codes, strict=True))
    assert said == b""


@pytest.mark.parametrize(("shell", "why"), [(">/dev/full", "No space left"), (">&-", "it is closed")])
def test_an_output_that_cannot_be_written_is_told(measured: Measured, shell: str, why: str) -> None:
    every = [[], ["list"], ["show", measured.run], ["export", measured.run], ["workloads", "-h"]]
    codes, _, said = measured.in_turn(every, subprocess.DEVNULL, shell)
    assert dict.fromkeys(map(str, every), 3) == dict(zip(map(str, every), codes, strict=True))
    assert said.decode().count(f"parlab: standard output cannot be written: {why}") == len(every)
    assert b"Traceback" not in said


def test_a_run_whose_output_cannot_be_written_has_written_its_file(
    measured: Measured, tmp_path: Path
) -> None:
    arguments = [
        "run",
        str(measured.command.home / "waits.toml"),
        "--blocks",
        "2",
        "--json",
        str(tmp_path / "r"),
    ]
    codes, _, said = measured.in_turn([arguments], subprocess.DEVNULL, ">/dev/full")
    assert codes == [3]
    assert b"standard output cannot be written" in said
    assert json.loads((tmp_path / "r").read_text())["experiment"]["name"] == "waits"


def test_messages_that_nobody_can_read_are_no_fault(measured: Measured) -> None:
    codes, shown, _ = measured.in_turn([["list"], ["show", "none"]], subprocess.PIPE, "2>&-")
    assert codes == [0, 2]
    assert b"waits" in shown


def test_an_ascii_terminal_is_enough_for_a_run(measured: Measured) -> None:
    assert measured.out.isascii()
    assert measured.err.isascii()
    assert "threads x4" in measured.out


def test_an_ascii_terminal_is_enough_for_every_command(measured: Measured) -> None:
    every = [*looks(measured.run), ["doctor"], ["check", "json:dumps"], ["show", "מדידה"], ["×"]]
    every = [arguments for arguments in every if "parquet" not in arguments]
    codes, shown, said = measured.in_turn(every, subprocess.PIPE, **ASCII)
    assert [arguments for arguments, code in zip(every, codes, strict=True) if code not in (0, 1, 2)] == []
    assert codes[: len(looks("")) - 1] == [0] * (len(looks("")) - 1)
    assert shown.isascii()
    assert said.isascii()
    assert b"Traceback" not in said
    assert b"  + import" in shown


def test_an_ascii_terminal_is_enough_for_every_help(measured: Measured) -> None:
    every = [[*path, "-h"] for path in every_command()]
    codes, shown, said = measured.in_turn(every, subprocess.PIPE, **ASCII)
    assert set(codes) == {0}
    assert shown.isascii()
    assert said == b""


@pytest.mark.parametrize("form", ["csv", "json", "markdown", "pyperf"])
def test_an_export_is_the_same_wherever_it_is_asked_for(
    measured: Measured, tmp_path: Path, form: str
) -> None:
    path = tmp_path / form
    codes, _, _ = measured.in_turn(
        [["export", measured.run, "-f", form, "-o", str(path)]], subprocess.PIPE, **ASCII
    )
    assert codes == [0]
    assert path.read_bytes().decode("utf-8") == measured.command.run("export", measured.run, "-f", form).out
