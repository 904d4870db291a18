"""Every workload under every strategy on every build that is here: in each, results are as when run serially.

One interpreter per strategy and build runs all workloads through one pool, as a trial would run each.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from typing import Any

import pytest

from parlab.workers import catalog
from parlab.workers.host.bootstrap import TRIALPATH

#: So small that a task takes about a millisecond; what is not here runs with its defaults.
SMALL: dict[str, dict[str, Any]] = {
    "compress": {"size": 5_000},
    "file_write_read": {"size": 1_000},
    "hash": {"total": 10_000},
    "image_resize": {"source": 64, "width": 32},
    "integer_sum": {"steps": 100},
    "json_parse": {"size": 2_000},
    "matrix_multiply": {"n": 8},
    "mixed": {"steps": 100, "seconds": 0.001},
    "numpy_matmul": {"n": 16},
    "payload": {"bytes_in": 1_000, "bytes_out": 1_000},
    "prime_sieve": {"n": 1_000},
    "regex_scan": {"size": 2_000},
    "sqlite_query": {"rows": 200},
    "sum_of_squares": {"n": 100},
    "wait": {"seconds": 0.001},
}
#: Their targets are what tests/contract/test_io_workloads.py is about.
WORKLOADS = [name for name in catalog.names("workloads") if not catalog.workload(name).targets]
TASKS = 6

#: {workload: "right" or the reason why it cannot be run}, as JSON.
PROGRAM = """
import json, sys
sys.path.insert(0, sys.argv[1])
from _parlab_trial import catalog
from _parlab_trial.wire.digest import digest
from _parlab_trial.parameter import settle
from _parlab_trial.host.requirements import missing
from _parlab_trial.strategies.base import BuildFacts
name, width, small, tasks = sys.argv[2], int(sys.argv[3]), json.loads(sys.argv[4]), int(sys.argv[5])
strategy, told = catalog.strategy(name), {}
lacking = strategy.requires and missing(strategy.requires)
options = settle(strategy.options, {}, name)
why = f"needs {lacking}" if lacking else strategy.unavailable(BuildFacts(sys.version_info[:2]), options)
for workload in small:
    # As a trial does it: what a pool starts finds what was found here.
    missing(catalog.workload(workload).requires)
if why is None:
    pool = strategy.open(width, options, None)
    pool.ping()
for workload in small if why is None else ():
    found = catalog.workload(workload)
    function = found.async_function if strategy.form == "async" else found.function
    given = settle(found.parameters, small[workload], workload)
    if function is None:
        told[workload] = "no async form"
    elif found.requires and missing(found.requires):
        told[workload] = f"needs {found.requires}"
    elif found.unavailable and found.unavailable(given):
        told[workload] = found.unavailable(given)
    else:
        items = found.inputs(given, tasks)
        try:
            results = pool.map(function, items)
        except Exception as error:
            told[workload] = pool.refusal(error)
            if told[workload] is None:
                raise
            continue
        if found.check:
            right = all(map(found.check, items, results))
        else:
            right = [digest(r) for r in results] == [digest(found.function(item)) for item in items]
        told[workload] = "right" if right and len(results) == tasks else f"wrong: {results}"
if why is None:
    pool.close()
    pool.tidy()
print("parlab:" + json.dumps({"why": why, "told": told}))
"""


@pytest.mark.parametrize("strategy", catalog.names("strategies"))
@pytest.mark.parametrize("build", ["python", "free_threaded", "python314"])
def test_every_workload_gives_the_same_under_every_strategy_on_every_build(
    build: str, strategy: str, request: pytest.FixtureRequest
) -> None:
    executable = request.getfixturevalue(build)
    small = {name: SMALL.get(name, {}) for name in WORKLOADS}
    width = {"serial": 1, "hybrid": 4}.get(strategy, 2)
    with tempfile.TemporaryDirectory(prefix="pl-") as folder:
        ran = subprocess.run(
            [
                *(executable, "-s", "-P", "-S", "-c", PROGRAM, TRIALPATH),
                *(strategy, str(width), json.dumps(small), str(TASKS)),
            ],
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
            env={"PATH": os.environ.get("PATH", os.defpath), "TMPDIR": folder, "HOME": folder},
        )
    assert ran.returncode == 0, ran.stderr
    answer = json.loads(ran.stdout.rpartition("parlab:")[2])
    if strategy == "interpreters" and build != "python314":
        # The tests themselves may run on 3.14 and newer.
        assert "3.14" in str(answer["why"]) or sys.version_info >= (3, 14)
        return
    if strategy == "joblib" and build != "python":
        assert answer["why"] is None or "joblib" in answer["why"]
        return
    assert answer["why"] is None
    told = answer["told"]
    assert set(told) == set(WORKLOADS)
    assert {name: said for name, said in told.items() if said.startswith("wrong")} == {}
    right = {name for name, said in told.items() if said == "right"}
    if strategy == "asyncio":
        assert right == {name for name in WORKLOADS if catalog.workload(name).async_function}
    else:
        # What needs another distribution may be missing in a build that has none.
        assert right >= {name for name in WORKLOADS if not catalog.workload(name).requires} - {"compress"}
        assert "compress" in right
