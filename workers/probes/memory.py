"""Memory that the trial's processes have together, shared pages divided among those that share them."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable

from ..errors import NotReadable
from ..tree import read_file
from .base import Probe, Quantity

_KEY = b"\nPss:"


def sample(pids: Iterable[int], proc: str = "/proc") -> float:
    """Give the proportional set size of the processes together, in bytes; those gone count nothing.

    The kernel walks all pages for it: some milliseconds per process, in which that process may
    have to wait. Raises :class:`NotReadable` where it cannot be read at all.
    """
    if not os.path.isdir(proc):  # noqa: PTH112 - a trial's interpreter imports this, and pathlib costs 5 ms
        raise NotReadable(f"no {proc} on {sys.platform}")
    total = 0
    for pid in pids:
        try:
            total += pss_bytes(read_file(f"{proc}/{pid}/smaps_rollup"))
        except PermissionError:
            raise NotReadable(f"the memory of process {pid} is not ours to read") from None
        except (FileNotFoundError, ProcessLookupError):
            # The process is gone; or the kernel, older than 4.14, has no such file for anybody.
            if not os.path.exists(f"{proc}/self/smaps_rollup"):  # noqa: PTH110 - the same
                raise NotReadable("this kernel has no smaps_rollup (it came with Linux 4.14)") from None
    return float(total)


def pss_bytes(smaps_rollup: bytes) -> int:
    """Read the proportional set size from a process's ``smaps_rollup``."""
    start = smaps_rollup.find(_KEY)
    if start < 0:
        return 0
    return int(smaps_rollup[start + len(_KEY) :].split(maxsplit=1)[0]) * 1024


PROBE = Probe(
    name="memory",
    summary="Greatest memory (PSS) of all of the trial's processes together, in an untimed round.",
    quantities=(
        Quantity("memory_peak", "bytes", "Greatest proportional set size of the trial's processes together."),
    ),
    sample=sample,
)
