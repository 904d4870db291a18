"""Checks of the Python builds that are found: what each is, and whether it can be measured."""

from __future__ import annotations

import glob
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path

from parlab.orchestrator.doctor.check import Check, unless
from parlab.orchestrator.figures import implementation
from parlab.workers.errors import InterpreterUnusable
from parlab.workers.host.builds import read_build
from parlab.workers.wire.registration import PythonBuild

#: Names on the PATH.
_NAMES = ("python3", *(f"python3.{minor}{kind}" for minor in range(11, 16) for kind in ("", "t")))
#: Where version managers and builds of one's own usually are; ~ is the user's folder.
_PLACES = (
    "/opt/python*/bin/python3.*[0-9t]",
    "~/.pyenv/versions/*/bin/python3",
    "~/.local/share/uv/python/*/bin/python3",
    "/Library/Frameworks/Python.framework/Versions/3.*/bin/python3.*[0-9t]",
)
#: Asking one takes 50 ms; nobody compares more.
_MOST = 20
#: Modules that a build can do without only if it does without processes.
_NEEDED = frozenset({"_multiprocessing"})


def checks() -> list[Callable[[], Iterable[Check]]]:
    """Return the checks of all builds that are found here."""
    return [partial(_pythons, candidates())]


def candidates(names: Iterable[str] = _NAMES, places: Iterable[str] = _PLACES) -> list[str]:
    """List paths that may be interpreters, parlab's own first; what leads to the same file comes once."""
    paths = [sys.executable]
    paths += [path for name in names if (path := shutil.which(name))]
    for pattern in places:
        paths += sorted(glob.glob(str(Path(pattern).expanduser())))  # noqa: PTH207 - absolute patterns
    unique: dict[Path, str] = {}
    for path in paths:
        unique.setdefault(Path(path).resolve(), path)
    return list(unique.values())[:_MOST]


def _pythons(paths: Iterable[str]) -> Iterator[Check]:
    builds: dict[tuple[str, Path], PythonBuild] = {}
    unusable = []
    for path in paths:
        try:
            build = read_build(path)
        except InterpreterUnusable as error:
            # parlab's own is the one that a run takes where none is named. The others are only what
            # is there to choose from: one that is too old is nothing to put right.
            if path == sys.executable:
                yield Check("python", "problem", error.message, error.hint)
            else:
                unusable.append(path)
            continue
        # A launcher on the PATH starts an interpreter that may be known already, and a build can
        # have several names in its folder.
        place = (build.id, Path(build.executable).resolve().parent)
        if place not in builds:
            builds[place] = build
            yield _described(build)
    if unusable:
        yield Check("python", "ok", f"too old, or does not respond as a Python: {', '.join(unusable)}")
    if not any(build.free_threaded for build in builds.values()):
        note = "To compare one, install python3.13t or newer and add --python python3.13t."
        yield Check("python", "ok", "no free-threaded build was found", note)


def _described(build: PythonBuild) -> Check:
    gil = "free-threaded" if build.free_threaded else "with GIL"
    name = f"{implementation(build.implementation)} {build.version} {gil}"
    finding = f"{name}; {', '.join(build.start_methods) or 'no start method'}; {build.executable}"
    missing = [module for module in build.lacks if module in _NEEDED]
    cure = f"Processes cannot be measured with it: it was built without {', '.join(missing)}."
    return unless(bool(missing), f"python {build.id}", finding, cure)
