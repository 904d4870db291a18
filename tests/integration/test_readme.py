"""README's example of a function of one's own, done as it says in an empty folder."""

from __future__ import annotations

import re
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

FILES = re.compile(r"```(?:toml|python|json) (\S+)\n(.*?)```", re.DOTALL)


def test_the_example_of_an_own_function_works_in_an_empty_folder(root: Path, parlab: Any) -> None:
    folder = parlab.home / "empty"
    folder.mkdir()
    for name, text in FILES.findall((root / "README.md").read_text("utf-8")):
        (folder / name).write_text(text, "utf-8")
    assert {path.name for path in folder.iterdir()} == {"shop.py", "uploads.jsonl", "shop.toml"}
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder / ".venv")], check=True)
    python = folder / ".venv" / "bin" / "python"
    asked = [str(python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    site = subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()
    # What an installation of parlab would put there.
    Path(site, "parlab.pth").write_text(f"{root}\n{sysconfig.get_path('purelib')}\n")

    def run(*arguments: str) -> str:
        ran = subprocess.run(
            [str(python), "-m", "orchestrator", *arguments],
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
    assert "the same twice" in looked
    assert "cannot run it: asyncio\n" in looked
    shown = run("run", "shop.toml", "--set", "stop.rule=fixed", "--set", "stop.blocks=2")
    for strategy in ("serial", "threads ×", "processes ×"):
        assert strategy in shown
    assert "failed" not in shown
