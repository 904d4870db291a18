"""Memory that the trial's processes have: together, theirs alone, and that of one of the pool's workers."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence

from ..errors import NotReadable
from ..host.tree import read_file
from .base import Probe, Quantity, check_proc

_KIBIBYTE = 1024


def sample(pids: Sequence[int], workers: Collection[int], proc: str = "/proc") -> list[float | str]:
    """Give proportional and unique set size of all together, and the mean proportional one of ``workers``.

    One read per process gives all: the kernel walks its pages for it, some milliseconds in which that
    process may have to wait. Processes that are gone count nothing. Raises :class:`NotReadable` where
    memory cannot be read at all.
    """
    check_proc(proc)
    together = unique = 0
    of_workers = []
    for pid in pids:
        try:
            rollup = read_file(f"{proc}/{pid}/smaps_rollup")
        except PermissionError:
            raise NotReadable(f"the memory of process {pid} is not ours to read") from None
        except (FileNotFoundError, ProcessLookupError):
            # The process is gone; or the kernel, older than 4.14, has no such file for anybody.
            if not os.path.exists(f"{proc}/self/smaps_rollup"):  # noqa: PTH110 - the same
                raise NotReadable("this kernel has no smaps_rollup (it came with Linux 4.14)") from None
            continue
        proportional = pss_bytes(rollup)
        together += proportional
        unique += uss_bytes(rollup)
        # One that has ended since has no pages any more: nothing of it is known.
        if pid in workers and proportional:
            of_workers.append(proportional)
    return [float(together), float(unique), _mean(of_workers, workers)]


def _mean(of_workers: list[int], workers: Collection[int]) -> float | str:
    if not workers:
        return "the workers share the trial's own process"
    if not of_workers:
        return "none of the pool's processes was there to be looked at"
    return sum(of_workers) / len(of_workers)


def pss_bytes(smaps_rollup: bytes) -> int:
    """Read the proportional set size from a process's ``smaps_rollup``."""
    return _kibibytes(b"\nPss:", smaps_rollup) * _KIBIBYTE


def uss_bytes(smaps_rollup: bytes) -> int:
    """Read the unique set size: what would be free again if this process alone ended."""
    clean, dirty = (_kibibytes(key, smaps_rollup) for key in (b"\nPrivate_Clean:", b"\nPrivate_Dirty:"))
    return (clean + dirty) * _KIBIBYTE


def _kibibytes(key: bytes, smaps_rollup: bytes) -> int:
    start = smaps_rollup.find(key)
    return 0 if start < 0 else int(smaps_rollup[start + len(key) :].split(maxsplit=1)[0])


PROBE = Probe(
    name="memory",
    summary="Greatest memory of the trial's processes, in an untimed round.",
    quantities=(
        Quantity("memory_peak", "bytes", "Greatest proportional set size of the trial's processes together."),
        Quantity("memory_unique", "bytes", "Greatest sum of what each of the processes has alone."),
        Quantity("memory_worker", "bytes", "Greatest mean of the pool's own processes (PSS)."),
    ),
    sample=sample,
)
