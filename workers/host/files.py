"""The host's own files (/proc, /sys, /etc), under a root that tests choose."""

from __future__ import annotations

import os

# Not from typing import TYPE_CHECKING: a trial's interpreter may import this, and typing costs it 5 ms.
TYPE_CHECKING = False
if TYPE_CHECKING:
    Root = str | os.PathLike[str]


def place(root: Root, path: str) -> str:
    """Return where the absolute ``path`` is under ``root``."""
    return os.path.join(os.fspath(root), path.lstrip("/"))  # noqa: PTH118 - pathlib costs a trial 10 ms


def text_of(root: Root, path: str) -> str | None:
    """Return a file's text without surrounding blanks, or None where it cannot be read.

    Absent, forbidden and unsupported (EOPNOTSUPP and the like, which cgroup files answer with) are
    all the same to a caller that asks for a limit: there is none that could be known.
    """
    try:
        with open(place(root, path), encoding="utf-8", errors="replace") as file:  # noqa: PTH123
            return file.read().strip()
    except OSError:
        return None
