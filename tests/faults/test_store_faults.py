"""The store meets real faults: killed, disk full, folder read-only, several processes at once.

Each script below runs in a process of its own; what needs a file system of its own gets a private
mount namespace, which goes with that process.
"""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from parlab.orchestrator.experiment.model import Experiment, StrategyChoice, WorkloadChoice
from parlab.orchestrator.store.facade import Store
from parlab.orchestrator.store.records import RunRecord
from parlab.workers.clock import SystemClock
from parlab.workers.wire.result import Round, SittingResult, TrialResult

TRIALS = 5

PRELUDE = f"""
import sys
from pathlib import Path
from parlab.orchestrator.experiment.model import Experiment, StrategyChoice, WorkloadChoice
from parlab.orchestrator.store.records import RunRecord
from parlab.orchestrator.store.facade import Store
from parlab.workers.clock import SystemClock
from parlab.workers.errors import EnvironmentFault, LabError, StorageFull
from parlab.workers.wire.result import Round, SittingResult, TrialResult

path, run = Path(sys.argv[1]), sys.argv[2]
EXPERIMENT = Experiment("e", "?", (WorkloadChoice("wait", {{}}),), (StrategyChoice("threads"),))

def new(store):
    store.create_run(RunRecord(run, EXPERIMENT, 1, 1.0))

def record(store, index):
    sitting = f"s{{index}}"
    store.sittings.dispatched(run, sitting, 1, "g", index, "n1", f"n1-{{run}}-{{sitting}}-a1", 1.0)
    trials = tuple(
        TrialResult(f"{{sitting}}-{{i}}", "c", "measured", rounds=(Round(0, 0, 0.5),), output_tail="x" * 1000)
        for i in range({TRIALS})
    )
    return store.sittings.record(SittingResult(run, sitting, 1, "n1", "h", "b", 1.0, 1.0, trials))
"""

WRITE_ON = """
with Store.open(path, SystemClock()) as store:
    if run not in store.run_ids():
        new(store)
    index = len(store.sittings.accepted(run))
    limit = index + int(sys.argv[3])
    while index < limit:
        assert record(store, index)
        print(index, flush=True)
        index += 1
"""

FILL_UP = """
ballast = path.parent / "ballast"
ballast.write_bytes(bytes(600_000))
with Store.open(path, SystemClock()) as store:
    new(store)
    stored = 0
    try:
        while stored < 5000:
            assert record(store, stored)
            stored += 1
    except StorageFull as full:
        assert full.exit_code == 3 and full.hint and str(path) in full.message, full
    else:
        raise SystemExit("the disk never filled up")
    assert len(store.sittings.observations(run)) == stored * TRIALS
    for _ in range(3):
        try:
            record(store, stored)
        except StorageFull:
            continue
        raise SystemExit("it fitted after all")
    ballast.unlink()
    assert record(store, stored), "it goes on when there is space again"
    assert len(store.sittings.observations(run)) == (stored + 1) * TRIALS
with Store.open(path, SystemClock()) as store:
    assert store.sittings.accepted(run) == {f"s{i}" for i in range(stored + 1)}
    assert len(list(store.sittings.trials(run))) == (stored + 1) * TRIALS
print("stored", stored + 1)
"""

OPEN_ON_FULL_DISK = """
(path.parent / "ballast").touch()
with open(path.parent / "ballast", "wb", buffering=0) as ballast:
    try:
        while ballast.write(bytes(4096)):
            pass
    except OSError:
        pass
try:
    Store.open(path, SystemClock())
except StorageFull as full:
    print(full)
"""

PRUNE_ON_FULL_DISK = """
from parlab.orchestrator.store.retention import prune, run_folder
with Store.open(path, SystemClock()) as store:
    new(store)
    for index in range(20):
        record(store, index)
    run_folder(path.parent, run).mkdir(parents=True)
    try:
        (run_folder(path.parent, run) / "server.aof").write_bytes(bytes(10_000_000))
    except OSError:
        pass
    prune(store, path.parent, runs=[run], dry_run=False)
    assert store.run_ids() == []
    new(store)
print("pruned")
"""

GROW_UP_TO_A_LIMIT = """
import resource
with Store.open(path, SystemClock()) as store:
    new(store)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, hard))
    stored = 0
    try:
        while stored < 5000:
            assert record(store, stored)
            stored += 1
    except StorageFull as full:
        assert "ulimit" in full.hint, full
    else:
        raise SystemExit("the limit was never reached")
    assert len(store.sittings.observations(run)) == stored * TRIALS
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert record(store, stored), "it goes on without the limit"
print("stored", stored + 1)
"""

OPEN_AT_ONCE = """
import multiprocessing

def open_one(folder, start, faults):
    start.wait()
    try:
        with Store.open(folder / "parlab.db", SystemClock()) as store:
            store.runs()
    except LabError as error:
        faults.put(error.message)

fork = multiprocessing.get_context("fork")
faults = fork.Queue()
for index in range(10):
    start = fork.Barrier(8)
    folder = path.parent / str(index)
    processes = [fork.Process(target=open_one, args=(folder, start, faults)) for _ in range(8)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
assert faults.empty(), faults.get()
print("opened")
"""

READ_ONLY = """
import subprocess
with Store.open(path, SystemClock()) as store:
    new(store)
subprocess.run(["mount", "-o", "remount,ro", str(path.parent)], check=True)
for place in (path, path.parent / "other.db", path.parent / "deeper" / "other.db"):
    try:
        Store.open(place, SystemClock())
    except EnvironmentFault as fault:
        assert "PARLAB_HOME" in fault.hint, fault
    else:
        raise SystemExit("it could be opened")
print("refused")
"""


def command(script: str, path: Path, run: str, *more: str) -> list[str]:
    return [sys.executable, "-c", f"{PRELUDE}\nTRIALS = {TRIALS}\n{script}", str(path), run, *more]


def in_file_system_of_its_own(script: str, tmp_path: Path, root: Path, size: str) -> str:
    """Run a script with ``tmp_path`` on a small disk of its own, and give what it printed."""
    unshare = shutil.which("unshare")
    mount = f"mount -t tmpfs -o size={size} none '{tmp_path}'"
    isolated = [unshare or "unshare", "--mount", "--map-root-user"]
    if (
        unshare is None
        or subprocess.run([*isolated, "sh", "-c", mount], capture_output=True, check=False).returncode
    ):
        pytest.skip(
            "mounting is not allowed here (no user namespaces); the file-size limit is tested instead"
        )
    done = subprocess.run(
        [
            *isolated,
            "sh",
            "-c",
            f'{mount} && exec "$@"',
            "sh",
            *command(script, tmp_path / "parlab.db", "7f3a"),
        ],
        cwd=root,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@contextmanager
def writer(root: Path, path: Path, run: str, count: int) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        command(WRITE_ON, path, run, str(count)), cwd=root, stdout=subprocess.PIPE, text=True
    )
    with process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()


def assert_whole(path: Path) -> None:
    """Nothing is half there: every accepted sitting has all its trials, every trial its text."""
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        counts = (
            "SELECT count(*) FROM trials JOIN trial_bodies USING (id)",
            f"SELECT {TRIALS} * count(*) FROM sittings WHERE state = 'accepted'",
            "SELECT count(*) FROM trials",
        )
        assert len({connection.execute(query).fetchone() for query in counts}) == 1


def test_what_was_acknowledged_before_a_kill_is_there_and_nothing_is_half_there(
    tmp_path: Path, root: Path
) -> None:
    path = tmp_path / "parlab.db"
    acknowledged = -1
    for kill_after in (3, 1, 17, 40, 8):
        with writer(root, path, "7f3a", 10**6) as process:
            assert process.stdout is not None
            for _ in range(kill_after):
                acknowledged = int(process.stdout.readline())
            process.send_signal(signal.SIGKILL)
            acknowledged = max([acknowledged, *map(int, process.stdout.read().split())])
        assert_whole(path)
        with Store.open(path, SystemClock()) as store:
            accepted = store.sittings.accepted("7f3a")
        assert accepted >= {f"s{index}" for index in range(acknowledged + 1)}
        assert len(accepted) <= acknowledged + 2, "at most the one that was stored and not yet said"


def test_a_full_disk_is_said_loses_nothing_and_goes_on_with_space(tmp_path: Path, root: Path) -> None:
    assert "stored" in in_file_system_of_its_own(FILL_UP, tmp_path, root, "2m")


def test_opening_on_a_full_disk_says_that_it_is_full(tmp_path: Path, root: Path) -> None:
    assert "full" in in_file_system_of_its_own(OPEN_ON_FULL_DISK, tmp_path, root, "256k")


def test_a_prune_makes_space_on_a_full_disk(tmp_path: Path, root: Path) -> None:
    assert "pruned" in in_file_system_of_its_own(PRUNE_ON_FULL_DISK, tmp_path, root, "3m")


def test_a_file_size_limit_is_said_loses_nothing_and_goes_on_without(tmp_path: Path, root: Path) -> None:
    path = tmp_path / "parlab.db"
    done = subprocess.run(
        command(GROW_UP_TO_A_LIMIT, path, "7f3a"), cwd=root, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert_whole(path)
    with Store.open(path, SystemClock()) as store:
        assert len(store.sittings.accepted("7f3a")) == int(done.stdout.split()[1])


def test_a_read_only_disk_is_an_error_with_a_cure(tmp_path: Path, root: Path) -> None:
    assert "refused" in in_file_system_of_its_own(READ_ONLY, tmp_path, root, "2m")


@pytest.mark.skipif(os.geteuid() == 0, reason="permissions do not stop root")
def test_a_folder_without_write_permission_is_an_error_with_a_cure(tmp_path: Path) -> None:
    from parlab.workers.errors import EnvironmentFault

    tmp_path.chmod(0o500)
    try:
        with pytest.raises(EnvironmentFault, match="cannot be written to") as fault:
            Store.open(tmp_path / "parlab.db", SystemClock())
        assert "PARLAB_HOME" in fault.value.hint
    finally:
        tmp_path.chmod(0o700)


def test_several_processes_make_the_same_new_file_at_once(tmp_path: Path, root: Path) -> None:
    done = subprocess.run(
        command(OPEN_AT_ONCE, tmp_path / "parlab.db", "7f3a"),
        cwd=root,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "opened\n"), done.stderr


def test_several_processes_write_their_runs_into_a_new_file_at_once(tmp_path: Path, root: Path) -> None:
    path = tmp_path / "parlab.db"
    runs = ["aaaa", "bbbb", "cccc", "dddd"]
    processes = [
        subprocess.Popen(command(WRITE_ON, path, run, "60"), cwd=root, stdout=subprocess.PIPE, text=True)
        for run in runs
    ]
    ends = []
    for process in processes:
        with process:
            said, _ = process.communicate(timeout=60)
            ends.append((process.returncode, said.count("\n")))
    assert ends == [(0, 60)] * 4
    assert_whole(path)
    with Store.open(path, SystemClock()) as store:
        assert [len(store.sittings.observations(run)) for run in runs] == [60 * TRIALS] * 4


def test_a_reader_beside_a_writer_sees_only_whole_sittings(tmp_path: Path, root: Path) -> None:
    path = tmp_path / "parlab.db"
    with writer(root, path, "7f3a", 150) as process, Store.open(path, SystemClock()) as store:
        seen, cursor, looks = 0, 0, 0
        deadline = time.monotonic() + 30
        while seen < 150 * TRIALS and time.monotonic() < deadline:
            more, cursor = store.sittings.observations_since("7f3a", cursor)
            assert len(more) % TRIALS == 0
            seen += len(more)
            looks += bool(more)
            whole = [trial.sitting for trial in store.sittings.trials("7f3a")] if looks == 3 else []
            assert len(whole) % TRIALS == 0
        assert process.wait(10) == 0
        assert seen == 150 * TRIALS
        assert looks > 1, "it read while the other wrote"
        assert len(store.sittings.observations("7f3a")) == seen


def test_a_writer_waits_for_another_ones_transaction(tmp_path: Path, root: Path) -> None:
    path = tmp_path / "parlab.db"
    experiment = Experiment("e", "?", (WorkloadChoice("wait", {}),), (StrategyChoice("threads"),))
    with Store.open(path, SystemClock()) as store:
        store.create_run(RunRecord("aaaa", experiment, 1, 1.0))
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with writer(root, path, "bbbb", 1) as process:
                with pytest.raises(subprocess.TimeoutExpired):
                    process.wait(0.7)
                other.execute("COMMIT")
                assert process.wait(15) == 0
        store.sittings.dispatched("aaaa", "s0", 1, "g", 0, "n1", "j", 1.0)
        trial = TrialResult("t", "c", "measured", rounds=(Round(0, 0, 0.5),))
        assert store.sittings.record(SittingResult("aaaa", "s0", 1, "n1", "h", "b", 1.0, 1.0, (trial,)))
