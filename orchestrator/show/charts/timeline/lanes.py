"""Lanes of a host's trials on an axis of time: neighbours are joined where there are too many."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from parlab.orchestrator.figures import printable
from parlab.orchestrator.show.charts._kit.palette import strategy_colour
from parlab.orchestrator.show.charts.timeline.sittings import HostSittings, TimedSitting

#: More configurations than these share a lane by strategy.
_MOST_LANES = 16
#: A pause is cut out that is longer than this, and than this share of the time in sittings.
_LONG_PAUSE_SECONDS, _LONG_PAUSE_SHARE = 60.0, 0.15
#: What is left of it, as a share of the time in sittings.
_LEFT_SHARE = 0.02


@dataclass(frozen=True)
class TimeAxis:
    """From when a sitting was to where it is drawn, in the axis's unit."""

    #: "s", "min" or "h", and its seconds.
    unit: str
    unit_seconds: float
    #: What is drawn, in the unit.
    length: float
    #: From the first sitting's beginning to the last one's end.
    whole_seconds: float
    #: Where pauses were cut out, in the unit.
    cuts: tuple[float, ...]
    #: When time that is drawn begins, and the seconds that are left out before it; from the first on.
    shifts: tuple[tuple[float, float], ...]

    @classmethod
    def of(cls, host: HostSittings) -> TimeAxis:
        """Lay a host's sittings out; pauses of a run that was resumed much later are cut out."""
        sittings = host.sittings
        first = sittings[0].start_unix_seconds
        busy = sum(sitting.seconds for sitting in sittings)
        longest = max(_LONG_PAUSE_SECONDS, _LONG_PAUSE_SHARE * busy)
        end, gone = first, first
        shifts, cuts = [(first, first)], []
        for sitting in sittings:
            pause = sitting.start_unix_seconds - end
            if pause > longest:
                left = _LEFT_SHARE * busy
                cuts.append(end - gone + left / 2)
                gone += pause - left
                shifts.append((sitting.start_unix_seconds, gone))
            end = max(end, sitting.start_unix_seconds + sitting.seconds)
        drawn = max(end - gone, 1e-3)
        unit, seconds = ("s", 1.0) if drawn < 120 else ("min", 60.0) if drawn < 7200 else ("h", 3600.0)
        return cls(
            unit, seconds, drawn / seconds, end - first, tuple(cut / seconds for cut in cuts), tuple(shifts)
        )

    def at(self, unix_seconds: float) -> float:
        """Return where a moment is drawn."""
        gone = self.shifts[0][1]
        for since, left_out in self.shifts:
            if unix_seconds >= since:
                gone = left_out
        return (unix_seconds - gone) / self.unit_seconds


@dataclass(frozen=True)
class LaneBar:
    """The time of one trial, or of several that are too near to each other to be told apart."""

    start: float
    end: float
    trials: int


@dataclass(frozen=True)
class LostMark:
    """Where a trial was, or several, that does not count."""

    at: float
    cause: str
    trials: int


@dataclass(frozen=True)
class Lane:
    """A configuration's trials, or a strategy's."""

    label: str
    colour: str
    bars: tuple[LaneBar, ...]
    lost: tuple[LostMark, ...]


@dataclass(frozen=True)
class Stretch:
    """The time of a sitting, or of several, and what was read meanwhile."""

    start: float
    end: float
    value: float


def lanes_of(host: HostSittings, axis: TimeAxis, most_bars: int) -> list[Lane]:
    """Give a host's lanes in the order of the plan; ``most_bars`` bars and as many marks, about, at most."""
    seen = {trial.result.configuration for sitting in host.sittings for trial in sitting.trials}
    names = [name for name in host.labels if name in seen] + sorted(seen - host.labels.keys())
    by_label = len({_label(host, name) for name in names}) <= _MOST_LANES
    lane_of = {name: _label(host, name) if by_label else host.strategies.get(name, "other") for name in names}
    strategy = {lane_of[name]: host.strategies.get(name, "") for name in reversed(names)}
    bars: dict[str, list[LaneBar]] = {lane: [] for lane in lane_of.values()}
    lost: dict[str, list[LostMark]] = {lane: [] for lane in lane_of.values()}
    for sitting in host.sittings:
        start, end = _ends(sitting, axis)
        for trial in sitting.trials:
            lane = lane_of[trial.result.configuration]
            bars[lane].append(LaneBar(start, end, 1))
            if trial.result.outcome != "measured":
                cause = trial.result.cause or trial.result.outcome
                lost[lane].append(LostMark((start + end) / 2, printable(cause), 1))
    step = axis.length * len(bars) / most_bars
    joined = sum(map(len, bars.values())) > most_bars
    return [
        Lane(
            label=printable(lane),
            colour=strategy_colour(strategy[lane]),
            bars=tuple(_joined(bars[lane], step if joined else 0.0)),
            lost=tuple(_marks(lost[lane], axis.length / 120)),
        )
        for lane in bars
    ]


def stretches_of(host: HostSittings, axis: TimeAxis, probe: str, most: int) -> list[Stretch]:
    """Give what a probe read, sitting by sitting: the greatest of its trials'; of ``most`` stretches at most.

    Where there are more sittings, a stretch has the greatest of those in it. Without a value there is none.
    """
    stretches = [
        Stretch(*_ends(sitting, axis), max(values))
        for sitting in host.sittings
        if (values := sitting.values(probe))
    ]
    if len(stretches) <= most:
        return stretches
    bins: dict[int, Stretch] = {}
    for stretch in stretches:
        index = min(int(stretch.start / axis.length * most), most - 1)
        before = bins.get(index, stretch)
        bins[index] = Stretch(before.start, stretch.end, max(before.value, stretch.value))
    return list(bins.values())


def _label(host: HostSittings, name: str) -> str:
    return host.labels.get(name, name)


def _ends(sitting: TimedSitting, axis: TimeAxis) -> tuple[float, float]:
    start = axis.at(sitting.start_unix_seconds)
    return _rounded(start, axis), _rounded(start + sitting.seconds / axis.unit_seconds, axis)


def _rounded(value: float, axis: TimeAxis) -> float:
    """Cut digits that no pixel shows: a picture of thousands of bars is half as large."""
    return round(value, max(0, 4 - math.floor(math.log10(axis.length))))


def _joined(bars: Sequence[LaneBar], step: float) -> Iterable[LaneBar]:
    """Join bars that overlap, and those between which there is less than a step; 0: they stay apart."""
    open_: LaneBar | None = None
    for bar in bars:
        if open_ is not None and bar.start - open_.end < step:
            open_ = LaneBar(open_.start, max(open_.end, bar.end), open_.trials + bar.trials)
            continue
        if open_ is not None:
            yield open_
        open_ = bar
    if open_ is not None:
        yield open_


def _marks(marks: Sequence[LostMark], step: float) -> Iterable[LostMark]:
    """Join marks of one cause that would lie on each other."""
    by_cause: dict[str, list[LostMark]] = {}
    for mark in marks:
        own = by_cause.setdefault(mark.cause, [])
        if own and mark.at - own[-1].at < step:
            own[-1] = replace(own[-1], trials=own[-1].trials + mark.trials)
        else:
            own.append(mark)
    return [mark for own in by_cause.values() for mark in own]
