"""Nodes as they register, made of the real dataclasses, and experiment files in a folder of their own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from parlab.orchestrator.experiment.file import load
from parlab.orchestrator.experiment.model import Experiment
from parlab.workers import __version__, catalog
from parlab.workers.wire.registration import EffectiveCpus, Host, NodeRegistration, PythonBuild
from parlab.workers.wire.spec import SCHEMA_VERSION

MakeNode = Callable[..., NodeRegistration]
LoadText = Callable[..., Experiment]

ALL_START_METHODS = ("fork", "spawn", "forkserver")


def build(version: str, start_methods: tuple[str, ...] = ALL_START_METHODS) -> PythonBuild:
    """Make a build from a name such as "3.13.5t"."""
    return PythonBuild(
        id=version,
        executable=f"/opt/{version}/bin/python",
        version=version.removesuffix("t"),
        implementation="CPython",
        free_threaded=version.endswith("t"),
        start_methods=start_methods,
    )


@pytest.fixture
def make_node() -> MakeNode:
    """Make the registration of a node."""

    def make(
        name: str = "local",
        versions: Sequence[str] = ("3.11.7",),
        *,
        host: str = "host-a",
        cpus: int = 2,
        start_methods: tuple[str, ...] = ALL_START_METHODS,
        schema_version: int = SCHEMA_VERSION,
        workloads: tuple[str, ...] = (),
        strategies: tuple[str, ...] = (),
        scenarios: tuple[str, ...] | None = None,
    ) -> NodeRegistration:
        effective = EffectiveCpus(cpus, cpus, None, None, cpus, f"affinity {cpus}, no quota")
        return NodeRegistration(
            node=name,
            host=Host(host, f"boot-{host}", host, "Linux", "6.1", "cpu", 8 << 30, 2, effective),
            builds=tuple(build(version, start_methods) for version in versions),
            harness_python="3.11.7",
            parlab_version=__version__,
            pid=4711,
            schema_version=schema_version,
            workloads=workloads,
            strategies=strategies,
            scenarios=tuple(catalog.available("scenarios")) if scenarios is None else scenarios,
        )

    return make


@pytest.fixture
def load_text(tmp_path: Path) -> LoadText:
    """Load an experiment from the text of a file."""

    def load_it(text: str | bytes, sets: Sequence[str] = ()) -> Experiment:
        path = tmp_path / "cpu.toml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return load(str(path), sets)

    return load_it
