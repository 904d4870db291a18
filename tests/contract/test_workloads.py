"""Every workload that needs no service, in each variant, in fresh interpreters of each build there is."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from parlab.workers import catalog
from parlab.workers.host.tree import processes_below
from parlab.workers.parameter import settle
from parlab.workers.trial.check import SerialDigests
from parlab.workers.wire.digest import digest
from parlab.workers.wire.spec import Scalar

SpecOf = Callable[..., Mapping[str, Any]]
StartTrial = Callable[..., Any]

_TASKS = 4
_STRATEGIES = {"serial": 1, "threads": 2, "processes": 2}
#: So small that a round takes milliseconds. The first of each runs under all strategies on our own build,
#: everything else under the one in which what a variant or a build is about may go wrong. (All under all
#: strategies on all builds, without a trial around them: tests/contract/test_strategies.py.)
_VARIANTS: dict[str, list[dict[str, Scalar]]] = {
    "integer_sum": [{"steps": 100}],
    "wait": [{"seconds": 0.001}],
    "mixed": [{"steps": 100, "seconds": 0.001}],
    "sum_of_squares": [{"n": 1000}],
    "prime_sieve": [{"n": 10_000}],
    "matrix_multiply": [{"n": 8}],
    "json_parse": [{"size": 5000}],
    "regex_scan": [{"size": 5000}],
    "hash": [
        {"total": 100_000},
        {"total": 100_000, "size": 1024, "algorithm": "blake2b"},
        {"total": 100_000, "algorithm": "md5"},
        {"total": 100_000, "algorithm": "sha1"},
    ],
    "compress": [
        {"size": 5000},
        {"size": 5000, "algorithm": "lzma"},
        {"size": 5000, "algorithm": "bz2"},
        {"size": 5000, "algorithm": "zstd"},
        {"size": 5000, "round_trip": False},
    ],
    "image_resize": [
        {"source": 64, "width": 32},
        {"source": 64, "width": 16, "filter": "nearest"},
        {"source": 64, "width": 100, "filter": "bicubic"},
    ],
    "numpy_matmul": [{"n": 20}, {"n": 20, "inner_threads": 0}],
    "payload": [{"bytes_in": 1000, "bytes_out": 1000}, {"bytes_in": 0, "bytes_out": 0}],
    "file_write_read": [{"size": 10_000}, {"size": 10_000, "fsync": True}],
    "sqlite_query": [{"rows": 1000}],
}
_ALSO: tuple[str, list[dict[str, Scalar]]] = ("sqlite_query", [{"rows": 1, "mode": "write"}])
_CASES = [
    pytest.param(
        build, name, variant, strategy, id="-".join(map(str, (build, name, strategy, *variant.values())))
    )
    for build in ("python", "python314", "free_threaded")
    for name, variants in [*_VARIANTS.items(), _ALSO]
    for index, variant in enumerate(variants)
    for strategy in (_STRATEGIES if index == 0 and build == "python" else ["threads"])
]


@pytest.fixture
def tmp_path(home: Path) -> Path:
    """A short one: multiprocessing's sockets lie below it, and of so many tests the names are long."""
    return home


def test_every_workload_that_needs_no_service_is_among_the_variants() -> None:
    assert {name for name, one in catalog.workloads().items() if not one.targets} == set(_VARIANTS)


@pytest.mark.parametrize(("build", "name", "variant", "strategy"), _CASES)
def test_a_workload_gives_the_same_on_every_build_under_every_strategy(
    build: str,
    name: str,
    variant: dict[str, Scalar],
    strategy: str,
    start_trial: StartTrial,
    spec_of: SpecOf,
    request: pytest.FixtureRequest,
) -> None:
    executable = request.getfixturevalue(build)
    # What is right is found by this process, on this build: not by the trial that is tested.
    spec = spec_of(
        name,
        _TASKS,
        parameters=variant,
        strategy=strategy,
        max_workers=_STRATEGIES[strategy],
        expected=_expected(name, tuple(variant.items())),
    )
    trial = start_trial(None, executable)
    lacking = _lacking(executable, name, variant)
    if lacking is not None:
        error = trial.fail("prepare", spec=spec)
        assert error["cause"] == "unavailable"
        assert lacking in error["message"]
        return
    trial.do("prepare", spec=spec)
    trial.do("open")
    trial.do("warm_up")
    for _ in range(2):
        assert trial.do("round")["seconds"] > 0
    closed = trial.do("close")
    # Nothing that a workload loads turns the GIL on again where there was none.
    assert closed["gil_enabled"] == (build != "free_threaded")
    assert processes_below(trial.pid) == []
    assert trial.exit_code() == 0
    assert list(trial.temporary.iterdir()) == []
    assert trial.output.read_text() == ""


@cache
def _expected(name: str, variant: tuple[tuple[str, Scalar], ...]) -> dict[str, Any] | None:
    workload = catalog.workload(name)
    # It gives what came out again, which all algorithms do alike, and not every build has all.
    given = {key: "zlib" if value == "zstd" else value for key, value in variant}
    parameters = settle(workload.parameters, given, name)
    if workload.check is not None:
        return None
    results = [workload.function(item) for item in workload.inputs(parameters, _TASKS)]
    if workload.teardown is not None:
        workload.teardown()
    return SerialDigests.of([digest(result) for result in results]).to_plain()


def _lacking(executable: str, name: str, variant: Mapping[str, Scalar]) -> str | None:
    """Say what must be in the refusal of a build that lacks what the variant needs."""
    requires = catalog.workload(name).requires
    if requires and not _has(executable, {"pillow": "PIL"}.get(requires[0], requires[0])):
        return f"-m pip install {requires[0]}"
    if variant.get("algorithm") == "zstd" and not _has(executable, "compression.zstd"):
        return "no compression.zstd (it came with Python 3.14)"
    return None


@cache
def _has(executable: str, module: str) -> bool:
    asked = subprocess.run([executable, "-c", f"import {module}"], capture_output=True, check=False)
    return asked.returncode == 0


def test_writers_of_one_database_wait_for_each_other(start_trial: StartTrial, spec_of: SpecOf) -> None:
    tasks = 100
    expected = SerialDigests.of([digest((number,)) for number in range(tasks)]).to_plain()
    parameters = {"rows": 1, "mode": "write"}
    given = {"strategy": "hybrid", "max_workers": 8, "options": {"processes": 4, "threads": 2}}
    trial = start_trial(spec_of("sqlite_query", tasks, parameters=parameters, expected=expected, **given))
    for _ in range(3):
        trial.do("round")
    trial.do("close")
    assert trial.exit_code() == 0
    assert list(trial.temporary.iterdir()) == []


@pytest.mark.parametrize("mode", ["read", "write"])
def test_each_interpreter_keeps_its_connection_and_closes_it(
    mode: str, start_trial: StartTrial, spec_of: SpecOf, python314: str
) -> None:
    parameters = {"rows": 100, "mode": mode}
    expected = _expected("sqlite_query", tuple(parameters.items()))
    pool = {"strategy": "interpreters", "max_workers": 2}
    spec = spec_of("sqlite_query", _TASKS, parameters=parameters, expected=expected, **pool)
    trial = start_trial(spec, python314)
    for _ in range(3):
        trial.do("round")
    files = [link.resolve() for link in Path(f"/proc/{trial.pid}/fd").iterdir()]
    assert 1 <= sum(file.suffix == ".db" for file in files) <= 2
    trial.do("close")
    assert trial.exit_code() == 0
    assert list(trial.temporary.iterdir()) == []


@pytest.mark.parametrize(("inner_threads", "given"), [(1, "1"), (3, "3"), (0, None)])
def test_the_threads_of_blas_are_what_the_trials_processes_are_told(
    inner_threads: int, given: str | None, start_trial: StartTrial, spec_of: SpecOf
) -> None:
    parameters = {"n": 10, "inner_threads": inner_threads}
    expected = _expected("numpy_matmul", (("n", 10),))
    pool = {"strategy": "processes", "max_workers": 2, "options": {"start_method": "spawn"}}
    trial = start_trial(spec_of("numpy_matmul", _TASKS, parameters=parameters, expected=expected, **pool))
    below = processes_below(trial.pid)
    assert len(below) >= 2
    environments = [_environment_of(pid) for pid in below]
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        assert {one.get(name) for one in environments} == {given}
    trial.do("close")


def _environment_of(pid: int) -> dict[str, str]:
    entries = Path(f"/proc/{pid}/environ").read_text().split("\0")
    return dict(entry.split("=", 1) for entry in entries if "=" in entry)
