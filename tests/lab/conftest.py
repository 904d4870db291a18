"""The lab that most tests of this folder share, on a real Docker engine."""

from __future__ import annotations

import ipaddress
import json
import os
import subprocess
from collections.abc import Iterator

import pytest

from tests.lab.composed import Lab, docker, free_port

#: Everything that a test session makes on the engine begins so.
PREFIX = f"parlabtest{os.getpid()}"
_IMAGES = ("orchestrator", "node-py313", "node-py314", "node-freethreaded")


def _on_engine() -> dict[str, set[str]]:
    """What is on the engine, besides what it caches of builds."""
    return {
        kind: set(docker(*command).split())
        for kind, command in {
            "containers": ("ps", "--all", "--quiet"),
            "volumes": ("volume", "ls", "--quiet"),
            "networks": ("network", "ls", "--quiet"),
            "images": ("image", "ls", "--all", "--quiet"),
        }.items()
    }


@pytest.fixture(scope="session")
def engine() -> Iterator[None]:
    """A Docker engine, which is left as it was found; its absence is a skip on a desk, a failure in CI."""
    found = subprocess.run(["docker", "info"], capture_output=True, check=False)
    if found.returncode != 0:
        why = "no Docker engine answers here"
        if os.environ.get("CI"):
            pytest.fail(why)
        pytest.skip(why)
    before = _on_engine()
    yield
    left = {kind: there - before[kind] for kind, there in _on_engine().items() if there - before[kind]}
    assert not left, f"the tests left something on the engine: {left}"


@pytest.fixture(scope="session")
def bridge_address(engine: None) -> str:
    """This machine's address as containers of any network see it."""
    (network,) = json.loads(docker("network", "inspect", "bridge"))
    about = network["IPAM"]["Config"][0]
    # Older engines do not say it: it is the first address.
    return str(about.get("Gateway") or ipaddress.ip_network(about["Subnet"])[1])


@pytest.fixture(scope="session")
def lab(bridge_address: str) -> Iterator[Lab]:
    """A lab with nodes of Python 3.13, 3.14 and free-threaded 3.13; nothing of it is left afterwards."""
    lab = Lab(
        PREFIX,
        {
            "PARLAB_IMAGES": PREFIX,
            "PARLAB_PORT": str(free_port()),
            "PARLAB_PROMETHEUS_PORT": str(free_port()),
            "PARLAB_REDIS_PORT": str(free_port()),
            "PARLAB_REDIS_BIND": bridge_address,
            "PARLAB_FREETHREADED_DOCKERFILE": "Dockerfile",
            "PARLAB_FREETHREADED_IMAGE": os.environ.get("PARLAB_FREETHREADED_IMAGE", "python:3.13t-slim"),
            "PARLAB_EXPECT_NODES": "4",
            "PARLAB_FIRST_EXPERIMENT": "lab",
            "PARLAB_ALLOW": "math",
        },
    )
    try:
        lab.compose("build", "--quiet", "secrets", "node-py313", "node-py314", "node-freethreaded")
        lab.up()
        yield lab
    finally:
        lab.down("--volumes")
        docker("image", "rm", *(f"{PREFIX}-{name}" for name in _IMAGES), check=False)


@pytest.fixture
def quiet_lab(lab: Lab) -> Iterator[Lab]:
    """The lab with no run under way, before and after."""
    lab.stop_runs()
    yield lab
    lab.stop_runs()
