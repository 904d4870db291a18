"""Advice from the container lab, for a function that its nodes allow."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.lab.composed import Lab
from tests.support.checkout import CHECKOUT


def test_a_lab_advises_on_a_function_that_its_nodes_allow(quiet_lab: Lab, tmp_path: Path) -> None:
    lab = quiet_lab
    numbers, advice = tmp_path / "numbers.json", tmp_path / "advice.json"
    numbers.write_text(json.dumps([3000] * 8))
    own = {**os.environ, "PARLAB_HOME": str(tmp_path), "PARLAB_TOKEN": lab.token, "NO_COLOR": "1"}

    def advise(function: str, *further: str) -> subprocess.CompletedProcess[str]:
        given = ["--inputs", str(numbers), "--budget", "30s", "--max-workers", "2", "--lab", lab.url]
        return subprocess.run(
            [sys.executable, "-m", "parlab", "advise", function, *given, *further],
            capture_output=True, text=True, cwd=CHECKOUT, env=own, timeout=150, check=False,
        )  # fmt: skip

    done = advise("math:factorial", "--python", "3.13", "--json", str(advice))
    assert done.returncode == 0, done.stderr
    assert "Advice for math:factorial" in done.stdout
    document = json.loads(advice.read_text())
    (found,) = document["hosts"]
    assert {c["node"] for c in found["candidates"]} >= {"node-py313"}
    assert found["blocks"] >= 1
    measured = {c["strategy"] for c in found["candidates"] if c["trials"]}
    assert {"serial", "threads", "processes"} <= measured
    # It is a plain function, which only the node could find out.
    assert [c["reason"] for c in found["candidates"] if c["strategy"] == "asyncio"]
    refused = advise("random:random")
    assert refused.returncode == 2
    assert "does not allow module random: set PARLAB_ALLOW=random there" in refused.stderr
