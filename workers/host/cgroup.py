"""Limits and counters of the control groups that this process is in, versions 1 and 2.

A limit may stand on any group from the process's own up to the outermost that can be seen; in a
container without a namespace of its own the names are the host's and the mount is its end.
"""

from __future__ import annotations

import os
import re

from ..errors import NotReadable
from .files import place, text_of
from .tree import read_file

# Not from typing import TYPE_CHECKING: a trial's interpreter imports this, and typing costs it 5 ms.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Literal

    from .files import Root

#: What version 1 writes for "no limit" is the greatest multiple of a page; nobody has this much.
_NO_MEMORY_LIMIT_BYTES = 1 << 60


class _Mount:
    """Where a hierarchy is mounted, and which of its groups is seen there."""

    __slots__ = ("controllers", "point", "top", "version")

    def __init__(self, version: Literal[1, 2], controllers: Sequence[str], top: str, point: str) -> None:
        self.version = version
        self.controllers = controllers
        self.top = top
        self.point = point


def version(root: Root = "/") -> Literal[0, 1, 2]:
    """Return the version of the hierarchy that has the CPU controller; 0 without control groups."""
    mounts = _mounts(root)
    for mount in mounts:
        if "cpu" in mount.controllers:
            return mount.version
    return mounts[0].version if mounts else 0


def cpu_quota(root: Root = "/") -> float | None:
    """Return how many CPUs' worth of time the process may use, None without a quota.

    The least along the path binds.
    """
    quotas = []
    for mount, group in _groups("cpu", root):
        if mount.version == 2:
            quota, _, period = (text_of(root, f"{group}/cpu.max") or "").partition(" ")
        else:
            quota = text_of(root, f"{group}/cpu.cfs_quota_us") or ""
            period = text_of(root, f"{group}/cpu.cfs_period_us") or ""
        if quota.isdecimal() and period.isdecimal() and int(quota) > 0 and int(period) > 0:
            quotas.append(int(quota) / int(period))
    return min(quotas, default=None)


def cpuset(root: Root = "/") -> set[int] | None:
    """Return the CPUs that the process's group may use, None where nothing says so."""
    for _, group in _groups("cpuset", root):
        for name in ("cpuset.cpus.effective", "cpuset.effective_cpus", "cpuset.cpus"):
            cpus = parse_cpu_list(text_of(root, f"{group}/{name}") or "")
            if cpus:
                return cpus
    return None


def parse_cpu_list(text: str) -> set[int]:
    """Return the CPUs of a list as the kernel writes it ("0-3,7"); empty for what is none."""
    cpus: set[int] = set()
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        last = last if dash else first
        if first.isdecimal() and last.isdecimal():
            cpus.update(range(int(first), int(last) + 1))
    return cpus


def memory_limit_bytes(root: Root = "/") -> int | None:
    """Return the least memory limit along the path, in bytes; None without one."""
    limits = []
    for mount, group in _groups("memory", root):
        name = "memory.max" if mount.version == 2 else "memory.limit_in_bytes"
        text = text_of(root, f"{group}/{name}") or ""
        if text.isdecimal() and int(text) < _NO_MEMORY_LIMIT_BYTES:
            limits.append(int(text))
    return min(limits, default=None)


def usage_paths(root: Root = "/") -> dict[str, str]:
    """Return the files that say what the process's own group uses, as far as there are any.

    ``memory`` (bytes), ``memory_stat`` (its parts), ``cpu`` (version 1: nanoseconds; version 2:
    ``cpu.stat``), ``cpu_stat`` (periods and throttling).
    """
    names = {
        "memory": ("memory", "memory.usage_in_bytes", "memory.current"),
        "memory_stat": ("memory", "memory.stat", "memory.stat"),
        "cpu": ("cpuacct", "cpuacct.usage", ""),
        "cpu_stat": ("cpu", "cpu.stat", "cpu.stat"),
    }
    paths = {}
    for use, (controller, first, second) in names.items():
        for mount, group in _groups(controller, root)[:1]:
            path = place(root, f"{group}/{first if mount.version == 1 else second}")
            if os.path.isfile(path):  # noqa: PTH113 - pathlib costs a trial 10 ms
                paths[use] = path
    if "cpu" not in paths and "cpu_stat" in paths:
        # Version 2 has no controller of accounting: the CPU's own file has it.
        paths["cpu"] = paths["cpu_stat"]
    return paths


def cpu_stat_paths(root: Root = "/") -> tuple[str, ...]:
    """Return the files that count throttling, innermost group first.

    A group that is held back by the quota of one above it shows so only there.
    """
    paths = []
    for _, group in _groups("cpu", root):
        if _throttled_seconds(text_of(root, f"{group}/cpu.stat") or "") is not None:
            paths.append(place(root, f"{group}/cpu.stat"))
    return tuple(paths)


def throttled_seconds(root: Root = "/", *, paths: Sequence[str] | None = None) -> float:
    """Return for how long quotas have held the process's groups back, all of them together.

    Args:
        root: of the file system, for tests.
        paths: what :func:`cpu_stat_paths` gave before, so that they need not be looked for again.

    Raises:
        NotReadable: nothing counts throttling here, or a counter went away.
    """
    if paths is None:
        paths = cpu_stat_paths(root)
    if not paths:
        raise NotReadable("nothing counts throttling here: no CPU controller of a control group does")
    total = 0.0
    for path in paths:
        try:
            seconds = _throttled_seconds(read_file(path).decode())
        except OSError as error:
            raise NotReadable(f"{path} cannot be read: {error.strerror}") from error
        if seconds is None:
            raise NotReadable(f"{path} does not count throttling any more")
        total += seconds
    return total


def _throttled_seconds(stat: str) -> float | None:
    """Return the throttled time of a ``cpu.stat``: version 2 counts microseconds, version 1 nanoseconds."""
    for line in stat.splitlines():
        name, _, value = line.partition(" ")
        if name == "throttled_usec":
            return int(value) / 1e6
        if name == "throttled_time":
            return int(value) / 1e9
    return None


def _mounts(root: Root) -> list[_Mount]:
    """List the hierarchies that are mounted; those of version 1 first, whose controllers version 2 lacks."""
    mounts = []
    for line in (text_of(root, "/proc/self/mountinfo") or "").splitlines():
        left, _, right = line.partition(" - ")
        fields, filesystem = left.split(), right.split()
        if len(fields) < 5 or not filesystem:
            continue
        top, point = _unescaped(fields[3]), _unescaped(fields[4])
        if filesystem[0] == "cgroup":
            mounts.append(_Mount(1, filesystem[-1].split(","), top, point))
        elif filesystem[0] == "cgroup2":
            controllers = (text_of(root, f"{point}/cgroup.controllers") or "").split()
            mounts.append(_Mount(2, controllers, top, point))
    return sorted(mounts, key=lambda mount: mount.version)


def _unescaped(field: str) -> str:
    """Undo the octal escapes that mountinfo has for blanks."""
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), field)


def _groups(controller: str, root: Root) -> list[tuple[_Mount, str]]:
    """List the folders of the process's group for a controller, innermost first, with their mount."""
    for mount in _mounts(root):
        if controller in mount.controllers:
            path = _path(controller, mount.version, root)
            if path is not None:
                return [(mount, group) for group in _folders(mount, path, root)]
    return []


def _path(controller: str, version: int, root: Root) -> str | None:
    for line in (text_of(root, "/proc/self/cgroup") or "").splitlines():
        hierarchy, controllers, path = line.split(":", 2)
        if (version == 2 and hierarchy == "0") or (version == 1 and controller in controllers.split(",")):
            return path
    return None


def _folders(mount: _Mount, path: str, root: Root) -> list[str]:
    inside = path.removeprefix(mount.top) if mount.top != "/" else path
    parts = [part for part in inside.split("/") if part]
    folder = "/".join([mount.point, *parts])
    if ".." in parts or not os.path.isdir(place(root, folder)):  # noqa: PTH112 - pathlib costs a trial 10 ms
        # The name is one that another namespace sees; what is mounted here is all that can be read.
        parts = []
    return ["/".join([mount.point, *parts[:count]]) for count in range(len(parts), -1, -1)]
