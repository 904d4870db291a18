"""The state of the GIL, as seen from where this is called."""

from __future__ import annotations

import sys


def gil_enabled() -> bool:
    """Tell whether the GIL is on in this process; builds before 3.13 always have it on."""
    ask = getattr(sys, "_is_gil_enabled", None)
    return True if ask is None else bool(ask())
