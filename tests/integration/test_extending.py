"""docs/extending.md, done as it says: the package is built from the page, installed, and run."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.support.environments import add_distribution, own_packages, virtual_environment

FILES = re.compile(r"```(?:toml|python) (\S+)\n(.*?)```", re.DOTALL)


@pytest.fixture(scope="module")
def package(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package as the page has it."""
    folder = tmp_path_factory.mktemp("parlab-example")
    for name, text in FILES.findall((root / "docs" / "extending.md").read_text("utf-8")):
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, "utf-8")
    return folder


@pytest.fixture(scope="module")
def environment(package: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment with the package; what parlab needs comes from the one that runs the tests."""
    folder = tmp_path_factory.mktemp("environment")
    python = virtual_environment(folder, own_packages())
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet"),
            *("--no-deps", "--disable-pip-version-check", str(package)),
        ],
        check=True,
    )
    return python


@pytest.fixture(scope="module")
def older(package: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the package as it was written before 0.2, for which parlab was ``workers``."""
    python = virtual_environment(tmp_path_factory.mktemp("environment"), own_packages())
    modules = {
        f"{path.parent.name}/{path.name}": path.read_text("utf-8").replace(
            "from parlab.workers", "from workers"
        )
        for path in package.glob("parlab_example/*.py")
    }
    points = tomllib.loads((package / "pyproject.toml").read_text("utf-8"))["project"]["entry-points"]
    entry_points = "".join(
        f"[{group}]\n" + "".join(f"{name} = {value}\n" for name, value in own.items())
        for group, own in points.items()
    )
    add_distribution(python, "parlab_example", modules, entry_points)
    return python


def run(
    environment: Path, parlab: Any, *arguments: str, flags: tuple[str, ...] = (), path: str = ""
) -> subprocess.CompletedProcess[str]:
    own = parlab.environment()
    return subprocess.run(
        [str(environment), "-P", *flags, "-m", "parlab", *arguments],
        cwd=parlab.home,
        env={**own, "PYTHONPATH": f"{path}{own['PYTHONPATH']}"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_the_package_of_the_page_is_built_installed_and_measured(
    package: Path, environment: Path, parlab: Any
) -> None:
    assert "fibonacci" in run(environment, parlab, "workloads").stdout
    assert "raw_threads" in run(environment, parlab, "strategies").stdout
    result = parlab.home / "result.json"
    asked = ("--set", "stop.rule=fixed", "--set", "stop.blocks=1", "--set", "experiment.trial_seconds=0.02")
    ended = run(environment, parlab, "run", str(package / "fibonacci.toml"), *asked, "--json", str(result))
    assert ended.returncode == 0, ended.stderr
    document = json.loads(result.read_text())
    planned = {c["id"]: c["strategy"] for g in document["plan"]["groups"] for c in g["configurations"]}
    measured = {
        planned[trial["configuration"]]: trial for trial in document["trials"] if trial["block"] is not None
    }
    assert {name: trial["outcome"] for name, trial in measured.items()} == {
        "serial": "measured",
        "raw_threads": "measured",
        "processes": "measured",
    }
    readings = {
        name: next(r for r in trial["readings"] if r["probe"] == "collections")
        for name, trial in measured.items()
    }
    assert readings["serial"]["value"] is not None
    assert readings["processes"] == {
        "probe": "collections",
        "unit": "count",
        "value": None,
        "reason": "the collectors of a pool's processes cannot be asked",
    }


def test_a_python_that_lacks_the_package_is_skipped_with_the_reason(
    package: Path, environment: Path, parlab: Any
) -> None:
    result = parlab.home / "result.json"
    asked = ("--set", "stop.rule=fixed", "--set", "stop.blocks=1", "--set", "experiment.trial_seconds=0.02")
    pythons = ("--python", str(environment), "--python", sys.executable)
    ended = run(
        environment, parlab, "run", str(package / "fibonacci.toml"), *asked, *pythons, "--json", str(result)
    )
    document = json.loads(result.read_text())
    assert {trial["outcome"] for trial in document["trials"]} == {"measured", "skipped"}, ended.stderr
    why = {trial["reason"] for trial in document["trials"] if trial["outcome"] == "skipped"}
    assert all("fibonacci (of workloads) is not installed for this Python" in reason for reason in why)


def test_a_probe_that_a_python_lacks_gives_a_reason(environment: Path, parlab: Any) -> None:
    result = parlab.home / "result.json"
    asked = ("--set", "stop.rule=fixed", "--set", "stop.blocks=1", "--quiet", "--json", str(result))
    ended = run(environment, parlab, "run", "smoke", *asked, "--python", sys.executable)
    assert ended.returncode == 0, ended.stderr
    document = json.loads(result.read_text())
    trials = [trial for trial in document["trials"] if trial["block"] is not None]
    readings = [r for trial in trials for r in trial["readings"] if r["probe"] == "collections"]
    assert len(readings) == len(trials)
    assert all("probe collections is not installed for Python" in r["reason"] for r in readings)


def test_a_plug_in_that_imports_from_workers_is_measured_and_warned(
    package: Path, older: Path, parlab: Any
) -> None:
    listed = run(older, parlab, "workloads", flags=("-W", "default"))
    assert "fibonacci" in listed.stdout
    assert "DeprecationWarning: import from parlab.workers instead of workers" in listed.stderr
    result = parlab.home / "result.json"
    asked = ("--set", "stop.rule=fixed", "--set", "stop.blocks=1", "--set", "experiment.trial_seconds=0.02")
    ended = run(older, parlab, "run", str(package / "fibonacci.toml"), *asked, "--json", str(result))
    assert ended.returncode == 0, ended.stderr
    trials = json.loads(result.read_text())["trials"]
    assert {trial["outcome"] for trial in trials} == {"measured"}
    assert all(r["reason"] is None or "pool's" in r["reason"] for r in _collections(trials))


def test_a_users_own_workers_comes_before_the_old_name(older: Path, parlab: Any) -> None:
    own = parlab.home / "own"
    own.mkdir()
    (own / "workers.py").write_text("def resize(number): return sum(i * number for i in range(2000))\n")
    result = parlab.home / "result.json"
    experiment = parlab.home / "resize.toml"
    experiment.write_text(
        '[experiment]\nname = "resize"\ntrial_seconds = 0.02\n'
        '[[workload]]\nfunction = "workers:resize"\ninputs = [1, 2]\n'
        '[[strategy]]\nname = "serial"\n[[strategy]]\nname = "processes"\nmax_workers = 2\n'
    )
    asked = ("--quiet", "--set", "stop.rule=fixed", "--set", "stop.blocks=1", "--json", str(result))
    ended = run(older, parlab, "run", str(experiment), *asked, path=f"{own}:")
    assert ended.returncode == 0, ended.stderr
    assert {trial["outcome"] for trial in json.loads(result.read_text())["trials"]} == {"measured"}
    # What needs the old name is told what to do about it.
    refused = run(older, parlab, "workloads", path=f"{own}:")
    assert refused.returncode == 70
    assert "Have it import from parlab.workers, or uninstall it." in refused.stderr


def _collections(trials: list[dict[str, Any]]) -> list[dict[str, Any]]:
    measured = [trial for trial in trials if trial["block"] is not None]
    return [r for trial in measured for r in trial["readings"] if r["probe"] == "collections"]
