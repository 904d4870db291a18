"""What a node says of itself: its host, its limits, the Python builds it offers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from .spec import SCHEMA_VERSION


@dataclass(frozen=True)
class PythonBuild:
    """One Python build that trials can be run with."""

    #: Short and unique on the node: "3.11.7", "3.13.5t"; a second of the same version gets "#2".
    id: str
    executable: str
    version: str
    implementation: str
    free_threaded: bool
    start_methods: tuple[str, ...]
    #: Modules that strategies need and this build lacks (for example "concurrent.interpreters").
    lacks: tuple[str, ...] = ()


@dataclass(frozen=True)
class EffectiveCpus:
    """How many CPUs the work can really use, and how that came about."""

    #: min(affinity, cpuset, quota), at least 1; a quota is rounded up to whole CPUs.
    count: int
    affinity: int | None
    cpuset: int | None
    #: CPUs' worth of quota, for example 1.5; None without a quota.
    quota: float | None
    #: os.cpu_count() of the machine.
    online: int
    #: For people: "affinity 2, no quota".
    why: str


@dataclass(frozen=True)
class Host:
    """The machine under a node."""

    id: str
    boot_id: str
    hostname: str
    system: str
    kernel: str
    cpu_model: str
    memory_bytes: int | None
    cgroup_version: Literal[0, 1, 2]
    effective_cpus: EffectiveCpus


@dataclass(frozen=True)
class NodeRegistration:
    """What a node writes under its name when it starts."""

    node: str
    host: Host
    builds: tuple[PythonBuild, ...]
    harness_python: str
    parlab_version: str
    pid: int
    #: Modules besides the installation's own whose functions may run here (``PARLAB_ALLOW``).
    allow: tuple[str, ...] = ()
    schema_version: int = field(default=SCHEMA_VERSION)


@dataclass(frozen=True)
class Heartbeat:
    """What a node says every few seconds."""

    node: str
    unix_seconds: float
    #: Sitting that runs now, or None.
    sitting: str | None
    spooled: int = 0
    steal_ratio: float | None = None
    load_1m: float | None = None
