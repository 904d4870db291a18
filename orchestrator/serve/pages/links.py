"""Addresses of the lab's Grafana dashboards, with their variables filled in."""

from __future__ import annotations

from urllib.parse import quote, urlencode


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
