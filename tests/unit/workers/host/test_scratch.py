"""A sitting's temporary folder, and what becomes of it when its guardian is killed."""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from parlab.workers.host.scratch import remove_abandoned, scratch


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_the_folder_goes_with_all_that_is_in_it(temporary: Path) -> None:
    with scratch() as folder:
        Path(folder, "left").write_text("x")
        assert Path(folder).parent == temporary
    assert list(temporary.iterdir()) == []


def test_the_folder_of_a_killed_guardian_is_removed_and_no_other(temporary: Path) -> None:
    script = (
        "import sys, tempfile, time\n"
        f"tempfile.tempdir = {str(temporary)!r}\n"
        "from parlab.workers.host.scratch import scratch\n"
        "with scratch() as folder:\n    print(folder, flush=True)\n    time.sleep(60)\n"
    )
    killed = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert killed.stdout is not None
    abandoned = Path(killed.stdout.readline().strip())
    (temporary / "parlab-sitting-notes").mkdir()
    with scratch() as folder:
        remove_abandoned()
        assert abandoned.exists()
        killed.send_signal(signal.SIGKILL)
        killed.wait()
        killed.stdout.close()
        remove_abandoned()
        assert not abandoned.exists()
        assert Path(folder).exists()
        assert (temporary / "parlab-sitting-notes").exists()
