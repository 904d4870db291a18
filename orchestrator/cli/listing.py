"""Tables without lines, as the commands that list something print them. Loads rich: import it late."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from rich.console import Console
from rich.table import Table
from rich.text import Text

from parlab.orchestrator.figures import waiting

#: Of a line where nobody's terminal says: a pipe, a file.
_WIDTH = 120


class Listing:
    """Rows under heads. Text in them is shown as it is: brackets are no markup."""

    def __init__(self, columns: Iterable[str], whole: Collection[str] = ()) -> None:
        """Begin with heads; the columns in ``whole`` are never folded."""
        self._table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
        for column in columns:
            self._table.add_column(column, no_wrap=column in whole, overflow="fold")

    def add(self, *cells: str) -> None:
        """Add a row."""
        self._table.add_row(*map(Text, cells))

    def show(self, note: str = "") -> None:
        """Print it, with a note below it."""
        console = Console(width=None if sys.stdout.isatty() else _WIDTH, highlight=False, markup=False)
        console.print(self._table)
        if note:
            console.print(f"\n{note}", style="dim")


@dataclass(frozen=True)
class ListedRun:
    """A run as it is listed, of this machine or of a lab."""

    run: str
    experiment: str
    created_unix_seconds: float
    state: str
    running_seconds: float
    why: str


def show_runs(runs: Iterable[ListedRun]) -> None:
    """Print runs in the order in which they are given."""
    listing = Listing(("run", "experiment", "began", "state", "took", "why"), whole=("run", "began"))
    for one in runs:
        began = datetime.fromtimestamp(one.created_unix_seconds).astimezone()
        took = waiting(one.running_seconds) if one.running_seconds else "–"
        listing.add(one.run, one.experiment, f"{began:%Y-%m-%d %H:%M}", one.state, took, one.why)
    listing.show()
