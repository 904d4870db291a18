"""Removal of runs and results: only of what was asked for, never of a run that is running."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from parlab.orchestrator.experiment.model import Experiment, StrategyChoice, WorkloadChoice
from parlab.orchestrator.store.facade import Store
from parlab.orchestrator.store.folder import is_running, lock_path, run_folder
from parlab.orchestrator.store.records import RunRecord
from parlab.orchestrator.store.retention import PrunePlan, prune
from parlab.workers.clock import SystemClock
from parlab.workers.errors import BadInput
from parlab.workers.wire.result import SittingResult, TrialResult

EXPERIMENT = Experiment("resize", "?", (WorkloadChoice("wait", {}),), (StrategyChoice("threads"),))
DAY = 86400.0
NOW = 1000 * DAY


class StandingClock(SystemClock):
    """A clock whose wall time stands where it is put."""

    def __init__(self, now: float) -> None:
        self.now = now

    def unix_seconds(self) -> float:
        return self.now


@pytest.fixture
def clock() -> StandingClock:
    return StandingClock(NOW)


@pytest.fixture
def store(tmp_path: Path, clock: StandingClock) -> Iterator[Store]:
    with Store.open(tmp_path / "parlab.db", clock) as opened:
        yield opened


def add_run(store: Store, home: Path, run: str, days_ago: float, *, kilobytes: int = 100) -> None:
    """Store a run of one sitting with so much text, and a folder of so much."""
    store.clock.now = NOW - days_ago * DAY  # type: ignore[attr-defined]
    store.create_run(RunRecord(run, EXPERIMENT, 1, store.clock.unix_seconds()))
    store.sittings.dispatched(run, "s0", 1, "g", 0, "n1", "j", store.clock.unix_seconds())
    trials = tuple(TrialResult(f"t{i}", "c", "measured", output_tail="x" * 1024) for i in range(kilobytes))
    assert store.sittings.record(SittingResult(run, "s0", 1, "n1", "h", "b", 1.0, 1.0, trials))
    store.event(run, "note", "something")
    spool = run_folder(home, run) / "spool"
    spool.mkdir(parents=True)
    (spool / "result.json").write_bytes(os.urandom(kilobytes * 1024))
    lock_path(home, run).touch()
    store.clock.now = NOW  # type: ignore[attr-defined]


def removed(plan: PrunePlan) -> list[str]:
    return [item.run for item in plan.items if item.remove]


@contextmanager
def running(home: Path, run: str) -> Iterator[None]:
    """Hold a run's lock from another process, as its command does."""
    script = (
        "import fcntl, sys; f = open(sys.argv[1], 'w'); fcntl.flock(f, fcntl.LOCK_EX)\n"
        "print('held', flush=True); sys.stdin.read()"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", script, str(lock_path(home, run))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with holder:
        assert holder.stdout is not None
        assert holder.stdin is not None
        assert holder.stdout.readline() == "held\n"
        try:
            yield
        finally:
            holder.stdin.close()
            holder.wait(10)


@pytest.mark.parametrize("dry_run", [True, False])
def test_without_a_criterion_everything_is_listed_and_nothing_removed(
    store: Store, tmp_path: Path, dry_run: bool
) -> None:
    add_run(store, tmp_path, "aaaa", 400)
    add_run(store, tmp_path, "bbbb", 1)
    plan = prune(store, tmp_path, dry_run=dry_run)
    assert [(item.run, item.remove) for item in plan.items] == [("aaaa", False), ("bbbb", False)]
    assert plan.before_bytes == plan.after_bytes
    assert len(store.runs()) == 2
    first = plan.items[0]
    assert (first.experiment, first.state, first.last_used_unix_seconds) == (
        "resize",
        "planned",
        NOW - 400 * DAY,
    )
    assert 100 * 1024 < first.store_bytes < 200 * 1024
    assert 100 * 1024 <= first.folder_bytes < 200 * 1024


def test_a_dry_run_says_what_would_go_and_removes_nothing(store: Store, tmp_path: Path) -> None:
    add_run(store, tmp_path, "aaaa", 40)
    add_run(store, tmp_path, "bbbb", 1)
    plan = prune(store, tmp_path, older_than_seconds=30 * DAY, dry_run=True)
    assert removed(plan) == ["aaaa"]
    assert plan.after_bytes < plan.before_bytes
    assert run_folder(tmp_path, "aaaa").is_dir()
    assert len(store.runs()) == 2


def test_old_runs_go_with_rows_folders_and_events(store: Store, tmp_path: Path) -> None:
    add_run(store, tmp_path, "aaaa", 40)
    add_run(store, tmp_path, "bbbb", 1)
    plan = prune(store, tmp_path, older_than_seconds=30 * DAY, dry_run=False)
    assert removed(plan) == ["aaaa"]
    assert [run.id for run in store.runs()] == ["bbbb"]
    assert not run_folder(tmp_path, "aaaa").exists()
    assert (
        list(store.sittings.trials("aaaa")),
        store.events("aaaa"),
        store.sittings.attempts("aaaa", "s0"),
    ) == ([], [], [])
    assert len(list(store.sittings.trials("bbbb"))) == 100
    assert run_folder(tmp_path, "bbbb").is_dir()


def test_a_run_that_was_resumed_is_as_old_as_its_last_use(store: Store, tmp_path: Path) -> None:
    add_run(store, tmp_path, "aaaa", 40)
    store.event("aaaa", "resumed", "today")
    assert removed(prune(store, tmp_path, older_than_seconds=30 * DAY, dry_run=False)) == []


def test_a_size_removes_the_longest_unused_until_the_rest_fits(store: Store, tmp_path: Path) -> None:
    for run, days_ago in (("bbbb", 2), ("aaaa", 3), ("cccc", 1)):
        add_run(store, tmp_path, run, days_ago, kilobytes=600)
    total = prune(store, tmp_path, dry_run=True).before_bytes
    assert removed(prune(store, tmp_path, max_bytes=total, dry_run=True)) == []
    plan = prune(store, tmp_path, max_bytes=total - 2_000_000, dry_run=False)
    assert removed(plan) == ["aaaa", "bbbb"]
    assert plan.after_bytes <= total - 2_000_000


def test_a_size_of_nothing_removes_all_runs(store: Store, tmp_path: Path) -> None:
    add_run(store, tmp_path, "aaaa", 1)
    prune(store, tmp_path, max_bytes=0, dry_run=False)
    assert store.runs() == []


def test_named_runs_go_and_the_start_of_an_id_is_enough(store: Store, tmp_path: Path) -> None:
    add_run(store, tmp_path, "aaaa", 1)
    add_run(store, tmp_path, "bbbb", 1)
    assert removed(prune(store, tmp_path, runs=["bb"], dry_run=False)) == ["bbbb"]
    assert store.events("bbbb") == []
    assert [run.id for run in store.runs()] == ["aaaa"]


def test_an_unknown_name_removes_nothing_at_all(store: Store, tmp_path: Path) -> None:
    add_run(store, tmp_path, "aaaa", 1)
    with pytest.raises(BadInput, match="no run 'zzzz'"):
        prune(store, tmp_path, runs=["aaaa", "zzzz"], dry_run=False)
    assert len(store.runs()) == 1


@pytest.mark.parametrize("criterion", [{"older_than_seconds": -1.0}, {"max_bytes": -1}])
def test_a_negative_limit_is_refused(store: Store, tmp_path: Path, criterion: dict[str, int]) -> None:
    with pytest.raises(BadInput, match="negative"):
        prune(store, tmp_path, **criterion, dry_run=False)  # type: ignore[arg-type]


def test_a_running_run_is_never_removed_whatever_was_asked(store: Store, tmp_path: Path) -> None:
    add_run(store, tmp_path, "aaaa", 40)
    add_run(store, tmp_path, "bbbb", 40)
    assert not is_running(tmp_path, "aaaa")
    with running(tmp_path, "aaaa"):
        assert is_running(tmp_path, "aaaa")
        assert removed(prune(store, tmp_path, older_than_seconds=DAY, dry_run=True)) == ["bbbb"]
        plan = prune(store, tmp_path, older_than_seconds=DAY, max_bytes=0, runs=["aaaa"], dry_run=False)
        assert [(item.run, item.remove) for item in plan.items] == [("aaaa", False), ("bbbb", True)]
        assert "running" in plan.items[0].why
        assert "running" in plan.notes[0], "the file is not rewritten beside a measurement"
    assert [run.id for run in store.runs()] == ["aaaa"]
    assert run_folder(tmp_path, "aaaa").is_dir()


def test_a_run_whose_command_was_killed_can_be_removed_though_its_state_says_running(
    store: Store, tmp_path: Path
) -> None:
    add_run(store, tmp_path, "aaaa", 1)
    store.set_state("aaaa", "running")
    assert removed(prune(store, tmp_path, runs=["aaaa"], dry_run=False)) == ["aaaa"]


def test_a_folder_without_a_run_is_listed_and_can_be_removed(store: Store, tmp_path: Path) -> None:
    add_run(store, tmp_path, "aaaa", 40)
    store.space.remove_run("aaaa")
    assert [(item.run, item.state) for item in prune(store, tmp_path, dry_run=True).items] == [("aaaa", None)]
    prune(store, tmp_path, runs=["aaaa"], dry_run=False)
    assert not run_folder(tmp_path, "aaaa").exists()


def test_a_run_without_a_folder_can_be_removed(store: Store, tmp_path: Path) -> None:
    store.create_run(RunRecord("aaaa", EXPERIMENT, 1, 1.0))
    prune(store, tmp_path, runs=["aaaa"], dry_run=False)
    assert store.runs() == []


def test_foreign_folders_and_what_links_point_to_are_left_alone(store: Store, tmp_path: Path) -> None:
    add_run(store, tmp_path, "aaaa", 40)
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "thesis.tex").write_text("years of work")
    (tmp_path / "runs" / "notes").mkdir()
    (tmp_path / "runs" / "bbbb").symlink_to(mine)
    (run_folder(tmp_path, "aaaa") / "link").symlink_to(mine)
    prune(store, tmp_path, max_bytes=0, dry_run=False)
    assert [file.name for file in mine.iterdir()] == ["thesis.tex"]
    assert [folder.name for folder in (tmp_path / "runs").iterdir()] == ["notes"]


def test_the_disk_gets_the_space_back(store: Store, tmp_path: Path) -> None:
    for run in ("aaaa", "bbbb", "cccc"):
        add_run(store, tmp_path, run, 40, kilobytes=1000)
    full = store.space.size_bytes()
    plan = prune(store, tmp_path, runs=["aaaa", "bbbb", "cccc"], dry_run=False)
    left = sum(file.lstat().st_blocks * 512 for file in tmp_path.rglob("*"))
    assert full > 3_000_000
    assert store.space.size_bytes() < full / 10
    assert left < 500_000
    assert plan.after_bytes == store.space.size_bytes()


def test_refused_results_of_runs_that_never_were_are_forgotten_in_time(
    store: Store, clock: StandingClock, tmp_path: Path
) -> None:
    clock.now = NOW - 40 * DAY
    store.sittings.record(SittingResult("dead", "s", 1, "n", "h", "b", 1.0, 1.0, ()))
    clock.now = NOW
    prune(store, tmp_path, max_bytes=10**9, dry_run=False)
    assert len(store.events("dead")) == 1
    prune(store, tmp_path, older_than_seconds=30 * DAY, dry_run=False)
    assert store.events("dead") == []


def test_what_cannot_be_removed_is_said_and_stays_in_the_list(store: Store, tmp_path: Path) -> None:
    add_run(store, tmp_path, "aaaa", 40)
    spool = run_folder(tmp_path, "aaaa") / "spool"
    # A file in the folder's place fails for root, too, whom no permission stops.
    for file in run_folder(tmp_path, "aaaa").rglob("*"):
        if file.is_file():
            file.unlink()
    spool.rmdir()
    run_folder(tmp_path, "aaaa").rmdir()
    run_folder(tmp_path, "aaaa").write_text("no folder")
    plan = prune(store, tmp_path, runs=["aaaa"], dry_run=False)
    assert "Not a directory" in (plan.items[0].problem or "")
    assert [run.id for run in store.runs()] == ["aaaa"]
    assert dataclasses.replace(plan.items[0], problem=None).remove
