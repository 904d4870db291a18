"""Machine that a benchmark's figures were measured on: a line to quote beside them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from parlab.workers.clock import SystemClock
from parlab.workers.host.builds import read_builds
from parlab.workers.host.environment import read_host
from parlab.workers.host.lock import run_lock
from parlab.workers.wire.registration import NodeRegistration


def header(what: str) -> str:
    """Give a title line with machine, CPUs, Python and date."""
    host = read_host()
    cpus = host.effective_cpus
    today = f"{datetime.now().astimezone():%Y-%m-%d %H:%M}"
    python = f"{host.system} {host.kernel}, Python {sys.version.split()[0]}"
    return f"{what}\n{host.cpu_model}, {cpus.count} effective CPUs ({cpus.why}), {python}, {today}"


def this_node() -> NodeRegistration:
    """Describe this machine as a node that offers the interpreter that runs the script."""
    return NodeRegistration(
        "bench", read_host(), read_builds([sys.executable]), sys.version.split()[0], "", 0
    )


CLOCK = SystemClock()


@contextmanager
def alone() -> Iterator[None]:
    """Keep runs and other benchmarks of this host waiting, and wait for one that goes on."""
    with run_lock(CLOCK, "a benchmark", lambda holder: print(f"waiting for {holder}", file=sys.stderr)):
        yield


def run_experiment(experiment: str, home: str, *options: str) -> dict[str, Any]:
    """Run an experiment as a user would, and give its result document (docs/result-schema.md).

    Args:
        experiment: name or file.
        home: folder for the run and the document.
        options: further ones of ``parlab run``.
    """
    document = Path(home, "run.json")
    arguments = ["run", experiment, "--quiet", "--json", str(document), *options]
    command = [sys.executable, "-m", "parlab", *arguments]
    subprocess.run(command, env={**os.environ, "PARLAB_HOME": home}, check=True)
    exported: dict[str, Any] = json.loads(document.read_text(encoding="utf-8"))
    return exported
