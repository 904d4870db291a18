"""What ``parlab report`` does, from its options to files."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast, get_args

from parlab.orchestrator.analysis.view import RunView, view
from parlab.orchestrator.settings import Settings, from_process
from parlab.orchestrator.show.report.destination import check_file, check_folder, write_file, write_folder
from parlab.orchestrator.show.report.extras import missing_for_report
from parlab.orchestrator.store.facade import Store
from parlab.orchestrator.store.folder import run_folder
from parlab.workers.clock import SystemClock
from parlab.workers.errors import BadInput

Format = Literal["html", "svg", "png", "md"]
Scheme = Literal["light", "dark"]


@dataclass(frozen=True)
class ReportOptions:
    """Options of ``parlab report``."""

    runs: tuple[str, ...]
    output: Path | None
    format: str
    #: Kinds of charts that are wanted; empty: all.
    charts: tuple[str, ...]
    scheme: str
    #: Whether something that is there and not parlab's is written over.
    force: bool
    lab_url: str | None


def report_runs(options: ReportOptions) -> None:
    """Make a report and say where it is.

    Raises:
        BadInput: an option cannot be used, a run is not there, or the target is not to be written over.
        EnvironmentFault: the target cannot be written, the lab does not answer, or an extra is missing.
    """
    format_, scheme = _format(options)
    # Seconds of a process that makes hundreds of thousands of objects and lets go of none: looking for what
    # is no longer used would find nothing, again and again.
    gc.disable()
    if (missing := missing_for_report()) is not None:
        raise missing
    settings = from_process()
    kinds = _kinds(options.charts)
    lab = options.lab_url or settings.lab_url
    runs = list(_views(settings, options.runs, lab))
    target = options.output or _default(settings, runs, format_, here=lab is None)
    _WRITERS[format_](settings, runs, target, _Choice(format_, kinds, scheme, options.force))


@dataclass(frozen=True)
class _Choice:
    """How it is to be drawn."""

    format: Format
    #: None: all kinds.
    kinds: tuple[str, ...] | None
    scheme: Scheme
    force: bool


def _format(options: ReportOptions) -> tuple[Format, Scheme]:
    if options.format not in get_args(Format):
        there = ", ".join(get_args(Format))
        raise BadInput(f"there is no format {options.format!r} of a report", f"There are: {there}.")
    if options.scheme not in get_args(Scheme):
        raise BadInput(f"--scheme {options.scheme}: there is no such scheme", "Write light or dark.")
    if options.scheme != "light" and options.format != "png":
        raise BadInput(
            f"--scheme is of png: {options.format} follows the reader's own scheme", "Leave it out."
        )
    return cast("Format", options.format), cast("Scheme", options.scheme)


def _kinds(names: Sequence[str]) -> tuple[str, ...] | None:
    from parlab.orchestrator.show.charts.base import kind

    # "speed-up" is how its files are called.
    found = tuple(dict.fromkeys(kind(name.replace("-", "_")).name for name in names))
    return found or None


def _views(settings: Settings, names: Sequence[str], lab: str | None) -> Iterator[RunView]:
    """Give the runs that are named, each once."""
    seen: set[str] = set()
    for found in _of_lab(settings, names, lab) if lab is not None else _of_store(settings, names):
        if found.run not in seen:
            seen.add(found.run)
            yield found


def _of_store(settings: Settings, names: Sequence[str]) -> Iterator[RunView]:
    with Store.open(settings.store_path, SystemClock()) as store:
        for name in names:
            yield view(store, name)


def _of_lab(settings: Settings, names: Sequence[str], lab_url: str) -> Iterator[RunView]:
    from parlab.orchestrator.control.remote import client

    with client(settings, lab_url) as lab:
        for name in names:
            yield lab.record(name, trials=True)


def _default(settings: Settings, runs: Sequence[RunView], format_: Format, *, here: bool) -> Path:
    """Name the target where none was: in the first run's folder, or (of a lab's run) the current one."""
    first, *others = [run.run for run in runs]
    name = "-".join(("report", *others))
    if here:
        folder = run_folder(settings.home, first)
    else:
        folder, name = Path(), f"parlab-{first}-{name}"
    if format_ in ("svg", "png"):
        return folder / ("pictures" if here and not others else f"{name}-pictures")
    return folder / f"{name}.{format_}"


def _html(settings: Settings, runs: Sequence[RunView], target: Path, choice: _Choice) -> None:
    from parlab.orchestrator.show.report.writer import make_html

    check_file(target, force=choice.force)
    write_file(target, make_html(runs, settings.version, SystemClock().unix_seconds(), choice.kinds).encode())
    _say(target)


def _pictures(settings: Settings, runs: Sequence[RunView], target: Path, choice: _Choice) -> None:
    from parlab.orchestrator.show.report.files import draw, index_of

    del settings
    check_folder(target, force=choice.force)
    files, notes = draw(runs, choice.kinds, "png" if choice.format == "png" else "svg", choice.scheme)
    _complain(notes)
    if not files:
        raise BadInput(
            f"run {runs[0].run} has nothing that could be drawn", "See what it has: parlab show RUN."
        )
    write_folder(target, {one.file: one.content for one in files}, index_of(files))
    count = len(files)
    sys.stdout.write(f"{count} picture{'s' * (count != 1)}: {target}\n")


def _markdown(settings: Settings, runs: Sequence[RunView], target: Path, choice: _Choice) -> None:
    from parlab.orchestrator.show.report.files import draw, index_of
    from parlab.orchestrator.show.report.markdown import markdown

    folder = target.with_name(f"{target.stem}-pictures")
    check_file(target, force=choice.force)
    check_folder(folder, force=choice.force)
    files, notes = draw(runs, choice.kinds, "svg", choice.scheme)
    _complain(notes)
    if files:
        write_folder(folder, {one.file: one.content for one in files}, index_of(files))
    text = markdown(runs, files, folder.name, settings.version, SystemClock().unix_seconds())
    write_file(target, text.encode())
    _say(target)


def _complain(notes: Sequence[str]) -> None:
    for note in notes:
        sys.stderr.write(f"parlab: {note}\n")


def _say(target: Path) -> None:
    sys.stdout.write(f"report: {target}\n")


_WRITERS: dict[Format, Callable[[Settings, Sequence[RunView], Path, _Choice], None]] = {
    "html": _html,
    "svg": _pictures,
    "png": _pictures,
    "md": _markdown,
}
