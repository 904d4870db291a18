"""Command that writes the dashboards: ``python -m grafana.build``. A test writes them again and compares."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from .pages import PAGES

FOLDER = Path(__file__).parent / "dashboards"


def render(name: str) -> str:
    """Return a dashboard as the JSON that Grafana reads: the same text each time."""
    plain = json.loads(JSONEncoder(sort_keys=True).encode(PAGES[name]().build()))
    return json.dumps(plain, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def main() -> int:
    """Write all dashboards."""
    FOLDER.mkdir(exist_ok=True)
    for name in PAGES:
        (FOLDER / f"{name}.json").write_text(render(name), encoding="utf-8")
        sys.stdout.write(f"{FOLDER.name}/{name}.json\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
