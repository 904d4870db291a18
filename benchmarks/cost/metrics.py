"""Time of a scrape: /metrics of a served lab with 200 configurations in each of 4 runs.

A store is filled with four runs (three of them pinned), ``parlab serve`` is started over it with an
embedded server, and /metrics is fetched again and again. Wanted: at most 50 ms from the cache.
``python -m benchmarks.cost.metrics``, half a minute.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import httpx

from benchmarks.machine import CLOCK, header, this_node
from parlab.orchestrator.experiment.file import parse
from parlab.orchestrator.lab.embedded import EmbeddedServer
from parlab.orchestrator.plan.blocks import block, calibration_sitting, measuring_sitting
from parlab.orchestrator.plan.model import Plan
from parlab.orchestrator.plan.planner import make_plan
from parlab.orchestrator.store.facade import Store
from parlab.orchestrator.store.records import RunRecord
from parlab.workers import catalog
from parlab.workers.wire.lab_key import ensure_lab_key
from parlab.workers.wire.result import Calibration, Reading, Round, SittingResult, TrialResult
from parlab.workers.wire.spec import SittingSpec

RUNS = ("aa01", "aa02", "aa03", "aa04")
_TASK_SECONDS = 0.002


def experiment(configurations: int) -> dict[str, object]:
    """Write an experiment of so many configurations: 8 workloads, the rest numbers of workers."""
    workers = list(range(1, configurations // 8))
    return {
        "experiment": {"name": "wide", "question": "How long does a scrape take?"},
        "workload": [{"name": "wait", "seconds": 0.001 * (1 + i), "tasks": 4} for i in range(8)],
        "strategy": [{"name": "serial"}, {"name": "threads", "max_workers": workers}],
        "stop": {"rule": "fixed", "blocks": 10},
    }


def fill(store: Store, run: str, configurations: int, blocks: int, seed: int) -> Plan:
    """Store a run as if it had been measured."""
    source = random.Random(seed)
    node = replace(
        this_node(),
        workloads=tuple(catalog.names("workloads")),
        strategies=tuple(catalog.names("strategies")),
    )
    asked = parse("benchmark", experiment(configurations))
    plan = make_plan(run, asked, [node], seed)
    store.create_run(RunRecord(run, asked, seed, CLOCK.unix_seconds(), parlab_version="benchmark"))
    store.save_plan(plan)
    store.save_registrations(run, [node])
    for group in plan.groups:
        calibration = Calibration(tasks=4, task_seconds=_TASK_SECONDS, expected=None)
        _take(store, calibration_sitting(plan, group.id, attempt=1, fence=0), None, calibration, source)
        for index in range(blocks):
            for sitting in block(plan, group.id, index).sittings:
                spec = measuring_sitting(plan, group.id, index, sitting, calibration, attempt=1, fence=0)
                _take(store, spec, index, None, source)
    store.set_state(run, "done", "every comparison is settled")
    return plan


def _take(
    store: Store, spec: SittingSpec, index: int | None, calibration: Calibration | None, source: random.Random
) -> None:
    trials = tuple(
        TrialResult(
            trial=trial.trial,
            configuration=trial.configuration,
            outcome="measured",
            rounds=tuple(
                Round(turn, 0, 4 * _TASK_SECONDS / trial.max_workers * source.lognormvariate(0, 0.03))
                for turn in range(3)
            ),
            start_up_seconds=0.0004 * trial.max_workers,
            readings=tuple(
                Reading(quantity.name, quantity.unit, source.lognormvariate(0, 1))
                for probe in catalog.probes().values()
                for quantity in probe.quantities
            ),
        )
        for trial in spec.trials
    )
    group = spec.sitting.rpartition("-cal")[0] if index is None else spec.sitting.rpartition("-b")[0]
    store.sittings.dispatched(
        spec.run, spec.sitting, spec.attempt, group=group, block=index, node=spec.node,
        job_id=f"{spec.node}-{spec.run}-{spec.sitting}-a1", unix_seconds=CLOCK.unix_seconds(),
    )  # fmt: skip
    result = SittingResult(
        run=spec.run, sitting=spec.sitting, attempt=1, node=spec.node, host="bench", boot_id="bench",
        started_unix_seconds=CLOCK.unix_seconds(), seconds=0.1, trials=trials, calibration=calibration,
    )  # fmt: skip
    assert store.sittings.record(result), spec.sitting


def main() -> None:
    """Print how long scrapes take, and how much they are."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--configurations", type=int, default=200, help="in each run")
    parser.add_argument("--blocks", type=int, default=8, help="measured in each run")
    parser.add_argument("--scrapes", type=int, default=100, help="how often to fetch")
    given = parser.parse_args()
    print(header("Scrape: /metrics of a served lab"))
    with tempfile.TemporaryDirectory(prefix="pl-") as folder:
        home = Path(folder)
        ensure_lab_key(home / "lab.key")
        with Store.open(home / "parlab.db", CLOCK) as store:
            plans = [
                fill(store, run, given.configurations, given.blocks, seed) for seed, run in enumerate(RUNS)
            ]
            for run in RUNS[:-1]:
                store.pin(run)
        count = sum(len(group.configurations) for group in plans[-1].groups)
        server = EmbeddedServer(home / "server")
        server.start()
        process = subprocess.Popen(
            [sys.executable, "-m", "parlab", "serve", "--port", "0"],
            env={
                **os.environ,
                "PARLAB_HOME": folder,
                "PARLAB_REDIS_URL": server.url,
                "PARLAB_TOKEN": "x" * 32,
            },
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            assert process.stdout is not None
            address = re.search(r"http://\S+", process.stdout.readline())
            assert address is not None
            # Kept open between scrapes, as Prometheus keeps it.
            with httpx.Client(base_url=address[0], timeout=30) as client:
                report(client, count, given.scrapes)
        finally:
            process.terminate()
            process.wait(15)
            server.stop()


def scrape(client: httpx.Client) -> tuple[bytes, float]:
    """Fetch /metrics; its text and the seconds."""
    began = time.perf_counter()
    answer = client.get("/metrics")
    answer.raise_for_status()
    return answer.content, time.perf_counter() - began


def report(client: httpx.Client, configurations: int, scrapes: int) -> None:
    """Print the figures."""
    began = time.perf_counter()
    # What the first rendering, that of all runs, took is in the second.
    while b"parlab_orchestrator_render_seconds" not in (body := scrape(client)[0]):
        assert time.perf_counter() - began < 60
        time.sleep(0.1)
    (render,) = re.findall(rb"^parlab_orchestrator_render_seconds (\S+)", body, re.MULTILINE)
    fetched = [scrape(client) for _ in range(scrapes)]
    times = sorted(seconds * 1e3 for _, seconds in fetched)
    text = fetched[-1][0].decode()
    samples = [line for line in text.splitlines() if line and not line.startswith("#")]
    runs = {m[1] for m in re.finditer(r'parlab_round_seconds\{.*?run="(\w+)"', text)}
    size = f"{len(samples)} samples, {len(text) / 1e6:.1f} MB"
    print(f"{len(runs)} runs x {configurations} configurations: {size}")
    print(
        f"scrape over HTTP: median {statistics.median(times):.1f} ms, "
        f"p95 {times[int(len(times) * 0.95)]:.1f} ms, max {times[-1]:.1f} ms (wanted: at most 50 ms)"
    )
    print(f"rendering all runs: {float(render) * 1e3:.0f} ms, in a thread of its own")


if __name__ == "__main__":
    main()
