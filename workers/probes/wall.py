"""Time that the rounds took, all together: what the other sums are to be divided by."""

from __future__ import annotations

from .base import Meter, Probe, Quantity

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..host.tree import Tree


class WallMeter(Meter):
    """Adds up what the trial's own timer says."""

    def __init__(self) -> None:
        self._seconds = 0.0

    def begin(self) -> None:
        """Do nothing: the trial times its rounds."""

    def end(self, seconds: float) -> None:
        """Add a round."""
        self._seconds += seconds

    def values(self) -> list[float | str]:
        """Give the seconds of all rounds."""
        return [self._seconds]


def open_meter(tree: Tree) -> WallMeter:
    """Make the meter; it needs nothing."""
    del tree
    return WallMeter()


PROBE = Probe(
    name="wall",
    summary="Wall time of the timed rounds together.",
    quantities=(Quantity("wall", "seconds", "Wall time of the timed rounds together."),),
    open=open_meter,
)
