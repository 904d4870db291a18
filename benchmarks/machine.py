"""What a benchmark's figures were measured on: a line to quote beside them."""

from __future__ import annotations

import sys
from datetime import datetime

from workers.builds import read_builds
from workers.clock import SystemClock
from workers.environment import read_host
from workers.registration import NodeRegistration


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
