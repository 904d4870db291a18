"""The nodes' pages: what each is, may use and does; one that is gone as it was; none that is not there."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from parlab.orchestrator.experiment.file import load, parse
from parlab.orchestrator.plan.planner import make_plan
from parlab.orchestrator.serve.pages.nodes.readings import core_use, readings
from parlab.orchestrator.serve.snapshot import NodeSnapshot
from parlab.workers.wire import keys as rediskeys
from parlab.workers.wire.codec import encode
from parlab.workers.wire.registration import CoreSeconds, Heartbeat, NodeReadings, NodeRegistration
from parlab.workers.wire.spec import SCHEMA_VERSION
from tests.support import selftest_cases
from tests.support.compared_runs import host, measured_run
from tests.support.lab_pages import LabPages, lab_pages
from tests.support.laboratory import Laboratory, laboratory, wait_until
from tests.support.served import experiment
from tests.support.stored_runs import put, put_measured

if TYPE_CHECKING:
    from parlab.orchestrator.lab.embedded import EmbeddedServer
    from parlab.orchestrator.store.facade import Store

HOSTILE = "<img src=x onerror=alert(1)>\"'" + "w" * 200
#: Of the store's runs: nodes that are not there any more.
OLD_NODE = "node0"


def fill(store: Store) -> None:
    put_measured(store, measured_run("a001"))
    node = selftest_cases.node("a")
    plan = make_plan("5e1f", load("self-test"), (node,), 7)
    put(store, plan, selftest_cases.observations(plan, 25), (node,), state="budget")


def beat(lab: Laboratory, registration: NodeRegistration, sitting: str | None = None) -> None:
    """Say what a node says, for as long as a test may take."""
    key = rediskeys.node_hash(registration.node)
    said = Heartbeat(registration.node, 1_790_000_000.0, sitting, steal_ratio=0.031, load_1m=1.5)
    lab.client.sadd(rediskeys.NODES, registration.node)
    lab.client.hset(key, mapping={"registration": encode(registration), "heartbeat": encode(said)})


@pytest.fixture(scope="module")
def nodes(shared_server: EmbeddedServer, build_id: str) -> Iterator[tuple[LabPages, Laboratory]]:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="pl-")))
        lab = laboratory(shared_server, folder, build_id, stack)
        lab.node("a").start()
        odd = NodeRegistration("odd", host("h9", HOSTILE), (), "3.11.7", "1.0", 1)
        beat(lab, odd, "odd-5e1f-x-b0-s0-a1")
        beat(lab, replace(odd, node="alien", schema_version=SCHEMA_VERSION + 1, parlab_version="9.9"))
        lab.client.sadd(rediskeys.NODES, OLD_NODE)
        pages = stack.enter_context(lab_pages(lab, folder, fill))
        wait_until(lambda: len(pages.parts.exporter.nodes) == 4 and pages.parts.exporter.self_tests)
        yield pages, lab


def test_all_nodes_are_listed_with_what_they_are_and_how(nodes: tuple[LabPages, Laboratory]) -> None:
    pages, lab = nodes
    page = pages.page("/nodes")
    assert "2 of 4 nodes can measure." in page.text
    assert {f"/nodes/{name}" for name in ("a", "odd", "alien", OLD_NODE)} <= set(page.links)
    assert f"a ready {host_name(pages)}" in page.text
    assert f"{OLD_NODE} gone –" in page.text
    assert "odd measuring" in page.text
    assert "alien left out" in page.text
    assert f"alien is not taking part: it uses version {SCHEMA_VERSION + 1} of the specs" in page.text
    assert lab.build in page.text
    assert f"parlab nodes add NAME --lab {pages.url}" in page.text


def host_name(pages: LabPages) -> str:
    seen = next(node for node in pages.parts.exporter.nodes if node.name == "a")
    assert seen.registration is not None
    return seen.registration.host.hostname


def test_a_nodes_page_has_its_limits_builds_readings_fingerprint_and_runs(
    nodes: tuple[LabPages, Laboratory],
) -> None:
    pages, _ = nodes
    page = pages.page("/nodes/a")
    seen = next(node for node in pages.parts.exporter.nodes if node.name == "a")
    assert seen.registration is not None
    cpus = seen.registration.host.effective_cpus
    assert f"effective CPUs {cpus.count} ({cpus.why})" in page.text
    assert f"kernel {seen.registration.host.kernel}" in page.text
    assert f"interpreter {seen.registration.builds[0].executable}" in page.text
    assert "measures nothing" in page.text
    assert "CPUs of the host, since it was started" in page.text
    assert any(link.startswith("http://grafana.test/d/parlab-node?var-node=a&") for link in page.links)
    assert "/runs/5e1f" in page.links
    assert "/runs/a001" not in page.links


def test_a_nodes_page_says_what_its_self_test_found(nodes: tuple[LabPages, Laboratory]) -> None:
    pages, _ = nodes
    page = pages.page("/nodes/a")
    assert "wrong verdicts ok 0 of 4" in page.text
    assert "Nothing contradicts the 5 % that verdicts promise" in page.text
    other = pages.page("/nodes/odd")
    assert "No self-test has been run here" in other.text
    assert f"parlab doctor --self-test --lab {pages.url}" in other.text


def test_what_a_node_measures_leads_to_its_run(nodes: tuple[LabPages, Laboratory]) -> None:
    pages, _ = nodes
    page = pages.page("/nodes/odd")
    assert "measures run 5e1f odd-5e1f-x-b0-s0-a1" in page.text
    assert "/runs/5e1f" in page.links


def test_a_node_that_measures_says_what(nodes: tuple[LabPages, Laboratory]) -> None:
    pages, _ = nodes
    document = experiment(blocks=500, node=[{"name": "a"}])
    run = pages.parts.service.submit(parse("the test's", document), ("test",))
    try:
        wait_until(
            lambda: re.search(f"measures .*wait.*, run {run} a-{run}-", pages.page("/nodes/a").text), 60
        )
        assert "a measuring" in pages.page("/nodes").text
    finally:
        pages.parts.service.stop_run(run)


def test_a_host_whose_name_holds_html_is_text(nodes: tuple[LabPages, Laboratory]) -> None:
    pages, _ = nodes
    for address in ("/nodes", "/nodes/odd"):
        page = pages.page(address)
        assert "<img src=x" not in page.source
        assert HOSTILE in page.text


def test_a_node_that_takes_no_part_says_why_and_what_to_do(nodes: tuple[LabPages, Laboratory]) -> None:
    pages, _ = nodes
    page = pages.page("/nodes/alien")
    assert "It is not taking part: it uses version" in page.text
    assert "install the lab's parlab there (it has 9.9)" in page.text


def test_a_node_that_is_gone_is_as_it_was_in_its_last_run(nodes: tuple[LabPages, Laboratory]) -> None:
    pages, _ = nodes
    page = pages.page(f"/nodes/{OLD_NODE}")
    assert "It does not answer." in page.text
    assert "The following is from run a001" in page.text
    assert "kernel 6.8" in page.text
    assert "Readings of the last heartbeat" not in page.text


def test_a_node_that_was_taken_off_the_list_still_has_its_page(nodes: tuple[LabPages, Laboratory]) -> None:
    pages, _ = nodes
    with pages.parts.service.store() as store:
        put_measured(store, replace(measured_run("b001", hosts=(host(), host("h2", "server")))))
    assert "The following is from run b001" in pages.page("/nodes/node1").text


def test_a_node_that_never_was_is_not_found(nodes: tuple[LabPages, Laboratory]) -> None:
    pages, _ = nodes
    page = pages.page("/nodes/nobody", 404)
    assert "there is no node 'nobody' in this lab" in page.text
    assert "There are: a, alien, node0, odd." in page.text
    hostile = pages.page("/nodes/%3Cscript%3E" + "w" * 300, 404)
    assert "<script>" not in hostile.source
    assert "w" * 61 not in hostile.text


def test_a_server_that_is_away_is_said_on_both_pages(own_lab: Laboratory, home: Path) -> None:
    with lab_pages(own_lab, home, fill) as pages:
        own_lab.server.stop()
        wait_until(lambda: not pages.parts.exporter.server_up)
        assert "The lab's server does not answer." in pages.page("/nodes").text
        assert "The lab's server does not answer." in pages.page(f"/nodes/{OLD_NODE}").text
        assert "is not known now" in pages.page("/nodes/nobody", 404).text


def snapshot(own: NodeReadings, offset: float = 0.1) -> NodeSnapshot:
    said = Heartbeat("a", 1.0, None, readings=own)
    return NodeSnapshot("a", True, False, None, said, None, 0, None, None, 0, offset)


def test_a_reading_that_is_missing_has_its_reason_and_is_no_zero() -> None:
    own = NodeReadings(memory_bytes=0, unread={"cgroup_cpu_seconds": "no control group counts it here"})
    rows = {one.name: (one.value, one.note) for one in readings(snapshot(own))}
    assert rows["memory in use"] == ("0 MB", "by the node's control group")
    assert rows["CPU time"] == ("–", "no control group counts it here")
    assert rows["throttled"] == ("–", "the node does not say")
    assert rows["waited for a CPU"] == ("–", "the node does not say")


def test_a_clock_that_is_off_is_said() -> None:
    (row,) = [one for one in readings(snapshot(NodeReadings(), -7.25)) if "clock" in one.name]
    assert (row.value, row.note) == ("−7.2 s", "the clock is off: set it")


def test_what_a_cpu_did_adds_up_to_its_time() -> None:
    own = NodeReadings(cores=(CoreSeconds(0, 10, 10, 60, 15, 5), CoreSeconds(1, 0, 0, 0, 0, 0)))
    (use,) = core_use(snapshot(own))
    assert (use.core, use.busy, use.steal, use.iowait) == (0, 0.2, 0.05, 0.15)
