"""README's pictures, made of a stored result by what makes a report's: ``make pictures``.

``docs/pictures/result.json`` is the export of the run whose advice README shows (the interpreter's path is
README's). The same result gives the same pictures, byte for byte; a test holds what is committed against
what is made.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from benchmarks.machine import CLOCK
from parlab.orchestrator.analysis.view import RunView, view
from parlab.orchestrator.show.report.files import PictureFile, draw
from parlab.orchestrator.store.exported import read_export
from parlab.orchestrator.store.facade import Store

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "pictures"
RESULT = FOLDER / "result.json"
#: Kinds of charts, of each of which README shows the first.
KINDS = ("speed_up", "phases", "memory")


def stored(result: Path = RESULT) -> RunView:
    """Read an export by way of a store, as ``parlab import`` does."""
    with (
        tempfile.TemporaryDirectory(prefix="pl-") as folder,
        Store.open(Path(folder) / "parlab.db", CLOCK) as store,
    ):
        return view(store, store.imports.add(read_export(result), result.name).run)


def pictures(run: RunView) -> list[PictureFile]:
    """Draw what README shows: the first chart of each kind."""
    files = []
    for kind in KINDS:
        drawn, faults = draw([run], [kind], "svg", "light")
        if faults or not drawn:
            raise SystemExit("; ".join(faults) or f"the stored result has nothing for {kind}")
        files.append(drawn[0])
    return files


def main() -> None:
    """Write the pictures, and say what each shows."""
    argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    ).parse_args()
    for picture in pictures(stored()):
        (FOLDER / picture.file).write_bytes(picture.content)
        print(f"{FOLDER.name}/{picture.file}: {picture.chart.finding}")


if __name__ == "__main__":
    main()
