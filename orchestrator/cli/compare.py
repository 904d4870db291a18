"""``parlab compare``: runs, hosts, nodes, builds or workloads side by side, and a gate."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from parlab.orchestrator.cli import options
from parlab.orchestrator.cli.help import LOOK, Family
from parlab.workers.errors import BadInput, EnvironmentFault

commands = Family(LOOK)


@commands.add("parlab compare 7f3a 81c0", "parlab compare 7f3a 81c0 --fail-on gains-less:5%")
def compare(
    runs: options.Runs,
    by: Annotated[
        str | None,
        typer.Option(
            metavar="AXIS",
            help="What to compare: run, host, node, python or workload (default: what there are several of).",
        ),
    ] = None,
    baseline: Annotated[
        str | None,
        typer.Option(metavar="VALUE", help="What the others are compared with (default: the first)."),
    ] = None,
    fail_on: Annotated[
        list[str] | None,
        typer.Option(
            metavar="WORD:PERCENT",
            help="Exit with 10 if the last one is shown to be so: slower:5%, gains-less:5%; repeatable.",
        ),
    ] = None,
    format_: Annotated[
        str,
        typer.Option(
            "--format", "-f", metavar="FORMAT", help="terminal, markdown or json (docs/compare.md)."
        ),
    ] = "terminal",
    output: options.Output = None,
    lab: options.Lab = None,
) -> None:
    """Compare runs, or the hosts, nodes, builds or workloads of one run."""
    import io

    from parlab.orchestrator.analysis.across.compare import compare as compare_measured
    from parlab.orchestrator.analysis.across.gate import EXIT_CODES, read_condition
    from parlab.orchestrator.analysis.across.sample import AXES
    from parlab.orchestrator.control.sources import load_runs
    from parlab.orchestrator.settings import from_process
    from parlab.orchestrator.show.report.destination import write_file
    from parlab.orchestrator.show.text.comparison import writer

    axis = next((known for known in AXES if known == by), None)
    if by is not None and axis is None:
        raise BadInput(f"--by {by}: there is no such axis", f"Name one of: {', '.join(AXES)}.")
    if output is not None and not output.absolute().parent.is_dir():
        raise EnvironmentFault(
            f"cannot write {output}: its folder is not there", "Name a file in a folder that is."
        )
    conditions = [read_condition(text) for text in fail_on or ()]
    write = writer(format_)
    finding = compare_measured(load_runs(from_process(), runs, lab), axis, baseline, conditions)
    if output is None:
        write(finding, sys.stdout)
    else:
        text = io.StringIO()
        write(finding, text)
        write_file(output, text.getvalue().encode())
    if finding.gate is None:
        return
    if output is not None:
        verdict = "\n  ".join([f"parlab: gate {finding.gate.word}", *finding.gate.reasons])
        sys.stderr.write(f"{verdict}\n")
    raise typer.Exit(EXIT_CODES[finding.gate.word])
