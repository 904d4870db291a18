"""``parlab check``: what can be said of a function before it is measured."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import typer

from parlab.orchestrator.cli import options
from parlab.orchestrator.cli.help import MEASURE, Family
from parlab.workers.errors import BadInput

if TYPE_CHECKING:
    from parlab.orchestrator.plan.preflight import Mark, Preflight
    from parlab.workers.wire.spec import OwnFunction

_MARKS: Mapping[Mark, str] = {"ok": "✓", "note": "!", "limit": "–", "refused": "✗"}
#: Exit code where nothing can be run (docs/exit-codes.md).
_REFUSED = 1

commands = Family(MEASURE)


@commands.add(
    "parlab check shop.images:thumbnail --inputs uploads.jsonl",
    "parlab check shop.images:thumbnail --python python3.13t",
)
def check(
    function: options.Function,
    inputs: options.Inputs = None,
    async_function: options.AsyncFunction = None,
    check_: options.CheckResult = None,
    setup: options.Setup = None,
    teardown: options.Teardown = None,
    python: options.Pythons = None,
) -> None:
    """Check a function of yours in seconds: what it does, and what can run it."""
    import os
    import sys

    from parlab.orchestrator.lab.backend import project_folders
    from parlab.orchestrator.plan.preflight import examine
    from parlab.workers.host.builds import read_builds

    named = read_own_function("check", function, inputs, async_function, check_, setup, teardown)
    preflights = [
        examine(named, build, project_folders(os.environ))
        for build in read_builds(python or (sys.executable,))
    ]
    for preflight in preflights:
        _show(preflight)
    raise typer.Exit(_REFUSED if all(preflight.refusal is not None for preflight in preflights) else 0)


def read_own_function(
    command: str,
    function: str,
    inputs: str | None,
    async_function: str | None,
    check: str | None,
    setup: str | None,
    teardown: str | None,
) -> OwnFunction:
    """Read a function and what belongs to it from a command's options.

    Raises:
        BadInput: an option cannot be used.
    """
    from pathlib import Path

    from parlab.orchestrator.experiment.functions import read_function
    from parlab.orchestrator.experiment.reader import TableReader

    given: dict[str, Any] = {
        "function": function, "inputs": inputs, "async_function": async_function,
        "check": check, "setup": setup, "teardown": teardown,
    }  # fmt: skip
    table = {key: value for key, value in given.items() if value is not None}
    problems: list[str] = []
    own = read_function(TableReader("the command line", problems), table, "", Path())
    if own is None:
        shown = "; ".join(problem.replace("the command line: .", "--") for problem in problems)
        shown = shown.replace("--async_function", "--async")
        raise BadInput(shown, f"parlab {command} shop.images:thumbnail --inputs uploads.jsonl")
    return own


def _show(preflight: Preflight) -> None:
    import shutil
    import textwrap

    build = preflight.build
    print(f"{preflight.function} · {build.implementation} {build.id} · {build.executable}")
    columns = min(shutil.get_terminal_size((100, 24)).columns, 110)
    width = max((len(finding.about) for finding in preflight.findings), default=0)
    for finding in preflight.findings:
        lead = f"  {_MARKS[finding.mark]} {finding.about:<{width}}  "
        later = " " * len(lead)
        print(textwrap.fill(finding.text, columns, initial_indent=lead, subsequent_indent=later))
        if finding.cure:
            print(textwrap.fill(finding.cure, columns, initial_indent=later, subsequent_indent=later))
    out = _ruled_out(preflight)
    if out:
        print(f"  cannot run it: {', '.join(out)}")
    print()


def _ruled_out(preflight: Preflight) -> list[str]:
    from parlab.workers import catalog

    if preflight.refusal is not None:
        return ["any strategy"]
    return [name for name in catalog.available("strategies") if preflight.against(name) is not None]
