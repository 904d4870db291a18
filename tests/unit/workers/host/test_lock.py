"""The host's lock: one sitting at a time, and who waits is told for whom."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from parlab.workers.clock import SystemClock
from parlab.workers.errors import EnvironmentFault, SpecRefused
from parlab.workers.host.lock import Lock, check_fence, is_held, sitting_lock

CLOCK = SystemClock()


def test_a_second_sitting_is_told_who_holds_the_host(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with (
        sitting_lock(CLOCK, "7f3a", "s1", path=path),
        pytest.raises(EnvironmentFault, match=r"held by sitting s1 of run 7f3a \(pid \d+\)"),
        sitting_lock(CLOCK, "81bc", "s9", limit_seconds=0.1, path=path),
    ):
        pass


def test_who_waits_is_told_once_for_whom(tmp_path: Path) -> None:
    path, told = tmp_path / "lock", list[str]()
    with (
        sitting_lock(CLOCK, "7f3a", "s1", path=path),
        pytest.raises(EnvironmentFault),
        sitting_lock(CLOCK, "81bc", "s9", limit_seconds=0.2, path=path, waiting=told.append),
    ):
        pass
    assert told == [f"sitting s1 of run 7f3a (pid {os.getpid()})"]
    with sitting_lock(CLOCK, "81bc", "s9", path=path, waiting=told.append):
        assert len(told) == 1


def test_the_next_sitting_gets_the_host_when_the_first_has_ended(tmp_path: Path) -> None:
    for sitting in ("s1", "s2"):
        with sitting_lock(CLOCK, "7f3a", sitting, limit_seconds=0.0, path=tmp_path / "lock"):
            assert f'"{sitting}"' in (tmp_path / "lock").read_text()


def test_the_lock_goes_with_a_holder_that_is_killed(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    script = (
        "import sys, time; from pathlib import Path; from parlab.workers.host.lock import sitting_lock\n"
        "from parlab.workers.clock import SystemClock\n"
        "with sitting_lock(SystemClock(), 'r', 's', path=Path(sys.argv[1])):\n"
        "    print('held', flush=True); time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", script, str(path)], stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with (
            pytest.raises(EnvironmentFault, match=f"pid {holder.pid}"),
            sitting_lock(CLOCK, "7f3a", "s", limit_seconds=0.1, path=path),
        ):
            pass
        holder.kill()
        began = time.monotonic()
        with sitting_lock(CLOCK, "7f3a", "s", limit_seconds=5.0, path=path):
            assert time.monotonic() - began < 5.0


def test_a_link_in_the_lock_s_place_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "lock").symlink_to(tmp_path / "elsewhere")
    with (
        pytest.raises(EnvironmentFault, match="cannot open the host's lock"),
        sitting_lock(CLOCK, "7f3a", "s", path=tmp_path / "lock"),
    ):
        pass
    assert not (tmp_path / "elsewhere").exists()


def test_a_sitting_of_an_earlier_slot_is_refused_and_one_of_the_newest_is_not() -> None:
    check_fence(3, 3, "boot")
    check_fence(0, 0, "boot")
    with pytest.raises(SpecRefused, match=r"slot 2 of the host .* given to another"):
        check_fence(2, 3, "boot")


def test_who_only_looks_at_a_lock_is_no_holder_and_makes_no_file(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    assert not is_held(path)
    assert not path.exists()
    with Lock(path) as looking:
        assert looking.take(shared=True)
        assert not is_held(path), "another only looks"
    with Lock(path) as lock:
        assert lock.take()
        assert is_held(path)
    assert not is_held(path)


def test_a_lock_that_gets_free_in_time_is_taken(tmp_path: Path) -> None:
    first, second = Lock(tmp_path / "lock"), Lock(tmp_path / "lock")
    assert first.take()
    threading.Timer(0.05, first.close).start()
    with second:
        assert not second.take()
        assert second.take(5.0)
