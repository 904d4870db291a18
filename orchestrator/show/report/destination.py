"""Destination of a report: a file or a folder that is whole or not there; nobody else's is written over."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from parlab.orchestrator.show.formats.base import whole_file
from parlab.workers.errors import BadInput, EnvironmentFault

#: Lists a folder's pictures with their texts; what makes a folder parlab's own.
INDEX = "charts.json"
SCHEMA = "parlab/charts/1"
#: A report says what made it within its first bytes.
_HEAD_BYTES = 1024
_MARKS = (b'name="generator" content="parlab', b"<!-- parlab report")


def check_file(path: Path, *, force: bool) -> None:
    """Refuse a file that is not to be written over, or cannot be, before anything is drawn.

    Its folder is made. A report that parlab made before is replaced.

    Raises:
        BadInput: it is a folder, or there and not a report made by parlab.
        EnvironmentFault: its folder cannot be made or written, or what it is cannot be read.
    """
    if _asked(path, path.is_dir):
        raise BadInput(f"{path} is a folder", f"Name a file: -o {path / 'report.html'}.")
    _make_folder(path.parent)
    # A device or a pipe is written to, never replaced.
    if force or not _asked(path, path.is_file):
        return
    try:
        with path.open("rb") as stream:
            head = stream.read(_HEAD_BYTES)
    except OSError as error:
        raise _fault(path, error) from error
    if head and not any(mark in head for mark in _MARKS):
        raise BadInput(
            f"{path} exists and is not a report made by parlab",
            "Name another file, or write over it with --force.",
        )


def check_folder(path: Path, *, force: bool) -> None:
    """Refuse a folder that contains something other than pictures made by parlab.

    Raises:
        BadInput: it is a file, or has something in it and no index of parlab's.
        EnvironmentFault: it cannot be looked into.
    """
    if not _asked(path, path.exists):
        _make_folder(path)
        return
    if not path.is_dir():
        raise BadInput(f"{path} is a file, and the pictures go into a folder", "Name a folder: -o pictures.")
    try:
        others = any(path.iterdir())
    except OSError as error:
        raise _fault(path, error) from error
    if others and not force and _index(path) is None:
        raise BadInput(
            f"{path} exists and contains something other than pictures made by parlab",
            "Name another folder, or add --force: files of the same names are then replaced.",
        )


def write_file(path: Path, content: bytes) -> None:
    """Write a file that is whole or not there (an older one stays until then); folders are made.

    Raises:
        EnvironmentFault: it cannot be written.
    """
    try:
        path.resolve().parent.mkdir(parents=True, exist_ok=True)
        with whole_file(path) as written:
            written.write_bytes(content)
    except (OSError, RuntimeError) as error:
        raise _fault(path, error) from error


def write_folder(path: Path, pictures: Mapping[str, bytes], index: Mapping[str, Any]) -> None:
    """Write pictures by their files' names, and their index; those of an earlier index go.

    Raises:
        EnvironmentFault: one cannot be written.
    """
    before = _index(path) or {}
    for name, content in pictures.items():
        write_file(path / name, content)
    text = json.dumps({"schema": SCHEMA, **index}, indent=1, ensure_ascii=False)
    write_file(path / INDEX, f"{text}\n".encode())
    for chart in before.get("charts", []):
        name = str(chart.get("file", "")) if isinstance(chart, dict) else ""
        # An index can be anybody's: only a plain name of this folder is taken away.
        if name and name == Path(name).name and name not in pictures and name.endswith((".svg", ".png")):
            (path / name).unlink(missing_ok=True)


def _make_folder(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as error:
        raise _fault(path, error) from error
    if not os.access(path, os.W_OK):
        raise _fault(path, PermissionError(errno.EACCES, os.strerror(errno.EACCES)))


def _index(path: Path) -> dict[str, Any] | None:
    try:
        index = json.loads((path / INDEX).read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    return index if isinstance(index, dict) and index.get("schema") == SCHEMA else None


def _asked(path: Path, question: Any) -> bool:
    """Ask about a path; one that is too long, or in a folder that is closed, is a fault and no answer."""
    try:
        return bool(question())
    except (OSError, ValueError) as error:
        raise _fault(path, error) from error


def _fault(path: Path, error: Exception) -> EnvironmentFault:
    reason = (error.strerror or str(error)) if isinstance(error, OSError) else str(error)
    return EnvironmentFault(
        f"cannot write {path}: {reason}",
        "The run is stored; write the report elsewhere: parlab report RUN -o FILE.",
    )
