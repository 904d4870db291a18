"""Faults of the store's file, in people's words, with the cure."""

from __future__ import annotations

import errno
import os
import resource
import sqlite3
from pathlib import Path

from parlab.workers.errors import EnvironmentFault, LabError, StorageFull

_FREE_SPACE = "Free some space or quota there (parlab prune --older-than 30d), then: parlab resume RUN."
_NO_SPACE = (errno.ENOSPC, errno.EDQUOT)
_LOCKED = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_CLOSED_TO_US = (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_CANTOPEN)


def primary_code(error: sqlite3.Error) -> int:
    """SQLite's primary result code, 0 where the error is not SQLite's own."""
    code: int = getattr(error, "sqlite_errorcode", 0)
    return code & 0xFF


def read_only(place: Path) -> EnvironmentFault:
    """Say that a file or folder cannot be written to."""
    return EnvironmentFault(
        f"{place} cannot be written to",
        "Make it writable, or set PARLAB_HOME to a folder that you may write to.",
    )


def folder_fault(error: OSError, folder: Path) -> EnvironmentFault:
    """Say why a folder could not be created."""
    what = f"{folder} cannot be created: {error.strerror}"
    if error.errno in _NO_SPACE:
        return StorageFull(what, _FREE_SPACE)
    return EnvironmentFault(what, "Set PARLAB_HOME to a folder that you may write to.")


def database_fault(error: sqlite3.Error, path: Path, busy_seconds: float) -> LabError:
    """Translate SQLite's error; what is none of the surroundings' faults is parlab's own (70)."""
    code = primary_code(error)
    fault: LabError
    if code == sqlite3.SQLITE_FULL:
        fault = StorageFull(f"{path}: the disk is full", _FREE_SPACE)
    elif code == sqlite3.SQLITE_IOERR:
        fault = _input_output_fault(error, path)
    elif code in _LOCKED:
        fault = EnvironmentFault(
            f"{path} has been locked by another process for {busy_seconds:g} s",
            "See who has it open (fuser, or lsof on the file), let it finish or end it, and try again.",
        )
    elif code in _DAMAGED:
        fault = EnvironmentFault(
            f"{path} is damaged or no database: {error}",
            "Move it away; a new one will be made. To recover what can be recovered: sqlite3 OLD "
            ".recover | sqlite3 NEW.",
        )
    elif code in _CLOSED_TO_US and path.is_dir():
        fault = EnvironmentFault(f"{path} is a folder, not a database", "Move it away.")
    elif code in _CLOSED_TO_US:
        fault = read_only(path)
    else:
        name = getattr(error, "sqlite_errorname", type(error).__name__)
        fault = LabError(f"{path}: {error} ({name})", "This is a bug in parlab: please report it.")
    return fault


def _input_output_fault(error: sqlite3.Error, path: Path) -> EnvironmentFault:
    """Tell a used-up quota or file-size limit, which SQLite calls an I/O error, from a broken disk."""
    limit, _ = resource.getrlimit(resource.RLIMIT_FSIZE)
    if limit != resource.RLIM_INFINITY:
        return StorageFull(
            f"{path} cannot grow: files may have at most {limit} bytes here",
            "Raise the limit: ulimit -f unlimited.",
        )
    probe = path.with_name(f".{path.name}.probe-{os.getpid()}")
    try:
        try:
            probe.write_bytes(bytes(65536))
        finally:
            probe.unlink(missing_ok=True)
    except OSError as seen:
        if seen.errno in _NO_SPACE:
            return StorageFull(f"{path}: {seen.strerror}", _FREE_SPACE)
    return EnvironmentFault(
        f"{path}: reading or writing failed ({error}, {getattr(error, 'sqlite_errorname', '')})",
        "Look at the disk (dmesg), or set PARLAB_HOME to a folder on another one.",
    )
