"""Machines of a lab: one that is started anew, two that two runs want, two names of one."""

from __future__ import annotations

import itertools
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from parlab.orchestrator.store.facade import Store
from parlab.workers.clock import SystemClock
from parlab.workers.wire import keys as rediskeys
from parlab.workers.wire.signing import node_key
from tests.support.checkout import SOURCE
from tests.support.laboratory import Laboratory, wait_until
from tests.support.served import Served, compared, experiment, serving

_BOOT_ID = "/proc/sys/kernel/random/boot_id"

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("unshare") is None,
    reason="only root can show a node another boot id",
)

Start = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def served(own_lab: Laboratory, home: Path) -> Iterator[Served]:
    with serving(own_lab, home / "orchestrator") as served:
        wait_until(lambda: served.ask("/readyz").status_code in (200, 503))
        yield served


@pytest.fixture
def start(own_lab: Laboratory, home: Path, served: Served) -> Iterator[Start]:
    """Start a node on a machine of its own: in a mount namespace where the boot id is another."""
    with ExitStack() as stack:

        def start(name: str, host: str, boot: str) -> subprocess.Popen[bytes]:
            boot_id = home / f"boot-{boot}"
            boot_id.write_text(f"{boot:0>8}-0000-4000-8000-000000000000\n")
            folder = home / f"{name}-{boot}"
            folder.mkdir(exist_ok=True)
            script = f'mount --bind "{boot_id}" {_BOOT_ID} && exec "$@"'
            environment = {
                **{key: value for key, value in os.environ.items() if not key.startswith("PARLAB_")},
                "PARLAB_REDIS_URL": own_lab.server.url,
                "PARLAB_NODE_KEY": node_key(own_lab.key, name).hex(),
                # Each machine has a lock of its own.
                "TMPDIR": str(folder),
                "PYTHONPATH": SOURCE,
            }
            with (folder / "log").open("ab") as log:
                process = subprocess.Popen(
                    ["unshare", "--mount", "sh", "-c", script, "sh", sys.executable, "-m",
                     "parlab.workers.node", "--name", name, "--host", host,
                     "--spool", str(home / name / "spool"), "--log", str(folder / "log")],
                    stdout=log, stderr=log, env=environment, start_new_session=True,
                )  # fmt: skip
            stack.callback(end, process)
            wait_until(lambda: boot_of(own_lab, name) == boot_id.read_text().strip(), 20)
            return process

        yield start


def end(process: subprocess.Popen[bytes]) -> None:
    """End a node and all below it, as a power cut does."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def node(served: Served, name: str) -> dict[str, object]:
    return next((dict(n) for n in served.ask("/api/nodes").json() if n["name"] == name), {})


def boot_of(lab: Laboratory, name: str) -> str | None:
    return next((r.host.boot_id for r, _ in lab.queue.nodes() if r.node == name), None)


def second_sitting_runs(lab: Laboratory, run: str) -> bool:
    """Whether a block's second sitting runs: its first one is stored, or about to be."""
    jobs = lab.client.keys(f"rq:job:a-{run}-*-s1-a1")
    return any(lab.client.hget(job, "status") == b"started" for job in jobs)


def test_a_reboot_in_mid_run_voids_the_open_block_and_the_run_goes_on(
    served: Served, start: Start, own_lab: Laboratory
) -> None:
    process = start("a", "alpha", "1")
    strategies = [{"name": "serial"}, {"name": "threads", "max_workers": [2, 3, 4]}]
    document = experiment(blocks=4, strategy=strategies)
    # Three sittings in a block, each with the baseline.
    document["experiment"]["sitting_size"] = 2
    run = served.begin(document)
    wait_until(lambda: served.blocks(run) >= 1, 40)
    wait_until(lambda: second_sitting_runs(own_lab, run), 20)
    end(process)
    # They expire after 10 s, in which a machine starts anew; not waited for here.
    own_lab.client.delete(rediskeys.node_hash("a"), "rq:worker:a")
    start("a", "alpha", "2")
    found = served.until(run, "done", 60)
    assert found["voided_blocks"] == 1
    assert set(compared(found)) == {4}
    assert any("alpha was restarted" in event for event in found["events"])
    with Store.open(served.home / "parlab.db", SystemClock()) as store:
        void = {(one.group, one.block) for one in store.sittings.voided_blocks(run)}
        boots: dict[tuple[str, int | None], set[str]] = {}
        for sitting in store.sittings.stored(run):
            boots.setdefault((sitting.attempt.group, sitting.attempt.block), set()).add(
                sitting.result.boot_id
            )
    assert set().union(*boots.values()) == {f"{boot:0>8}-0000-4000-8000-000000000000" for boot in "12"}
    # What counts was measured on one boot each.
    assert all(len(seen) == 1 for place, seen in boots.items() if place not in void)


def test_two_runs_that_want_the_same_two_machines_both_end(served: Served, start: Start) -> None:
    start("a", "alpha", "1")
    start("b", "beta", "2")
    runs = [served.begin(experiment(name, blocks=2)) for name in ("first", "second", "third")]
    for run in runs:
        found = served.until(run, "done", 90)
        assert sorted(found["nodes"]) == ["a", "b"]
        assert compared(found) == [2, 2]


def test_two_hosts_with_one_boot_id_are_one_machine_and_take_turns(served: Served, start: Start) -> None:
    start("a", "alpha", "1")
    start("b", "beta", "1")
    run = served.begin(experiment(blocks=4))
    served.until(run, "done", 90)
    with Store.open(served.home / "parlab.db", SystemClock()) as store:
        attempts = sorted(
            (sitting.attempt for sitting in store.sittings.stored(run)),
            key=lambda a: a.dispatched_unix_seconds,
        )
    nodes = [attempt.node for attempt in attempts]
    assert set(nodes) == {"a", "b"}
    for before, after in itertools.pairwise(attempts):
        assert before.ended_unix_seconds is not None
        assert before.ended_unix_seconds <= after.dispatched_unix_seconds
    # They take turns, so that what changes on the machine meets both alike.
    assert sum(one != other for one, other in itertools.pairwise(nodes)) >= len(nodes) // 2
