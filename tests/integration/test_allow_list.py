"""A lab's node runs a user's function only where its own allow list names the module."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from parlab.workers.wire.keys import job_id
from parlab.workers.wire.spec import CalibrationSpec, OwnFunction, SittingSpec, TrialSpec
from tests.support.laboratory import Laboratory, wait_until
from tests.support.served import TOKEN, Served, serving

SHOP = "def total(cart): return sum(cart)\n"


@pytest.fixture
def shop(home: Path) -> Path:
    """A folder with a module, as an image of a lab would have it."""
    folder = home / "project"
    folder.mkdir()
    (folder / "shop.py").write_text(SHOP)
    return folder


def experiment(function: str = "shop:total", **other: Any) -> dict[str, Any]:
    return {
        "experiment": {"name": "shop", "trial_seconds": 0.02},
        "workload": [{"function": function, "inputs": [[1, 2], [3]], "tasks": 4, **other}],
        "strategy": [{"name": "serial"}, {"name": "threads", "max_workers": 2}],
        "stop": {"rule": "fixed", "blocks": 1, "budget": "60s"},
    }


def calibration(lab: Laboratory, node: str, function: OwnFunction) -> SittingSpec:
    trial = TrialSpec(
        trial="t", configuration="c", workload=function.function, parameters={}, tasks=0,
        strategy="serial", options={}, max_workers=1, python=lab.build,
    )  # fmt: skip
    return SittingSpec(
        run="7f3a", sitting=f"s-{node}", attempt=1, node=node, kind="calibrate", trials=(trial,), turns=0,
        seed=1, calibration=CalibrationSpec(round_seconds=0.001, tasks=2), function=function,
    )  # fmt: skip


@pytest.mark.parametrize(
    "other",
    [
        {"function": "os:getcwd"},
        {"function": "shop:total", "inputs": "os:listdir"},
        {"function": "shop:total", "inputs_json": "[1]", "check": "subprocess:call"},
        {"function": "shop:total", "inputs_json": "[1]", "setup": "shopping:begin"},
        {"function": "shop:total", "inputs_json": "[1]", "teardown": "sho:p"},
        {"function": "shop:total", "inputs_json": "[1]", "async_function": "asyncio:sleep"},
    ],
)
def test_a_node_refuses_a_module_that_it_does_not_allow_whoever_signed_the_job(
    other: dict[str, Any], lab: Laboratory, shop: Path
) -> None:
    node = lab.fresh_name()
    lab.node(node, PARLAB_ALLOW="shop", PARLAB_PROJECT=str(shop)).start()
    spec = calibration(lab, node, OwnFunction(**other))
    lab.queue.dispatch(spec)
    (said,) = lab.entries(node)
    assert said.job_id == job_id(spec)
    assert said.result is None
    assert f"not on the allow list of node {node}" in (said.lost or "")


def test_what_is_allowed_is_run_with_all_below_it(lab: Laboratory, shop: Path) -> None:
    node = lab.fresh_name()
    (shop / "carts").mkdir()
    (shop / "carts" / "__init__.py").write_text("")
    (shop / "carts" / "sums.py").write_text(SHOP)
    lab.node(node, PARLAB_ALLOW="carts other", PARLAB_PROJECT=str(shop)).start()
    lab.queue.dispatch(calibration(lab, node, OwnFunction("carts.sums:total", inputs_json="[[1,2],[3]]")))
    (said,) = lab.entries(node)
    assert said.result is not None
    assert said.result.calibration is not None


def test_a_setting_of_the_nodes_is_not_given_to_a_function(lab: Laboratory, shop: Path) -> None:
    node = lab.fresh_name()
    lab.node(node, PARLAB_ALLOW="shop", PARLAB_PROJECT=str(shop)).start()
    asks = OwnFunction("shop:total", inputs_json="[[1]]", environment=("PARLAB_NODE_KEY",))
    lab.queue.dispatch(calibration(lab, node, asks))
    (said,) = lab.entries(node)
    assert "parlab's own settings are not passed on" in (said.lost or "")


def test_a_lab_measures_where_it_is_allowed_and_says_where_it_is_not(
    lab: Laboratory, home: Path, shop: Path
) -> None:
    lab.node("open", PARLAB_ALLOW="shop", PARLAB_PROJECT=str(shop)).start()
    lab.node("closed").start()
    with serving(lab, home / "orchestrator") as served:
        wait_until(lambda: len(_nodes(served)) == 2)
        run = served.begin(experiment())
        found = served.until(run, "done")
        assert {v["label"] for v in found["verdicts"]} == {"serial", "threads ×2"}
        record = served.ask(f"/api/runs/{run}/record").json()
        assert {t["node"] for t in record["trials"]} == {"open"}
        skips = record["plan"]["groups"][0]["skipped"]
        assert {s["configuration"]["node"]: s["reason"] for s in skips} == {
            "closed": "node closed does not allow module shop: set PARLAB_ALLOW=shop there"
        }
        answer = served.ask("/api/runs", "POST", json=experiment(inputs="/etc/passwd"))
        assert answer.status_code == 422
        assert "a file cannot be named here" in answer.json()["detail"]
        assert TOKEN not in answer.text


def _nodes(served: Served) -> list[Any]:
    found: list[Any] = served.ask("/api/nodes").json()
    return [node for node in found if node["up"]]
