"""Other distributions that a workload needs, for a trial's interpreter that started without any."""

from __future__ import annotations

import os
import sys
import sysconfig
from importlib.metadata import PackageNotFoundError, version


def missing(requires: tuple[str, ...]) -> list[str]:
    """Append this build's site-packages to ``sys.path`` and list what is not installed there.

    By path only: what ``.pth`` files would do at an interpreter's start stays undone. The processes
    of a pool inherit the path.
    """
    for folder in site_packages():
        if folder not in sys.path:
            sys.path.append(folder)
    return [name for name in requires if not _installed(name)]


def site_packages() -> list[str]:
    """Name the folders that this build, or the virtual environment it is of, has distributions in."""
    prefix = os.path.dirname(os.path.dirname(sys.executable))  # noqa: PTH120 - paths are strings in sys.path
    if not os.path.exists(f"{prefix}/pyvenv.cfg"):  # noqa: PTH110 - the same
        prefix = sys.prefix
    # -S keeps an interpreter from seeing that it is a virtual environment's.
    places = {"base": prefix, "platbase": prefix}
    return [sysconfig.get_path(name, vars=places) for name in ("purelib", "platlib")]


def _installed(name: str) -> bool:
    try:
        version(name)
    except PackageNotFoundError:
        return False
    return True
