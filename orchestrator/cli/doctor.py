"""``parlab doctor``: what can be measured on this machine, and how well."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from parlab.orchestrator.cli import options
from parlab.orchestrator.cli.help import MEASURE, Family
from parlab.workers.errors import BadInput

if TYPE_CHECKING:
    from pathlib import Path

    from parlab.orchestrator.control.sources import Source
    from parlab.orchestrator.experiment.model import Experiment

commands = Family(MEASURE)


@commands.add("parlab doctor", "parlab doctor --self-test --budget 5m")
def doctor(
    self_test: Annotated[
        bool,
        typer.Option(
            "--self-test",
            help="Measure what is known (the same code twice, slowdowns of 2, 5 and 10 %) to see how far "
            "verdicts can be trusted, and how precise they become.",
        ),
    ] = False,
    budget: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="How long the self-test may take (default: 5m per build)."),
    ] = None,
    python: options.Pythons = None,
    lab: options.Lab = None,
    seed: options.Seed = None,
    json: options.Json = None,
) -> None:
    """Examine this machine: what it can measure, how well, and what to do about the rest."""
    from parlab.orchestrator.analysis.selftest.judged import EXPERIMENT
    from parlab.orchestrator.cli.run import check_writable, seeded
    from parlab.orchestrator.control.sources import source_of
    from parlab.orchestrator.doctor import examination
    from parlab.orchestrator.experiment.file import load, override_stop
    from parlab.orchestrator.plan.pythons import choose_pythons
    from parlab.orchestrator.settings import from_process

    settings = from_process()
    if not self_test:
        if any(option is not None for option in (budget, python, lab, seed, json)):
            raise BadInput("these options are only for a self-test", "Add --self-test, or leave them out.")
        checks = examination.examine(settings)
        examination.write(checks, sys.stdout)
        raise typer.Exit(examination.exit_code(checks))
    check_writable(json)
    source = source_of(settings, lab)
    experiment = override_stop(load(EXPERIMENT), budget=budget, blocks=None, precision=None)
    experiment = choose_pythons(seeded(experiment, seed), tuple(python or ()), None, local=source.local)
    raise typer.Exit(_self_test(source, experiment, json))


def _self_test(source: Source, experiment: Experiment, file: Path | None) -> int:
    """Look at this machine, or a lab's nodes, by measuring what is known; the exit code is returned."""
    from parlab.orchestrator.doctor import examination, selftest

    # What this machine is like says nothing of a lab's.
    checks = examination.examine(source.settings) if source.local else []
    prevented = examination.exit_code(checks)
    if checks:
        examination.write(checks, sys.stdout, closing=None if prevented else "")
        sys.stdout.flush()
    if prevented:
        return prevented
    with source:
        measured = selftest.measure(source, experiment)
    try:
        if file is not None:
            selftest.write_json(measured, checks, file)
    finally:
        selftest.write(measured, sys.stdout)
    return selftest.exit_code(measured)
