"""How tests are given to the processes that run them side by side (pytest-xdist)."""

from __future__ import annotations

from xdist.scheduler.loadfile import LoadFileScheduling

_BROWSER = "tests/browser/"


class ByFile(LoadFileScheduling):  # type: ignore[misc]  # it has no types
    """Files in the order of ``testpaths``, the longest first; what shares a browser stays together.

    xdist by itself begins with the files of most tests, which here are the quickest: the long ones would
    come last, and a processor would be idle meanwhile.
    """

    def _split_scope(self, nodeid: str) -> str:
        return _BROWSER if nodeid.startswith(_BROWSER) else str(super()._split_scope(nodeid))
