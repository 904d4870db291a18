"""The pictures in README and docs/advise.md are what the code makes of the stored result, with words."""

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


def test_readme_and_the_page_on_advice_show_each_with_what_it_says(
    root: Path, drawn: list[PictureFile]
) -> None:
    shown = {
        page: dict(
            re.findall(
                r'<img src="(?:docs/)?pictures/([^"]+)" alt="([^"]+)"', (root / page).read_text("utf-8")
            )
        )
        for page in ("README.md", "docs/advise.md")
    }
    assert list(shown["README.md"]) == [drawn[0].file]
    assert set(shown["docs/advise.md"]) == {one.file for one in drawn[1:]}
    assert all(len(words) > 30 for pictures in shown.values() for words in pictures.values())


def test_the_stored_result_is_small() -> None:
    assert RESULT.stat().st_size < 400_000
