"""Time for which a CPU quota has held the trial's control groups back in the rounds."""

from __future__ import annotations

from ..errors import NotReadable
from ..host.cgroup import cpu_stat_paths, throttled_seconds
from .base import Meter, Probe, Quantity

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..host.files import Root
    from ..host.tree import Tree


class ThrottlingMeter(Meter):
    """Adds up over the trial's group and those above it: an outer one's quota shows there only."""

    def __init__(self, tree: Tree | None = None, root: Root = "/") -> None:
        del tree
        self._paths = cpu_stat_paths(root)
        if not self._paths:
            raise NotReadable("no cgroup CPU controller counts throttling here")
        self._before_seconds = 0.0
        self._seconds = 0.0

    def begin(self) -> None:
        """Note the counters."""
        self._before_seconds = throttled_seconds(paths=self._paths)

    def end(self, seconds: float) -> None:
        """Add what they went up by."""
        del seconds
        self._seconds += throttled_seconds(paths=self._paths) - self._before_seconds

    def values(self) -> list[float | str]:
        """Give the seconds."""
        return [self._seconds]


PROBE = Probe(
    name="throttling",
    summary="How long a CPU quota held the trial back in the timed rounds.",
    quantities=(
        Quantity("throttled", "seconds", "Time that a CPU quota held runnable threads back, over all CPUs."),
    ),
    open=ThrottlingMeter,
)
