"""Queries of every panel, with the variables filled in as Grafana does when all is chosen."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.checkout import CHECKOUT

FOLDER = CHECKOUT / "grafana" / "dashboards"
_VARIABLE = re.compile(r"\$(\w+)|\$\{(\w+)(?::\w+)?\}")


@dataclass(frozen=True)
class PanelQuery:
    """One query as it is sent to Prometheus."""

    dashboard: str
    panel: str
    expr: str

    def __str__(self) -> str:
        """Name it for people."""
        return f"{self.dashboard} / {self.panel}: {self.expr}"


def all_queries(chosen: Mapping[str, str] | None = None, folder: Path = FOLDER) -> Iterator[PanelQuery]:
    """Give the queries of all panels and annotations; ``chosen`` holds values of variables (default: All)."""
    for path in sorted(folder.glob("*.json")):
        page = json.loads(path.read_text(encoding="utf-8"))
        values = {one["name"]: one.get("allValue") or ".*" for one in page["templating"]["list"]}
        values |= dict(chosen or {})
        for panel in page["panels"]:
            for target in panel.get("targets", ()):
                yield PanelQuery(path.stem, panel["title"], fill(target["expr"], values))
        for annotation in page.get("annotations", {}).get("list", ()):
            if "expr" in annotation:
                yield PanelQuery(path.stem, annotation["name"], fill(annotation["expr"], values))


def variable_queries(folder: Path = FOLDER) -> Iterator[tuple[str, str, str]]:
    """Give each variable's dashboard, name and the metric and label that its values come from."""
    for path in sorted(folder.glob("*.json")):
        for one in json.loads(path.read_text(encoding="utf-8"))["templating"]["list"]:
            if one["type"] == "query":
                yield path.stem, one["name"], _text(one["query"])


def fill(expr: str, values: Mapping[str, str]) -> str:
    """Put the values of variables into a query."""
    return _VARIABLE.sub(lambda found: values.get(found[1] or found[2], found[0]), expr)


def _text(query: Any) -> str:
    return str(query["query"] if isinstance(query, dict) else query)
