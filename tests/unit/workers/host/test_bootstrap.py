"""The command line and the environment that a trial's interpreter gets."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from parlab.workers.host.bootstrap import TRIALPATH, interpreter_arguments, trial_environment


def test_the_gil_is_set_only_when_it_is_asked_for() -> None:
    assert "-X" not in interpreter_arguments("python", None, 3, 4)
    assert "gil=1" in interpreter_arguments("python", "on", 3, 4)
    assert "gil=0" in interpreter_arguments("python", "off", 3, 4)


def test_the_environment_has_nothing_of_ours() -> None:
    os.environ["PARLAB_ODD"] = "1"
    try:
        environment = trial_environment("t1", 42, temporary="/somewhere")
    finally:
        del os.environ["PARLAB_ODD"]
    assert environment == {
        "PATH": os.defpath,
        "HOME": "/",
        "TMPDIR": "/somewhere",
        "LANG": "C.UTF-8",
        "PYTHONHASHSEED": "42",
        "PARLAB_TRIAL": "t1",
    }


def test_a_users_package_of_the_same_name_is_not_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "workers").mkdir()
    (tmp_path / "workers" / "__init__.py").write_text("raise SystemExit('the wrong package')")
    program = (
        "import sys; sys.path[:0] = sys.argv[1:]; import _parlab_trial.trial.main as t; print(t.__file__)"
    )
    answer = subprocess.run(
        [sys.executable, "-s", "-P", "-S", "-c", program, str(tmp_path), TRIALPATH],
        capture_output=True,
        text=True,
        check=True,
    )
    assert Path(answer.stdout.strip()) == Path(TRIALPATH).parent / "trial" / "main.py"
