"""Boundaries of rooms: who may import whom, no circles, and what a light command may load."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from tests.support.checkout import CHECKOUT

#: Rooms from the ground up. What stands in one line may not import each other, nor anything further down.
ORCHESTRATOR = (
    {"statistics", "settings", "figures"},
    {"experiment"},
    {"plan"},
    {"store"},
    {"lab", "analysis"},
    {"show"},
    {"control"},
    {"doctor"},
    {"serve"},
    {"cli"},
)
WORKERS = (
    {"errors", "clock"},
    {"wire"},
    {"parameter"},
    {"host"},
    {"targets", "strategies"},
    {"workloads", "probes"},
    {"scenarios", "function"},
    {"catalog"},
    {"trial", "sitting"},
    {"node"},
)
#: What measures. The orchestrator asks for it by the queue, and never calls it (decision 7).
MEASURING = {"trial", "sitting", "node"}
#: Plug-in folders hold one file for each thing; all others are rooms, with few enough files to know them.
PLUGINS = {"workloads", "strategies", "probes", "scenarios"}
MODULES_OF_A_ROOM = 15
#: Distributions that are imported by another name.
IMPORTED_AS = {"pillow": "PIL"}
HEAVY = {"numpy", "scipy", "altair", "vl_convert", "jinja2", "fastapi", "httpx", "rich", "rq", "redis"}


def modules(package: str) -> list[Path]:
    """All modules of "orchestrator" or "workers", but what stands in for a package under another name."""
    return [
        path
        for path in sorted((CHECKOUT / package).rglob("*.py"))
        if not any(part.endswith("path") for part in path.relative_to(CHECKOUT).parts)
    ]


def name_of(path: Path) -> str:
    parts = path.relative_to(CHECKOUT).with_suffix("").parts
    return ".".join(("parlab", *(parts[:-1] if parts[-1] == "__init__" else parts)))


@cache
def imports_of(path: Path) -> frozenset[str]:
    """Names of all modules that a file imports, at any depth of its code; types' imports count, too."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return frozenset(name for node in ast.walk(tree) for name in named_by(node, path))


def named_by(node: ast.AST, path: Path) -> Iterator[str]:
    """Names of the modules that a statement of a file imports; none where it is no import."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        name = name_of(path) if path.is_relative_to(CHECKOUT) else ""
        package = name if path.name == "__init__.py" else name.rpartition(".")[0]
        above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
        module = ".".join([*above, *filter(None, [node.module])])
        # A name that is imported from a package may be a module in it.
        yield from (f"{module}.{alias.name}" for alias in node.names)
        yield module


def room_of(package: str, path: Path) -> str:
    return path.relative_to(CHECKOUT / package).with_suffix("").parts[0]


def rooms_used(package: str, path: Path) -> Iterator[str]:
    for name in imports_of(path):
        parts = name.split(".")
        if parts[:2] == ["parlab", package] and len(parts) > 2:
            yield parts[2]


@pytest.mark.parametrize(("package", "order"), [("orchestrator", ORCHESTRATOR), ("workers", WORKERS)])
def test_imports_run_downwards_only(package: str, order: tuple[set[str], ...]) -> None:
    level = {room: height for height, rooms in enumerate(order) for room in rooms}
    upwards = {
        f"{path.relative_to(CHECKOUT)} imports {used}"
        for path in modules(package)
        for used in rooms_used(package, path)
        if (room := room_of(package, path)) != used and level.get(used, -1) >= level.get(room, len(order))
    }
    assert not upwards


@pytest.mark.parametrize(("package", "order"), [("orchestrator", ORCHESTRATOR), ("workers", WORKERS)])
def test_every_room_has_its_place_in_the_order(package: str, order: tuple[set[str], ...]) -> None:
    assert {room_of(package, path) for path in modules(package)} - {"__init__"} == set().union(*order)


def test_there_are_no_circles() -> None:
    every = {name_of(path): path for package in ("orchestrator", "workers") for path in modules(package)}
    # A circle raises CycleError, which names it. Imports for types count; those within functions do not.
    TopologicalSorter(
        {
            name: {used for used in imported_outside_functions(path) if used in every and used != name}
            for name, path in every.items()
        }
    ).prepare()


def imported_outside_functions(path: Path) -> set[str]:
    """Names of the modules that a module imports as it is loaded, or for types."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    branches = [inner for node in tree.body if isinstance(node, ast.If) for inner in node.body]
    return {name for node in (*tree.body, *branches) for name in named_by(node, path)}


@pytest.mark.parametrize("package", ["orchestrator", "workers"])
def test_a_room_has_few_files_and_none_repeats_its_name(package: str) -> None:
    for folder in {path.parent for path in modules(package)}:
        names = [path.stem for path in folder.glob("*.py") if path.stem != "__init__"]
        if folder.name not in PLUGINS:
            assert len(names) <= MODULES_OF_A_ROOM, f"{folder}: {len(names)} files"
        assert folder.name not in names, folder


def declared_by(path: Path) -> set[str]:
    """What a workload or strategy says that it requires, by the names that are imported."""
    if path.parent.name not in ("workloads", "strategies"):
        return set()
    declared: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.keyword) and node.arg == "requires":
            declared.update(ast.literal_eval(node.value))
    return {IMPORTED_AS.get(name, name) for name in declared}


def test_workers_import_the_standard_library_only_except_the_node() -> None:
    for path in modules("workers"):
        foreign = {name.split(".")[0] for name in imports_of(path)}
        foreign -= {*sys.stdlib_module_names, "__future__", "parlab", ""}
        node = path.parent.name == "node" or path.stem in ("job", "connection")
        assert foreign <= ({"rq", "redis"} if node else declared_by(path)), path


def test_workers_import_each_other_relatively_and_never_the_orchestrator() -> None:
    for path in modules("workers"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom):
                assert node.level or (node.module or "").split(".")[0] != "parlab", path
            elif isinstance(node, ast.Import):
                assert not [alias.name for alias in node.names if alias.name.startswith("parlab")], path
        assert not [name for name in imports_of(path) if name.startswith("parlab.orchestrator")], path


def test_the_orchestrator_never_measures_itself() -> None:
    for path in modules("orchestrator"):
        used = set(rooms_used("workers", path)) & MEASURING
        # The command that makes this machine a node is the one exception.
        assert used <= ({"node"} if path.parent.name == "cli" else set()), f"{path}: {used}"


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
