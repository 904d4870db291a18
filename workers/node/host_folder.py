"""A folder that all nodes of one machine share: who the machine is, and who measures on it now.

Containers see no machine-id of their host and have temporary folders of their own. A volume that
all node containers of an engine mount outlives reboots, and its lock is the kernel's.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from ..errors import EnvironmentFault

_NAME = "host-id"


def shared_host_id(folder: Path) -> str:
    """Return the machine's id as the folder has it; whichever node comes first draws it.

    Raises:
        EnvironmentFault: the folder cannot be used.
    """
    path = folder / _NAME
    try:
        folder.mkdir(mode=0o755, parents=True, exist_ok=True)
        if not path.exists():
            draft = folder / f".{_NAME}-{secrets.token_hex(4)}"
            draft.write_text(f"h{secrets.token_hex(4)}\n", encoding="ascii")
            try:
                # A link, not a rename: of two nodes that begin at once, one names the machine for both.
                path.hardlink_to(draft)
            except FileExistsError:
                pass
            finally:
                draft.unlink()
        return path.read_text(encoding="ascii").strip() or f"unknown-{os.uname().nodename}"
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise EnvironmentFault(
            f"cannot use the host's folder {folder}: {reason}",
            "Set PARLAB_HOST_DIR to a folder that all nodes of this machine can write to.",
        ) from error


def shared_lock(folder: Path) -> Path:
    """Return the path of the machine's sitting lock in the folder."""
    return folder / "sitting.lock"
