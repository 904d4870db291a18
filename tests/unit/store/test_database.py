"""The store's file: made, brought up to date, refused, with the cure said; figures and settings."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from parlab.orchestrator.experiment.model import Experiment, StrategyChoice, WorkloadChoice
from parlab.orchestrator.store.database import Database
from parlab.orchestrator.store.facade import Store
from parlab.orchestrator.store.observation import Observation
from parlab.orchestrator.store.records import RunRecord, StoredTrial
from parlab.orchestrator.store.schema import APPLICATION_ID, STEPS, Step
from parlab.workers.clock import SystemClock
from parlab.workers.errors import EnvironmentFault, LabError

EXPERIMENT = Experiment("e", "?", (WorkloadChoice("wait", {}),), (StrategyChoice("threads"),))
CLOCK = SystemClock()


def make(path: Path) -> None:
    with Store.open(path, CLOCK) as store:
        store.create_run(RunRecord("7f3a", EXPERIMENT, 1, 1.0))


@contextmanager
def raw(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        yield connection


def fault_of_opening(path: Path) -> EnvironmentFault:
    with pytest.raises(EnvironmentFault) as fault:
        Store.open(path, CLOCK, busy_seconds=0.1)
    assert str(path) in fault.value.message or str(path.parent) in fault.value.message
    assert fault.value.hint
    assert fault.value.exit_code == 3
    return fault.value


def test_folder_and_file_are_made_for_their_owner(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b c" / "größe.db"
    make(path)
    assert path.is_file()
    assert path.parent.stat().st_mode & 0o077 == 0


def test_a_commit_is_synced_and_references_are_enforced(tmp_path: Path) -> None:
    with closing(Database(tmp_path / "parlab.db", CLOCK, busy_seconds=1.5)) as database:
        settings = {
            name: database.rows(f"PRAGMA {name}")[0][0]
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    assert settings == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 1500}


def test_the_file_says_whose_it_is_and_its_schema_version(tmp_path: Path) -> None:
    make(tmp_path / "parlab.db")
    with raw(tmp_path / "parlab.db") as connection:
        assert connection.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,)
        assert connection.execute("PRAGMA user_version").fetchone() == (len(STEPS),)


def test_the_file_of_a_newer_parlab_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "parlab.db"
    make(path)
    with raw(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    fault = fault_of_opening(path)
    assert "newer parlab" in fault.message
    assert "pgrade" in fault.hint
    with raw(path) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (99,)


def test_another_programs_database_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "parlab.db"
    with raw(path) as connection:
        connection.execute("CREATE TABLE theirs (x)")
    before = path.read_bytes()
    assert "another program" in fault_of_opening(path).message
    assert path.read_bytes() == before


def test_an_older_file_is_brought_up_to_date_with_what_is_in_it(tmp_path: Path) -> None:
    path = tmp_path / "parlab.db"
    make(path)
    newer: tuple[Step, ...] = (
        *STEPS,
        ("ALTER TABLE runs ADD COLUMN mood TEXT NOT NULL DEFAULT 'calm'",),
        ("CREATE TABLE moods (mood TEXT)", "INSERT INTO moods SELECT mood FROM runs"),
    )
    with closing(Database(path, CLOCK, busy_seconds=1, steps=newer)) as database:
        assert database.rows("PRAGMA user_version") == [(len(newer),)]
        assert database.rows("SELECT mood FROM moods") == [("calm",)]
        assert database.rows("SELECT run, mood FROM runs") == [("7f3a", "calm")]
    assert "newer parlab" in fault_of_opening(path).message, "this program's own version is 1"


def test_a_migration_that_fails_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "parlab.db"
    make(path)
    broken: tuple[Step, ...] = (
        *STEPS,
        ("ALTER TABLE runs ADD COLUMN mood TEXT", "INSERT INTO nowhere VALUES (1)"),
    )
    with pytest.raises(LabError, match="nowhere"):
        Database(path, CLOCK, busy_seconds=1, steps=broken)
    with raw(path) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (len(STEPS),)
    with Store.open(path, CLOCK) as store:
        assert [run.id for run in store.runs()] == ["7f3a"]


@pytest.mark.parametrize("content", [b"no database at all\n" * 100, os.urandom(8192), b"\0" * 4096])
def test_a_file_that_is_no_database_is_refused_and_left_as_it_is(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "parlab.db"
    path.write_bytes(content)
    fault = fault_of_opening(path)
    assert "damaged" in fault.message
    assert "Move it away" in fault.hint
    assert path.read_bytes() == content


def test_a_damaged_file_is_said_to_be_damaged(tmp_path: Path) -> None:
    path = tmp_path / "parlab.db"
    make(path)
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(os.urandom(path.stat().st_size - 4096))
    with pytest.raises(EnvironmentFault, match="damaged") as fault, Store.open(path, CLOCK) as store:
        store.runs()
    assert ".recover" in fault.value.hint


def test_a_folder_in_the_files_place_is_said_to_be_one(tmp_path: Path) -> None:
    (tmp_path / "parlab.db").mkdir()
    assert "is a folder" in fault_of_opening(tmp_path / "parlab.db").message


def test_a_file_in_the_folders_place_is_an_error_with_a_cure(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file")
    assert "PARLAB_HOME" in fault_of_opening(tmp_path / "home" / "parlab.db").hint


def test_a_file_that_another_process_keeps_locked_is_waited_for_and_then_said(tmp_path: Path) -> None:
    path = tmp_path / "parlab.db"
    make(path)
    with Store.open(path, CLOCK, busy_seconds=0.2) as store, raw(path) as other:
        other.execute("BEGIN IMMEDIATE")
        began = time.monotonic()
        with pytest.raises(EnvironmentFault, match=r"locked by another process for 0\.2 s"):
            store.set_state("7f3a", "done")
        assert time.monotonic() - began >= 0.15
        assert store.run("7f3a").state == "planned", "reading goes on"
        other.execute("ROLLBACK")
        store.set_state("7f3a", "done")
        assert store.run("7f3a").state == "done"


def test_an_interrupted_change_is_undone(tmp_path: Path) -> None:
    insert = "INSERT INTO events (run, unix_seconds, kind, text) VALUES ('r', 1, 'k', 't')"

    def interrupted(database: Database) -> None:
        with database.writing() as connection:
            connection.execute(insert)
            raise KeyboardInterrupt

    with closing(Database(tmp_path / "parlab.db", CLOCK, busy_seconds=1)) as database:
        with pytest.raises(KeyboardInterrupt):
            interrupted(database)
        assert database.rows("SELECT * FROM events") == []
        with database.writing() as connection:
            connection.execute(insert)
        assert len(database.rows("SELECT * FROM events")) == 1


def test_the_size_is_what_the_files_take(tmp_path: Path) -> None:
    with Store.open(tmp_path / "parlab.db", CLOCK) as store:
        assert store.space.size_bytes() == sum(file.stat().st_size for file in tmp_path.iterdir()) > 0


def test_queries_name_the_fields_in_the_order_of_the_records() -> None:
    assert list(Observation.__dataclass_fields__)[-4:] == [
        "start_up_seconds",
        "tear_down_seconds",
        "readings",
        "unread",
    ]
    assert list(StoredTrial.__dataclass_fields__) == [
        "group",
        "block",
        "sitting",
        "attempt",
        "node",
        "result",
    ]
