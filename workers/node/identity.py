"""Identity of a node: its process, so that a successor can prove that it is gone, and the machine it shares.

Containers see no machine-id of their host and have temporary folders of their own. A volume that
all node containers of an engine mount outlives reboots, and its lock is the kernel's.
"""

from __future__ import annotations

import json
import os
import secrets
from pathlib import Path

from ..errors import EnvironmentFault
from ..host.tree import GONE, stat_fields
from ..wire.lab_key import make_once

#: Place of the start time in /proc/<pid>/stat, from the state on (field 22 of proc(5)).
_START_TIME = 19
_NAME = "host-id"


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


def shared_host_id(folder: Path) -> str:
    """Return the machine's id as the folder has it; whichever node comes first draws it.

    Raises:
        EnvironmentFault: the folder cannot be used.
    """
    path = folder / _NAME
    try:
        folder.mkdir(mode=0o755, parents=True, exist_ok=True)
        if not path.exists():
            make_once(path, f"h{secrets.token_hex(4)}\n", 0o644)
        return path.read_text(encoding="ascii").strip() or f"unknown-{os.uname().nodename}"
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise EnvironmentFault(
            f"cannot use the host's folder {folder}: {reason}",
            "Set PARLAB_HOST_DIR to a folder that all nodes of this machine can write to.",
        ) from error


def shared_lock(folder: Path) -> Path:
    """Return the path of the machine's sitting lock in the folder."""
    return folder / "sitting.lock"
