"""README's pictures are what the code makes of the stored result, and README shows them with their words."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from benchmarks.pictures import FOLDER, RESULT, pictures, stored
from parlab.orchestrator.show.report.files import PictureFile


@pytest.fixture(scope="module")
def drawn() -> list[PictureFile]:
    return pictures(stored())


def test_the_committed_pictures_are_what_is_drawn(drawn: list[PictureFile]) -> None:
    committed = {path.name for path in FOLDER.glob("*.svg")}
    assert committed == {one.file for one in drawn}
    for one in drawn:
        assert (FOLDER / one.file).read_bytes() == one.content, f"{one.file}: run make pictures"


def test_readme_shows_three_with_what_they_say(root: Path, drawn: list[PictureFile]) -> None:
    readme = (root / "README.md").read_text(encoding="utf-8")
    shown = dict(re.findall(r'<img src="docs/pictures/([^"]+)" alt="([^"]+)"', readme))
    assert set(shown) == {one.file for one in drawn}
    assert len(shown) == 3
    assert all(len(words) > 30 for words in shown.values())


def test_the_stored_result_is_small() -> None:
    assert RESULT.stat().st_size < 400_000
