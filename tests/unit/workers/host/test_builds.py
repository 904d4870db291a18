"""An interpreter's own account of itself, and what is told where it is none."""

from __future__ import annotations

import os
import platform
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from parlab.workers.errors import InterpreterUnusable
from parlab.workers.host.builds import read_build, read_builds


def script(folder: Path, name: str, text: str) -> str:
    path = folder / name
    path.write_text(text)
    path.chmod(0o755)
    return str(path)


def test_this_interpreter_is_described() -> None:
    build = read_build(sys.executable)
    assert build.executable == sys.executable
    assert build.version == platform.python_version()
    assert build.id.startswith(build.version)
    assert "spawn" in build.start_methods


def test_this_interpreter_says_what_another_of_its_build_would(tmp_path: Path) -> None:
    # The one is asked in this process, the other is started: it has another path.
    other = tmp_path / "python"
    other.symlink_to(sys.executable)
    asked = read_build(other)
    assert asked == replace(read_build(sys.executable), executable=asked.executable)


def test_this_interpreter_is_not_started_to_be_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("it was started")

    monkeypatch.setattr("parlab.workers.host.builds.subprocess.run", refuse)
    assert read_build(sys.executable).version == platform.python_version()


def test_a_free_threaded_build_is_named_so(free_threaded: str) -> None:
    build = read_build(free_threaded)
    assert build.free_threaded
    assert build.id == f"{build.version}t"


def test_a_launcher_is_replaced_by_what_it_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script(tmp_path, "python9", f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert read_build("python9").executable == sys.executable


def test_a_path_with_a_space_is_one_path(tmp_path: Path) -> None:
    folder = tmp_path / "my pythons"
    folder.mkdir()
    assert read_build(script(folder, "python", f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')).id


def test_what_stands_beside_the_question_does_not_answer_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "json.py").write_text("raise SystemExit('not this one')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert read_build(sys.executable).implementation == sys.implementation.name


def test_the_same_interpreter_twice_is_offered_once_and_its_like_gets_a_number(tmp_path: Path) -> None:
    builds = read_builds([sys.executable, sys.executable])
    assert len(builds) == 1
    other = tmp_path / "bin" / "python"
    other.parent.mkdir()
    # Started by another path, Python says that path.
    other.symlink_to(Path(sys.executable).resolve())
    pair = read_builds([sys.executable, other])
    assert [build.id for build in pair] == [builds[0].id, f"{builds[0].id}#2"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("#!/bin/sh\nexit 0\n", "is not a Python interpreter"),
        ("#!/bin/sh\necho no such thing >&2; exit 3\n", "is not a Python interpreter: no such thing"),
        ("#!/nowhere/python\n", "is not a Python interpreter: No such file"),
        ("\x7fELF and then nothing", "is not a Python interpreter"),
        (
            '#!/bin/sh\necho \'parlab:{"version": "3.9.1", "info": [3, 9], "executable": "/x"}\'\n',
            r"is Python 3.9.1; trials need 3.11 or newer",
        ),
    ],
    ids=["silent", "complains", "no-such-interpreter", "no-program", "too-old"],
)
def test_what_is_no_usable_python_is_refused_with_the_reason(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InterpreterUnusable, match=message) as refused:
        read_build(script(tmp_path, "thing", text))
    assert refused.value.hint
    assert refused.value.exit_code == 3


def test_a_missing_interpreter_is_told_as_such(tmp_path: Path) -> None:
    with pytest.raises(InterpreterUnusable, match=r"no python0\.1 on the PATH"):
        read_build("python0.1")
    with pytest.raises(InterpreterUnusable, match="there is no "):
        read_build(tmp_path / "python")


def test_a_file_without_permission_to_run_is_told_as_such(tmp_path: Path) -> None:
    (tmp_path / "python").write_text("")
    with pytest.raises(InterpreterUnusable, match="is not executable"):
        read_build(tmp_path / "python")
    with pytest.raises(InterpreterUnusable, match="is not executable"):
        read_build(tmp_path)
