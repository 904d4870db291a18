"""All the meters of one trial, begun and ended around its rounds."""

from __future__ import annotations

from . import catalog
from .errors import NotReadable

# See errors.py: typing is not imported in a trial's interpreter.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .probes.base import Meter, Probe
    from .tree import Tree


class Meters:
    """The probes of scope "round", at work. One that fails is out, with its reason; the others go on."""

    def __init__(self, tree: Tree) -> None:
        self._probes = [probe for probe in catalog.probes().values() if probe.open is not None]
        self._reasons: dict[str, str] = {}
        self._running: list[tuple[Probe, Meter]] = []
        self._rounds = 0
        for probe in self._probes:
            assert probe.open is not None
            try:
                self._running.append((probe, probe.open(tree)))
            except (NotReadable, OSError) as error:
                self._drop(probe, error)

    def begin(self) -> None:
        """Note where things stand before a round."""
        for probe, meter in tuple(self._running):
            try:
                meter.begin()
            except (NotReadable, OSError) as error:
                self._drop(probe, error)

    def end(self, seconds: float) -> None:
        """Add what a round of so many seconds did; the last begun meter is the first to end."""
        self._rounds += 1
        for probe, meter in tuple(reversed(self._running)):
            try:
                meter.end(seconds)
            except (NotReadable, OSError) as error:
                self._drop(probe, error)

    def readings(self) -> list[dict[str, Any]]:
        """Give a reading of every quantity, as :class:`workers.result.Reading` has it, as plain data."""
        meters = {probe.name: meter for probe, meter in self._running}
        readings = []
        for probe in self._probes:
            if probe.name in self._reasons:
                values: list[float | str] = [self._reasons[probe.name]] * len(probe.quantities)
            elif self._rounds == 0:
                values = ["no round was timed"] * len(probe.quantities)
            else:
                values = meters[probe.name].values()
            for quantity, value in zip(probe.quantities, values, strict=True):
                reason = value if isinstance(value, str) else None
                readings.append({
                    "probe": quantity.name,
                    "unit": quantity.unit,
                    "value": None if isinstance(value, str) else float(value),
                    "reason": reason,
                })  # fmt: skip
        return readings

    def _drop(self, probe: Probe, error: NotReadable | OSError) -> None:
        self._reasons[probe.name] = error.message if isinstance(error, NotReadable) else str(error)
        self._running = [pair for pair in self._running if pair[0] is not probe]
