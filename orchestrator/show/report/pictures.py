"""A run's charts, drawn: a fault in one costs none of the others, and no more are shown than can be read."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from parlab.orchestrator.analysis.view import RunView
from parlab.orchestrator.figures import counted, printable
from parlab.orchestrator.show.charts import base as charts
from parlab.orchestrator.show.charts._kit.drawing import svg
from parlab.orchestrator.show.charts.base import Chart, ChartKind
from parlab.workers.errors import BadInput, LabError

#: So many of one kind are in a report; the others can be had as files.
MOST_OF_A_KIND = 4
#: Pictures take no more of a report than this, as they are written in it (a report is to be at most 3 MB).
MOST_BYTES = 2_000_000
#: What is for readers of the drawing itself: an image has its text as a whole, in its alt.
_FOR_READERS = re.compile(r' (?:role|aria-[a-z]+)="[^"]*"')
#: Places and shapes; hundredths of a pixel are enough of them.
_PLACES = re.compile(r'(?<= )(?:d|transform|[xyr][12]?|c[xy])="[^"]*"')
_FINER = re.compile(r"(\.\d\d)\d+")
_SIZE = re.compile(r'<svg[^>]*?\swidth="([\d.]+)"[^>]*?\sheight="([\d.]+)"')


@dataclass(frozen=True)
class Picture:
    """A chart that can be shown: an image with its text."""

    #: Chart's name.
    name: str
    title: str
    #: What it shows in words: its text alternative, and its caption.
    finding: str
    #: Where the image is: a data URI, or an address.
    src: str
    #: In CSS pixels, so that nothing moves when it has been loaded.
    width: int
    height: int
    #: Group that it is about; "" for the whole run, or several.
    group: str = ""


@dataclass(frozen=True)
class Pictures:
    """All that are shown of a run, and what is said of those that are not."""

    shown: tuple[Picture, ...] = ()
    #: "8 more charts …: parlab report …", "chart rounds failed: …".
    notes: tuple[str, ...] = ()


def data_uri(drawn: str) -> str:
    """Put an image into its own address: nothing has to be fetched."""
    return f"data:image/svg+xml;base64,{base64.b64encode(_slim(drawn).encode()).decode()}"


def _slim(drawn: str) -> str:
    """Leave out of a drawing what an image does not show: about a quarter of one with thousands of marks."""
    kept = _FOR_READERS.sub("", drawn)
    return _PLACES.sub(lambda number: _FINER.sub(r"\1", number[0]), kept)


def pictures_of(run: RunView, kinds: Sequence[str] | None = None) -> Pictures:
    """Draw a run's charts, in the order in which they are read, with their images inside.

    Args:
        run: whose.
        kinds: names of the kinds that are wanted; None: all.
    """
    shown: list[Picture] = []
    room = MOST_BYTES

    def take(chart: Chart, drawn: str) -> bool:
        nonlocal room
        image = picture(chart, drawn, data_uri(drawn))
        if len(image.src) > room:
            return False
        room -= len(image.src)
        shown.append(image)
        return True

    notes = draw_each(run, kinds, svg, take, "-o DIR")
    return Pictures(tuple(shown), notes)


def draw_each(
    run: RunView,
    kinds: Sequence[str] | None,
    draw: Callable[[Chart], str],
    take: Callable[[Chart, str], bool],
    options: str,
) -> tuple[str, ...]:
    """Draw a run's charts and hand them on; what is said of those that are not shown is returned.

    Args:
        run: whose.
        kinds: names of the kinds that are wanted; None: all.
        draw: gives a chart's SVG.
        take: takes it; False: there is no room for it, nor for others of its kind, which are alike.
        options: of the command that gives all of them as files.
    """
    notes, left_out = [], 0
    for kind in charts_by_kind(run, kinds):
        if isinstance(kind, FailedKind):
            notes.append(kind.text)
            continue
        for number, chart in enumerate(kind):
            if number == MOST_OF_A_KIND:
                left_out += len(kind) - number
                break
            try:
                drawn = draw(chart)
            except LabError as fault:
                notes.append(fault.message)
            except Exception as error:  # noqa: BLE001 - as below
                notes.append(f"chart {chart.name} could not be drawn: {type(error).__name__}: {error}")
            else:
                if not take(chart, drawn):
                    left_out += len(kind) - number
                    break
    if left_out:
        more = counted(left_out, "more chart")
        notes.append(f"{more}, as files: parlab report {run.run} --format svg {options}")
    return tuple(notes)


@dataclass(frozen=True)
class FailedKind:
    """A kind of chart that could not be made."""

    text: str


def charts_by_kind(
    run: RunView, kinds: Sequence[str] | None = None
) -> Iterator[Sequence[Chart] | FailedKind]:
    """Make charts kind by kind, in the order in which they are read; BadInput: there is no such kind."""
    chosen: list[ChartKind] = []
    for name in charts.names() if kinds is None else kinds:
        try:
            chosen.append(charts.kind(name))
        except BadInput:
            raise
        except Exception as error:  # noqa: BLE001 - a kind's fault costs neither the report nor the others; told
            yield FailedKind(f"chart {name} cannot be loaded: {type(error).__name__}: {error}")
    for kind in sorted(chosen, key=lambda kind: (kind.order, kind.name)):
        try:
            yield kind.make(run)
        except Exception as error:  # noqa: BLE001 - as above
            yield FailedKind(f"chart {kind.name} failed: {type(error).__name__}: {error}")


def picture(chart: Chart, drawn: str, src: str) -> Picture:
    """Describe a chart whose image is somewhere, given its SVG."""
    match = _SIZE.search(drawn)
    width, height = (round(float(size)) for size in match.groups()) if match else (640, 360)
    title, finding = printable(chart.title), printable(chart.finding)
    return Picture(chart.name, title, finding, src, width, height, chart.group)
