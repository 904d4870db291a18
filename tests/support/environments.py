"""Virtual environments as a user would have them, without a network."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
from collections.abc import Mapping
from pathlib import Path


def virtual_environment(folder: Path, *paths: Path) -> Path:
    """Make one whose interpreter also finds what lies in ``paths``, as an editable installation does it.

    By a ``.pth`` file, which only a started site reads. The interpreter is returned.
    """
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    python = folder / "bin" / "python"
    site = site_of(python)
    (site / "paths.pth").write_text("".join(f"{path}\n" for path in paths), "utf-8")
    return python


def site_of(python: Path) -> Path:
    """Ask an interpreter where its packages are installed."""
    asked = [str(python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    return Path(subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip())


def own_packages() -> Path:
    """Where what parlab needs is installed: for environments that have parlab, too."""
    return Path(sysconfig.get_path("purelib"))


def add_distribution(python: Path, name: str, files: Mapping[str, str], entry_points: str = "") -> None:
    """Install a distribution into an interpreter's site-packages, as far as imports and metadata go."""
    site = site_of(python)
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n"
    about = {"METADATA": metadata, "entry_points.txt": entry_points}
    told = {f"{name}-1.0.dist-info/{file}": text for file, text in about.items()}
    for path, text in {**files, **told}.items():
        (site / path).parent.mkdir(parents=True, exist_ok=True)
        (site / path).write_text(text, "utf-8")
