"""Time for which something on this machine waited for CPU, memory or a disk in the rounds."""

from __future__ import annotations

import os

from ..errors import NotReadable
from ..host.tree import read_file
from .base import Meter, Probe, Quantity

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..host.tree import Tree

_RESOURCES = ("cpu", "memory", "io")


class PressureMeter(Meter):
    """Adds up the kernel's totals, of the whole machine; a resource that it does not tell of is out alone."""

    def __init__(self, tree: Tree | None = None, proc: str = "/proc") -> None:
        del tree
        self._files = {resource: f"{proc}/pressure/{resource}" for resource in _RESOURCES}
        self._reasons: dict[str, str] = {}
        self._before: dict[str, int] = {}
        self._sums = dict.fromkeys(_RESOURCES, 0)
        if not self._now() and len(set(self._reasons.values())) == 1:
            raise NotReadable(next(iter(self._reasons.values())))

    def begin(self) -> None:
        """Note the totals."""
        self._before = self._now()

    def end(self, seconds: float) -> None:
        """Add what they went up by."""
        del seconds
        for resource, total in self._now().items():
            if resource in self._before:
                self._sums[resource] += total - self._before[resource]

    def values(self) -> list[float | str]:
        """Give the seconds, by resource."""
        return [self._reasons.get(resource, self._sums[resource] / 1e6) for resource in _RESOURCES]

    def _now(self) -> dict[str, int]:
        totals = {}
        for resource, file in self._files.items():
            if resource in self._reasons:
                continue
            try:
                totals[resource] = some_microseconds(read_file(file))
            except FileNotFoundError:
                self._reasons[resource] = "this kernel does not count pressure (no /proc/pressure)"
            except NotReadable as reason:
                self._reasons[resource] = reason.message
            except OSError as error:
                # Compiled in and switched off (psi=0), it can be opened and not read.
                self._reasons[resource] = f"{file}: {os.strerror(error.errno or 0)}"
        return totals


def some_microseconds(text: bytes) -> int:
    """Read for how long at least one task of the machine had to wait, from a file of ``/proc/pressure``."""
    for line in text.splitlines():
        if line.startswith(b"some "):
            total = line.rpartition(b"total=")[2]
            if total.isdigit():
                return int(total)
    raise NotReadable("this kernel's pressure has no total")


PROBE = Probe(
    name="pressure",
    summary="How long anything on this machine waited for a resource in the timed rounds.",
    quantities=tuple(
        Quantity(f"pressure_{resource}", "seconds", f"Time in which at least one task waited for {what}.")
        for resource, what in (("cpu", "a CPU"), ("memory", "memory"), ("io", "a disk"))
    ),
    open=PressureMeter,
)
