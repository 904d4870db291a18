"""A workload that the first build lacks: the next one calibrates, and is measured."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest

EXPERIMENT = """
[experiment]
name = "squeeze"
trial_seconds = 0.02
[[workload]]
name = "compress"
algorithm = "zstd"
size = 20000
[[strategy]]
name = "serial"
[[strategy]]
name = "threads"
max_workers = 2
[stop]
rule = "fixed"
blocks = 1
budget = "60s"
"""


@pytest.mark.skipif(sys.version_info >= (3, 14), reason="this build has what the first one is to lack")
def test_what_one_build_lacks_does_not_keep_the_others_from_being_measured(
    parlab: Any, python314: str
) -> None:
    (parlab.home / "squeeze.toml").write_text(EXPERIMENT)
    result = parlab.home / "result.json"
    ended = parlab.run(
        "run", "squeeze.toml", "--python", sys.executable, "--python", python314, "--json", result
    )
    document = json.loads(result.read_text())
    builds = {c["id"]: c["python"] for g in document["plan"]["groups"] for c in g["configurations"]}
    measured = {
        builds[trial["configuration"]]
        for trial in document["trials"]
        if trial["block"] is not None and trial["outcome"] == "measured"
    }
    assert {name[:4] for name in measured} == {"3.14"}, ended.err
    assert "has no compression.zstd (it came with Python 3.14)" in " ".join(ended.out.split())
