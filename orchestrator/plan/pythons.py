"""Choice of the Python builds of a run: what the command line names, else what the experiment says."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import cast

from parlab.orchestrator.experiment.model import Experiment, PythonChoice
from parlab.workers.errors import BadInput
from parlab.workers.host.builds import read_build
from parlab.workers.wire.spec import Gil

_VERSION = re.compile(r"3(\.[0-9]+){1,2}t?")


def choose_pythons(
    experiment: Experiment, executables: Sequence[str], gil: str | None, *, local: bool
) -> Experiment:
    """Put the command line's choice of builds into an experiment.

    On one machine every build is asked what it is before anything is started: a launcher on the
    PATH (a version manager's shim) is replaced by the interpreter that it starts, since its own
    start-up time is none of the build's.

    Args:
        experiment: whose ``pythons`` hold where the command line names none.
        executables: versions; on one machine also names on the PATH, or paths.
        gil: "on", "off" or None.
        local: whether the builds are this machine's.

    Raises:
        BadInput: a state of the GIL that there is not, or the same build twice.
        InterpreterUnusable: an interpreter is missing, too old, or not Python.
    """
    if gil not in (None, "on", "off"):
        raise BadInput(f"--gil {gil}: it must be on or off", "Write --gil on or --gil off.")
    asked = cast("Gil | None", gil)
    choices = experiment.pythons
    if executables:
        choices = tuple(
            # "3.13t" is no name of a program, and means the one that is called so: python3.13t.
            PythonChoice(executable=name)
            if local and not _VERSION.fullmatch(name)
            else PythonChoice(version=name)
            for name in executables
        )
    if asked is not None:
        choices = tuple(replace(choice, gil=asked) for choice in choices)
    if local:
        choices = tuple(_resolved(choice) for choice in choices)
    if len(set(choices)) < len(choices):
        raise BadInput(
            "the same Python build is named twice",
            "Name each build once; to repeat a configuration, give a strategy a label.",
        )
    return replace(experiment, pythons=choices)


def _resolved(choice: PythonChoice) -> PythonChoice:
    if choice.executable is None and choice.version is None:
        return replace(choice, executable=read_build(sys.executable).executable)
    named = choice.executable or f"python{choice.version}"
    return replace(choice, executable=read_build(named).executable, version=None)
