"""README is short, the index names every page, and every link between pages leads somewhere."""

from __future__ import annotations

import re
from pathlib import Path

MOST_LINES = 200


def text_of(page: Path) -> str:
    """Give a page's text without its code blocks, whose brackets are no links."""
    return re.sub(r"```.*?```", "", page.read_text("utf-8"), flags=re.DOTALL)


def anchors(page: Path) -> set[str]:
    titles = re.findall(r"^#+ (.+)$", text_of(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def test_readme_has_at_most_200_lines(root: Path) -> None:
    assert len((root / "README.md").read_text("utf-8").splitlines()) <= MOST_LINES


def test_the_index_names_every_page(root: Path) -> None:
    linked = set(re.findall(r"\]\(([^)#]+)", text_of(root / "docs" / "README.md")))
    pages = {page.name for page in (root / "docs").glob("*.md")} - {"README.md"}
    assert pages <= linked


def test_every_link_between_pages_leads_somewhere(root: Path) -> None:
    for page in (root / "README.md", root / "CONTRIBUTING.md", *(root / "docs").rglob("*.md")):
        for link in re.findall(r"\]\(([^)\s]+)\)|<img src=\"([^\"]+)\"", text_of(page)):
            path, _, anchor = (link[0] or link[1]).partition("#")
            if path.startswith("http"):
                continue
            target = (page.parent / path).resolve() if path else page
            assert target.exists(), f"{page.name}: {path}"
            assert not anchor or anchor in anchors(target), f"{page.name}: {path}#{anchor}"
