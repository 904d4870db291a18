"""Files, pipes and sockets that the trial's processes have open at the same time."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence

from ..errors import NotReadable
from .base import Probe, Quantity, check_proc


def sample(pids: Sequence[int], workers: Collection[int], proc: str = "/proc") -> list[float | str]:
    """Give the open file descriptors of the processes together; those gone count nothing."""
    del workers
    check_proc(proc)
    count = 0
    for pid in pids:
        try:
            count += len(os.listdir(f"{proc}/{pid}/fd"))  # noqa: PTH208 - the same
        except PermissionError:
            raise NotReadable(f"the open files of process {pid} are not ours to read") from None
        except (FileNotFoundError, ProcessLookupError):
            continue
    return [float(count)]


PROBE = Probe(
    name="descriptors",
    summary="Most file descriptors of all of the trial's processes together, in an untimed round.",
    quantities=(
        Quantity("descriptors_peak", "count", "Most open descriptors of the trial's processes together."),
    ),
    sample=sample,
)
