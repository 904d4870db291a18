"""Time that the rounds took, all together: what the other sums are to be divided by."""

from __future__ import annotations

from .base import Meter, Probe, Quantity

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..host.tree import Tree


class WallMeter(Meter):
    """Adds up what the trial's own timer says."""

    def __init__(self, tree: Tree | None = None) -> None:
        del tree
        self._seconds = 0.0

    def begin(self) -> None:
        """Do nothing: the trial times its rounds."""

    def end(self, seconds: float) -> None:
        """Add a round."""
        self._seconds += seconds

    def values(self) -> list[float | str]:
        """Give the seconds of all rounds."""
        return [self._seconds]


PROBE = Probe(
    name="wall",
    summary="Wall time of the timed rounds together.",
    quantities=(Quantity("wall", "seconds", "Wall time of the timed rounds together."),),
    open=WallMeter,
)
