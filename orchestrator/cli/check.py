"""``parlab check``: what can be said of a function before it is measured."""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from parlab.orchestrator.experiment.functions import read_function
from parlab.orchestrator.experiment.reader import TableReader
from parlab.orchestrator.lab.backend import project_folders
from parlab.orchestrator.plan.preflight import Mark, Preflight, examine
from parlab.workers.errors import BadInput
from parlab.workers.host.builds import read_builds
from parlab.workers.wire.spec import OwnFunction

_MARKS: Mapping[Mark, str] = {"ok": "✓", "note": "!", "limit": "–", "refused": "✗"}
#: Exit code where nothing can be run (docs/exit-codes.md).
REFUSED = 1


def check_function(given: Mapping[str, Any], pythons: Sequence[str], environ: Mapping[str, str]) -> int:
    """Look at a function in each interpreter and print what was found; the exit code is returned.

    Args:
        given: as a [[workload]] table has it: function, inputs, check, setup, teardown.
        pythons: interpreters: paths, or names on the PATH; none: the one that runs parlab.
        environ: of this process.

    Raises:
        BadInput: an argument cannot be used.
        InterpreterUnusable: an interpreter is missing, too old, or not Python.
    """
    function = named_function(given, "check")
    found = [
        examine(function, build, project_folders(environ))
        for build in read_builds(pythons or (sys.executable,))
    ]
    for one in found:
        _show(one)
    return REFUSED if all(one.refusal is not None for one in found) else 0


def named_function(given: Mapping[str, Any], command: str) -> OwnFunction:
    """Read a function and what belongs to it from a command's options.

    Raises:
        BadInput: an option cannot be used.
    """
    problems: list[str] = []
    table = {key: value for key, value in given.items() if value is not None}
    function = read_function(TableReader("the command line", problems), table, "", Path())
    if function is None:
        shown = "; ".join(problem.replace("the command line: .", "--") for problem in problems)
        shown = shown.replace("--async_function", "--async")
        raise BadInput(shown, f"parlab {command} shop.images:thumbnail --inputs uploads.jsonl")
    return function


def _show(found: Preflight) -> None:
    build = found.build
    print(f"{found.function} · {build.implementation} {build.id} · {build.executable}")
    columns = min(shutil.get_terminal_size((100, 24)).columns, 110)
    width = max((len(finding.about) for finding in found.findings), default=0)
    for finding in found.findings:
        lead = f"  {_MARKS[finding.mark]} {finding.about:<{width}}  "
        later = " " * len(lead)
        print(textwrap.fill(finding.text, columns, initial_indent=lead, subsequent_indent=later))
        if finding.cure:
            print(textwrap.fill(finding.cure, columns, initial_indent=later, subsequent_indent=later))
    out = _ruled_out(found)
    if out:
        print(f"  cannot run it: {', '.join(out)}")
    print()


def _ruled_out(found: Preflight) -> list[str]:
    from parlab.workers import catalog

    if found.refusal is not None:
        return ["any strategy"]
    return [name for name in catalog.available("strategies") if found.against(name) is not None]
