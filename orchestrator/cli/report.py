"""``parlab report``: the answer in words, pictures and tables, as a file that can be sent."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, cast, get_args

import typer

from parlab.orchestrator.cli import options
from parlab.orchestrator.cli.help import LOOK, Family
from parlab.workers.errors import BadInput

if TYPE_CHECKING:
    from parlab.orchestrator.analysis.view import RunView
    from parlab.orchestrator.control.sources import Source

_Format = Literal["html", "svg", "png", "md"]
_Scheme = Literal["light", "dark"]

commands = Family(LOOK)


@commands.add(
    "parlab report 7f3a -o report.html", "parlab report 7f3a --format png --scheme dark -o pictures"
)
def report(
    runs: options.Runs,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE|DIR",
            help="Where to write it (default: the run's folder; the path is printed).",
        ),
    ] = None,
    format_: Annotated[
        str,
        typer.Option(
            "--format",
            "-f",
            metavar="FORMAT",
            help="html: one file that can be mailed; svg, png: a folder of pictures; md: Markdown, with its "
            "pictures in a folder beside it.",
        ),
    ] = "html",
    chart: Annotated[
        list[str] | None,
        typer.Option("--chart", metavar="NAME", help="Only charts of this kind: speed_up; repeatable."),
    ] = None,
    scheme: Annotated[
        str,
        typer.Option(
            metavar="light|dark", help="Colours of png; the other formats follow the reader's own scheme."
        ),
    ] = "light",
    force: Annotated[
        bool,
        typer.Option(
            "--force",
            help="Overwrite what is there. Without it, only what parlab made before is replaced.",
        ),
    ] = False,
    lab: options.Lab = None,
) -> None:
    """Write a report on runs: the answer in words, charts and tables, and how it was measured."""
    import gc

    from parlab.orchestrator.control.sources import source_of
    from parlab.orchestrator.settings import from_process
    from parlab.orchestrator.show.charts.base import kind
    from parlab.orchestrator.show.report.extras import missing_for_report
    from parlab.workers.clock import SystemClock

    form, colours = _checked(format_, scheme)
    # Seconds of a process that makes hundreds of thousands of objects and lets go of none: looking for what
    # is no longer used would find nothing, again and again.
    gc.disable()
    if (missing := missing_for_report()) is not None:
        raise missing
    # These load what the extra brings.
    from parlab.orchestrator.show.report.destination import check_file, check_folder, write_file, write_folder
    from parlab.orchestrator.show.report.files import draw, index_of
    from parlab.orchestrator.show.report.markdown import markdown
    from parlab.orchestrator.show.report.writer import make_html

    settings = from_process()
    # "speed-up" is how its files are called.
    kinds = tuple(dict.fromkeys(kind(name.replace("-", "_")).name for name in chart or ())) or None
    with source_of(settings, lab) as source:
        views = list({view.run: view for view in map(source.view, runs)}.values())
    target = output or _default(source, views, form)
    made = (settings.version, SystemClock().unix_seconds())
    if form not in {"png", "svg"}:
        check_file(target, force=force)
    if form == "html":
        write_file(target, make_html(views, *made, kinds).encode())
        print(f"report: {target}")
        return
    folder = target.with_name(f"{target.stem}-pictures") if form == "md" else target
    check_folder(folder, force=force)
    pictures, notes = draw(views, kinds, "png" if form == "png" else "svg", colours)
    for note in notes:
        print(f"parlab: {note}", file=sys.stderr)
    if pictures:
        write_folder(folder, {picture.file: picture.content for picture in pictures}, index_of(pictures))
    if form == "md":
        write_file(target, markdown(views, pictures, folder.name, *made).encode())
        print(f"report: {target}")
    elif pictures:
        print(f"{len(pictures)} picture{'s' * (len(pictures) != 1)}: {target}")
    else:
        raise BadInput(f"run {views[0].run} has nothing to draw", "See what it has: parlab show RUN.")


def _checked(form: str, scheme: str) -> tuple[_Format, _Scheme]:
    if form not in get_args(_Format):
        there = ", ".join(get_args(_Format))
        raise BadInput(f"there is no format {form!r} of a report", f"There are: {there}.")
    if scheme not in get_args(_Scheme):
        raise BadInput(f"--scheme {scheme}: there is no such scheme", "Write light or dark.")
    if scheme != "light" and form != "png":
        raise BadInput(f"--scheme is only for png: {form} follows the reader's own scheme", "Leave it out.")
    return cast("_Format", form), cast("_Scheme", scheme)


def _default(source: Source, views: Sequence[RunView], form: _Format) -> Path:
    """Name the target where none was: in the first run's folder, or (of a lab's run) the current one."""
    from parlab.orchestrator.store.folder import run_folder

    first, *others = [run.run for run in views]
    name = "-".join(("report", *others))
    here = source.lab_url is None
    if here:
        folder = run_folder(source.settings.home, first)
    else:
        folder, name = Path(), f"parlab-{first}-{name}"
    if form in ("svg", "png"):
        return folder / ("pictures" if here and not others else f"{name}-pictures")
    return folder / f"{name}.{form}"
