"""Distributions that a workload needs, seen from an interpreter that started without site-packages."""

from __future__ import annotations

import subprocess
import sys

from parlab.workers.host.bootstrap import TRIALPATH

PROGRAM = """
import sys
sys.path.insert(0, sys.argv[1])
from _parlab_trial.host.requirements import missing
print(*missing(("pytest", "no-such-distribution")))
import pytest
"""


def test_what_is_installed_beside_the_interpreter_is_found_and_what_is_not_is_named() -> None:
    answer = subprocess.run(
        [sys.executable, "-s", "-P", "-S", "-c", PROGRAM, TRIALPATH],
        capture_output=True,
        text=True,
        check=True,
    )
    assert answer.stdout.split() == ["no-such-distribution"]
