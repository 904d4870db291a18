"""Names as somebody typed them into an address, for messages."""

from __future__ import annotations

#: A longer one is somebody's mistake, and would bury the cure.
_MOST_CHARACTERS = 60


def shortened(name: str) -> str:
    """Cut a name that is too long to be one."""
    return name if len(name) <= _MOST_CHARACTERS else f"{name[:_MOST_CHARACTERS]}…"
