"""Compose files, as far as they can be checked without an engine; tests/lab runs them."""

from __future__ import annotations

import re
from pathlib import Path

FILES = ("docker-compose.yml", "docker-compose.node.yml")


def test_every_setting_is_explained_and_every_one_that_is_explained_is_used(root: Path) -> None:
    used = {name for file in FILES for name in re.findall(r"\$\{(\w+)", (root / file).read_text())}
    explained = set(re.findall(r"^#(\w+)=", (root / ".env.example").read_text(), re.MULTILINE))
    assert used == explained


def test_defaults_that_are_explained_are_those_that_hold(root: Path) -> None:
    text = "".join((root / file).read_text() for file in FILES)
    held: dict[str, set[str]] = {}
    for name, default in re.findall(r"\$\{(\w+):?-([^}]*)\}", text):
        held.setdefault(name, set()).add(default)
    said = dict(re.findall(r"^#(\w+)=(.*)$", (root / ".env.example").read_text(), re.MULTILINE))
    examples = {"PARLAB_REDIS_ADDRESS", "PARLAB_FREETHREADED_DOCKERFILE", "PARLAB_FREETHREADED_IMAGE"}
    for name, defaults in held.items():
        assert len(defaults) == 1, f"{name} has several defaults: {defaults}"
        if name not in examples:
            assert said[name] in defaults, name


def test_images_of_others_are_pinned_and_ports_are_bound(root: Path) -> None:
    text = (root / "docker-compose.yml").read_text()
    for image in re.findall(r"^ +image: ([\w./-]+:?\S*)$", text, re.MULTILINE):
        if not image.startswith("${"):
            assert re.search(r":v?\d+\.\d+", image), image
    for ports in re.findall(r"^ +ports: (.*)$", text, re.MULTILINE):
        assert re.fullmatch(r'\["\$\{PARLAB_(REDIS_)?BIND:-127\.0\.0\.1\}:.*"\]', ports), ports
    assert "docker.sock" not in text


def test_no_secret_is_in_a_file_of_the_repository(root: Path) -> None:
    for file in (*FILES, ".env.example", "Makefile", "prometheus/prometheus.yml"):
        text = (root / file).read_text()
        assert not re.search(r"parlab1\.\w", text), file
        assert not re.search(r"(?i)password *[:=] *\S", text), file
    assert ".env" in (root / ".gitignore").read_text().split()


def test_every_variable_that_the_programs_read_is_in_the_docs(root: Path) -> None:
    read: set[str] = set()
    for folder in ("orchestrator", "workers"):
        for path in (root / folder).rglob("*.py"):
            read |= set(re.findall(r'"(PARLAB_[A-Z_]+)"', path.read_text()))
    pages = [*(root / "docs").rglob("*.md"), root / "README.md", root / ".env.example"]
    said = set(re.findall(r"PARLAB_[A-Z_]+", "".join(page.read_text() for page in pages)))
    # What a trial is found by among processes.
    assert read - said <= {"PARLAB_TRIAL"}
