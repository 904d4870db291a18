"""What an installation has: every package and every file that the program reads."""

from __future__ import annotations

import tomllib
from fnmatch import fnmatch
from pathlib import Path

#: Loaded under other names, by their files.
NOT_PACKAGES = {"parlab.workers.trialpath._parlab_trial", "parlab.workers.pluginpath.workers"}


def packages_of(root: Path) -> set[str]:
    inits = [*(root / "orchestrator").rglob("__init__.py"), *(root / "workers").rglob("__init__.py")]
    return {".".join(path.parent.relative_to(root).parts) for path in inits} - NOT_PACKAGES


def setuptools_table(root: Path) -> dict[str, object]:
    table: dict[str, object] = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["setuptools"]
    return table


def test_every_package_is_installed(root: Path) -> None:
    assert set(setuptools_table(root)["packages"]) == packages_of(root)  # type: ignore[call-overload]


def test_every_experiment_and_claim_is_installed(root: Path) -> None:
    patterns = setuptools_table(root)["package-data"]["parlab.orchestrator.experiment.shipped"]  # type: ignore[index]
    folder = root / "orchestrator" / "experiments"
    for path in folder.rglob("*.toml"):
        name = str(path.relative_to(folder))
        # A star of package data does not reach into folders, as fnmatch's does.
        assert any(fnmatch(name, p) and name.count("/") == p.count("/") for p in patterns), name
