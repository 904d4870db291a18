"""The spool: a result is on disk whole, or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from parlab.workers.errors import EnvironmentFault, StorageFull
from parlab.workers.node.spool import Spool
from parlab.workers.wire.signing import SignedResult

RESULT = SignedResult("n-7f3a-s1-a1", "result", '{"é":"\\ud800"}', "ab")


def test_what_is_kept_is_there_until_it_is_removed(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")
    spool.keep(RESULT)
    again = Spool(tmp_path / "spool")
    assert (again.count(), again.get(RESULT.job), list(again.results())) == (1, RESULT, [RESULT])
    again.remove(RESULT.job)
    assert (spool.count(), spool.get(RESULT.job), list(spool.results())) == (0, None, [])


def test_removing_what_is_not_there_is_no_error(tmp_path: Path) -> None:
    Spool(tmp_path).remove("n-7f3a-s1-a1")


def test_results_come_in_the_order_in_which_they_were_kept(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    for number, job in enumerate(("n-b-a1", "n-a-a1", "n-c-a1")):
        spool.keep(SignedResult(job, "lost", "x", "y"))
        os.utime(tmp_path / f"{job}.json", (number, number))
    assert [result.job for result in spool.results()] == ["n-b-a1", "n-a-a1", "n-c-a1"]


def test_a_full_disk_is_told_with_the_cure_and_leaves_nothing(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    # Whoever writes to this device finds a full disk.
    (tmp_path / f"{RESULT.job}.part").symlink_to("/dev/full")
    with pytest.raises(StorageFull, match=r"disk of the spool .* is full\n.*PARLAB_SPOOL"):
        spool.keep(RESULT)
    assert list(tmp_path.iterdir()) == []


def test_a_result_that_was_being_written_when_the_machine_stopped_is_none(tmp_path: Path) -> None:
    (tmp_path / "n-7f3a-s1-a1.part").write_text('{"job": "n-7')
    spool = Spool(tmp_path)
    assert (spool.count(), list(spool.results())) == (0, [])


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", "null", '{"job": "n-a-a1"}'])
def test_a_file_that_is_no_result_is_put_aside_and_the_others_are_sent(tmp_path: Path, text: str) -> None:
    spool = Spool(tmp_path)
    spool.keep(RESULT)
    (tmp_path / "n-broken-a1.json").write_text(text)
    assert list(spool.results()) == [RESULT]
    assert spool.count() == 1
    assert (tmp_path / "n-broken-a1.unreadable").exists()


def test_a_spool_that_cannot_be_made_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(EnvironmentFault, match=r"cannot write to the spool .*\n.*--spool"):
        Spool(tmp_path / "file" / "spool")


def test_a_spool_is_for_its_owner_only(tmp_path: Path) -> None:
    assert Spool(tmp_path / "spool").folder.stat().st_mode & 0o777 == 0o700
