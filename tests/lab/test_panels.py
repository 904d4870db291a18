"""Every panel's every query on the Prometheus of a lab that measured, and the files that it reads."""

from __future__ import annotations

import subprocess
from typing import Any

import pytest

from tests.lab.composed import Lab, claiming, docker, experiment, wait_until
from tests.support.checkout import CHECKOUT
from tests.support.dashboard_queries import PanelQuery, all_queries, variable_queries

#: Three runs go before the first of them, and the images where no other test has built them.
pytestmark = pytest.mark.timeout(600)
PROMETHEUS_IMAGE = "prom/prometheus:v3.5.0"
#: Empty in an experiment in which nothing went wrong, by what it asks for.
MAY_BE_EMPTY = {
    "parlab_trials_not_counted_total": "no trial was rejected, failed or lost",
    "parlab_node_pressure_seconds_total": "the kernel does not count pressure",
    'probe="pickled_': "threads share their memory: nothing is pickled",
    'probe="memory_worker"': "threads are no processes of their own",
    "parlab_node_throttled_periods_total": "no control group counts throttling",
    "parlab_selftest_found_blocks": "fewer than half of the tries found a planted slowdown",
}


@pytest.fixture(scope="module")
def measured(lab: Lab) -> Lab:
    """The lab, after a run of configurations and one of claims, whose figures are in Prometheus."""
    lab.stop_runs()
    # They stay exported while another one runs.
    run = ended_and_pinned(lab, experiment("panels", blocks=10))
    wait_until(
        lambda: lab.query(f'parlab_comparison_blocks{{run="{run}"}} >= 10'), 30, "the last block's figures"
    )
    run = ended_and_pinned(lab, claiming("claimed", blocks=12))
    for effect in ("parlab_claim_effect_upper_ratio", "parlab_claim_effect_upper"):
        wait_until(lambda: lab.query(f'{effect}{{run="{run}"}}'), 30, "the claims' figures")  # noqa: B023 - called at once
    # Its figures stay by themselves.
    lab.until_ended(lab.begin(short_self_test(min(lab.nodes()))), 240)
    wait_until(lambda: lab.query("parlab_selftest_wrong_ratio"), 30, "the self-test's figures")
    return lab


def short_self_test(node: str) -> str:
    """Write the self-test with little of everything, on one node: as many blocks as every figure takes."""
    return f"""
[experiment]
name = "self-test"
question = "What do its panels show?"
trial_seconds = 0.01
round_seconds = 0.005
[[workload]]
name = "integer_sum"
steps = 1000
[[workload.strategy]]
name = "serial"
label = ["once", "twice"]
[[scenario]]
name = "planted"
hundreds = 20
[[node]]
name = "{node}"
[stop]
rule = "fixed"
blocks = 22
budget = "220s"
"""


def ended_and_pinned(lab: Lab, text: str) -> str:
    run = lab.begin(text)
    lab.until_ended(run, 180)
    assert lab.ask(f"/api/runs/{run}/pin", method="PUT")[0] in (200, 204)
    return run


def test_every_panels_every_query_returns_data(measured: Lab) -> None:
    # What runs where is there only while something runs.
    lab = measured
    run = lab.begin(experiment("running", blocks=60))
    try:
        wait_until(lambda: lab.query("parlab_node_sitting_info"), 60, "a sitting")
        wait_until(lambda: lab.query(f'parlab_comparison_blocks{{run="{run}"}}'), 60, "a block")
        pending = list(all_queries())
        assert len(pending) > 50

        def empty() -> list[PanelQuery]:
            return [query for query in pending if not lab.query(query.expr)]

        def explained() -> bool:
            pending[:] = empty()
            return all(any(metric in query.expr for metric in MAY_BE_EMPTY) for query in pending)

        try:
            wait_until(explained, 60)
        except AssertionError:
            unexplained = [q for q in pending if not any(metric in q.expr for metric in MAY_BE_EMPTY)]
            pytest.fail("no data:\n" + "\n".join(map(str, unexplained)))
        for query in pending:
            why = next(reason for metric, reason in MAY_BE_EMPTY.items() if metric in query.expr)
            print(f"empty, since {why}: {query}")
    finally:
        lab.ask(f"/api/runs/{run}", method="DELETE")


def test_a_self_tests_figures_are_those_of_the_command(measured: Lab) -> None:
    (tries,) = measured.query("parlab_selftest_tries")
    # Two pairs with a try of 20 blocks each.
    assert float(tries["value"][1]) == 2
    assert tries["metric"]["node"] == min(measured.nodes())
    planted = {one["metric"]["planted"] for one in measured.query("parlab_selftest_found_ratio")}
    assert planted == {"0.02", "0.05", "0.1"}


def test_each_claim_has_a_word_on_each_node(measured: Lab) -> None:
    words = measured.query("parlab_claim_verdict")
    nodes = {one["metric"]["node"] for one in measured.query("parlab_node_up == 1")}
    assert len(nodes) == 4
    said = sorted((one["metric"]["claim"], one["metric"]["node"]) for one in words)
    assert said == sorted((claim, node) for claim in ("losing", "waiting") for node in nodes)
    (left_out,) = measured.query("parlab_run_claims_left_out")
    assert float(left_out["value"][1]) == 0


def test_the_variables_have_values(measured: Lab) -> None:
    for dashboard, name, query in variable_queries():
        metric, label = query.removeprefix("label_values(").removesuffix(")").rsplit(", ", 1)
        for variable in ("run", "host"):
            metric = metric.replace(f"${variable}", ".*")
        values = {one["metric"].get(label) for one in measured.query(metric)}
        assert values - {None}, f"{dashboard}: {name}"


def promtool(*arguments: str, feed: bytes | None = None) -> subprocess.CompletedProcess[Any]:
    return subprocess.run(
        ["docker", "run", "--interactive", "--rm", "--network", "none",
         "--volume", f"{CHECKOUT}/prometheus:/etc/prometheus:ro", "--entrypoint", "promtool",
         PROMETHEUS_IMAGE, *arguments],
        input=feed, capture_output=True, check=False, timeout=60,
    )  # fmt: skip


def test_promtool_finds_nothing_wrong_with_the_metrics(measured: Lab) -> None:
    body = docker(
        "exec", measured.container("prometheus"), "wget", "-q", "-O", "-", "http://orchestrator:8000/metrics"
    )
    checked = promtool("check", "metrics", feed=body.encode())
    assert checked.returncode == 0, checked.stderr.decode()
    assert not checked.stderr.strip(), checked.stderr.decode()
    broken = promtool("check", "metrics", feed=body.encode() + b"no_help_total{ 1\n")
    assert broken.returncode != 0


@pytest.mark.usefixtures("engine")
def test_promtool_finds_nothing_wrong_with_the_configuration() -> None:
    checked = promtool("check", "config", "/etc/prometheus/prometheus.yml")
    assert checked.returncode == 0, checked.stdout.decode() + checked.stderr.decode()


@pytest.mark.usefixtures("engine")
def test_the_alerts_fire_when_they_should_and_not_otherwise() -> None:
    checked = promtool("test", "rules", "/etc/prometheus/tests/alerts_test.yml")
    assert checked.returncode == 0, checked.stdout.decode() + checked.stderr.decode()
