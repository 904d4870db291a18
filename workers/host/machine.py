"""What of a machine changes how fast it is, and is no limit of ours: clock rates, SMT, hypervisor."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from .files import place, text_of

if TYPE_CHECKING:
    from .files import Root

_CPUS = "/sys/devices/system/cpu"
#: What vendors write in place of a name.
_NAMELESS = re.compile(r"(?i)^(to be filled.*|system (manufacturer|product name)|default string|none|)$")


def cpu_governor(root: Root = "/") -> str | None:
    """Return how the kernel chooses the CPUs' clock rates; several, where CPUs differ; None: not known.

    None is usual in a virtual machine: its host chooses.
    """
    try:
        policies = os.listdir(place(root, f"{_CPUS}/cpufreq"))  # noqa: PTH208 - as its neighbours do
    except OSError:
        return None
    found = {text_of(root, f"{_CPUS}/cpufreq/{policy}/scaling_governor") for policy in policies}
    return ", ".join(sorted(name for name in found if name)) or None


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
