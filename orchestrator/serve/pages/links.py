"""Links to the lab's Grafana dashboards, and commands about the lab, for pages."""

from __future__ import annotations

import shlex
from urllib.parse import quote, urlencode

from fastapi import Request


class GrafanaLinks:
    """Makes links to dashboards; false in a template where the lab has no Grafana that it knows of."""

    def __init__(self, url: str | None, lab: str | None = None) -> None:
        """Link to the Grafana at ``url`` (None: there is none), whose dashboards lead back to ``lab``."""
        self._url = url.rstrip("/") if url else None
        self._lab = {"lab": lab.rstrip("/")} if lab else {}

    def __bool__(self) -> bool:
        """Whether there is one."""
        return self._url is not None

    def home(self) -> str:
        """Return where it begins."""
        return f"{self._url}/dashboards"

    def dashboard(self, uid: str, **variables: str) -> str:
        """Return a dashboard's address by its uid ("parlab-run"); variables as ``run="7f3a"``."""
        chosen = urlencode([(f"var-{name}", value) for name, value in (variables | self._lab).items()])
        return f"{self._url}/d/{quote(uid, safe='')}" + (f"?{chosen}" if chosen else "")


def lab_command(request: Request, *words: str) -> str:
    """Write a command about this lab: ``parlab run article --lab http://lab:8080``.

    The lab's address is the one that the browser asked under; whatever it holds, it is one word of the shell.
    """
    return shlex.join(["parlab", *words, "--lab", str(request.base_url).rstrip("/")])


#: A longer one is somebody's mistake, and would bury the cure.
_MOST_CHARACTERS = 60


def shortened(name: str) -> str:
    """Cut a name that is too long to be one."""
    return name if len(name) <= _MOST_CHARACTERS else f"{name[:_MOST_CHARACTERS]}…"
