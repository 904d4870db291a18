"""The two packages' boundary, and what a light command may load."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

#: What measures. The orchestrator asks for it by the queue, and never calls it (decision 7).
MEASURING = {
    "calibration", "checking", "digest", "gates", "guardedworker", "guardian", "interpreter", "meters",
    "nodeworker", "passes", "seat", "settlement", "sitting", "spool", "steadyworker", "strays", "taskpass",
    "trial", "turns",
}  # fmt: skip
#: The node's own modules: they, and nothing that a trial interpreter imports, may use rq and redis.
NODE_SIDE = {
    "connection", "guardedworker", "guardian", "heartbeat", "job", "node", "nodeworker", "settlement",
    "steadyworker",
}  # fmt: skip
#: Distributions that are imported by another name.
IMPORTED_AS = {"pillow": "PIL"}
HEAVY = {"numpy", "scipy", "altair", "vl_convert", "jinja2", "fastapi", "rq", "redis"}


def imports_of(path: Path) -> set[str]:
    """Absolute names of all modules that a file imports, at any depth of its code."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names.add(node.module)
    return names


def declared_by(path: Path) -> set[str]:
    """What a workload or strategy says that it requires, by the names that are imported."""
    if path.parent.name not in ("workloads", "strategies"):
        return set()
    declared: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.keyword) and node.arg == "requires":
            declared.update(ast.literal_eval(node.value))
    return {IMPORTED_AS.get(name, name) for name in declared}


def test_workers_never_import_the_orchestrator(root: Path) -> None:
    for path in sorted((root / "workers").rglob("*.py")):
        assert not [n for n in imports_of(path) if n.split(".")[0] == "orchestrator"], path


def test_workers_import_the_standard_library_only_except_the_node(root: Path) -> None:
    for path in sorted((root / "workers").rglob("*.py")):
        foreign = {n.split(".")[0] for n in imports_of(path)} - set(sys.stdlib_module_names) - {"__future__"}
        allowed = {"rq", "redis"} if path.stem in NODE_SIDE else declared_by(path)
        assert foreign <= allowed, f"{path}: {foreign - allowed}"


def test_the_orchestrator_never_measures_itself(root: Path) -> None:
    for path in sorted((root / "orchestrator").rglob("*.py")):
        assert not {n.removeprefix("workers.") for n in imports_of(path)} & MEASURING, path


def test_workers_import_each_other_relatively(root: Path) -> None:
    for path in sorted((root / "workers").rglob("*.py")):
        assert not [n for n in imports_of(path) if n.split(".")[0] == "workers"], path


@pytest.mark.parametrize(
    "arguments", [["--help"], ["run", "--help"], ["report", "--help"], ["workloads", "--help"]]
)
def test_help_loads_nothing_heavy(arguments: list[str]) -> None:
    script = (
        "import sys\n"
        "from parlab.orchestrator.cli.main import main\n"
        f"sys.argv = ['parlab', *{arguments!r}]\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code, end.code\n"
        f"print('loaded:', sorted({HEAVY!r} & set(sys.modules)), file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "loaded: []" in done.stderr, done.stderr
