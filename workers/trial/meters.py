"""All the meters of one trial, begun and ended around its rounds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from .. import catalog
from ..errors import NotReadable
from ..probes.base import plain_readings

# See errors.py: typing is not imported in a trial's interpreter.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..host.tree import Tree
    from ..probes.base import Meter, Probe


#: Begun after all others, in this order.
_LAST = {"cpu": 1, "others": 2}


class Meters:
    """The probes of scope "round", at work. One that fails is out, with its reason; the others go on."""

    def __init__(self, tree: Tree, further: Sequence[str] = ()) -> None:
        self._probes = [probe for probe in catalog.probes(further).values() if probe.open is not None]
        self._reasons: dict[str, str] = {}
        self._running: list[tuple[Probe, Meter]] = []
        self._rounds = 0
        for probe in self._probes:
            assert probe.open is not None
            try:
                self._running.append((probe, probe.open(tree)))
            except (NotReadable, OSError) as error:
                self._drop(probe, error)
        # Begun last and ended first: the other meters' own work is none of the trial's CPU time. That of
        # other programs is what is left when the trial's, which is noted a moment before, is taken away.
        self._running.sort(key=lambda pair: _LAST.get(pair[0].name, 0))

    def opened(self) -> None:
        """Tell the meters that the pool has opened: what is there now is its own, and not the work's."""
        self._each(self._running, lambda meter: meter.opened())

    def begin(self) -> None:
        """Note where things stand before a round."""
        self._each(self._running, lambda meter: meter.begin())

    def end(self, seconds: float) -> None:
        """Add what a round of so many seconds did; the last begun meter is the first to end."""
        self._rounds += 1
        self._each(reversed(self._running), lambda meter: meter.end(seconds))

    def readings(self) -> list[dict[str, Any]]:
        """Give a reading of every quantity, as ``wire.result.Reading`` has it, as plain data."""
        meters = {probe.name: meter for probe, meter in self._running}
        readings: list[dict[str, Any]] = []
        for probe in self._probes:
            if probe.name in self._reasons:
                values: list[float | str] = [self._reasons[probe.name]] * len(probe.quantities)
            elif self._rounds == 0:
                values = ["no round was timed"] * len(probe.quantities)
            else:
                values = meters[probe.name].values()
            readings += plain_readings(probe, values)
        return readings

    def _each(self, running: Iterable[tuple[Probe, Meter]], do: Callable[[Meter], None]) -> None:
        for probe, meter in tuple(running):
            try:
                do(meter)
            except (NotReadable, OSError) as error:
                self._drop(probe, error)

    def _drop(self, probe: Probe, error: NotReadable | OSError) -> None:
        self._reasons[probe.name] = error.message if isinstance(error, NotReadable) else str(error)
        self._running = [pair for pair in self._running if pair[0] is not probe]
