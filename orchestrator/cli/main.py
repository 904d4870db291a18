"""The command line: commands, options, exit codes. What they do is elsewhere.

Nothing heavy is imported here or at the start of a command: ``parlab --help`` answers at once, and
each command loads what it needs.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from parlab.orchestrator.cli.advise import add_advise_command
from parlab.orchestrator.cli.compare import add_compare_command
from parlab.orchestrator.cli.fleet import fleet as fleet_commands
from parlab.orchestrator.cli.lab import add_lab_commands
from parlab.orchestrator.cli.report import add_report_command
from parlab.workers.errors import LabError

app = typer.Typer(
    name="parlab",
    help="Threads, processes, asyncio, subinterpreters, free-threaded: what makes your work fastest, "
    "on your machines, and how sure is that?",
    epilog="Start with:  parlab run   (the article's question on this machine, about two minutes)",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode="rich",
)

RunId = Annotated[str, typer.Argument(metavar="RUN", help="A run's id or the start of it (parlab list).")]
Pythons = Annotated[
    list[str] | None,
    typer.Option("--python", metavar="EXE", help="Interpreter to measure; repeat it to compare builds."),
]
GilState = Annotated[
    str | None,
    typer.Option("--gil", metavar="on|off", help="GIL of free-threaded builds (default: the build's)."),
]
Sets = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Change a value of the file: workload.wait.seconds=0.1."),
]
Seed = Annotated[int | None, typer.Option(help="Seed of all random orders (default: drawn, and shown).")]
Budget = Annotated[str | None, typer.Option(metavar="TIME", help="Wall time the run may take: 90s, 10m.")]
Blocks = Annotated[int | None, typer.Option(help="Blocks: at most (sequential rule), exactly (fixed rule).")]
Precision = Annotated[
    str | None, typer.Option(metavar="PERCENT", help="Half-width wanted of a speed-up's interval: 5%.")
]
Redis = Annotated[
    str | None,
    typer.Option(
        metavar="URL", help="An existing server and its nodes (default: PARLAB_REDIS_URL, else own)."
    ),
]
JsonFile = Annotated[
    Path | None, typer.Option("--json", metavar="FILE", help="Write the result there as JSON.")
]
Lab = Annotated[
    str | None,
    typer.Option(
        "--lab", metavar="URL", help="A lab's orchestrator (default: PARLAB_LAB; none: this machine)."
    ),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress and no table; only errors.")]


@app.command(epilog="Example:  parlab run article --python 3.11 --python 3.13t --budget 3m")
def run(
    experiment: Annotated[
        str, typer.Argument(metavar="FILE|NAME", help="An experiment file, or the name of one that ships.")
    ] = "article",
    python: Pythons = None,
    gil: GilState = None,
    set_: Sets = None,
    seed: Seed = None,
    budget: Budget = None,
    blocks: Blocks = None,
    precision: Precision = None,
    redis: Redis = None,
    lab: Lab = None,
    fleet: Annotated[
        bool, typer.Option("--fleet", help="Make the nodes that the file asks for by limits, in containers.")
    ] = False,
    json: JsonFile = None,
    quiet: Quiet = False,
) -> None:
    """Run an experiment and say what is fastest, by how much, and how sure that is."""
    from parlab.orchestrator.cli.run import RunOptions, run_experiment

    options = RunOptions(
        experiment=experiment,
        pythons=tuple(python or ()),
        gil=gil,
        sets=tuple(set_ or ()),
        seed=seed,
        budget=budget,
        blocks=blocks,
        precision=precision,
        redis_url=redis,
        lab_url=lab,
        fleet=fleet,
        json_file=json,
        quiet=quiet,
    )
    raise typer.Exit(run_experiment(options))


@app.command(epilog="Example:  parlab resume 7f3a --precision 2% --budget 10m")
def resume(
    run: RunId,
    budget: Annotated[
        str | None, typer.Option(metavar="TIME", help="Wall time from now on (default: what is left of it).")
    ] = None,
    blocks: Blocks = None,
    precision: Precision = None,
    redis: Redis = None,
    lab: Lab = None,
    json: JsonFile = None,
    quiet: Quiet = False,
) -> None:
    """Go on with a run that was stopped, or go on to more precision."""
    from parlab.orchestrator.cli.run import ResumeOptions, resume_run

    options = ResumeOptions(
        run=run,
        budget=budget,
        blocks=blocks,
        precision=precision,
        redis_url=redis,
        lab_url=lab,
        json_file=json,
        quiet=quiet,
    )
    raise typer.Exit(resume_run(options))


@app.command(epilog="Example:  parlab check shop.images:thumbnail --inputs uploads.jsonl")
def check(
    function: Annotated[str, typer.Argument(metavar="MODULE:FUNCTION", help="What to look at.")],
    inputs: Annotated[
        str | None,
        typer.Option(metavar="FILE|MODULE:NAME", help="Its inputs: JSON, JSON lines, or what makes them."),
    ] = None,
    async_function: Annotated[
        str | None,
        typer.Option("--async", metavar="MODULE:NAME", help="The same work as a coroutine function."),
    ] = None,
    check_: Annotated[
        str | None,
        typer.Option("--check", metavar="MODULE:NAME", help="Called with an input and its result."),
    ] = None,
    setup: Annotated[
        str | None, typer.Option(metavar="MODULE:NAME", help="Called once in each worker before its tasks.")
    ] = None,
    teardown: Annotated[
        str | None, typer.Option(metavar="MODULE:NAME", help="Called once in each worker after its tasks.")
    ] = None,
    python: Pythons = None,
) -> None:
    """Look at a function of yours, in seconds: what it does, and what can run it."""
    import os

    from parlab.orchestrator.cli.check import check_function

    given = {
        "function": function,
        "inputs": inputs,
        "async_function": async_function,
        "check": check_,
        "setup": setup,
        "teardown": teardown,
    }
    raise typer.Exit(check_function(given, tuple(python or ()), os.environ))


@app.command("list", epilog="Example:  parlab list")
def list_(lab: Lab = None) -> None:
    """List the runs that are stored, newest first."""
    from parlab.orchestrator.cli.stored import list_runs

    list_runs(lab)


@app.command(epilog="Example:  parlab show 7f3a")
def show(run: RunId, lab: Lab = None) -> None:
    """Show what a run found."""
    from parlab.orchestrator.cli.stored import show_run

    show_run(run, lab)


@app.command(epilog="Example:  parlab export 7f3a --format json -o result.json")
def export(
    run: RunId,
    format_: Annotated[
        str, typer.Option("--format", "-f", help="Format (see docs/result-schema.md).")
    ] = "json",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Default: standard output.")
    ] = None,
    lab: Lab = None,
) -> None:
    """Write a run with all its trials in a format for other programs."""
    from parlab.orchestrator.cli.stored import export_run

    export_run(run, format_, output, lab)


@app.command("import", epilog="Example:  parlab import result-of-the-other-lab.json")
def import_(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="What parlab export wrote as JSON.")],
) -> None:
    """Take runs of another lab into the store, to be shown and exported here. Again changes nothing."""
    from parlab.orchestrator.cli.stored import import_runs

    import_runs(files)


@app.command(epilog="Example:  parlab experiments")
def experiments() -> None:
    """List the experiments that ship, with the question each answers."""
    from parlab.orchestrator.cli.shipped import list_experiments

    list_experiments()


@app.command(epilog="Example:  parlab workloads")
def workloads() -> None:
    """List the workloads with their parameters."""
    from parlab.orchestrator.cli.shipped import list_workloads

    list_workloads()


@app.command(epilog="Example:  parlab scenarios")
def scenarios() -> None:
    """List the scenarios: what is not tasks per second, with units, variants and conditions."""
    from parlab.orchestrator.cli.shipped import list_scenarios

    list_scenarios()


@app.command(epilog="Example:  parlab strategies")
def strategies() -> None:
    """List the strategies with their options."""
    from parlab.orchestrator.cli.shipped import list_strategies

    list_strategies()


@app.command(
    epilog="Example:  PARLAB_REDIS_URL=redis://lab:6379 parlab node --name laptop --python python3.13"
)
def node(
    name: Annotated[
        str | None, typer.Option(help="Name of the node: its queue, its results, its row in the lab.")
    ] = None,
    redis: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="The lab's server: a URL, or host:port with a join token."),
    ] = None,
    python: Annotated[
        list[str] | None,
        typer.Option("--python", metavar="EXE", help="Interpreter to offer; repeatable (default: this one)."),
    ] = None,
    host: Annotated[
        str | None, typer.Option(help="Name of this host (default: the machine's own id).")
    ] = None,
    wait: Annotated[
        float | None, typer.Option(metavar="SECONDS", help="Wait for a server that is not there yet.")
    ] = None,
) -> None:
    """Offer this machine's Python builds to a lab until Ctrl-C.

    PARLAB_JOIN (or PARLAB_JOIN_FILE) holds the join token that parlab nodes add printed.
    """
    from parlab.orchestrator.cli.run import serve_node

    given = {"--name": name, "--redis": redis, "--host": host, "--wait": wait}
    raise typer.Exit(serve_node(given, tuple(python or ())))


@app.command(epilog="Example:  parlab doctor --self-test --budget 5m")
def doctor(
    self_test: Annotated[
        bool,
        typer.Option(
            "--self-test",
            help="Measure what is known (the same twice, slowdowns of 2, 5 and 10 %): how far verdicts can "
            "be trusted, and how precise they become.",
        ),
    ] = False,
    budget: Annotated[
        str | None, typer.Option(metavar="TIME", help="Wall time of the self-test (default: 5m per build).")
    ] = None,
    python: Pythons = None,
    lab: Lab = None,
    seed: Seed = None,
    json: JsonFile = None,
) -> None:
    """Look at this machine: what can be measured here, how well, and what to do about the rest."""
    from parlab.orchestrator.cli.run import DoctorOptions, diagnose

    options = DoctorOptions(
        self_test=self_test,
        pythons=tuple(python or ()),
        seed=seed,
        budget=budget,
        lab_url=lab,
        json_file=json,
    )
    raise typer.Exit(diagnose(options))


@app.command(epilog="Example:  parlab prune --older-than 30d --yes")
def prune(
    runs: Annotated[list[str] | None, typer.Argument(metavar="RUN...", help="Runs to remove.")] = None,
    older_than: Annotated[str | None, typer.Option(metavar="TIME", help="Runs older than: 30d, 12h.")] = None,
    max_size: Annotated[
        str | None, typer.Option(metavar="SIZE", help="Oldest runs until the rest fits: 500MB, 2GB.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Remove; without it, only list.")] = False,
) -> None:
    """Remove old runs with their spools and streams. Without a criterion and --yes nothing is removed."""
    from parlab.orchestrator.cli.stored import prune_runs

    prune_runs(tuple(runs or ()), older_than, max_size, yes=yes)


add_compare_command(app)
add_report_command(app)
add_advise_command(app)
add_lab_commands(app)
app.add_typer(fleet_commands)


def main() -> None:
    """Run the command line; the one place where errors become messages and exit codes."""
    try:
        app()
    except LabError as error:
        print(f"parlab: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        print("parlab: interrupted", file=sys.stderr)
        sys.exit(130)
    except BrokenPipeError:
        # The reader (head, less) has gone; flushing at exit would print a traceback.
        sys.stderr.close()
        sys.exit(141)
    except ModuleNotFoundError as error:
        from parlab.orchestrator.cli.run import report_bug
        from parlab.orchestrator.show.report.extras import missing_extra

        fault = missing_extra(error)
        if fault is None:
            sys.exit(report_bug(error))
        print(f"parlab: {fault}", file=sys.stderr)
        sys.exit(fault.exit_code)
    except Exception as error:  # noqa: BLE001 - the last place: what ends up here is a bug, and told as one
        from parlab.orchestrator.cli.run import report_bug

        sys.exit(report_bug(error))


if __name__ == "__main__":
    main()
