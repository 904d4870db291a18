"""Runs that are there: list, show, export, import and prune them."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from parlab.orchestrator.cli import options
from parlab.orchestrator.cli.help import LOOK, Family

if TYPE_CHECKING:
    from parlab.orchestrator.store.retention import PruneItem

commands = Family(LOOK)


@commands.add("parlab list", "parlab list --lab http://127.0.0.1:8000", name="list")
def list_(lab: options.Lab = None) -> None:
    """List the stored runs, newest first."""
    from parlab.orchestrator.cli.listing import Listing
    from parlab.orchestrator.control.sources import source_of
    from parlab.orchestrator.figures import waiting
    from parlab.orchestrator.settings import from_process

    with source_of(from_process(), lab) as source:
        runs = source.runs()
    if not runs:
        where = f" --lab {source.lab_url}" if source.lab_url else ""
        print(f"no runs yet; start with: parlab run{where}")
        return
    listing = Listing(("run", "experiment", "began", "state", "took", "why"), whole=("run", "began"))
    for run in runs:
        began = datetime.fromtimestamp(run.created_unix_seconds).astimezone()
        took = waiting(run.running_seconds) if run.running_seconds else "–"
        listing.add(run.run, run.experiment, f"{began:%Y-%m-%d %H:%M}", run.state, took, run.why)
    listing.show()


@commands.add("parlab show 7f3a", "parlab show 7f3a --lab http://127.0.0.1:8000")
def show(run: options.Run, lab: options.Lab = None) -> None:
    """Show what a run found."""
    from parlab.orchestrator.control.sources import source_of
    from parlab.orchestrator.settings import from_process
    from parlab.orchestrator.show.formats.base import output

    with source_of(from_process(), lab) as source:
        output("terminal").write(source.view(run, trials=False), sys.stdout)


@commands.add(
    "parlab export 7f3a --format json -o result.json", "parlab export 7f3a --format csv > trials.csv"
)
def export(
    run: options.Run,
    format_: Annotated[
        str,
        typer.Option(
            "--format",
            "-f",
            metavar="FORMAT",
            help="csv, json, markdown, parquet, pyperf or terminal (docs/result-schema.md).",
        ),
    ] = "json",
    output: options.Output = None,
    lab: options.Lab = None,
) -> None:
    """Export a run with all its trials for other programs."""
    from parlab.orchestrator.control.sources import source_of
    from parlab.orchestrator.settings import from_process
    from parlab.orchestrator.show.formats import base

    chosen = base.output(format_)
    with source_of(from_process(), lab) as source:
        view = source.view(run)
    written = base.export(chosen, view, output)
    if len(written) > 1:
        print(f"written: {', '.join(map(str, written))}", file=sys.stderr)


@commands.add("parlab import result-of-the-other-lab.json", name="import")
def import_(
    files: Annotated[list[Path], typer.Argument(metavar="FILE", help="JSON files that parlab export wrote.")],
) -> None:
    """Import runs that another lab exported. Importing a run again changes nothing."""
    from parlab.orchestrator.settings import from_process
    from parlab.orchestrator.store.exported import read_export
    from parlab.orchestrator.store.facade import Store
    from parlab.workers.clock import SystemClock

    exports = [(path, read_export(path)) for path in files]
    with Store.open(from_process().store_path, SystemClock()) as store:
        for path, exported in exports:
            done = store.imports.add(exported, str(path))
            name = exported.record.experiment.name
            other = f" (its id {exported.record.id} is another run's here)"
            renamed = other if done.run != exported.record.id else ""
            trials = f"trial{'s' * (done.trials != 1)}"
            print(
                {
                    "added": f"{done.run}: {name}, {done.trials} {trials} imported{renamed}",
                    "grown": f"{done.run}: {name}, {done.trials} more {trials} imported{renamed}",
                    "known": f"{done.run}: {name}, already here{renamed}",
                }[done.outcome]
            )


@commands.add("parlab prune --older-than 30d", "parlab prune --max-size 2GB --yes")
def prune(
    runs: Annotated[list[str] | None, typer.Argument(metavar="RUN", help="Runs to remove.")] = None,
    older_than: Annotated[
        str | None, typer.Option(metavar="TIME", help="Remove runs older than this: 30d, 12h.")
    ] = None,
    max_size: Annotated[
        str | None,
        typer.Option(metavar="SIZE", help="Remove the oldest runs until the rest fits: 500MB, 2GB."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Really remove them.")] = False,
) -> None:
    """Remove old runs and all that belongs to them. Without --yes, only say what would be removed."""
    from parlab.orchestrator.experiment import quantities
    from parlab.orchestrator.figures import size
    from parlab.orchestrator.settings import from_process
    from parlab.orchestrator.store import retention
    from parlab.orchestrator.store.facade import Store
    from parlab.workers.clock import SystemClock

    age = options.quantity("--older-than", quantities.seconds, older_than, "30d")
    limit = options.quantity("--max-size", quantities.size_bytes, max_size, "2GB")
    settings = from_process()
    with Store.open(settings.store_path, SystemClock()) as store:
        plan = retention.prune(
            store,
            settings.home,
            older_than_seconds=age,
            max_bytes=limit,
            runs=tuple(runs or ()) or None,
            dry_run=not yes,
        )
    chosen = [item for item in plan.items if item.remove or item.why]
    for item in chosen or plan.items:
        print(_item(item, done=yes))
    for note in plan.notes:
        print(note)
    after = f" → {size(plan.after_bytes)}" if chosen else " now"
    print(f"{size(plan.before_bytes)}{after}")
    if not chosen and plan.items:
        print("nothing was asked for: name runs, --older-than or --max-size")
    elif chosen and not yes:
        print("nothing was removed yet: add --yes")


def _item(item: PruneItem, *, done: bool) -> str:
    from parlab.orchestrator.figures import size

    last = datetime.fromtimestamp(item.last_used_unix_seconds).astimezone()
    what = ("removed" if done else "would be removed") if item.remove else "kept"
    taken = size(item.store_bytes + item.folder_bytes)
    why = f" ({item.problem or item.why})" if item.problem or item.why else ""
    return f"{item.run}  {item.experiment or '–'}  {last:%Y-%m-%d %H:%M}  {taken}  {what}{why}"
