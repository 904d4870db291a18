"""What tests share: interpreters besides our own, and folders short enough for a unix socket."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

_FREE_THREADED_NAMES = ("python3.14t", "python3.13t")
_FREE_THREADED_PREFIXES = ("/opt/python3.13t/bin/python3.13t",)


def _free_threaded_interpreter() -> str | None:
    candidates = [
        os.environ.get("PARLAB_TEST_PYTHON_FT"),
        *(shutil.which(name) for name in _FREE_THREADED_NAMES),
        *_FREE_THREADED_PREFIXES,
    ]
    question = "import sys; sys.exit(0 if not sys._is_gil_enabled() else 1)"
    for candidate in candidates:
        if candidate and Path(candidate).exists():
            asked = subprocess.run([candidate, "-c", question], capture_output=True, check=False)
            if asked.returncode == 0:
                return candidate
    return None


@pytest.fixture(scope="session")
def free_threaded() -> str:
    """A free-threaded interpreter; its absence is a skip on a desk and a failure in CI."""
    found = _free_threaded_interpreter()
    if found is None:
        why = "no free-threaded Python here: set PARLAB_TEST_PYTHON_FT to one"
        if os.environ.get("CI"):
            pytest.fail(why)
        pytest.skip(why)
    return found


@pytest.fixture
def home() -> Iterator[Path]:
    """An empty PARLAB_HOME with a short path (a unix socket's path has at most 107 bytes)."""
    with tempfile.TemporaryDirectory(prefix="pl-") as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout."""
    return Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def python() -> str:
    """The real interpreter that runs the tests (a launcher on the PATH may be a shim)."""
    return sys.executable
