"""From marks made with Altair to the specification of a chart: layers, plots side by side, data, title.

Altair makes each mark; they are put together here. Its own way copies all marks with their data at each step,
which takes most of a second for a picture of many rows.
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal

import altair as alt

from parlab.orchestrator.figures import printable
from parlab.orchestrator.show.charts._kit.palette import INK, QUIET

#: One datum of a mark.
Row = dict[str, str | float | int | bool | None]
#: A part of a Vega-Lite specification.
Spec = dict[str, Any]

#: Characters of a line of a title, and of the answer under it, in the width of a page.
_TITLE_CHARACTERS, _ANSWER_CHARACTERS = 84, 106
_SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"


@contextmanager
def unchecked() -> Iterator[None]:
    """Have Altair not check each part against its schema as it is made, which takes nine tenths of the time.

    A test checks whole specifications of every kind. The switch is of the process: of two threads here at
    once the later one may leave it as it is within, and nothing is lost by that.
    """
    from altair.utils.schemapi import debug_mode

    with debug_mode(False):  # noqa: FBT003 - Altair has no name for it
        yield


def data(rows: Sequence[Row]) -> alt.Data:
    """Make rows the data of a mark."""
    return alt.Data(values=list(rows))  # type: ignore[no-untyped-call]  # as Altair has it


def pixels(channel: Literal["x", "x2", "y", "y2"], place: float) -> Any:
    """Place a mark by pixels from the plot's left upper corner, not by a datum."""
    # Not alt.value(), which looks the channel up in all of the schema each time: a hundredth of a second.
    values: dict[str, Any] = {"x": alt.XValue, "x2": alt.X2Value, "y": alt.YValue, "y2": alt.Y2Value}
    return values[channel](place)


def text_at(text: str, x: float, y: float, **style: Any) -> alt.Chart:
    """Write a quiet text from a place in pixels on; ``style`` has what is otherwise."""
    look = {"align": "left", "baseline": "middle", "color": QUIET.light, **style}
    mark = alt.Chart(data([{"text": text}])).mark_text(**look)
    written: alt.Chart = mark.encode(x=pixels("x", x), y=pixels("y", y), text=alt.Text("text:N"))
    return written


def symbol_at(text: str, x: float, y: float, **look: Any) -> alt.Chart:
    """Draw the symbol of a text at a place in pixels."""
    mark = alt.Chart(data([{"text": text}])).mark_point(**look)
    drawn: alt.Chart = mark.encode(x=pixels("x", x), y=pixels("y", y))
    return drawn


def headed(title: str, answer: str = "", most_lines: int = 3) -> Spec:
    """Head a picture with what it shows, and the answer in words under it, in lines of a page's width."""
    head: Spec = {
        "text": _lines(title, _TITLE_CHARACTERS, 2),
        "anchor": "start",
        "frame": "bounds",
        "offset": 14,
    }
    if answer:
        head["subtitle"] = _lines(answer, _ANSWER_CHARACTERS, most_lines)
        head |= {"subtitleColor": INK.light, "subtitleFontSize": 12, "subtitlePadding": 5}
    return head


def layered(layers: Sequence[alt.Chart], width: float, height: float, title: Spec | None = None) -> Spec:
    """Lay marks over one another, the first at the bottom."""
    spec: Spec = {"layer": [_mark(layer) for layer in layers], "width": width, "height": height}
    return spec if title is None else {**spec, "title": title}


def beside(
    how: Literal["concat", "vconcat"],
    plots: Sequence[Spec],
    *,
    spacing: int,
    columns: int | None = None,
    title: Spec | None = None,
) -> Spec:
    """Put plots side by side, in lines of ``columns``, or one under another."""
    spec: Spec = {how: list(plots), "spacing": spacing}
    if columns is not None:
        spec["columns"] = columns
    return spec if title is None else {**spec, "title": title}


def shortened(name: str, characters: int = 24) -> str:
    """Cut a name that stands within an axis's title: that is as wide as what stands in it."""
    flat = printable(name)
    return flat if len(flat) <= characters else f"{flat[: characters - 1]}…"


def specification(spec: Spec) -> Spec:
    """Make a whole specification of a picture: its data at the top, each once however many marks share it."""
    names: dict[str, str] = {}
    datasets: dict[str, Any] = {}
    for mark in _marks(spec):
        values = mark["data"]["values"]
        name = names.setdefault(json.dumps(values), f"data-{len(names)}")
        datasets[name] = values
        mark["data"] = {"name": name}
    # A picture is told in words as a whole: a label at each of its marks would be read out one by one, and
    # is half of what its file takes.
    return {"$schema": _SCHEMA, **spec, "datasets": datasets, "config": {"aria": False}}


def _mark(chart: alt.Chart) -> Spec:
    # Not checked against the schema here, which takes longer than all else; a test does that for every kind.
    # Nor are the data gone through, value by value.
    values = chart.data["values"]
    bare = chart.copy(deep=False)
    bare.data = data([])
    mark: Spec = bare.to_dict(validate=False, context={"top_level": False})
    return {**mark, "data": {"values": values}}


def _marks(spec: Spec) -> Iterator[Spec]:
    if "mark" in spec:
        yield spec
    for part in ("layer", "concat", "vconcat"):
        for layer in spec.get(part, ()):
            yield from _marks(layer)


def _lines(text: str, characters: int, most: int) -> list[str]:
    return textwrap.wrap(text, characters, max_lines=most, placeholder=" …") or [text]
