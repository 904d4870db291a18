"""Untimed rounds at a sitting's end, from its guardian's side: what would disturb timed ones."""

from __future__ import annotations

from collections.abc import Sequence

from ..catalog import probes
from ..errors import NotReadable, SpecRefused
from ..host.tree import processes_below
from ..probes.base import Probe, plain_readings
from ..wire.codec import from_plain
from ..wire.result import Reading
from .session import TrialSession

#: How often a trial is looked at from outside: at 50 Hz reading memory slows a load by 15 %.
PERIOD_SECONDS = 0.02
#: What probing tasks may add to their round, at most; never more than a tenth of a step's limit.
_TASKS_LIMIT_SECONDS = 1.0
_NOT_READ = "not read in this sitting"


def look_from_outside(session: TrialSession, further: Sequence[str]) -> None:
    """Have the trial do a round, look at its processes meanwhile, and keep the greatest values."""
    looks = Looks(session, further)
    looks.look()
    if session.do("memory_pass", "the memory pass", tick=(PERIOD_SECONDS, looks.look)) is not None:
        # A round that is shorter than the period was not looked at; what it has left open still is.
        looks.look()
    looks.give()


def note_tasks(session: TrialSession) -> None:
    """Have the trial do a round whose tasks note when and where they ran."""
    limit_seconds = min(_TASKS_LIMIT_SECONDS, session.spec.timeout_seconds / 10)
    answer = session.do("tasks_pass", "the tasks pass", limit_seconds=limit_seconds)
    if answer is None:
        return
    try:
        session.readings += from_plain(tuple[Reading, ...], answer.get("readings"), "readings")
    except SpecRefused as refusal:
        session.end("failed", "internal", f"its answer to the tasks pass cannot be read: {refusal.message}")


def say_not_read(session: TrialSession, further: Sequence[str]) -> None:
    """Give the reason for every quantity that only these rounds have."""
    for probe in probes(further).values():
        if probe.scope != "round":
            _give(session, probe, [_NOT_READ] * len(probe.quantities))


def say_not_installed(session: TrialSession, further: Sequence[str]) -> None:
    """Give the reason for what other distributions' probes have not given: the trial has them not."""
    given = {reading.probe for reading in session.readings}
    for probe in probes(further).values():
        if probe.name in further and not given & {quantity.name for quantity in probe.quantities}:
            why = f"probe {probe.name} is not installed for Python {session.spec.python}"
            _give(session, probe, [why] * len(probe.quantities))


class Looks:
    """The looks at one trial. A probe that cannot read at one may at the next."""

    def __init__(self, session: TrialSession, further: Sequence[str]) -> None:
        assert session.interpreter is not None
        self._seat = session
        self._root = session.interpreter.pid
        self._probes = [
            (probe, probe.sample) for probe in probes(further).values() if probe.sample is not None
        ]
        self._greatest: dict[str, list[float | str]] = {}

    def look(self) -> None:
        """Sample every probe once."""
        try:
            pids = [self._root, *processes_below(self._root)]
        except NotReadable as reason:
            for probe, _ in self._probes:
                self._keep(probe, [reason.message] * len(probe.quantities))
            return
        workers = frozenset(self._seat.worker_pids)
        for probe, sample in self._probes:
            try:
                self._keep(probe, sample(pids, workers))
            except (NotReadable, OSError) as error:
                why = error.message if isinstance(error, NotReadable) else str(error)
                self._keep(probe, [why] * len(probe.quantities))

    def give(self) -> None:
        """Add the greatest values to the trial's readings."""
        for probe, _ in self._probes:
            _give(self._seat, probe, self._greatest[probe.name])

    def _keep(self, probe: Probe, values: list[float | str]) -> None:
        known = self._greatest.get(probe.name)
        self._greatest[probe.name] = (
            values if known is None else [_greater(*pair) for pair in zip(known, values, strict=True)]
        )


def _greater(known: float | str, other: float | str) -> float | str:
    """Give the greater value; any value rather than a reason."""
    if isinstance(known, str):
        return other
    return known if isinstance(other, str) else max(known, other)


def _give(session: TrialSession, probe: Probe, values: list[float | str]) -> None:
    session.readings += [Reading(**plain) for plain in plain_readings(probe, values)]
