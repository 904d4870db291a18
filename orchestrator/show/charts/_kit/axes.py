"""Ends and figures of axes: log axes of Vega's own are made for full decades."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt

#: What stands at a log axis, from the coarsest on: the first of these with ticks enough is taken.
_MANTISSAS: tuple[tuple[float, ...], ...] = (
    (1,), (1, 3), (1, 2, 5), (1, 1.5, 2, 3, 5, 7), (1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 7, 8, 9),
)  # fmt: skip
#: Bounds are held that lie so many times the points' spread beyond them.
_FARTHEST_BOUND = 1.5
_LEAST_TICKS, _MOST_TICKS = 4, 9
#: Figures at an axis: as many digits as they need, three at the most.
FIGURES = ".3~g"


@dataclass(frozen=True)
class Domain:
    """The ends of an axis."""

    low: float
    high: float

    def holds(self, value: float) -> bool:
        """Tell whether a value lies on the axis."""
        return self.low <= value <= self.high


def log_domain(values: Iterable[float], *, free_ratio: float = 0.06, least_ratio: float = 1.25) -> Domain:
    """Give a log axis that holds the values, all above 0, with some room at both ends.

    Args:
        values: what it has to hold; at least one.
        free_ratio: room at each end, as a share of the axis.
        least_ratio: its high end is so many times its low one at the least, so that noise is not blown up.
    """
    logs = [math.log(value) for value in values]
    low, high = min(logs), max(logs)
    lacks = math.log(least_ratio) - (high - low)
    free = max((high - low) * free_ratio, lacks / 2, 0.02)
    return Domain(math.exp(low - free), math.exp(high + free))


def ratio_domain(points: Sequence[float], bounds: Iterable[float]) -> Domain:
    """Give a log axis that holds points and, where these are not too far off, the bounds of their intervals.

    After few blocks a bound can be so far away that all else would be in one place.
    """
    logs = [math.log(point) for point in points]
    reach = _FARTHEST_BOUND * max(max(logs) - min(logs), math.log(1.25))
    near = (min(max(math.log(bound), min(logs) - reach), max(logs) + reach) for bound in bounds if bound > 0)
    return log_domain([*points, *map(math.exp, near)])


def linear_domain(values: Iterable[float]) -> Domain:
    """Give a linear axis from 0, or below, that holds the values."""
    ends = [0.0, *values]
    low, high = min(ends), max(ends)
    # All of them 0: an axis still has two ends.
    spread = (high - low) or 1.0
    return Domain(low - (0.04 * spread if low < 0 else 0.0), high + 0.04 * spread)


def log_ticks(domain: Domain) -> list[float]:
    """Choose the figures that stand at a log axis: four to nine, round, 1 among them where it is there."""
    for mantissas in _MANTISSAS:
        ticks = _decades(domain, mantissas)
        if len(ticks) >= _LEAST_TICKS:
            # Every second decade, or third, where there are many.
            step = math.ceil(len(ticks) / _MOST_TICKS)
            return ticks if len(mantissas) > 1 and step == 1 else _every(ticks, step)
    return _even(domain)


def log_x(domain: Domain, ticks: Sequence[float], title: str | Sequence[str], field: str) -> alt.X:
    """Encode a field on a log x axis."""
    return alt.X(f"{field}:Q", scale=_log(domain), axis=_axis(ticks, title))


def log_y(domain: Domain, ticks: Sequence[float], title: str | Sequence[str], field: str) -> alt.Y:
    """Encode a field on a log y axis."""
    return alt.Y(f"{field}:Q", scale=_log(domain), axis=_axis(ticks, title))


def linear_x(domain: Domain, title: str | Sequence[str], field: str, **options: Any) -> alt.X:
    """Encode a field on a linear x axis."""
    axis = alt.Axis(title=_title(title), format=FIGURES, tickCount=6)
    return alt.X(f"{field}:Q", scale=_linear(domain), axis=axis, **options)


def linear_y(domain: Domain, title: str | Sequence[str], field: str) -> alt.Y:
    """Encode a field on a linear y axis."""
    axis = alt.Axis(title=_title(title), format=FIGURES, tickCount=6)
    return alt.Y(f"{field}:Q", scale=_linear(domain), axis=axis)


def log_steps(low: float, high: float, count: int) -> list[float]:
    """Give so many values from one to another, in even steps of the logarithm."""
    return [low * (high / low) ** (step / (count - 1)) for step in range(count)]


def _linear(domain: Domain) -> alt.Scale:
    return alt.Scale(domain=[domain.low, domain.high], nice=False)


def _title(title: str | Sequence[str]) -> str | list[str]:
    return title if isinstance(title, str) else list(title)


def _log(domain: Domain) -> alt.Scale:
    return alt.Scale(type="log", domain=[domain.low, domain.high], nice=False)


def _axis(ticks: Sequence[float], title: str | Sequence[str]) -> alt.Axis:
    return alt.Axis(title=_title(title), values=list(ticks), format=FIGURES, labelOverlap=True)


def _decades(domain: Domain, mantissas: Sequence[float]) -> list[float]:
    first, last = math.floor(math.log10(domain.low)), math.ceil(math.log10(domain.high))
    # By the text: 3 x 10^-1 is to be 0.3, not what multiplying makes of it.
    figures = (float(f"{m:g}e{power}") for power in range(first, last + 1) for m in mantissas)
    return [figure for figure in figures if domain.holds(figure)]


def _every(figures: Sequence[float], step: int) -> list[float]:
    """Thin figures out, so that 1 stays."""
    start = figures.index(1.0) % step if 1.0 in figures else 0
    return list(figures[start::step])


def _even(domain: Domain) -> list[float]:
    """Give even steps, for an axis that is less than some 1.5-fold."""
    width = domain.high - domain.low
    power = math.floor(math.log10(width / _LEAST_TICKS))
    step = next(s for m in (1, 2, 5, 10) if width / (s := float(f"{m}e{power}")) <= _MOST_TICKS)
    first, last = math.ceil(domain.low / step), math.floor(domain.high / step)
    return [float(f"{index * step:.10g}") for index in range(first, last + 1)]
