"""Outputs: what each is given and has to do, and how they are found.

An output is one file in this folder with one constant ``OUTPUT``, whose name is the file's. It shows
what a run found and computes nothing of it anew. One that fails does not break the run: what was
measured is in the store, and can be shown and exported again.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from parlab.orchestrator.analysis.view import RunView, by_node
from parlab.orchestrator.show.formats._folder import Folder
from parlab.workers.errors import BadInput, EnvironmentFault


@dataclass(frozen=True)
class Output:
    """One way to show a run."""

    #: Its file's: "json".
    name: str
    #: What it is, in a line.
    summary: str
    #: Writes a run to a stream of text or bytes, all of it or (raising) an unspecified part.
    write: Callable[[RunView, Any], None]
    #: Whether it writes bytes, not text.
    binary: bool = False
    #: Whether a file of it has one node's part only.
    per_node: bool = False


_FOLDER: Folder[Output] = Folder("parlab.orchestrator.show.formats", "OUTPUT", "output")
#: Lists the outputs by name; loads one. See :class:`Folder`.
names, output = _FOLDER.names, _FOLDER.load


def export(chosen: Output, run: RunView, path: Path | None) -> list[Path]:
    """Write a run to a file, or to standard output; the files that were written are returned.

    Where a format has one file per node, and the run several nodes, each node's is named after it:
    ``out-NODE.json``.

    Raises:
        BadInput: standard output cannot take it.
        EnvironmentFault: a file cannot be written.
    """
    parts = by_node(run) if chosen.per_node else {"": run}
    if path is None:
        if len(parts) > 1:
            raise BadInput(
                f"run {run.run} was measured on {len(parts)} nodes, and {chosen.name} has a file for each",
                f"Name one: --output {run.run}.json writes {run.run}-NODE.json for each node.",
            )
        if chosen.binary and sys.stdout.isatty():
            raise BadInput(
                f"{chosen.name} cannot be printed on a terminal",
                f"Name a file: --output {run.run}.{chosen.name}.",
            )
        for part in parts.values():
            chosen.write(part, sys.stdout.buffer if chosen.binary else sys.stdout)
        return []
    written = []
    for node, part in parts.items():
        target = path if len(parts) == 1 else path.with_name(f"{path.stem}-{node}{path.suffix}")
        write_file(chosen, part, target)
        written.append(target)
    return written


def write_file(chosen: Output, run: RunView, path: Path) -> None:
    """Write a run to a file that is complete or not there (an older one stays until then).

    Raises:
        EnvironmentFault: the file cannot be written.
    """
    try:
        with whole_file(path) as written:
            mode, encoding, newline = ("wb", None, None) if chosen.binary else ("w", "utf-8", "\n")
            with written.open(mode, encoding=encoding, newline=newline) as stream:
                chosen.write(run, stream)
    except OSError as error:
        raise EnvironmentFault(
            f"cannot write {path}: {error.strerror or error}",
            f"The run is stored; write it elsewhere: parlab export {run.run} --output FILE.",
        ) from error


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Give a file to write that takes the place of ``path`` once all is well; an older one stays until then.

    A link stays a link, and a device or pipe (/dev/stdout) is written to, never replaced.
    """
    place = path.resolve()
    if place.exists() and not place.is_file():
        yield place
        return
    draft = place.with_name(f".{place.name[:200]}.{os.getpid()}")
    try:
        yield draft
        draft.replace(place)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def attempt(chosen: Output, run: RunView, stream: TextIO) -> str | None:
    """Write a run, and say what went wrong instead of raising it; None where all went well.

    An output may be anybody's, and a fault in one must cost neither the run nor the other outputs.
    A stream that cannot be written is not the output's fault and is raised.
    """
    try:
        chosen.write(run, stream)
    except EnvironmentFault:
        raise
    except Exception as error:  # noqa: BLE001 - see above: any fault of an output ends here, and is told
        return f"output {chosen.name} failed: {type(error).__name__}: {error}"
    return None
