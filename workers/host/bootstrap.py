"""Command line and environment of a trial's interpreter."""

from __future__ import annotations

import os
from pathlib import Path

from ..wire.spec import Gil

#: Folder that holds the package ``_parlab_trial``; the one entry that is added to ``sys.path``.
TRIALPATH = str(Path(__file__).absolute().parents[1] / "trialpath")

#: What ``-c`` gets. It leaves ``sys.argv`` as a script without arguments has it.
BOOTSTRAP = (
    "import sys; path, command, answer = sys.argv[1:]; del sys.argv[1:]; sys.path.insert(0, path); "
    "from _parlab_trial.trial.main import main; main(int(command), int(answer))"
)

#: The same for a look at a function before anything is measured.
PREFLIGHT_BOOTSTRAP = (
    "import sys; path, answer = sys.argv[1:]; del sys.argv[1:]; sys.path.insert(0, path); "
    "from _parlab_trial.function.preflight import main; main(int(answer))"
)

_GIL_FLAG = {"on": "gil=1", "off": "gil=0"}


def interpreter_arguments(
    executable: str,
    gil: Gil | None,
    command_fd: int,
    answer_fd: int,
    *,
    trialpath: str = TRIALPATH,
    site: bool = False,
) -> list[str]:
    """Give the command line of a trial's interpreter.

    ``-s -P -S`` keep the user's folder, the current folder and site-packages out; ``-I`` would also
    ignore PYTHONHASHSEED. ``-X gil`` is inherited by the processes that a pool spawns. The two file
    descriptors must be passed on (``pass_fds``): JSON lines are read from the first and written to
    the second. ``trialpath`` is another copy's, for tests that add workloads. With ``site`` the
    interpreter has all that its user installed for it, as a user's own function needs.
    """
    flags = ["-P"] if site else ["-s", "-P", "-S"]
    if gil is not None:
        flags += ["-X", _GIL_FLAG[gil]]
    return [executable, *flags, "-c", BOOTSTRAP, trialpath, str(command_fd), str(answer_fd)]


def preflight_arguments(executable: str, answer_fd: int) -> list[str]:
    """Give the command line of an interpreter that looks at a user's own function.

    It reads the request from standard input and writes findings, JSON lines, to the file descriptor,
    which must be passed on.
    """
    return [executable, "-P", "-c", PREFLIGHT_BOOTSTRAP, TRIALPATH, str(answer_fd)]


def trial_environment(
    trial: str,
    hash_seed: int,
    *,
    path: str = os.defpath,
    home: str = "/",
    temporary: str = "/tmp",  # noqa: S108 - what POSIX has; a node passes its own folder
) -> dict[str, str]:
    """Give a trial's environment, made from nothing, so that a node's own cannot change a figure.

    ``hash_seed`` (0 to 4294967295) is the same for all trials of a sitting: the order of sets must
    not differ between what is compared.
    """
    return {
        "PATH": path,
        "HOME": home,
        "TMPDIR": temporary,
        "LANG": "C.UTF-8",
        "PYTHONHASHSEED": str(hash_seed),
        "PARLAB_TRIAL": trial,
    }
