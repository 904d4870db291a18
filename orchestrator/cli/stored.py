"""Commands about runs that are there: list, show, export, prune; here, or in a lab."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from parlab.orchestrator.analysis.view import view
from parlab.orchestrator.experiment import quantities
from parlab.orchestrator.figures import size
from parlab.orchestrator.settings import from_process
from parlab.orchestrator.show.formats.base import export, output
from parlab.orchestrator.store.facade import Store
from parlab.orchestrator.store.folder import is_running
from parlab.orchestrator.store.records import RunRecord
from parlab.orchestrator.store.retention import PruneItem, prune
from parlab.workers.clock import SystemClock
from parlab.workers.errors import BadInput


def list_runs(lab_url: str | None = None) -> None:
    """Print the runs that are stored here, or in a lab, newest first."""
    settings = from_process()
    if (lab := lab_url or settings.lab_url) is not None:
        from parlab.orchestrator.control import remote

        remote.list_runs(settings, lab)
        return
    from parlab.orchestrator.cli.listing import ListedRun, show_runs

    with Store.open(settings.store_path, SystemClock()) as store:
        records = store.runs()
    if not records:
        print("no runs yet; begin with: parlab run")
        return
    show_runs(
        ListedRun(
            run=record.id,
            experiment=record.experiment.name,
            created_unix_seconds=record.created_unix_seconds,
            state=_state(record, settings.home),
            running_seconds=record.running_seconds,
            why=record.reason or "",
        )
        for record in records
    )


def _state(record: RunRecord, home: Path) -> str:
    """Say a run's state; one that is "running" and whose command is gone was killed."""
    if record.state == "running" and not is_running(home, record.id):
        return "interrupted"
    return record.state


def show_run(run: str, lab_url: str | None = None) -> None:
    """Print what a run found, here or in a lab."""
    settings = from_process()
    if (lab := lab_url or settings.lab_url) is not None:
        from parlab.orchestrator.control import remote

        remote.show_run(settings, lab, run)
        return
    with Store.open(settings.store_path, SystemClock()) as store:
        output("terminal").write(view(store, run), sys.stdout)


def export_run(run: str, format_: str, path: Path | None, lab_url: str | None = None) -> None:
    """Write a run in another format, to a file or to standard output."""
    settings = from_process()
    if (lab := lab_url or settings.lab_url) is not None:
        from parlab.orchestrator.control import remote

        remote.export_run(settings, lab, run, format_, path)
        return
    chosen = output(format_)
    with Store.open(settings.store_path, SystemClock()) as store:
        found = view(store, run)
    _say_written(export(chosen, found, path))


def _say_written(paths: Sequence[Path]) -> None:
    """Say which files there are, where they are not the one that was named."""
    if len(paths) > 1:
        print(f"written: {', '.join(map(str, paths))}", file=sys.stderr)


def import_runs(paths: Sequence[Path]) -> None:
    """Take runs that other labs exported into the store, and say what became of each."""
    from parlab.orchestrator.store.exported import read_export

    exports = [(path, read_export(path)) for path in paths]
    settings = from_process()
    with Store.open(settings.store_path, SystemClock()) as store:
        for path, exported in exports:
            done = store.imports.add(exported, str(path))
            name = exported.record.experiment.name
            other = f" (its id {exported.record.id} is another run's here)"
            renamed = other if done.run != exported.record.id else ""
            print(
                {
                    "added": f"{done.run}: {name}, {done.trials} trials imported{renamed}",
                    "grown": f"{done.run}: {name}, {done.trials} trials more than before{renamed}",
                    "known": f"{done.run}: {name}, already here{renamed}",
                }[done.outcome]
            )


def prune_runs(runs: tuple[str, ...], older_than: str | None, max_size: str | None, *, yes: bool) -> None:
    """List what could be removed, and remove it if asked to."""
    try:
        age = quantities.seconds(older_than) if older_than is not None else None
        limit = quantities.size_bytes(max_size) if max_size is not None else None
    except ValueError as error:
        raise BadInput(str(error), "See parlab prune --help.") from error
    settings = from_process()
    with Store.open(settings.store_path, SystemClock()) as store:
        plan = prune(
            store, settings.home, older_than_seconds=age, max_bytes=limit, runs=runs or None, dry_run=not yes
        )
    chosen = [item for item in plan.items if item.remove or item.why]
    for item in chosen or plan.items:
        print(_item(item, done=yes))
    for note in plan.notes:
        print(note)
    print(
        f"{size(plan.before_bytes)} now"
        if not chosen
        else f"{size(plan.before_bytes)} → {size(plan.after_bytes)}"
    )
    if not chosen and plan.items:
        print("nothing was asked for: name runs, --older-than or --max-size")
    elif chosen and not yes:
        print("nothing was removed yet: add --yes")


def _item(item: PruneItem, *, done: bool) -> str:
    last = datetime.fromtimestamp(item.last_used_unix_seconds).astimezone()
    what = ("removed" if done else "would be removed") if item.remove else "kept"
    taken = size(item.store_bytes + item.folder_bytes)
    why = f" ({item.problem or item.why})" if item.problem or item.why else ""
    return f"{item.run}  {item.experiment or '–'}  {last:%Y-%m-%d %H:%M}  {taken}  {what}{why}"
