"""Python builds that trials can be run with: each is asked what it is before it is offered."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..errors import InterpreterUnusable
from ..wire.registration import PythonBuild

OLDEST = (3, 11)
_LIMIT_SECONDS = 30.0

#: Understood by every Python, so that an old one can say that it is old.
_ABOUT = """
import sys
about = {"version": sys.version.split()[0], "info": list(sys.version_info[:2]), "executable": sys.executable}
if sys.version_info >= (3, 11):
    import importlib.util, multiprocessing, os, sysconfig
    lacks = []
    for name in ("concurrent.interpreters",):
        if importlib.util.find_spec(name) is None:
            lacks.append(name)
    flags = sorted(set((sysconfig.get_config_var("CONFIG_ARGS") or "").replace("'", "").split()))
    def told(flag):
        words = ("optimiz", "lto", "gil", "jit", "tail", "debug", "bolt", "shared")
        return any(word in flag for word in words)
    try:
        library = os.confstr("CS_GNU_LIBC_VERSION") or ""
    except (AttributeError, OSError, ValueError):
        library = "musl" if "musl" in (sysconfig.get_config_var("HOST_GNU_TYPE") or "") else ""
    about.update(
        c_library=library,
        implementation=sys.implementation.name,
        free_threaded=bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
        start_methods=multiprocessing.get_all_start_methods(),
        lacks=lacks,
        gil_enabled=getattr(sys, "_is_gil_enabled", lambda: True)(),
        compiler=sys.version.partition("[")[2].rstrip("]"),
        build_flags=[f for f in flags if f.startswith(("--enable", "--disable", "--with")) and told(f)],
    )
"""
#: It answers in one line.
_QUESTION = f"""
import sys
sys.path = [p for p in sys.path if p]
{_ABOUT}
import json
print("parlab:" + json.dumps(about))
"""


def read_build(executable: str | Path) -> PythonBuild:
    """Ask an interpreter what it is.

    Args:
        executable: a path, or a name on the PATH. A launcher (a version manager's shim) is replaced
            by the interpreter that it starts.

    Raises:
        InterpreterUnusable: it is missing, cannot be run, is no Python, or is older than 3.11.
    """
    named = str(executable)
    path = _path_of(named)
    # Its own interpreter is the one that most runs measure: starting another would cost 50 ms. Not where
    # what was imported may have switched the GIL on.
    asked_itself = path == sys.executable and "t" not in sys.abiflags
    about = _about_itself() if asked_itself else _ask(named, path)
    if tuple(about["info"]) < OLDEST:
        raise InterpreterUnusable(
            f"{named} is Python {about['version']}; trials need {OLDEST[0]}.{OLDEST[1]} or newer",
            "Name a newer one, for example: --python python3.13.",
        )
    implementation, free_threaded = about["implementation"], about["free_threaded"]
    return PythonBuild(
        id=("" if implementation == "cpython" else implementation)
        + about["version"]
        + ("t" if free_threaded else ""),
        executable=about["executable"],
        version=about["version"],
        implementation=implementation,
        free_threaded=free_threaded,
        start_methods=tuple(about["start_methods"]),
        lacks=tuple(about["lacks"]),
        gil_enabled=about["gil_enabled"],
        build_flags=tuple(about["build_flags"]),
        compiler=about["compiler"],
        c_library=about["c_library"],
    )


def read_builds(executables: Iterable[str | Path]) -> tuple[PythonBuild, ...]:
    """Ask several interpreters; the same one twice is offered once, another of its version as ``#2``.

    Raises:
        InterpreterUnusable: as :func:`read_build`.
    """
    builds: dict[str, PythonBuild] = {}
    for executable in executables:
        build = read_build(executable)
        if any(known.executable == build.executable for known in builds.values()):
            continue
        name, number = build.id, 1
        while name in builds:
            number += 1
            name = f"{build.id}#{number}"
        builds[name] = replace(build, id=name)
    return tuple(builds.values())


def _path_of(named: str) -> str:
    path = Path(named).expanduser()
    if os.sep in named and not path.exists():
        raise InterpreterUnusable(
            f"there is no {named}", "Name a Python interpreter: a path, or a name on the PATH."
        )
    program = shutil.which(path)
    if program is not None and not Path(program).is_dir():
        return str(Path(program).absolute())
    if os.sep in named:
        raise InterpreterUnusable(
            f"{named} is not executable", "Name the interpreter itself, and permit running it."
        )
    raise InterpreterUnusable(
        f"there is no {named} on the PATH", "Install it, or give the path of a Python interpreter."
    )


def _about_itself() -> dict[str, Any]:
    names: dict[str, Any] = {}
    exec(_ABOUT, names)  # noqa: S102 - our own text
    about: dict[str, Any] = names["about"]
    return about


def _ask(named: str, path: str) -> dict[str, Any]:
    no_python = f"{named} is not a Python interpreter"
    cure = "Name a Python interpreter, for example: --python python3.13."
    try:
        answer = subprocess.run(
            [path, "-S", "-s", "-c", _QUESTION],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_LIMIT_SECONDS,
            check=False,
            # What is set for the harness interpreter must not reach another.
            env={k: v for k, v in os.environ.items() if k not in ("PYTHONHOME", "PYTHONPATH", "PYTHON_GIL")},
        )
    except OSError as error:
        raise InterpreterUnusable(f"{no_python}: {error.strerror}", cure) from error
    except subprocess.TimeoutExpired:
        raise InterpreterUnusable(f"{named} gave no answer within {_LIMIT_SECONDS:.0f} s", cure) from None
    for line in answer.stdout.decode("utf-8", "replace").splitlines():
        if line.startswith("parlab:"):
            about: dict[str, Any] = json.loads(line.removeprefix("parlab:"))
            return about
    lines = (answer.stderr or answer.stdout).decode("utf-8", "replace").strip().splitlines()
    raise InterpreterUnusable(f"{no_python}" + (f": {lines[-1][:200]}" if lines else ""), cure)
