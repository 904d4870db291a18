"""What the commands do, from their options to an exit code."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from parlab.orchestrator.analysis.view import RunView, view
from parlab.orchestrator.control.lifecycle import RunContext, begin, go_on
from parlab.orchestrator.control.progress import make_progress
from parlab.orchestrator.control.termination import Terminated, exit_code, terminable
from parlab.orchestrator.experiment.file import load, override_stop
from parlab.orchestrator.experiment.model import Experiment
from parlab.orchestrator.lab.backend import project_folders
from parlab.orchestrator.plan.planner import RuledOut, nothing_ruled_out
from parlab.orchestrator.plan.pythons import choose_pythons
from parlab.orchestrator.settings import Settings, from_process
from parlab.orchestrator.show.formats.base import attempt, output, write_file
from parlab.orchestrator.show.report.after_run import close_with_report
from parlab.orchestrator.store.facade import Store
from parlab.orchestrator.store.records import RunRecord
from parlab.workers.clock import SystemClock
from parlab.workers.errors import BadInput, EnvironmentFault

#: Exit codes (docs/exit-codes.md).
FAILED = 1
BUG = 70
#: As an experiment file's.
MOST_SEED = 2**31 - 1


@dataclass(frozen=True)
class RunOptions:
    """Options of ``parlab run``."""

    experiment: str
    pythons: tuple[str, ...]
    gil: str | None
    sets: tuple[str, ...]
    seed: int | None
    budget: str | None
    blocks: int | None
    precision: str | None
    redis_url: str | None
    lab_url: str | None
    fleet: bool
    json_file: Path | None
    quiet: bool


@dataclass(frozen=True)
class ResumeOptions:
    """Options of ``parlab resume``."""

    run: str
    budget: str | None
    blocks: int | None
    precision: str | None
    redis_url: str | None
    lab_url: str | None
    json_file: Path | None
    quiet: bool


@dataclass(frozen=True)
class DoctorOptions:
    """Options of ``parlab doctor``."""

    self_test: bool
    pythons: tuple[str, ...]
    seed: int | None
    budget: str | None
    lab_url: str | None
    json_file: Path | None


def run_experiment(options: RunOptions) -> int:
    """Run an experiment to its end and show it; the exit code is returned."""
    settings = from_process()
    experiment = _experiment(options)
    redis_url, lab_url = place_of(settings, options.redis_url, options.lab_url)
    _check_fleet(experiment, options.fleet, redis_url)
    local = redis_url is None and lab_url is None and not options.fleet
    experiment = choose_pythons(experiment, options.pythons, options.gil, local=local)
    writable(options.json_file)
    if lab_url is not None:
        from parlab.orchestrator.control import remote

        found = remote.run(settings, lab_url, experiment, quiet=options.quiet)
        return finish(found, options.json_file, settings, lab_url, quiet=options.quiet)
    clock = SystemClock()
    with Store.open(settings.store_path, clock) as store:
        place = RunContext(store, settings, clock, make_progress(sys.stderr, quiet=options.quiet), redis_url)
        with interruptible(store, {record.id for record in store.runs()}):
            run = begin(place, experiment, _preflight(place, experiment) if local else nothing_ruled_out)
        return finish(view(store, run), options.json_file, settings, quiet=options.quiet)


def _preflight(place: RunContext, experiment: Experiment) -> RuledOut:
    """Look at the user's own functions, and say what is to be known of them."""
    if all(workload.function is None for workload in experiment.workloads):
        return nothing_ruled_out
    from parlab.orchestrator.plan import preflight

    found = preflight.examine_all(experiment, project_folders(os.environ))
    for _, one in found:
        for finding in one.findings:
            if finding.mark in ("note", "refused"):
                where = f"{one.function} on {one.build.id}"
                place.progress.say(f"{where}: {finding.about}: {finding.text}")
    return preflight.RuledOut(found)


def resume_run(options: ResumeOptions) -> int:
    """Take a run further and show it; the exit code is returned."""
    settings = from_process()
    writable(options.json_file)
    redis_url, lab_url = place_of(settings, options.redis_url, options.lab_url)
    if lab_url is not None:
        from parlab.orchestrator.control import remote

        wanted = {"budget": options.budget, "blocks": options.blocks, "precision": options.precision}
        found = remote.resume(settings, lab_url, options.run, wanted, quiet=options.quiet)
        return finish(found, options.json_file, settings, lab_url, quiet=options.quiet)
    clock = SystemClock()
    with Store.open(settings.store_path, clock) as store:
        record = store.run(options.run)
        experiment = override_stop(
            record.experiment, budget=options.budget, blocks=options.blocks, precision=options.precision
        )
        place = RunContext(store, settings, clock, make_progress(sys.stderr, quiet=options.quiet), redis_url)
        with interruptible(store, {r.id for r in store.runs()} - {record.id}):
            if redis_url is None and not experiment.fleet and not store.is_imported(record.id):
                # In another folder its functions would not be found, and be taken out of the run for it.
                _preflight(place, experiment)
            go_on(place, record.id, experiment, _budget_from_now(record, experiment, options))
        return finish(view(store, record.id), options.json_file, settings, quiet=options.quiet)


def _check_fleet(experiment: Experiment, asked: bool, redis_url: str | None) -> None:  # noqa: FBT001 - an option
    """Refuse an experiment whose nodes are to be made where that was not asked for, and the other way."""
    if experiment.fleet and not asked:
        raise BadInput(
            "the experiment has [[node]] with limits: such nodes are made for the run",
            "Add --fleet; it needs a Docker engine.",
        )
    if asked and not experiment.fleet:
        raise BadInput(
            "--fleet makes the nodes that an experiment describes, and this one describes none",
            "Add to it: [[node]] cpus = [1, 2].",
        )
    if asked and redis_url is not None:
        raise BadInput("--fleet makes nodes for this machine's run, or a lab's", "Leave out --redis.")


def place_of(settings: Settings, redis_url: str | None, lab_url: str | None) -> tuple[str | None, str | None]:
    """Say where a run is measured: (server, None), (None, lab), or neither for this machine alone."""
    if redis_url is not None and lab_url is not None:
        raise BadInput(
            "--redis and --lab name two places", "Give --lab for a lab, --redis for a server without one."
        )
    if redis_url is not None:
        return redis_url, None
    lab = lab_url or settings.lab_url
    return (None, lab) if lab is not None else (settings.redis_url, None)


def in_lab(lab_url: str | None) -> tuple[Settings, str]:
    """Give the settings and the lab's address; raises BadInput where none is named."""
    settings = from_process()
    url = lab_url or settings.lab_url
    if url is None:
        raise BadInput("no lab is named", "Give --lab http://127.0.0.1:8000, or set PARLAB_LAB.")
    return settings, url


def serve_lab(host: str, port: int) -> int:
    """Serve a lab until it is told to end; the exit code is returned."""
    from parlab.orchestrator.serve.server import serve

    return serve(from_process(), host, port)


def make_secrets(folder: Path, nodes: tuple[str, ...], *, postgres: bool = False) -> None:
    """Make a lab's secrets and say what was made."""
    from parlab.orchestrator.lab.access.generation import generate, generate_database

    made = generate(folder, nodes)
    for line in made + (generate_database(folder, nodes) if postgres else []):
        print(line)


def _experiment(options: RunOptions) -> Experiment:
    experiment = override_stop(
        load(options.experiment, options.sets),
        budget=options.budget,
        blocks=options.blocks,
        precision=options.precision,
    )
    return _seeded(experiment, options.seed)


def _seeded(experiment: Experiment, seed: int | None) -> Experiment:
    return experiment if seed is None else replace(experiment, seed=checked_seed(seed))


def checked_seed(seed: int | None) -> int | None:
    """Give a seed as it was given; raises BadInput for one that is none."""
    if seed is not None and not 0 <= seed <= MOST_SEED:
        raise BadInput(f"--seed {seed}: it is from 0 to {MOST_SEED}", "Write --seed 1.")
    return seed


def _budget_from_now(record: RunRecord, experiment: Experiment, options: ResumeOptions) -> float:
    """Seconds a resumed run may take: what is asked for, else what is left, else all of it again."""
    left = record.experiment.stop.budget_seconds - record.running_seconds
    if options.budget is not None or options.precision is not None or options.blocks is not None or left <= 0:
        return experiment.stop.budget_seconds
    return left


def finish(
    run: RunView, json_file: Path | None, settings: Settings, lab_url: str | None = None, *, quiet: bool
) -> int:
    """Show a run that has ended and write its file and its report; a fault of one output costs no other."""
    if not quiet:
        problem = attempt(output("terminal"), run, sys.stdout)
        if problem is not None:
            print(f"parlab: {problem}", file=sys.stderr)
    if json_file is not None:
        write_file(output("json"), run, json_file)
    if not quiet:
        # Last: it takes seconds, and what was found is there to be read meanwhile.
        close_with_report(run, settings, lab_url)
    failed = any(row.problem and not row.skipped for g in run.finding.groups for row in g.configurations)
    return FAILED if failed else 0


@contextmanager
def interruptible(store: Store, known: set[str]) -> Iterator[None]:
    """Turn Ctrl-C and SIGTERM into an orderly end that says how to go on."""
    try:
        with terminable():
            yield
    except (KeyboardInterrupt, Terminated) as end:
        # What is measured is stored already; a second Ctrl-C is for those who cannot wait for this.
        stopped = [record.id for record in store.runs() if record.id not in known]
        print(_offer(stopped[0] if stopped else None), file=sys.stderr)
        sys.exit(exit_code(end))


def _offer(run: str | None) -> str:
    if run is None:
        return "parlab: stopped before anything was measured"
    return f"parlab: stopped; what was measured is kept. Look: parlab show {run} · go on: parlab resume {run}"


def writable(path: Path | None) -> None:
    """Refuse a result file that cannot be written, before the run and not after it."""
    if path is None:
        return
    if path.is_dir() or not path.parent.is_dir():
        raise BadInput(
            f"--json {path}: it is no file that can be written", "Name a file in a folder that exists."
        )
    if not os.access(path.parent, os.W_OK):
        raise BadInput(f"--json {path}: its folder cannot be written", "Name a file in another folder.")


def serve_node(given: Mapping[str, str | float | None], pythons: tuple[str, ...]) -> int:
    """Run a node in this process until it is stopped; its exit code is returned."""
    from parlab.workers.node.__main__ import main

    arguments = [part for key, value in given.items() if value is not None for part in (key, str(value))]
    for python in pythons:
        arguments += ["--python", python]
    return main(arguments)


def diagnose(options: DoctorOptions) -> int:
    """Print what can be measured on this machine, and how well; the exit code is returned."""
    from parlab.orchestrator.doctor import examination as doctor

    settings = from_process()
    if options.self_test:
        return _self_test(settings, options)
    if replace(options, self_test=True) != DoctorOptions(
        self_test=True, pythons=(), seed=None, budget=None, lab_url=None, json_file=None
    ):
        raise BadInput("these options are about a self-test", "Add --self-test, or leave them out.")
    checks = doctor.examine(settings)
    doctor.write(checks, sys.stdout)
    return doctor.exit_code(checks)


def _self_test(settings: Settings, options: DoctorOptions) -> int:
    """Look at this machine, or a lab's nodes, by measuring what is known."""
    from parlab.orchestrator.analysis.selftest.judged import EXPERIMENT
    from parlab.orchestrator.doctor import examination as doctor
    from parlab.orchestrator.doctor import selftest as doctor_selftest

    writable(options.json_file)
    redis_url, lab_url = place_of(settings, None, options.lab_url)
    experiment = override_stop(load(EXPERIMENT), budget=options.budget, blocks=None, precision=None)
    local = redis_url is None and lab_url is None
    experiment = choose_pythons(_seeded(experiment, options.seed), options.pythons, None, local=local)
    # What this machine is like says nothing of a lab's.
    checks = doctor.examine(settings) if local else []
    prevented = doctor.exit_code(checks)
    if checks:
        doctor.write(checks, sys.stdout, closing=None if prevented else "")
        sys.stdout.flush()
    if prevented:
        return prevented
    with terminable():
        measured = doctor_selftest.measure(settings, experiment, redis_url, lab_url)
    doctor_selftest.write(measured, sys.stdout)
    if options.json_file is not None:
        doctor_selftest.write_json(measured, checks, options.json_file)
    return doctor_selftest.exit_code(measured)


def report_bug(error: Exception) -> int:
    """Keep the traceback of an error of parlab's own where it can be sent from; the exit code is returned."""
    text = "".join(traceback.format_exception(error))
    try:
        folder = from_process().home / "log"
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"error-{datetime.now().astimezone():%Y%m%d-%H%M%S}-{os.getpid()}.txt"
        path.write_text(text, encoding="utf-8")
        where = f"its traceback is in {path}; please report it"
    except (OSError, EnvironmentFault):
        where = text
    print(f"parlab: an error in parlab itself: {type(error).__name__}: {error}\n  {where}", file=sys.stderr)
    return BUG
