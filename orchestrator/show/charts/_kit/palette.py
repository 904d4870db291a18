"""Colours, one of each strategy everywhere: charts, pages and the Grafana dashboards.

The strategies' are of Okabe and Ito's palette ("Color Universal Design", 2008), shifted in lightness so
that each has a contrast of at least 3 : 1 both on paper and on a dark page (WCAG 2.2, 1.4.11), and that
any two differ for people with protanopia, deuteranopia and tritanopia; a test computes both.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from parlab.orchestrator.figures import printable

#: The same on light and on dark ground.
STRATEGY_COLOURS = {
    "serial": "#66696f",
    "threads": "#0072B2",
    "processes": "#C98500",
    "hybrid": "#C76FB0",
    "asyncio": "#00A078",
    "interpreters": "#B5380B",
}
#: Of a verdict or a claim's word; the word itself, or a sign, always stands with it.
WORD_COLOURS = {
    "faster": "#00A078",
    "slower": "#B5380B",
    "tied": "#0072B2",
    "not distinguished": "#C98500",
    "unresolved": "#C98500",
    "baseline": "#66696f",
    "measured": "#66696f",
    "failed": "#B5380B",
    "skipped": "#66696f",
    "supported": "#00A078",
    "refuted": "#B5380B",
    "depends": "#0072B2",
}
#: Shapes and dashes by which curves of one colour are told apart.
_CURVES = (
    ("circle", [1, 0]),
    ("square", [6, 3]),
    ("triangle-up", [2, 2]),
    ("diamond", [8, 3, 2, 3]),
    ("cross", [4, 4]),
)
#: What is no strategy: a scenario's variant, a third party's own.
OTHER = "#66696f"


@dataclass(frozen=True)
class Ink:
    """A colour that differs between light and dark ground; a chart names it by its light one."""

    light: str
    dark: str


#: Text and axes' titles.
INK = Ink("#1b1c1f", "#e9eaee")
#: Labels, ideal lines, what is second.
QUIET = Ink("#54575e", "#a9adb6")
#: Lines of the grid.
GRID = Ink("#dfe1e6", "#33363d")
#: The ground.
PAPER = Ink("#fefefe", "#15171b")
#: Areas behind marks: the margin in which things count as tied, what is not resolved.
BAND = Ink("#eceff5", "#24282f")

INKS = (INK, QUIET, GRID, PAPER, BAND)


@dataclass(frozen=True)
class StrategyLook:
    """How one of several curves is drawn."""

    label: str
    colour: str
    shape: str
    dash: list[int]


def looks_of(curves: Iterable[tuple[str, str]]) -> list[StrategyLook]:
    """Give each curve (label, strategy) its strategy's colour; those of one differ in shape and dashes."""
    seen: Counter[str] = Counter()
    looks = []
    for label, strategy in curves:
        shape, dash = _CURVES[seen[strategy] % len(_CURVES)]
        looks.append(StrategyLook(printable(label), strategy_colour(strategy), shape, dash))
        seen[strategy] += 1
    return looks


def strategy_colour(strategy: str) -> str:
    """Give a strategy's colour; a grey for what is none of parlab's own."""
    return STRATEGY_COLOURS.get(strategy, OTHER)
