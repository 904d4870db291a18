"""One name is installed, ``parlab``: a project's own ``workers`` and ``orchestrator`` are left to it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest

from tests.support.environments import add_distribution, own_packages, site_of, virtual_environment

#: What the program reads besides its modules; the rest are for a checkout.
DATA = {".toml", ".html", ".css", ".js", ".svg", ".txt"}
#: Links to the two folders are to be followed, by a distribution of sources as well.
BUILD = """
import sys
from setuptools import build_meta
kind, folder = sys.argv[1:]
print("made:" + getattr(build_meta, f"build_{kind}")(folder))
"""

OWN = """
def resize(number):
    return sum(i * number for i in range(2000))
"""
EXPERIMENT = """
[experiment]
name = "resize"
trial_seconds = 0.02
[[workload]]
function = "workers:resize"
inputs = [1, 2, 3, 4]
[[strategy]]
name = "serial"
[[strategy]]
name = "threads"
max_workers = 2
[[strategy]]
name = "processes"
max_workers = 2
start_method = ["forkserver", "spawn"]
"""
ONE_BLOCK = ("--quiet", "--set", "stop.rule=fixed", "--set", "stop.blocks=1")
#: Whoever imports it by mistake is told.
TRAP = "raise RuntimeError('the project has its own, and parlab took it')\n"
INPUTS = ("--inputs", "numbers.json")

Build = dict[str, Path]


@pytest.fixture(scope="module")
def built(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Build:
    """A distribution of sources, and the wheel that is made of it."""
    folder = tmp_path_factory.mktemp("built")
    tree = folder / "tree"
    tree.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(root / name, tree)
    for name in ("src", "orchestrator", "workers"):
        shutil.copytree(root / name, tree / name, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "--target", str(folder / "backend"), "setuptools>=77"], check=True)

    def build(kind: str, tree: Path) -> Path:
        script = [sys.executable, "-c", BUILD, kind, str(folder)]
        path = {"PYTHONPATH": str(folder / "backend")}
        said = subprocess.run(script, cwd=tree, env=path, capture_output=True, text=True, check=True).stdout
        return folder / said.rpartition("made:")[2].strip()

    sources = build("sdist", tree)
    with tarfile.open(sources) as archive:
        archive.extractall(folder / "unpacked", filter="data")
    (unpacked,) = (folder / "unpacked").iterdir()
    return {"tree": tree, "wheel": build("wheel", unpacked)}


def test_one_name_is_installed_and_every_file_that_the_program_reads(built: Build) -> None:
    with ZipFile(built["wheel"]) as wheel:
        names = set(wheel.namelist())
        (top_level,) = [name for name in names if name.endswith("/top_level.txt")]
        assert wheel.read(top_level).decode().split() == ["parlab"]
    assert {name.split("/")[0] for name in names} == {"parlab", top_level.split("/")[0]}
    read = [
        path.relative_to(built["tree"])
        for room in ("orchestrator", "workers")
        for path in (built["tree"] / room).rglob("*")
        if path.suffix in {".py", *DATA}
    ]
    assert {"workers/requirements.txt", "orchestrator/serve/pages/static/live.js"} <= set(map(str, read))
    wanted = {"parlab/py.typed", "parlab/workers/Dockerfile", *(f"parlab/{path}" for path in read)}
    assert wanted - names == set()


def test_an_editable_installation_finds_one_name_too(root: Path) -> None:
    # It puts this folder on the path, as it is.
    assert [path.name for path in (root / "src").iterdir() if path.suffix != ".egg-info"] == ["parlab"]


@pytest.fixture(scope="module")
def installed(built: Build, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with parlab's wheel and another distribution's ``workers`` and ``orchestrator``."""
    python = virtual_environment(tmp_path_factory.mktemp("environment"), own_packages())
    pip = [sys.executable, "-m", "pip", "--python", str(python), "--disable-pip-version-check"]
    subprocess.run([*pip, "install", "--quiet", "--no-deps", str(built["wheel"])], check=True)
    assert (site_of(python) / "parlab" / "workers" / "trial").is_dir()
    add_distribution(python, "shop", {"workers/__init__.py": OWN, "orchestrator/__init__.py": TRAP})
    return python


class Project:
    """A folder in which a command is run that finds the project's own modules."""

    def __init__(self, parlab: Any, python: Path, environment: dict[str, str]) -> None:
        self.folder: Path = parlab.home
        self._python = python
        self._environment = environment
        (self.folder / "resize.toml").write_text(EXPERIMENT)
        (self.folder / "numbers.json").write_text("[1, 2, 3, 4]")

    def run(self, *arguments: str, code: int = 0) -> str:
        """Run a command that ends with ``code``; what it wrote is returned."""
        ended = subprocess.run(
            [str(self._python), "-P", "-m", "parlab", *arguments],
            cwd=self.folder,
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert ended.returncode == code, f"{arguments}: {ended.stdout}\n{ended.stderr}"
        assert "Traceback" not in ended.stderr
        return ended.stdout

    def measure(self) -> str:
        """Run the experiment; that its trials called the project's function, their results say."""
        self.run("run", "resize.toml", *ONE_BLOCK, "--json", "result.json")
        document = json.loads((self.folder / "result.json").read_text())
        assert {trial["outcome"] for trial in document["trials"]} == {"measured"}
        assert len(document["trials"]) == 1 + 4
        return str(document["run"])


@pytest.fixture(params=["workers.py", "workers/ and orchestrator/", "installed"])
def project(request: pytest.FixtureRequest, parlab: Any) -> Iterator[Project]:
    """A project with its own modules: by PYTHONPATH, a file or folders, or installed with parlab."""
    if request.param == "installed":
        environment = parlab.environment()
        del environment["PYTHONPATH"]
        yield Project(parlab, request.getfixturevalue("installed"), environment)
        return
    own = parlab.home / "own"
    own.mkdir()
    if request.param == "workers.py":
        (own / "workers.py").write_text(OWN)
    else:
        for name, text in {"workers": OWN, "orchestrator": TRAP}.items():
            (own / name).mkdir()
            (own / name / "__init__.py").write_text(text)
    environment = parlab.environment()
    # First: what PYTHONPATH names comes before what is installed.
    environment["PYTHONPATH"] = f"{own}:{environment['PYTHONPATH']}"
    yield Project(parlab, Path(sys.executable), environment)


def test_a_projects_own_function_is_looked_at_and_measured(project: Project) -> None:
    assert "✓ import " in project.run("check", "workers:resize", *INPUTS)
    assert "workers:resize" in project.run("show", project.measure())


@pytest.mark.parametrize("project", ["installed"], indirect=True)
def test_every_command_leaves_a_projects_own_modules_alone(project: Project) -> None:
    run = project.measure()
    assert run in project.run("list")
    for kind in ("csv", "markdown", "pyperf"):
        assert project.run("export", run, "--format", kind)
    project.run("export", run, "--output", "exported.json")
    project.run("import", "exported.json")
    project.run("report", run)
    project.run("resume", run, "--blocks", "2", "--quiet")
    # There is nothing to compare in it, which takes reading it.
    project.run("compare", run, code=2)
    for command in ("experiments", "workloads", "scenarios", "strategies", "doctor", "prune"):
        assert project.run(command)
    project.run("secrets", "--to", "secrets")
    # They get as far as they can without a server.
    project.run("serve", code=2)
    project.run("node", "--name", "desk", "--redis", "redis://127.0.0.1:9", code=3)
    project.run("nodes", "list", "--lab", "http://127.0.0.1:9", code=3)
    assert "Advice for workers:resize" in project.run("advise", "workers:resize", *INPUTS, "--budget", "5s")
