"""Retention of runs: lists and removes them with their folders, only as asked."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from parlab.orchestrator.store.facade import Store
from parlab.orchestrator.store.folder import held_if_idle, is_running, remove_folder, run_folder
from parlab.orchestrator.store.records import RunRecord, RunState
from parlab.workers.errors import BadInput, EnvironmentFault

#: Folders of other names below ``runs/`` are none of parlab's and are left alone.
_RUN_FOLDER = re.compile(r"[0-9a-f]{4,6}")

_RUNNING = "kept: it is running"


@dataclass(frozen=True)
class PruneItem:
    """A run, or a folder that a run left behind, and what becomes of it."""

    run: str
    #: Name of its experiment; None for a folder that the store knows no run of.
    experiment: str | None
    state: RunState | None
    #: When something last happened in it.
    last_used_unix_seconds: float
    #: Estimated share of the store's file.
    store_bytes: int
    #: What its folder takes on the disk: spools, server data, logs.
    folder_bytes: int
    #: Whether it is (to be) removed.
    remove: bool
    #: Why it is removed, or why it is kept although it was asked for; empty where nothing was asked.
    why: str = ""
    #: Why it could not be removed; None where it could or was not to be.
    problem: str | None = None


@dataclass(frozen=True)
class PrunePlan:
    """What a prune would do, or did."""

    items: tuple[PruneItem, ...]
    dry_run: bool
    #: Bytes of the store and of all run folders, before and (estimated in a dry run) after.
    before_bytes: int
    after_bytes: int
    #: What a reader should know besides: space that could not be returned yet.
    notes: tuple[str, ...] = ()


def prune(
    store: Store,
    home: Path,
    *,
    older_than_seconds: float | None = None,
    max_bytes: int | None = None,
    runs: Collection[str] | None = None,
    dry_run: bool,
) -> PrunePlan:
    """Remove the runs that any of the criteria names, with their folders; without one, only list.

    A run that is running is never removed.

    Args:
        store: where the runs are; its clock says what is old.
        home: PARLAB_HOME; the folders are ``home/runs/<id>``.
        older_than_seconds: runs in which nothing happened for so long.
        max_bytes: those longest unused, until the store and all folders take no more than this.
        runs: ids or unambiguous beginnings of ids; also of folders without a run.
        dry_run: only say what would be removed.

    Raises:
        BadInput: an unknown run, or a negative limit.
        EnvironmentFault: the store cannot be used. (A folder that cannot be removed is its item's
            ``problem``.)
    """
    if (older_than_seconds or 0) < 0 or (max_bytes or 0) < 0:
        raise BadInput("an age or size to prune by is negative", "Give 0 or more: --older-than 30d.")
    items = _inventory(store, home)
    before = store.space.size_bytes() + sum(item.folder_bytes for item in items)
    if older_than_seconds is not None:
        limit = store.clock.unix_seconds() - older_than_seconds
        items = [
            _marked(item, "nothing has happened in it for that long")
            if item.last_used_unix_seconds < limit
            else item
            for item in items
        ]
    if runs:
        named = {_resolve(store, items, name) for name in runs}
        items = [_marked(item, "named") if item.run in named else item for item in items]
    items = [_kept_if_running(home, item) for item in items]
    if max_bytes is not None:
        items = _mark_for_size(home, items, before, max_bytes)
    after = before - sum(item.store_bytes + item.folder_bytes for item in items if item.remove)
    if dry_run or (older_than_seconds is None and max_bytes is None and not runs):
        return PrunePlan(tuple(items), dry_run, before, max(after, 0))
    items = [_remove(store, home, item) if item.remove else item for item in items]
    if older_than_seconds is not None:
        store.space.remove_stray_events(store.clock.unix_seconds() - older_than_seconds)
    notes = _return_space(store, home, items)
    left = sum(_folder_bytes(run_folder(home, item.run)) for item in items)
    return PrunePlan(tuple(items), dry_run, before, store.space.size_bytes() + left, notes)


def _inventory(store: Store, home: Path) -> list[PruneItem]:
    """List every run and every folder left by one, longest unused first."""
    stored_bytes, last_used = store.space.run_bytes(), store.last_used()
    records: dict[str, RunRecord | None] = dict.fromkeys(_folders(home))
    records.update({record.id: record for record in store.runs()})
    items = []
    for run, record in records.items():
        folder = run_folder(home, run)
        items.append(
            PruneItem(
                run=run,
                experiment=None if record is None else record.experiment.name,
                state=None if record is None else record.state,
                last_used_unix_seconds=folder.lstat().st_mtime if record is None else last_used[run],
                store_bytes=stored_bytes.get(run, 0),
                folder_bytes=_folder_bytes(folder),
                remove=False,
            )
        )
    return sorted(items, key=lambda item: (item.last_used_unix_seconds, item.run))


def _marked(item: PruneItem, why: str) -> PruneItem:
    return replace(item, remove=True, why=why)


def _kept_if_running(home: Path, item: PruneItem) -> PruneItem:
    if item.remove and is_running(home, item.run):
        return replace(item, remove=False, why=_RUNNING)
    return item


def _mark_for_size(home: Path, items: list[PruneItem], total: int, max_bytes: int) -> list[PruneItem]:
    total -= sum(item.store_bytes + item.folder_bytes for item in items if item.remove)
    marked = []
    for item in items:
        if total > max_bytes and not item.remove and not is_running(home, item.run):
            total -= item.store_bytes + item.folder_bytes
            marked.append(_marked(item, "removed so that the rest fits"))
        else:
            marked.append(item)
    return marked


def _resolve(store: Store, items: Sequence[PruneItem], name: str) -> str:
    if name in {item.run for item in items if item.state is None}:
        return name
    return store.run(name).id


def _remove(store: Store, home: Path, item: PruneItem) -> PruneItem:
    folder = run_folder(home, item.run)
    try:
        # Held until all is gone, so that no resume begins in the middle.
        with held_if_idle(home, item.run) as free:
            if not free:
                return replace(item, remove=False, why=_RUNNING)
            # Folder first: on a full disk this makes the space that removing the rows needs.
            remove_folder(home, item.run)
            if item.state is not None:
                store.space.remove_run(item.run)
    except OSError as error:
        return replace(item, problem=f"{error.filename or folder}: {error.strerror}")
    return item


def _return_space(store: Store, home: Path, items: Sequence[PruneItem]) -> tuple[str, ...]:
    # Rewriting the file beside a run would disturb what it measures, and take longer than it waits.
    running = [item.run for item in items if is_running(home, item.run)]
    if running:
        return (f"the store's own file will shrink at the next prune, because run {running[0]} is running",)
    try:
        store.space.vacuum()
    except EnvironmentFault as fault:
        return (f"the store's own file could not be shrunk: {fault.message}",)
    return ()


def _folders(home: Path) -> list[str]:
    try:
        return [entry.name for entry in os.scandir(home / "runs") if _RUN_FOLDER.fullmatch(entry.name)]
    except FileNotFoundError:
        return []


def _folder_bytes(folder: Path) -> int:
    """Bytes that a folder takes on the disk; what vanishes meanwhile (a server's files) is left out."""
    total = 0
    for place, folders, files in os.walk(folder) if not folder.is_symlink() else ():
        for name in (*folders, *files):
            try:
                # Not st_size: sparse files take less, small ones more.
                total += Path(place, name).lstat().st_blocks * 512
            except FileNotFoundError:
                continue
    return total
