"""Workloads that talk to a target, under every strategy, through the trial's protocol."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from parlab.workers import catalog
from parlab.workers.host.tree import processes_below
from parlab.workers.workloads import http_get, postgres_query
from tests.support.targets import RunningTarget, free_port, http_target, postgres

SpecOf = Callable[..., Mapping[str, Any]]
StartTrial = Callable[..., Any]

_PASSWORD = "a-password-that-only-this-test-knows"
_STRATEGIES = [
    name
    for name in ("serial", "threads", "processes", "hybrid", "asyncio")
    if name in catalog.names("strategies")
]


@pytest.fixture(scope="module")
def http() -> Iterator[RunningTarget]:
    with http_target() as running:
        yield running


@pytest.fixture(scope="module")
def database() -> Iterator[str]:
    with postgres(_PASSWORD) as address:
        yield address


@pytest.fixture
def run(start_trial: StartTrial, spec_of: SpecOf) -> Callable[..., Any]:
    """Prepares a trial of a workload that is told the addresses of targets, and opens its pool."""

    def start(workload: str, strategy: str, parameters: Mapping[str, Any], targets: Mapping[str, str]) -> Any:
        trial = start_trial()
        width = {"serial": 1, "asyncio": 8}.get(strategy, 4)
        chosen = {"strategy": strategy, "max_workers": width, "parameters": parameters}
        trial.do("prepare", spec=spec_of(workload, 16, expected=None, **chosen), targets=targets)
        trial.do("open")
        return trial

    return start


def finish(trial: Any) -> None:
    trial.do("close")
    assert processes_below(trial.pid) == []
    assert trial.exit_code() == 0
    assert list(trial.temporary.iterdir()) == []
    assert trial.output.read_text() == ""


@pytest.mark.parametrize(
    ("strategy", "connections"),
    # Both forms of the workload open them anew: the plain one and the async one.
    [*((one, "keep-alive") for one in _STRATEGIES), ("threads", "new"), ("asyncio", "new")],
)
def test_answers_are_fetched_and_failures_are_results(
    strategy: str, connections: str, http: RunningTarget, run: Callable[..., Any]
) -> None:
    parameters = {"delay": 0.002, "bytes": 2000, "failure": 0.25, "connections": connections}
    trial = run("http_get", strategy, parameters, {"http": http.address})
    trial.do("warm_up")
    for _ in range(2):
        assert trial.do("round")["seconds"] > 0.004
    trial.do("memory_pass")
    finish(trial)


@pytest.mark.parametrize("strategy", _STRATEGIES)
def test_a_target_that_is_not_there_is_named(strategy: str, run: Callable[..., Any]) -> None:
    address = f"http://127.0.0.1:{free_port()}"
    trial = run("http_get", strategy, {}, {"http": address})
    error = trial.fail("warm_up")
    assert error["cause"] == "raised"
    assert "target http did not answer" in error["message"]
    assert address not in json.dumps(error)


def test_a_target_that_goes_away_between_rounds_is_named(run: Callable[..., Any]) -> None:
    with http_target() as going:
        trial = run("http_get", "threads", {"delay": 0.0}, {"http": going.address})
        trial.do("round")
        going.end()
        assert "target http did not answer" in trial.fail("round")["message"]


def test_a_calibration_fetches_too(http: RunningTarget, start_trial: StartTrial, spec_of: SpecOf) -> None:
    trial = start_trial()
    trial.do("prepare", spec=spec_of("http_get", tasks=0, expected=None), targets={"http": http.address})
    wanted = {"round_seconds": 0.1, "tasks": None, "multiple_of": 2, "max_tasks": 100}
    found = trial.do("calibrate", calibration=wanted)
    assert 0.02 <= found["task_seconds"] < 0.2
    assert found["expected"] is None


def test_an_answer_of_another_length_or_status_is_wrong() -> None:
    item = (0, 0.0, 100, 0.0, True)
    assert http_get.check(item, (200, 100))
    assert not http_get.check(item, (200, 99))
    assert not http_get.check(item, (503, 17))
    assert not http_get.check(item, None)
    assert http_get.check((0, 0.0, 100, 1.0, True), (503, 17))
    assert not http_get.check((0, 0.0, 100, 1.0, True), (200, 100))
    assert postgres_query.check((1, 3, 0.0), 2 + 3 + 4)
    assert not postgres_query.check((1, 3, 0.0), 9.5)


@pytest.mark.parametrize(
    ("strategy", "wait"), [*((one, 0.002) for one in _STRATEGIES), ("threads", 0.0), ("asyncio", 0.0)]
)
def test_a_database_is_asked(strategy: str, wait: float, database: str, run: Callable[..., Any]) -> None:
    trial = run("postgres_query", strategy, {"rows": 100, "wait": wait}, {"postgres": database})
    trial.do("warm_up")
    for _ in range(2):
        assert trial.do("round")["seconds"] > 0
    finish(trial)


@pytest.mark.parametrize("strategy", ["threads", "asyncio"])
def test_a_database_that_refuses_is_named_without_its_address(
    strategy: str, database: str, run: Callable[..., Any]
) -> None:
    if strategy not in _STRATEGIES:
        pytest.skip(f"there is no strategy {strategy} yet")
    error = run("postgres_query", strategy, {}, {"postgres": database.replace(_PASSWORD, "guess")}).fail(
        "warm_up"
    )
    assert error["cause"] == "raised"
    assert "target postgres did not answer" in error["message"]
    assert "password authentication failed" in error["message"]
    assert "127.0.0.1" not in json.dumps(error)
    away = f"postgresql://parlab:{_PASSWORD}@127.0.0.1:{free_port()}/postgres"
    error = run("postgres_query", strategy, {}, {"postgres": away}).fail("warm_up")
    assert "target postgres did not answer" in error["message"]
    assert "refused" in error["message"]
    for secret in (_PASSWORD, away.rpartition(":")[2].partition("/")[0]):
        assert secret not in json.dumps(error)
