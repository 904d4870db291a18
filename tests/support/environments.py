"""Virtual environments as a user would have them, without a network."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
from pathlib import Path


def virtual_environment(folder: Path, *paths: Path) -> Path:
    """Make one whose interpreter also finds what lies in ``paths``, as an editable installation does it.

    By a ``.pth`` file, which only a started site reads. The interpreter is returned.
    """
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    python = folder / "bin" / "python"
    asked = [str(python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    site = subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()
    Path(site, "paths.pth").write_text("".join(f"{path}\n" for path in paths), "utf-8")
    return python


def own_packages() -> Path:
    """Where what parlab needs is installed: for environments that have parlab, too."""
    return Path(sysconfig.get_path("purelib"))
