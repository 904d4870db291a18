"""``parlab run`` and ``parlab resume``: from an experiment to its answer."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from parlab.orchestrator.cli import options
from parlab.orchestrator.cli.help import MEASURE, Family
from parlab.workers.errors import BadInput

if TYPE_CHECKING:
    from parlab.orchestrator.analysis.view import RunView
    from parlab.orchestrator.control.sources import Source
    from parlab.orchestrator.experiment.model import Experiment

#: Exit code (docs/exit-codes.md).
FAILED = 1
#: As an experiment file's.
_MOST_SEED = 2**31 - 1

commands = Family(MEASURE)


@commands.add("parlab run", "parlab run article --python 3.11 --python 3.13t --budget 3m")
def run(
    experiment: Annotated[
        str,
        typer.Argument(metavar="FILE|NAME", help="An experiment file, or the name of one that ships."),
    ] = "article",
    python: options.Pythons = None,
    gil: options.Gil = None,
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="Change a value of the file: workload.wait.seconds=0.1; repeatable.",
        ),
    ] = None,
    seed: options.Seed = None,
    budget: options.Budget = None,
    blocks: options.Blocks = None,
    precision: options.Precision = None,
    redis: options.Redis = None,
    lab: options.Lab = None,
    fleet: Annotated[
        bool,
        typer.Option("--fleet", help="Start the nodes that the file describes by limits, in containers."),
    ] = False,
    json: options.Json = None,
    quiet: options.Quiet = False,
) -> None:
    """Run an experiment and say what is fastest, by how much, and how sure that is."""
    from parlab.orchestrator.control.sources import source_of
    from parlab.orchestrator.experiment.file import load, override_stop
    from parlab.orchestrator.plan.pythons import choose_pythons
    from parlab.orchestrator.settings import from_process

    settings = from_process()
    asked = override_stop(
        load(experiment, tuple(set_ or ())), budget=budget, blocks=blocks, precision=precision
    )
    asked = seeded(asked, seed)
    source = source_of(settings, lab, redis, quiet=quiet)
    _check_fleet(asked, fleet, of_a_server=not source.local and source.lab_url is None)
    asked = choose_pythons(asked, tuple(python or ()), gil, local=source.local and not fleet)
    check_writable(json)
    with source:
        finish(source.run(asked), source, json, quiet=quiet)


@commands.add("parlab resume 7f3a", "parlab resume 7f3a --precision 2% --budget 10m")
def resume(
    run: options.Run,
    budget: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="How long it may continue: 90s, 10m (default: what is left)."),
    ] = None,
    blocks: options.Blocks = None,
    precision: options.Precision = None,
    redis: options.Redis = None,
    lab: options.Lab = None,
    json: options.Json = None,
    quiet: options.Quiet = False,
) -> None:
    """Continue a run that was stopped, or continue to more precision."""
    from parlab.orchestrator.control.sources import Changes, source_of
    from parlab.orchestrator.settings import from_process

    settings = from_process()
    check_writable(json)
    with source_of(settings, lab, redis, quiet=quiet) as source:
        finish(source.resume(run, Changes(budget, blocks, precision)), source, json, quiet=quiet)


def _check_fleet(experiment: Experiment, asked: bool, *, of_a_server: bool) -> None:  # noqa: FBT001 - an option
    """Refuse an experiment whose nodes are to be made where that was not asked for, and the other way."""
    if experiment.fleet and not asked:
        raise BadInput(
            "the experiment has [[node]] with limits: such nodes are made for the run",
            "Add --fleet; it needs a Docker engine.",
        )
    if asked and not experiment.fleet:
        raise BadInput(
            "--fleet makes the nodes that an experiment describes, but this one describes none",
            "Add to it: [[node]] cpus = [1, 2].",
        )
    if asked and of_a_server:
        raise BadInput("--fleet makes nodes here or in a lab, not on another server", "Leave out --redis.")


def seeded(experiment: Experiment, seed: int | None) -> Experiment:
    """Give an experiment the seed that was asked for; raises BadInput for one that is none."""
    from dataclasses import replace

    return experiment if seed is None else replace(experiment, seed=checked_seed(seed))


def checked_seed(seed: int | None) -> int | None:
    """Give a seed as it was given; raises BadInput for one that is none."""
    if seed is not None and not 0 <= seed <= _MOST_SEED:
        raise BadInput(f"--seed {seed}: it must be from 0 to {_MOST_SEED}", "Write --seed 1.")
    return seed


def check_writable(path: Path | None) -> None:
    """Refuse a result file that cannot be written, before the run and not after it."""
    import os

    if path is None:
        return
    if path.is_dir() or not path.parent.is_dir():
        raise BadInput(
            f"--json {path}: this is not a file that can be written", "Name a file in a folder that exists."
        )
    if not os.access(path.parent, os.W_OK):
        raise BadInput(f"--json {path}: its folder cannot be written", "Name a file in another folder.")


def finish(run: RunView, source: Source, file: Path | None, *, quiet: bool, form: str = "json") -> None:
    """Write a run's file, show it, and write its report; a fault of one output costs no other.

    Raises:
        typer.Exit: always, with the exit code.
    """
    from parlab.orchestrator.show.formats.base import attempt, output, write_file
    from parlab.orchestrator.show.report.after_run import close_with_report

    try:
        if file is not None:
            write_file(output(form), run, file)
    finally:
        if not quiet:
            problem = attempt(output("terminal"), run, sys.stdout)
            if problem is not None:
                print(f"parlab: {problem}", file=sys.stderr)
            # Last: it takes seconds, and what was found is there to be read meanwhile.
            close_with_report(run, source.settings, source.lab_url)
    failed = any(row.problem and not row.skipped for g in run.finding.groups for row in g.configurations)
    raise typer.Exit(FAILED if failed else 0)
