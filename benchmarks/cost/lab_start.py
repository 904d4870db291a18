"""Cost of a lab: from `docker compose up --wait` to the first result, the images, the memory.

A compose lab of its own name is built, brought up twice (the second time over its volumes), looked at,
and taken down with everything that is its own. Needs a Docker engine and the base images.
Wanted: the first result in Prometheus within 60 s, a node image at most 25 MB above its base, an idle
orchestrator of at most 150 MB. ``python -m benchmarks.cost.lab_start``, two minutes.
"""

from __future__ import annotations

import argparse
import json
import os
import time

from benchmarks.machine import header
from tests.lab.composed import Lab, docker, free_port, wait_until

SERVICES = ("redis", "orchestrator", "node-py313", "node-py314", "node-limited", "prometheus")


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--idle", type=float, default=30.0, help="seconds of idling before memory is read")
    given = parser.parse_args()
    print(header("Lab: start, images, memory"))
    project = f"parlabbench{os.getpid()}"
    lab = Lab(
        project,
        {
            "PARLAB_IMAGES": project,
            "PARLAB_PORT": str(free_port()),
            "PARLAB_PROMETHEUS_PORT": str(free_port()),
            "PARLAB_REDIS_PORT": str(free_port()),
        },
    )
    try:
        lab.compose("build", "--quiet", "secrets", "node-py313", "node-py314")
        began = time.perf_counter()
        lab.compose("up", "--wait", "--detach", *SERVICES)
        up_seconds = time.perf_counter() - began
        wait_until(lambda: lab.query("parlab_comparison_blocks"), 120, "a first result")
        first_seconds = time.perf_counter() - began
        print(f"up --wait: {up_seconds:.1f} s; a result in Prometheus after {first_seconds:.1f} s")
        lab.down()
        began = time.perf_counter()
        lab.compose("up", "--wait", "--detach", *SERVICES)
        print(f"up --wait over its volumes: {time.perf_counter() - began:.1f} s")
        images(project)
        memory(lab, given.idle)
    finally:
        lab.down("--volumes")
        names = ("orchestrator", "node-py313", "node-py314")
        docker("image", "rm", *(f"{project}-{name}" for name in names), check=False)


def images(project: str) -> None:
    """Print how much larger the node images are than what they are made from."""
    for name, base in (("node-py313", "python:3.13-slim"), ("node-py314", "python:3.14-slim")):
        own, below = (
            json.loads(docker("image", "inspect", image))[0]["Size"] for image in (f"{project}-{name}", base)
        )
        print(f"image {name}: {(own - below) / 1e6:.1f} MB above {base} (wanted: at most 25 MB)")


def memory(lab: Lab, idle_seconds: float) -> None:
    """Print what the orchestrator uses when nothing is measured."""
    lab.token = lab.compose("exec", "-T", "orchestrator", "cat", "/run/parlab-secrets/token").strip()
    lab.stop_runs()
    time.sleep(idle_seconds)
    used = docker(
        "stats", "--no-stream", "--format", "{{.MemUsage}}", lab.container("orchestrator")
    ).partition("/")[0]
    print(f"orchestrator, idle: {used.strip()} (wanted: at most 150 MB)")


if __name__ == "__main__":
    main()
