"""Charts, and how their kinds are found.

A kind is one file in this folder with one constant ``CHART``, whose name is the file's. It takes its
figures from a run's findings as they are and lays them out as a Vega-Lite specification; it works out
no statistics. What it cannot show for want of data it leaves out: a kind gives no chart, never an empty one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from parlab.orchestrator.analysis.view import RunView
from parlab.orchestrator.show.formats._folder import Folder


@dataclass(frozen=True)
class Chart:
    """One picture, not drawn yet."""

    #: Unique among a run's charts, fit for a file's name: "speed-up-1".
    name: str
    #: What is shown, of what: "Speed-up by strategy · integer_sum, 4 tasks · host laptop".
    title: str
    #: What it shows in words, for those who do not see it: states the finding with its figures.
    finding: str
    #: Vega-Lite 6 as JSON data, with the data inside, without width of the page or theme.
    spec: Mapping[str, Any]
    #: Group that it is about; "" where it is about the whole run, or several.
    group: str = ""


@dataclass(frozen=True)
class ChartKind:
    """One kind of picture."""

    #: Its file's: "speed_up".
    name: str
    #: What it shows, in a line.
    summary: str
    #: Makes its charts of a run: none where the run has nothing to show of it.
    make: Callable[[RunView], Sequence[Chart]]
    #: Place among the others: the answer's picture comes first.
    order: int


_FOLDER: Folder[ChartKind] = Folder("parlab.orchestrator.show.charts", "CHART", "chart")
#: Lists the kinds by name; loads one. See :class:`Folder`.
names, kind = _FOLDER.names, _FOLDER.load


def slug(text: str) -> str:
    """Make a part of a file's name of any text: lower case letters, digits and single hyphens."""
    kept = "".join(c if c.isascii() and c.isalnum() else "-" for c in text.lower())
    return "-".join(part for part in kept.split("-") if part)[:60] or "x"
