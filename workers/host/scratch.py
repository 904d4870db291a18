"""A sitting's temporary folder: named after its guardian, so that others can remove it after a kill."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_PREFIX = "parlab-sitting-"
_NAME = re.compile(rf"{_PREFIX}(\d+)-\w+")


@contextmanager
def scratch() -> Iterator[str]:
    """Make the folder that a sitting's trials have for their files, and remove it with all of them."""
    with tempfile.TemporaryDirectory(prefix=f"{_PREFIX}{os.getpid()}-", ignore_cleanup_errors=True) as folder:
        yield folder


def remove_abandoned() -> None:
    """Remove the folders whose guardians are gone: one that was killed could not do it itself."""
    for entry in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        named = _NAME.fullmatch(entry.name)
        if named is not None and not _is_alive(int(named[1])):
            # Another user's is not ours to remove, and stays.
            shutil.rmtree(entry, ignore_errors=True)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
