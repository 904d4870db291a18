"""Mistakes of a user: one clear message, the documented exit code, and no run is left behind."""

from __future__ import annotations

import shutil
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from parlab.orchestrator.lab.embedded import server_binary
from tests.conftest import Command

#: Wrong in one place each; what the message must name.
_WRONG = {
    "unknown table": ("[[wrokload]]\nname = 'wait'", ["wrokload"]),
    "unknown key": ("[[workload]]\nname = 'wait'\nsecnds = 1", ["secnds", "seconds"]),
    "unknown workload": ("[[workload]]\nname = 'wiat'", ["wiat", "wait"]),
    "unknown strategy": ("[[strategy]]\nname = 'treads'", ["treads", "threads"]),
    "unknown start method": (
        "[[strategy]]\nname = 'processes'\nstart_method = 'spoon'",
        ["start_method", "spoon", "spawn"],
    ),
    "no workers": ("[[strategy]]\nname = 'threads'\nmax_workers = 0", ["max_workers", "0"]),
    "negative workers": ("[[strategy]]\nname = 'threads'\nmax_workers = -1", ["max_workers", "-1"]),
    "too many workers": ("[[strategy]]\nname = 'threads'\nmax_workers = 1000000", ["max_workers", "1000000"]),
    "not a number": ("[[workload]]\nname = 'wait'\nseconds = nan", ["seconds", "nan"]),
    "infinite": ("[[workload]]\nname = 'wait'\nseconds = inf", ["seconds", "inf"]),
    "empty list": ("[[strategy]]\nname = 'threads'\nmax_workers = []", ["max_workers", "empty"]),
}
_COMMANDS = (
    *("run", "resume", "list", "show", "export", "experiments", "workloads", "strategies"),
    *("node", "doctor", "prune"),
)


@pytest.fixture(scope="module")
def shared(commands: Callable[..., Any]) -> Any:
    """One PARLAB_HOME for all that is refused: at the end no run may be in it."""
    return commands()


def _refused(parlab: Any, code: int, *arguments: str | Path, **environment: str) -> str:
    ended = parlab.run(*arguments, **environment)
    message: str = ended.err
    assert "Traceback" not in message
    assert ended.code == code, message
    assert ended.out == ""
    assert message.startswith("parlab")
    assert not list((parlab.home / "runs").glob("*")), "it left a run's folder behind"
    return message


def test_every_fault_of_a_file_is_told_at_once_with_file_key_and_value(shared: Any, tmp_path: Path) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text("[experiment]\nname = 'x'\n" + "\n".join(text for text, _ in _WRONG.values()))
    message = _refused(shared, 2, "run", path)
    assert str(path) in message
    for fault, (_, named) in _WRONG.items():
        assert any(all(name in line for name in named) for line in message.splitlines()), fault


@pytest.mark.parametrize("fault", ["too many workers", "unknown start method"])
def test_a_single_fault_is_refused_as_well(shared: Any, tmp_path: Path, fault: str) -> None:
    text, named = _WRONG[fault]
    path = tmp_path / "wrong.toml"
    path.write_text(f"[experiment]\nname='x'\n[[workload]]\nname='wait'\n[[strategy]]\nname='serial'\n{text}")
    message = _refused(shared, 2, "run", path)
    assert "a fault" in message
    assert all(name in message for name in named)


def test_a_missing_file_is_told_with_what_ships(shared: Any) -> None:
    message = _refused(shared, 2, "run", "no-such.toml")
    assert "no-such.toml" in message
    assert "article" in message


def test_a_malformed_file_is_told_with_its_line(shared: Any, tmp_path: Path) -> None:
    path = tmp_path / "broken.toml"
    path.write_text("[experiment]\nname = \n")
    message = _refused(shared, 2, "run", path)
    assert str(path) in message
    assert "line 2" in message


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--budget", "soon"], "soon"),
        (["--blocks", "0"], "0"),
        (["--precision", "nan"], "nan"),
        (["--gil", "maybe"], "maybe"),
        (["--set", "workload.wait.secnds=1"], "secnds"),
        (["--set", "nothing"], "nothing"),
        (["--seed", "-1"], "-1"),
    ],
)
def test_an_option_that_makes_no_sense_is_refused(shared: Any, arguments: list[str], named: str) -> None:
    assert named in _refused(shared, 2, "run", "smoke", *arguments)


def _script(path: Path, text: str) -> str:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


def test_an_interpreter_that_cannot_measure_is_refused_before_the_run(shared: Any, tmp_path: Path) -> None:
    missing = _refused(shared, 3, "run", "smoke", "--python", str(tmp_path / "python9"))
    assert "python9" in missing
    other = shutil.which("true") or "/bin/true"
    assert other in _refused(shared, 3, "run", "smoke", "--python", other)
    assert "not a Python" in _refused(
        shared, 3, "run", "smoke", "--python", _script(tmp_path / "no", "exit 1")
    )


def test_an_interpreter_that_is_too_old_is_refused_with_its_version(shared: Any, tmp_path: Path) -> None:
    # An old Python is rare where parlab runs: this one answers as one does, to whatever it is asked.
    fake = (
        'code="$(for last; do :; done; echo "$last")"\n'
        f'exec {sys.executable} -S -s -c \'import sys; sys.version_info = (3, 6, 15, "final", 0)\n'
        'sys.hexversion = 0x03060ff0\nexec(sys.argv[1])\' "$code"'
    )
    message = _refused(shared, 3, "run", "smoke", "--python", _script(tmp_path / "python3.6", fake))
    assert "3.6" in message
    assert "3.11" in message


def test_a_run_that_is_not_there_is_told(shared: Any) -> None:
    for command in ("show", "export", "resume"):
        assert "zzzz" in _refused(shared, 2, command, "zzzz")


def test_a_result_file_without_a_folder_is_refused_before_the_run(shared: Any, tmp_path: Path) -> None:
    message = _refused(shared, 2, "run", "smoke", "--json", tmp_path / "nowhere" / "result.json")
    assert "nowhere" in message
    assert str(tmp_path) in _refused(shared, 2, "run", "smoke", "--json", tmp_path)


def test_a_home_that_cannot_be_made_is_told(shared: Any, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    message = _refused(shared, 3, "run", "smoke", PARLAB_HOME=str(tmp_path / "file" / "home"))
    assert str(tmp_path / "file") in message


@pytest.fixture
def guarded_server(home: Path) -> Iterator[str]:
    """A server that wants a password; its URL without one."""
    socket = home / "s"
    arguments = ["--port", "0", "--unixsocket", str(socket), "--save", "", "--requirepass", "right"]
    process = subprocess.Popen([server_binary(), *arguments], stdout=subprocess.PIPE, text=True, cwd=home)
    assert process.stdout is not None
    assert any("eady to accept" in line for line in process.stdout)
    yield f"unix://{socket}"
    process.terminate()
    process.communicate()


def test_a_wrong_password_is_told_and_not_shown(shared: Any, guarded_server: str) -> None:
    for url in (guarded_server, guarded_server.replace("unix://", "unix://:wrong-secret@")):
        for command in (["run", "smoke", "--redis", url], ["node", "--name", "a", "--redis", url]):
            message = _refused(shared, 3, *command)
            assert "password" in message
            assert "wrong-secret" not in message


def test_a_server_that_does_not_answer_is_told(shared: Any, home: Path) -> None:
    for url in (f"unix://{home}/nobody", "redis://127.0.0.1:1/0"):
        message = _refused(shared, 3, "run", "smoke", "--redis", url)
        assert url.removeprefix("unix://").removeprefix("redis://").removesuffix("/0") in message
    assert "nonsense" in _refused(shared, 2, "run", "smoke", "--redis", "nonsense://x")


def test_a_lab_without_nodes_is_told(shared: Any, parlab: Any) -> None:
    socket = parlab.home / "s"
    arguments = ["--port", "0", "--unixsocket", str(socket), "--save", ""]
    with subprocess.Popen([server_binary(), *arguments], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert any("eady to accept" in line for line in process.stdout)
        try:
            assert "parlab node" in _refused(shared, 3, "run", "smoke", "--redis", f"unix://{socket}")
        finally:
            process.terminate()


@pytest.mark.parametrize("command", _COMMANDS)
def test_each_command_shows_an_example(shared: Any, command: str) -> None:
    ended = shared.run(command, "--help")
    assert ended.code == 0
    assert f"parlab {command}" in ended.out.partition("Example")[2]


def test_what_was_refused_left_no_run(shared: Any) -> None:
    ended = shared.run("list")
    assert ended.code == 0
    assert "no runs yet" in ended.out
    assert shared.processes() == {}


@pytest.mark.parametrize(
    ("module", "arguments"),
    [
        ("httpx", ("list", "--lab", "http://127.0.0.1:9")),
        ("uvicorn", ("serve",)),
        ("docker", ("fleet", "ls")),
        ("cryptography", ("secrets", "--to", "nowhere")),
    ],
)
def test_an_extra_that_is_not_installed_is_named_with_the_command_that_installs_it(
    parlab: Command, module: str, arguments: tuple[str, ...]
) -> None:
    # None in sys.modules is how the import system is told that there is no such module.
    script = (
        f"import sys; sys.modules[{module!r}] = None; from parlab.orchestrator.cli.main import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=False, timeout=60,
        env=parlab.environment(PARLAB_REDIS_URL="redis://127.0.0.1:9"), cwd=parlab.home,
    )  # fmt: skip
    assert done.returncode == 3, done.stderr
    assert f"need {module}" in done.stderr
    assert "parlab[lab]" in done.stderr
