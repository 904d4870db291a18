"""Registration and heartbeat of a node: its host, its limits, the Python builds it offers, what it reads."""

from __future__ import annotations

from collections.abc import Mapping
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
    #: Whether its GIL is on where nothing is asked for; None: not known.
    gil_enabled: bool | None = None
    #: What it was configured with that changes its speed: "--enable-optimizations", "--with-lto", …
    build_flags: tuple[str, ...] = ()
    compiler: str = ""
    #: "glibc 2.39", "musl"; "" where it does not say.
    c_library: str = ""


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
    #: Limit of the node's own control group, where that is less than the machine's memory; else None.
    memory_limit_bytes: int | None = None
    #: How the kernel chooses the CPUs' clock rates: "performance", "powersave"; None: not known.
    cpu_governor: str | None = None
    #: Whether CPUs may go beyond their nominal clock rate, and whether their cores have several threads
    #: each; None: not known.
    turbo: bool | None = None
    smt: bool | None = None
    #: What the machine runs on as it calls itself, "none" where that is no hypervisor; None: not known.
    virtualization: str | None = None
    #: Whether the node is in a container; None: a node of an older parlab, which did not say.
    container: bool | None = None


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
    #: Workloads, scenarios and strategies that the node's installation has, by name.
    workloads: tuple[str, ...] = ()
    scenarios: tuple[str, ...] = ()
    strategies: tuple[str, ...] = ()
    #: Probes that other distributions add to the node's installation, by name.
    probes: tuple[str, ...] = ()
    #: Services that its workloads can talk to, by name; their addresses are the node's own affair.
    targets: tuple[str, ...] = ()
    #: Causes for which it rejects no trial (``PARLAB_TOLERATE``): what it measures is of a disturbed machine.
    tolerates: tuple[str, ...] = ()


@dataclass(frozen=True)
class CoreSeconds:
    """What one CPU of the host did since boot, in seconds by mode."""

    core: int
    user: float
    system: float
    idle: float
    iowait: float
    steal: float


@dataclass(frozen=True)
class Pressure:
    """How long tasks waited for a resource (PSI), in seconds since boot."""

    resource: Literal["cpu", "memory", "io"]
    #: At least one task waited.
    some_seconds: float
    #: All tasks waited; None where the kernel does not count it.
    full_seconds: float | None = None


@dataclass(frozen=True)
class NodeReadings:
    """What a node reads of its host and its control group at each beat. Missing is None, never 0."""

    cores: tuple[CoreSeconds, ...] = ()
    pressure: tuple[Pressure, ...] = ()
    #: Time that the node's control group was held back by its quota, and in how many periods of all.
    throttled_seconds: float | None = None
    throttled_periods: int | None = None
    periods: int | None = None
    #: CPU time of the node's control group.
    cgroup_cpu_seconds: float | None = None
    #: Memory that the node's control group uses now.
    memory_bytes: int | None = None
    #: Memory of the host that could be had without swapping.
    memory_available_bytes: int | None = None
    #: Context switches of the host since boot.
    context_switches: int | None = None
    #: CPU time that reading and sending all this took so far: the sampler's own cost.
    sampler_cpu_seconds: float | None = None
    #: Why a field is missing, by its name.
    unread: Mapping[str, str] = field(default_factory=dict)


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
    readings: NodeReadings = NodeReadings()
