"""What a node in a container may use: a factor of an experiment, and options of the fleet."""

from __future__ import annotations

import hashlib
import math
import re
from dataclasses import dataclass

from parlab.workers.errors import BadInput
from parlab.workers.wire.codec import encode

_PYTHON = re.compile(r"3\.[0-9]{1,2}t?")
_CPUSET = re.compile(r"[0-9]+(-[0-9]+)?(,[0-9]+(-[0-9]+)?)*")
#: Docker refuses less.
LEAST_CPUS = 0.01
#: A node and one trial's interpreter need so much.
LEAST_MEMORY_BYTES = 96 << 20


@dataclass(frozen=True)
class NodeLimits:
    """One kind of node. What is None is not limited."""

    python: str = "3.13"
    #: CPUs' worth of time.
    cpus: float | None = None
    memory_bytes: int | None = None
    #: CPUs that it may run on: "0-1".
    cpuset: str | None = None

    def __post_init__(self) -> None:
        """Refuse what no node can be; raises BadInput."""
        if not _PYTHON.fullmatch(self.python):
            raise BadInput(f"python {self.python!r} is no version", "Write 3.13, 3.14 or 3.13t.")
        if self.cpus is not None and not (math.isfinite(self.cpus) and self.cpus >= LEAST_CPUS):
            raise BadInput(f"cpus {self.cpus} is no limit", f"Give {LEAST_CPUS} or more: 0.5, 2.")
        if self.memory_bytes is not None and self.memory_bytes < LEAST_MEMORY_BYTES:
            raise BadInput(
                f"memory of {self.memory_bytes} bytes is too little for a node",
                f"Give {LEAST_MEMORY_BYTES >> 20} MiB or more: 256m.",
            )
        if self.cpuset is not None and not _CPUSET.fullmatch(self.cpuset):
            raise BadInput(f"cpuset {self.cpuset!r} is no list of CPUs", "Write 0-1 or 0,2.")

    @property
    def label(self) -> str:
        """Name it within a node's name: "py313-0p5cpu-512m"."""
        parts = [f"py{self.python.replace('.', '')}"]
        if self.cpus is not None:
            parts.append(f"{self.cpus:g}cpu".replace(".", "p"))
        if self.memory_bytes is not None:
            parts.append(f"{math.ceil(self.memory_bytes / (1 << 20))}m")
        if self.cpuset is not None:
            parts.append("on" + self.cpuset.replace(",", "and").replace("-", "to"))
        return "-".join(parts)

    @property
    def fingerprint(self) -> str:
        """Tell kinds of nodes apart."""
        return hashlib.sha256(encode(self).encode()).hexdigest()[:12]
