"""Which process a node is, told so that its successor can prove that it is gone."""

from __future__ import annotations

import json
import os
from pathlib import Path

from ..host.tree import GONE, stat_fields

#: Place of the start time in /proc/<pid>/stat, from the state on (field 22 of proc(5)).
_START_TIME = 19


def describe_process(boot_id: str) -> str:
    """Describe this process as JSON; ``boot_id`` is its kernel's."""
    pid = os.getpid()
    return json.dumps(
        {"boot_id": boot_id, "pid_namespace": _namespace(), "pid": pid, "started": _started(pid)},
        sort_keys=True,
    )


def is_gone(description: str | bytes | None, boot_id: str) -> bool:
    """Whether the process that was described is certainly not there any more.

    False where that cannot be known: on another host, in another container, or undescribed.
    """
    try:
        about = json.loads(description or "")
        pid = int(about["pid"])
        if about["boot_id"] != boot_id or about["pid_namespace"] != _namespace():
            return False
        started = None if about["started"] is None else int(about["started"])
    except (ValueError, KeyError, TypeError):
        return False
    if started is not None:
        # A zombie has ended, too; it only waits for its parent.
        return _started(pid) != started
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False


def _started(pid: int) -> int | None:
    try:
        fields = stat_fields(pid)
    except (*GONE, OSError):
        return None
    return None if fields[0] in (b"Z", b"X") else int(fields[_START_TIME])


def _namespace() -> str | None:
    try:
        return str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        return None
