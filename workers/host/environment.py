"""Description of this host: its identity, the CPUs that can really be used, memory, clock rates."""

from __future__ import annotations

import hashlib
import math
import os
import re
import subprocess
from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING

from ..errors import NotReadable
from ..wire.registration import EffectiveCpus, Host
from . import cgroup
from .files import place, text_of

if TYPE_CHECKING:
    from .files import Root

_CPUS = "/sys/devices/system/cpu"
#: What vendors write in place of a name.
_NAMELESS = re.compile(r"(?i)^(to be filled.*|system (manufacturer|product name)|default string|none|)$")


def read_host(name: str | None = None, root: Root = "/") -> Host:
    """Describe the machine under this process.

    ``id`` is ``name`` where one is given. Otherwise it is made of the machine's id, which outlives
    reboots; in a container, whose machine-id is its image's or none, of the kernel's boot id, which
    all containers of a machine share.

    Args:
        name: the host's name in the lab, where it was given one.
        root: of the file system, for tests.
    """
    system = os.uname()
    boot_id = text_of(root, "/proc/sys/kernel/random/boot_id") or _sysctl("kern.bootsessionuuid")
    boot_id = boot_id or f"unknown-{system.nodename}"
    return Host(
        id=name or _identity(boot_id, system.nodename, root),
        boot_id=boot_id,
        hostname=system.nodename,
        system=system.sysname,
        kernel=system.release,
        cpu_model=_cpu_model(root) or _sysctl("machdep.cpu.brand_string") or system.machine,
        memory_bytes=_memory_bytes(root),
        cgroup_version=cgroup.version(root),
        effective_cpus=effective_cpus(_affinity(), os.cpu_count() or 1, root),
        memory_limit_bytes=cgroup.memory_limit_bytes(root),
        cpu_governor=cpu_governor(root),
        turbo=turbo(root),
        smt=smt(root),
        virtualization=virtualization(root),
        container=is_container(root),
    )


def effective_cpus(affinity: AbstractSet[int] | None, online: int, root: Root = "/") -> EffectiveCpus:
    """Return how many CPUs work can use here: affinity ∩ cpuset, and no more than the quota.

    Args:
        affinity: CPUs this process may be scheduled on; None where the system does not say.
        online: CPUs of the machine.
        root: of the file system, for tests.
    """
    cpuset = cgroup.cpuset(root)
    quota = cgroup.cpu_quota(root)
    reachable = _reachable(affinity, cpuset, online)
    count = reachable if quota is None else min(reachable, math.ceil(quota))
    return EffectiveCpus(
        count=count,
        affinity=len(affinity) if affinity is not None else None,
        cpuset=len(cpuset) if cpuset is not None else None,
        quota=quota,
        online=online,
        why=_why(affinity, cpuset, quota, reachable, online, root),
    )


def steal_and_total_ticks(root: Root = "/") -> tuple[int, int]:
    """Return the clock ticks that the hypervisor gave to others, and all ticks, of all CPUs since boot.

    Raises:
        NotReadable: there is no /proc/stat here, or it counts no steal.
    """
    line = (text_of(root, "/proc/stat") or "").partition("\n")[0].split()
    if len(line) < 9 or line[0] != "cpu":
        raise NotReadable("/proc/stat with a steal column is Linux's; this system has none")
    # Only the first eight: guest and guest_nice are counted in user and nice already.
    ticks = [int(value) for value in line[1:9]]
    return ticks[7], sum(ticks)


def is_container(root: Root = "/") -> bool:
    """Return whether this looks like a container (Docker, Podman, Kubernetes)."""
    marks = ("/.dockerenv", "/run/.containerenv", "/var/run/secrets/kubernetes.io")
    return any(os.path.exists(place(root, mark)) for mark in marks)  # noqa: PTH110


def _affinity() -> AbstractSet[int] | None:
    return os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else None


def _reachable(affinity: AbstractSet[int] | None, cpuset: AbstractSet[int] | None, online: int) -> int:
    if affinity is None:
        return len(cpuset) if cpuset else online
    if cpuset is None:
        return len(affinity)
    # Some sandboxes number CPUs anew in one of the two; then only their sizes can be compared.
    return len(affinity & cpuset) or min(len(affinity), len(cpuset))


def _why(
    affinity: AbstractSet[int] | None,
    cpuset: AbstractSet[int] | None,
    quota: float | None,
    reachable: int,
    online: int,
    root: Root,
) -> str:
    if quota is not None and quota < reachable:
        cpus = "CPU" if quota == 1 else "CPUs"
        return f"quota {quota:.3g} {cpus} of {reachable} (cgroup v{cgroup.version(root)})"
    if affinity is None and cpuset is None:
        return f"{online} online, affinity not known here"
    by_cpuset = cpuset is not None and (affinity is None or reachable < len(affinity))
    bound = "cpuset" if by_cpuset else "affinity"
    of = f" of {online}" if reachable < online else ""
    return f"{bound} {reachable}{of}, " + ("no quota" if quota is None else f"quota {quota:.3g}")


def _identity(boot_id: str, hostname: str, root: Root) -> str:
    if is_container(root) and not boot_id.startswith("unknown-"):
        return _hashed(boot_id)
    machine_id = text_of(root, "/etc/machine-id") or text_of(root, "/var/lib/dbus/machine-id") or ""
    # systemd writes "uninitialized" into images that have not booted yet.
    return _hashed(machine_id if len(machine_id) == 32 else hostname)


def _hashed(identity: str) -> str:
    """Return a short id; machine-id(5) asks that the id itself be kept confidential."""
    return "h" + hashlib.sha256(b"parlab host: " + identity.encode()).hexdigest()[:8]


def _cpu_model(root: Root) -> str | None:
    fields: dict[str, str] = {}
    for line in (text_of(root, "/proc/cpuinfo") or "").splitlines():
        key, _, value = line.partition(":")
        fields.setdefault(key.strip(), value.strip())
    for key in ("model name", "Model", "Hardware", "cpu model", "cpu"):
        if fields.get(key):
            return fields[key]
    if "CPU part" in fields:
        return f"ARM implementer {fields.get('CPU implementer', '?')} part {fields['CPU part']}"
    return None


def _memory_bytes(root: Root) -> int | None:
    """Return what work here can use: the machine's memory, or the cgroup's limit where that is less."""
    total = None
    for line in (text_of(root, "/proc/meminfo") or "").splitlines():
        if line.startswith("MemTotal:"):
            total = int(line.split()[1]) * 1024
    if total is None:
        text = _sysctl("hw.memsize")
        total = int(text) if text and text.isdigit() else None
    limit = cgroup.memory_limit_bytes(root)
    return min((value for value in (total, limit) if value is not None), default=None)


def _sysctl(name: str) -> str | None:
    """Ask macOS's sysctl; None on other systems, and where it does not know."""
    if os.uname().sysname != "Darwin":
        return None
    try:
        answer = subprocess.run(
            ["/usr/sbin/sysctl", "-n", name], capture_output=True, text=True, timeout=5, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return answer.stdout.strip() or None


def cpu_governor(root: Root = "/") -> str | None:
    """Return how the kernel chooses the CPUs' clock rates; several, where CPUs differ; None: not known.

    None is usual in a virtual machine: its host chooses.
    """
    try:
        policies = os.listdir(place(root, f"{_CPUS}/cpufreq"))  # noqa: PTH208 - as its neighbours do
    except OSError:
        return None
    governors = {text_of(root, f"{_CPUS}/cpufreq/{policy}/scaling_governor") for policy in policies}
    return ", ".join(sorted(name for name in governors if name)) or None


def turbo(root: Root = "/") -> bool | None:
    """Return whether CPUs may go beyond their nominal clock rate; None: not known."""
    forbidden = text_of(root, f"{_CPUS}/intel_pstate/no_turbo")
    if forbidden in ("0", "1"):
        return forbidden == "0"
    boost = text_of(root, f"{_CPUS}/cpufreq/boost")
    return boost == "1" if boost in ("0", "1") else None


def smt(root: Root = "/") -> bool | None:
    """Return whether cores have several threads each that are on; None: not known."""
    active = text_of(root, f"{_CPUS}/smt/active")
    return active == "1" if active in ("0", "1") else None


def virtualization(root: Root = "/") -> str | None:
    """Return what the machine runs on, as it calls itself; "none": no hypervisor; None: not known."""
    flags = re.search(r"(?m)^flags\s*:(.*)$", text_of(root, "/proc/cpuinfo") or "")
    if flags is not None and "hypervisor" not in flags[1].split():
        return "none"
    named = [text_of(root, f"/sys/class/dmi/id/{name}") or "" for name in ("sys_vendor", "product_name")]
    words = [word for word in named if not _NAMELESS.match(word)]
    xen = text_of(root, "/sys/hypervisor/type")
    if flags is None and xen is None:
        # Other CPUs do not say whether there is one: a vendor's name alone may be a machine's own.
        return None
    return " ".join(dict.fromkeys(words)) or xen or "a hypervisor that does not say its name"
