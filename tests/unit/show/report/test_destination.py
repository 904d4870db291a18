"""Destinations of reports: nobody else's file or folder is written over, a file is whole or not there."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from parlab.orchestrator.show.report.destination import (
    INDEX,
    check_file,
    check_folder,
    write_file,
    write_folder,
)
from parlab.workers.errors import BadInput, EnvironmentFault

REPORT = b'<!doctype html>\n<meta charset="utf-8">\n<meta name="generator" content="parlab 1.0">\n'


def test_a_file_of_somebody_elses_is_refused_unless_forced(tmp_path: Path) -> None:
    target = tmp_path / "notes.html"
    target.write_text("my notes")
    with pytest.raises(BadInput, match="not a report made by parlab") as refused:
        check_file(target, force=False)
    assert "--force" in refused.value.hint
    check_file(target, force=True)
    assert target.read_text() == "my notes"


@pytest.mark.parametrize("content", [REPORT, b"<!-- parlab report, parlab 1.0 -->\n# T\n", b""])
def test_a_report_of_parlabs_is_replaced_without_asking(tmp_path: Path, content: bytes) -> None:
    target = tmp_path / "report.html"
    target.write_bytes(content)
    check_file(target, force=False)
    write_file(target, b"new")
    assert target.read_bytes() == b"new"
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="is a folder") as refused:
        check_file(tmp_path, force=True)
    assert str(tmp_path / "report.html") in refused.value.hint


def test_folders_above_a_target_are_made(tmp_path: Path) -> None:
    write_file(tmp_path / "a" / "b" / "report.html", b"x")
    assert (tmp_path / "a" / "b" / "report.html").read_bytes() == b"x"


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real.html").write_bytes(REPORT)
    (tmp_path / "link.html").symlink_to(tmp_path / "real.html")
    write_file(tmp_path / "link.html", b"new")
    assert (tmp_path / "link.html").is_symlink()
    assert (tmp_path / "real.html").read_bytes() == b"new"


@pytest.mark.parametrize("name", ["file/report.html", f"{'x' * 300}.html"])
def test_a_target_that_cannot_be_written_is_a_fault_with_a_cure(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(EnvironmentFault, match="cannot write") as fault:
        check_file(tmp_path / name, force=False)
    assert "-o FILE" in fault.value.hint
    with pytest.raises(EnvironmentFault, match="cannot write"):
        write_file(tmp_path / name, b"x")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_full_disk_is_a_fault_and_no_traceback() -> None:
    with pytest.raises(EnvironmentFault, match="No space left"):
        write_file(Path("/dev/full"), b"x")


def test_a_folder_with_other_things_is_refused_unless_forced(tmp_path: Path) -> None:
    (tmp_path / "photo.png").write_bytes(b"x")
    with pytest.raises(BadInput, match="something other") as refused:
        check_folder(tmp_path, force=False)
    assert "--force" in refused.value.hint
    check_folder(tmp_path, force=True)
    check_folder(tmp_path / "new", force=False)
    (tmp_path / "empty").mkdir()
    check_folder(tmp_path / "empty", force=False)
    with pytest.raises(BadInput, match="is a file"):
        check_folder(tmp_path / "photo.png", force=True)


def test_a_folder_of_pictures_is_renewed_and_keeps_what_is_not_its_own(tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    write_folder(folder, {"a.svg": b"1", "b.svg": b"2"}, {"charts": [{"file": "a.svg"}, {"file": "b.svg"}]})
    (folder / "mine.svg").write_bytes(b"x")
    check_folder(folder, force=False)
    write_folder(folder, {"a.svg": b"3"}, {"charts": [{"file": "a.svg"}]})
    assert sorted(path.name for path in folder.iterdir()) == ["a.svg", INDEX, "mine.svg"]
    assert (folder / "a.svg").read_bytes() == b"3"


def test_an_index_reaches_nothing_outside_its_folder(tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    (tmp_path / "other.svg").write_bytes(b"x")
    index = {
        "schema": "parlab/charts/1",
        "charts": [{"file": "../other.svg"}, {"file": ""}, "?", {"file": INDEX}],
    }
    (folder / INDEX).write_text(json.dumps(index))
    write_folder(folder, {"a.svg": b"1"}, {"charts": []})
    assert (tmp_path / "other.svg").exists()
    assert (folder / INDEX).exists()
