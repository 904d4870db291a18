"""docs/own-functions.md's example, done as it says in an empty folder."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

from tests.support.environments import own_packages, virtual_environment

FILES = re.compile(r"```(?:toml|python|json) (\S+)\n(.*?)```", re.DOTALL)


def test_the_example_of_an_own_function_works_in_an_empty_folder(root: Path, parlab: Any) -> None:
    folder = parlab.home / "empty"
    folder.mkdir()
    for name, text in FILES.findall((root / "docs" / "own-functions.md").read_text("utf-8")):
        (folder / name).write_text(text, "utf-8")
    assert {path.name for path in folder.iterdir()} == {"shop.py", "uploads.jsonl", "shop.toml"}
    # What an installation of parlab would put there.
    python = virtual_environment(folder / ".venv", root / "src", own_packages())

    def run(*arguments: str) -> str:
        ran = subprocess.run(
            [str(python), "-m", "parlab", *arguments],
            cwd=folder,
            env={**parlab.environment(), "PYTHONPATH": ""},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert ran.returncode == 0, ran.stderr
        return ran.stdout

    looked = run("check", "shop:digest", "--inputs", "uploads.jsonl")
    assert "the same both times" in looked
    assert "cannot run it: asyncio\n" in looked
    shown = run("run", "shop.toml", "--set", "stop.rule=fixed", "--set", "stop.blocks=2")
    for strategy in ("serial", "threads ×", "processes ×"):
        assert strategy in shown
    assert "failed" not in shown
