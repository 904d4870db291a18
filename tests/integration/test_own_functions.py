"""A user's own function from the command line: in their folder, with their environment."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.environments import virtual_environment

SHOP = """
import asyncio, os, threading
import discounts

ready = threading.local()

def open_till(): ready.till = True
def close_till():
    with open(os.environ["SHOP_LOG"], "a") as log: log.write("closed\\n")
def total(cart):
    assert ready.till
    return sum(i % 7 for i in range(cart["items"])) * discounts.RATE
def right(cart, result): return result == 3 * sum(i % 7 for i in range(cart["items"]))
async def fetch(number):
    await asyncio.sleep(0.005)
    return number
def stock():
    for n in range(1_000_000): yield n
def nameless_maker(): return lambda n: n
nameless = nameless_maker()
"""

EXPERIMENT = """
[experiment]
name = "shop"
trial_seconds = 0.02
[[workload]]
function = "shop:total"
inputs = "carts.jsonl"
check = "shop:right"
setup = "shop:open_till"
teardown = "shop:close_till"
environment = ["SHOP_LOG"]
tasks = 4
[[workload]]
function = "shop:fetch"
inputs = "shop:stock"
tasks = 4
[[workload]]
function = "shop:nameless"
inputs = [1, 2, 3]
tasks = 4
[[strategy]]
name = "serial"
[[strategy]]
name = "threads"
max_workers = 2
[[strategy]]
name = "processes"
max_workers = 2
[[strategy]]
name = "hybrid"
max_workers = 2
processes = 1
[[strategy]]
name = "asyncio"
max_workers = 4
[stop]
rule = "fixed"
blocks = 1
budget = "60s"
"""


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment of the user's own, with a module that is installed there and nowhere else."""
    folder = tmp_path_factory.mktemp("environment")
    (folder / "src").mkdir()
    (folder / "src" / "discounts.py").write_text("RATE = 3\n")
    return virtual_environment(folder / "venv", folder / "src")


@pytest.fixture
def project(parlab: Any) -> Any:
    """A command in a folder with the user's modules."""
    (parlab.home / "shop.py").write_text(SHOP)
    (parlab.home / "carts.jsonl").write_text('{"items": 500}\n\n{"items": 900}\n')
    (parlab.home / "shop.toml").write_text(EXPERIMENT)
    return parlab


def exported(ended: Any, path: Path) -> dict[str, Any]:
    assert ended.code in (0, 1), ended.err
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def test_a_function_is_measured_in_its_folder_with_its_environment(project: Any, environment: Path) -> None:
    log, result = project.home / "closed", project.home / "result.json"
    ended = project.run("run", "shop.toml", "--python", environment, "--json", result, SHOP_LOG=str(log))
    run = exported(ended, result)
    assert ended.code == 0, ended.err
    outcomes: dict[tuple[str, str], set[str]] = {}
    planned = {c["id"]: c for g in run["plan"]["groups"] for c in g["configurations"]}
    # A trial that the machine disturbed is rejected, and measured again in another block.
    rejected = [trial for trial in run["trials"] if trial["outcome"] == "rejected"]
    for trial in run["trials"]:
        if trial["block"] is not None and trial not in rejected:
            one = planned[trial["configuration"]]
            outcomes.setdefault((one["workload"], one["strategy"]), set()).add(trial["outcome"])
    everywhere = ("serial", "threads", "processes", "hybrid")
    assert outcomes == {
        **{("shop:total", strategy): {"measured"} for strategy in everywhere},
        **{("shop:fetch", strategy): {"measured"} for strategy in (*everywhere, "asyncio")},
        **{("shop:nameless", strategy): {"measured"} for strategy in ("serial", "threads")},
    }
    skipped = {
        (s["configuration"]["workload"], s["configuration"]["strategy"]): s["reason"]
        for g in run["plan"]["groups"]
        for s in g["skipped"]
    }
    assert set(skipped) == {
        ("shop:total", "asyncio"),
        ("shop:nameless", "asyncio"),
        ("shop:nameless", "processes"),
        ("shop:nameless", "hybrid"),
    }
    assert "nameless_maker.<locals>.<lambda>" in skipped["shop:nameless", "processes"]
    # Each trial's workers close what they opened: 1 + 2 + 2 + 2 of them, and the calibration's one.
    closed = log.read_text().splitlines()
    assert set(closed) == {"closed"}
    assert len(closed) >= 8 if rejected else len(closed) == 8
    assert "shop:total(inputs=carts.jsonl#" in ended.out
    project.assert_nothing_left()


def test_what_its_environment_lacks_is_told_before_anything_is_measured(project: Any) -> None:
    ended = project.run("run", "shop.toml", SHOP_LOG="/dev/null")
    assert ended.code == 1
    assert "parlab: shop:total cannot be measured: import: this Python cannot import shop" in ended.err
    assert "No module named 'discounts'" in ended.err
    assert "pip install" in ended.err
    assert project.run("list").out.strip() == "no runs yet; start with: parlab run"


def test_a_run_is_resumed_where_its_function_is_found_and_refused_elsewhere(
    project: Any, environment: Path
) -> None:
    log = project.home / "closed"
    asked = ("--set", "stop.rule=sequential", "--set", "stop.blocks=7", "--budget", "1s")
    ended = project.run("run", "shop.toml", "--python", environment, *asked, SHOP_LOG=str(log))
    assert ended.code == 0, ended.err
    (run,) = [line.split()[0] for line in project.run("list").out.splitlines() if " shop " in line]
    module = project.home / "shop.py"
    module.rename(project.home / "elsewhere.py")
    refused = project.run("resume", run, "--budget", "1s", SHOP_LOG=str(log))
    assert refused.code == 1
    assert "shop:total cannot be measured: import: this Python cannot import shop" in refused.err
    (project.home / "elsewhere.py").rename(module)
    went_on = project.run("resume", run, "--budget", "1s", SHOP_LOG=str(log))
    assert went_on.code == 0, went_on.err


def test_a_look_at_a_function_takes_seconds_and_says_what_can_run_it(project: Any, environment: Path) -> None:
    looked = ("check", "shop:fetch", "--inputs", "shop:stock", "--python", environment)
    ended = project.run(*looked)
    assert ended.code == 0, ended.err
    assert "a coroutine function: asyncio can run it" in ended.out
    assert "cannot run it" not in ended.out
    ended = project.run("check", "shop:nameless", "--inputs", "carts.jsonl", "--python", environment)
    assert ended.code == 0
    assert "cannot run it: asyncio, hybrid, interpreters, processes" in ended.out


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("shop",), 2, "--function: 'shop': name it by module and name"),
        (("shop:total", "--inputs", "none.json"), 2, "--inputs: none.json: cannot be read: No such file"),
        (("shop:total", "--check", "right"), 2, "--check: 'right': name it by module and name"),
        (("shop:total", "--async", "fetch"), 2, "--async: 'fetch': name it by module and name"),
        (("nowhere:f",), 1, "cannot import nowhere"),
    ],
)
def test_what_cannot_be_looked_at_is_refused(
    project: Any, arguments: tuple[str, ...], code: int, says: str
) -> None:
    ended = project.run("check", *arguments)
    assert ended.code == code
    assert says in ended.out + ended.err
    assert "Traceback" not in ended.out + ended.err


def test_inputs_that_cannot_be_read_are_refused_with_their_place(project: Any) -> None:
    (project.home / "carts.jsonl").write_text('{"items": 500}\n{"items": \n')
    ended = project.run("run", "shop.toml")
    assert ended.code == 2
    assert "workload[0].inputs: carts.jsonl: line 2: not valid JSON" in ended.err
    (project.home / "carts.jsonl").write_text("[" + "1," * 600_000 + "1]")
    assert "larger than 1 MiB: inputs are sent with every sitting" in project.run("run", "shop.toml").err
