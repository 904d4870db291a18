"""A user's own function in a trial: what reaches the workers, and what is told where it cannot."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from parlab.workers.trial.check import SerialDigests
from parlab.workers.wire.digest import digest

SpecOf = Callable[..., Mapping[str, Any]]
StartTrial = Callable[..., Any]

SHOP = """
import asyncio, os, threading
opened = {}
def open_till(): opened[threading.get_ident()] = True
def close_till():
    with open(os.environ["TMPDIR"] + "/closed", "a") as log: log.write("x")
def broken_till(): raise OSError("no licence")
def total(cart):
    assert opened.get(threading.get_ident()), "its worker was not set up"
    return sum(cart)
def plain(cart): return sum(cart)
async def fetch(cart):
    await asyncio.sleep(0.001)
    return sum(cart)
nameless = lambda cart: sum(cart)
def locks(cart): return threading.Lock() if cart else 0
def is_lock(cart, result): return hasattr(result, "acquire")
def raises(cart): raise KeyError(cart[0])
"""
CARTS = [[1, 2], [3], [4, 5, 6], [7]]
CROSSING: list[tuple[str, Mapping[str, Any], int]] = [
    ("processes", {}, 2),
    ("hybrid", {}, 4),
    ("interpreters", {}, 2),
    ("joblib", {}, 2),
]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shop")
    (folder / "shop.py").write_text(SHOP)
    # It imports in an interpreter of its own, and in no subinterpreter. (A function that needs nothing of
    # its module is sent without it.)
    (folder / "line.py").write_text("import readline\nRATE = 1\ndef plain(cart): return sum(cart) * RATE\n")
    return folder


@pytest.fixture
def begin(project: Path, start_trial: StartTrial, spec_of: SpecOf, python314: str) -> Callable[..., Any]:
    """Starts a trial of a function and prepares it; the trial is given, not yet opened."""

    def start(
        strategy: tuple[str, Mapping[str, Any], int], function: str = "shop:plain", **own: Any
    ) -> tuple[Any, dict[str, Any]]:
        name, options, width = strategy
        right = SerialDigests.of([digest(sum(cart)) for cart in CARTS]).to_plain()
        spec = {
            **spec_of("wait", strategy=name, options=options, max_workers=width),
            "workload": function,
            "parameters": {},
            "expected": None if own.get("check") else right,
        }
        told = {"function": function, "inputs_json": "[[1,2],[3],[4,5,6],[7]]", **own}
        executable = {"executable": python314} if name == "interpreters" else {}
        trial = start_trial(None, **executable)
        return trial, {"spec": spec, "function": told, "paths": [str(project)]}

    return start


EVERYWHERE: list[tuple[str, Mapping[str, Any], int]] = [("serial", {}, 1), ("threads", {}, 2), *CROSSING]


@pytest.mark.parametrize("strategy", EVERYWHERE, ids=lambda strategy: str(strategy[0]))
def test_each_worker_is_set_up_before_its_tasks_and_torn_down_after(
    strategy: tuple[str, Mapping[str, Any], int], begin: Callable[..., Any]
) -> None:
    hooks = {"setup": "shop:open_till", "teardown": "shop:close_till"}
    trial, prepared = begin(strategy, "shop:total", **hooks)
    trial.do("prepare", **prepared)
    trial.do("open")
    trial.do("warm_up")
    assert trial.do("round")["seconds"] > 0
    trial.do("tasks_pass", limit_seconds=0.1)
    trial.do("close")
    assert (trial.temporary / "closed").read_text() == "x" * strategy[2]


@pytest.mark.parametrize("strategy", [*EVERYWHERE, ("asyncio", {}, 4)], ids=lambda s: str(s[0]))
def test_a_coroutine_function_is_awaited_by_every_strategy(
    strategy: tuple[str, Mapping[str, Any], int], begin: Callable[..., Any]
) -> None:
    trial, prepared = begin(strategy, "shop:fetch")
    trial.do("prepare", **prepared)
    trial.do("open")
    trial.do("warm_up")
    assert trial.do("round")["seconds"] > 0.001
    trial.do("close")


@pytest.mark.parametrize("strategy", EVERYWHERE, ids=lambda strategy: str(strategy[0]))
def test_a_set_up_that_fails_says_what_it_raised(
    strategy: tuple[str, Mapping[str, Any], int], begin: Callable[..., Any]
) -> None:
    trial, prepared = begin(strategy, setup="shop:broken_till")
    trial.do("prepare", **prepared)
    error = trial.fail("open")
    assert error["cause"] == "raised"
    assert error["message"] == "the set-up of shop:plain raised OSError: no licence"


@pytest.mark.parametrize("strategy", CROSSING[:3], ids=lambda strategy: str(strategy[0]))
def test_what_cannot_be_sent_is_skipped_before_a_pool_breaks_over_it(
    strategy: tuple[str, Mapping[str, Any], int], begin: Callable[..., Any]
) -> None:
    trial, prepared = begin(strategy, "shop:nameless")
    trial.do("prepare", **prepared)
    error = trial.fail("open")
    assert error["cause"] == "unavailable"
    assert error["message"].startswith(f"shop:nameless cannot be sent to {strategy[0]}: not picklable:")


def test_joblib_is_sent_what_has_no_name(begin: Callable[..., Any]) -> None:
    trial, prepared = begin(("joblib", {}, 2), "shop:nameless")
    trial.do("prepare", **prepared)
    trial.do("open")
    trial.do("warm_up")
    trial.do("close")


@pytest.mark.parametrize("strategy", CROSSING, ids=lambda strategy: str(strategy[0]))
def test_results_that_cannot_come_back_are_told_as_that(
    strategy: tuple[str, Mapping[str, Any], int], begin: Callable[..., Any]
) -> None:
    trial, prepared = begin(strategy, "shop:locks", check="shop:is_lock")
    trial.do("prepare", **prepared)
    trial.do("open")
    error = trial.fail("warm_up")
    assert error["cause"] == "unavailable"
    assert "its results cannot come back from" in error["message"]
    assert "cannot pickle '_thread.lock' object" in error["message"]


def test_a_module_that_no_subinterpreter_loads_is_named_with_the_reason(begin: Callable[..., Any]) -> None:
    trial, prepared = begin(("interpreters", {}, 2), "line:plain")
    trial.do("prepare", **prepared)
    trial.do("open")
    error = trial.fail("warm_up")
    assert error["cause"] == "unavailable"
    assert "cannot be loaded in a subinterpreter" in error["message"]
    assert "readline does not support loading in subinterpreters" in error["message"]


@pytest.mark.parametrize("strategy", EVERYWHERE, ids=lambda strategy: str(strategy[0]))
def test_what_a_task_raises_is_told_as_it_is(
    strategy: tuple[str, Mapping[str, Any], int], begin: Callable[..., Any]
) -> None:
    trial, prepared = begin(strategy, "shop:raises")
    trial.do("prepare", **prepared)
    trial.do("open")
    error = trial.fail("warm_up")
    assert error["cause"] == "raised"
    # joblib tells of whichever was the first to fail.
    number = r"\d" if strategy[0] == "joblib" else "1"
    assert re.search(f"shop:raises raised KeyError: {number}", error["message"])


def test_processes_that_are_replaced_are_waited_for_and_counted(
    python314: str, start_trial: StartTrial, spec_of: SpecOf
) -> None:
    options = {"max_tasks_per_child": 2, "start_method": "spawn"}
    spec = spec_of("integer_sum", strategy="processes", max_workers=2, options=options)
    trial = start_trial(spec, python314)
    trial.do("warm_up")
    for _ in range(3):
        answer = trial.do("round")
        # Four tasks, two per process: each round replaces all, and what starts is of the round.
        assert answer["cpu_seconds"] > 0.01
        assert answer["idle_cpu_seconds"] < 0.02
    trial.do("close")


def test_a_python_whose_pool_would_stand_still_is_told_apart(
    start_trial: StartTrial, spec_of: SpecOf
) -> None:
    from concurrent.futures import process

    mended = hasattr(process._ExecutorManagerThread, "_replace_dead_worker")
    options = {"max_tasks_per_child": 2}
    trial = start_trial(None)
    trial.do("prepare", spec=spec_of("wait", strategy="processes", max_workers=2, options=options))
    answer = trial.ask("open")
    assert ("error" in answer) != mended
    if not mended:
        assert answer["error"]["cause"] == "unavailable"
        assert "hangs once its processes have ended" in answer["error"]["message"]
