"""The lab's key: a file that only its owner can read."""

from __future__ import annotations

import errno
import os
import secrets
from pathlib import Path

from ..errors import BadInput, EnvironmentFault, StorageFull

_BYTES = 32


def read_lab_key(path: Path) -> bytes:
    """Read the lab's key (hexadecimal, 32 bytes or more).

    Raises:
        EnvironmentFault: it is missing, cannot be read, or others can read it.
        BadInput: it is no key.
    """
    try:
        with path.open(encoding="ascii", errors="replace") as file:
            mode = os.fstat(file.fileno()).st_mode
            text = file.read(4096).strip()
    except OSError as error:
        raise EnvironmentFault(
            f"cannot read the lab's key {path}: {error.strerror}",
            "Copy lab.key from the PARLAB_HOME of the lab's orchestrator and name it in PARLAB_LAB_KEY_FILE.",
        ) from error
    if mode & 0o077:
        raise EnvironmentFault(f"others can read the lab's key {path}", f"Run: chmod 600 {path}")
    try:
        key = bytes.fromhex(text)
    except ValueError:
        key = b""
    if len(key) < _BYTES:
        raise BadInput(
            f"{path} holds no lab key", "It has 64 hexadecimal digits; copy it from the lab again."
        )
    return key


def ensure_lab_key(path: Path) -> bytes:
    """Read the lab's key; where there is none yet, make it, for its owner's eyes only.

    Raises:
        EnvironmentFault: it can be neither read nor made, or others can read it.
        BadInput: there is another file in its place.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.exists():
            make_once(path, secrets.token_hex(_BYTES) + "\n", 0o600)
    except OSError as error:
        kind = StorageFull if error.errno in (errno.ENOSPC, errno.EDQUOT) else EnvironmentFault
        raise kind(
            f"cannot make the lab's key {path}: {error.strerror}",
            "Set PARLAB_HOME to a folder that you can write to.",
        ) from error
    return read_lab_key(path)


def make_once(path: Path, text: str, mode: int) -> None:
    """Make a file whole, unless another process has made it meanwhile; raises OSError."""
    draft = path.with_name(f".{path.name}-{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        # A link, not a rename: of two that begin at once, one makes it and both read it.
        path.hardlink_to(draft)
    except FileExistsError:
        return
    finally:
        draft.unlink()
