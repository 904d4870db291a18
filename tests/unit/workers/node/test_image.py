from __future__ import annotations

import tomllib
from pathlib import Path


def pins(path: Path) -> dict[str, str]:
    lines = [
        line.strip() for line in path.read_text().splitlines() if line.strip() and not line.startswith("#")
    ]
    return {name.lower(): version for name, _, version in (line.partition("==") for line in lines)}


def test_a_nodes_image_has_the_versions_that_the_project_is_tested_with(root: Path) -> None:
    image, project = pins(root / "workers/requirements.txt"), pins(root / "constraints.txt")
    assert image.items() <= project.items()
    assert {"rq", "redis", "httpx"} <= image.keys()


def test_what_a_nodes_image_is_built_from_is_installed_with_the_package(root: Path) -> None:
    settings = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"]
    assert {"Dockerfile", "requirements.txt"} <= set(settings["parlab.workers"])
