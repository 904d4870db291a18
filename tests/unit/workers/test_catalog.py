"""Finding workloads, strategies and probes; and what the scan says of files that break its rules."""

from __future__ import annotations

import importlib
import pickle
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from parlab import workers
from parlab.workers import catalog
from parlab.workers.errors import BadInput
from parlab.workers.host.bootstrap import TRIALPATH
from parlab.workers.parameter import settle
from parlab.workers.strategies.base import BuildFacts


def test_what_ships_is_found() -> None:
    assert {"integer_sum", "mixed", "wait", "http_get", "numpy_matmul"} < set(catalog.workloads())
    assert list(catalog.strategies()) == [
        *("serial", "threads", "asyncio", "interpreters", "processes", "hybrid", "joblib"),
    ]
    assert {"cpu", "memory", "steal", "switches", "throttling", "wall"} < set(catalog.probes())


def test_every_workload_can_be_used_by_other_processes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Inputs may be files.
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    for workload in catalog.workloads().values():
        parameters = settle(workload.parameters, {}, workload.name)
        items = workload.inputs(parameters, 3)
        assert items == workload.inputs(parameters, 3)
        assert pickle.loads(pickle.dumps(workload.function)) is workload.function
        assert pickle.loads(pickle.dumps(items)) == items
        assert workload.summary.endswith(".")


def test_every_parameter_and_option_takes_its_own_default() -> None:
    for found in catalog.workloads().values():
        for parameter in found.parameters.values():
            assert parameter.refusal(parameter.default) is None
            assert parameter.summary.endswith(".")
    for strategy in catalog.strategies().values():
        for option in strategy.options.values():
            assert option.refusal(option.default) is None
            assert option.summary.endswith(".")


def test_a_build_that_cannot_start_processes_so_is_told_apart() -> None:
    spawn_only = BuildFacts((3, 13), ("spawn",))
    none_at_all = BuildFacts((3, 13), (), lacks=("_multiprocessing",))
    for name in ("processes", "hybrid"):
        strategy = catalog.strategy(name)
        options = settle(strategy.options, {}, name)
        assert strategy.unavailable(BuildFacts((3, 13)), options) is None
        assert strategy.unavailable(spawn_only, options) == (
            "this Python build cannot start processes by forkserver"
        )
        assert strategy.unavailable(spawn_only, {**options, "start_method": "spawn"}) is None
        assert "lacks _multiprocessing" in str(strategy.unavailable(none_at_all, options))
    for name in ("serial", "threads"):
        assert catalog.strategy(name).unavailable(none_at_all, {}) is None


def test_an_unknown_name_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(BadInput, match="there is no workload 'integersum'") as refused:
        catalog.workload("integersum")
    assert refused.value.hint == f"There are: {', '.join(catalog.names('workloads'))}."
    with pytest.raises(BadInput, match="there is no strategy 'base'"):
        catalog.strategy("base")
    with pytest.raises(BadInput, match="there is no probe"):
        catalog.probe("../../errors")


def test_loading_one_by_name_imports_no_other() -> None:
    program = (
        "import sys; sys.path.insert(0, sys.argv[1]); from _parlab_trial import catalog; "
        "catalog.workload('wait'); catalog.strategy('serial'); "
        "print(*sorted(name for name in sys.modules if 'workloads.' in name or 'strategies.' in name))"
    )
    answer = subprocess.run(
        [sys.executable, "-s", "-P", "-S", "-c", program, TRIALPATH],
        capture_output=True,
        text=True,
        check=True,
    )
    assert answer.stdout.split() == [
        "_parlab_trial.strategies.base",
        "_parlab_trial.strategies.serial",
        "_parlab_trial.workloads.base",
        "_parlab_trial.workloads.wait",
    ]


def test_a_trials_interpreter_loads_nothing_heavy() -> None:
    program = (
        "import sys; sys.path.insert(0, sys.argv[1]); from _parlab_trial.trial import main, workload; "
        "from _parlab_trial import catalog; catalog.probes(); catalog.strategy('serial'); "
        "print(*{'typing', 'dataclasses', 'logging', 'pathlib', 'hashlib', 'inspect', 'multiprocessing'} "
        "& set(sys.modules))"
    )
    answer = subprocess.run(
        [sys.executable, "-s", "-P", "-S", "-c", program, TRIALPATH],
        capture_output=True,
        text=True,
        check=True,
    )
    assert answer.stdout.split() == []


@pytest.fixture
def copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The package under another name in a folder that may be spoiled."""
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(Path(workers.__file__).parent, tmp_path / "spoiled", ignore=ignored)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path / "spoiled"
    for name in [name for name in sys.modules if name.split(".")[0] == "spoiled"]:
        del sys.modules[name]


def spoiled_catalog() -> ModuleType:
    return importlib.import_module("spoiled.catalog")


def test_a_file_without_its_constant_is_an_error(copy: Path) -> None:
    (copy / "workloads" / "empty.py").write_text("")
    found = spoiled_catalog()
    with pytest.raises(found.CatalogFault, match=r"workloads/empty\.py: it has no constant WORKLOAD"):
        found.workloads()


def test_a_constant_of_another_kind_is_an_error(copy: Path) -> None:
    (copy / "probes" / "odd.py").write_text("PROBE = 3")
    found = spoiled_catalog()
    with pytest.raises(found.CatalogFault, match=r"probes/odd\.py: it holds a int, not a Probe"):
        found.probes()


def test_a_name_that_is_not_the_files_is_an_error(copy: Path) -> None:
    (copy / "strategies" / "fibres.py").write_text((copy / "strategies" / "serial.py").read_text())
    found = spoiled_catalog()
    with pytest.raises(found.CatalogFault, match="what it holds is named 'serial'") as refused:
        found.strategies()
    assert refused.value.hint == "Name it 'fibres'."


def test_two_probes_that_give_the_same_quantity_are_an_error(copy: Path) -> None:
    text = (copy / "probes" / "wall.py").read_text()
    (copy / "probes" / "zeit.py").write_text(text.replace('name="wall"', 'name="zeit"'))
    found = spoiled_catalog()
    with pytest.raises(found.CatalogFault, match="probes wall and zeit both give a quantity 'wall'"):
        found.probes()


def distribution(folder: Path, name: str, entry_points: str) -> None:
    """Lay out an installed distribution that adds entry points."""
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(entry_points)


THEIRS = """
from parlab.workers.workloads.base import Workload
WORKLOAD = Workload(name="theirs", summary="Theirs.", kind="cpu", parameters={}, function=print, inputs=list)
"""


def test_another_distribution_adds_its_own_by_an_entry_point(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "theirs.py").write_text(THEIRS)
    distribution(tmp_path, "theirs", "[parlab.workloads]\ntheirs = theirs:WORKLOAD\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert set(catalog.available("workloads")) == {*catalog.names("workloads"), "theirs"}
    assert catalog.workload("theirs").summary == "Theirs."
    assert "theirs" in catalog.workloads()


@pytest.mark.parametrize(
    ("entry_point", "said"),
    [
        ("wait = theirs:WORKLOAD", "the name is taken"),
        ("other = theirs:WORKLOAD", "what it holds is named 'theirs'"),
        ("theirs = theirs:NOTHING", "has no attribute 'NOTHING'"),
        ("theirs = nowhere:WORKLOAD", "No module named 'nowhere'"),
        ("theirs = theirs:Workload", "it holds a type, not a Workload"),
    ],
)
def test_an_entry_point_that_cannot_be_used_is_named(
    entry_point: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "theirs.py").write_text(THEIRS)
    distribution(tmp_path, "theirs", f"[parlab.workloads]\n{entry_point}\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(catalog.CatalogFault) as refused:
        catalog.workloads()
    assert refused.value.message.startswith("entry point ")
    assert said in refused.value.message
