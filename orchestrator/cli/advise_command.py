"""``parlab advise``: look at a function, race the ways to run it, and say which one to take."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

from parlab.orchestrator.analysis.view import RunView, view
from parlab.orchestrator.cli.check import named_function
from parlab.orchestrator.cli.run import checked_seed, finish, interruptible, place_of, writable
from parlab.orchestrator.control.lifecycle import RunContext, begin
from parlab.orchestrator.control.progress import Progress, make_progress
from parlab.orchestrator.experiment import quantities
from parlab.orchestrator.experiment.model import Experiment, Goal
from parlab.orchestrator.lab.backend import project_folders
from parlab.orchestrator.plan.candidates import Seen, candidates
from parlab.orchestrator.plan.preflight import Preflight, RuledOut, examine_all
from parlab.orchestrator.plan.pythons import choose_pythons
from parlab.orchestrator.plan.race import TooLarge, race
from parlab.orchestrator.settings import Settings, from_process
from parlab.orchestrator.show.formats.base import output, write_file
from parlab.orchestrator.store.facade import Store
from parlab.workers.clock import Clock, SystemClock
from parlab.workers.errors import BadInput
from parlab.workers.host.environment import read_host
from parlab.workers.wire.spec import OwnFunction

#: What comes after the race: the last block's overrun, curves and sentences.
_AFTERWARDS_SECONDS = 3.0
#: A race shorter than this ends before any verdict on any machine.
_LEAST_SECONDS = 5.0
_GOALS = ("throughput", "latency", "memory")


@dataclass(frozen=True)
class AdviseOptions:
    """Options of ``parlab advise``."""

    #: As a [[workload]] table has it.
    function: Mapping[str, Any]
    pythons: tuple[str, ...]
    gil: str | None
    goal: str
    max_memory: str | None
    max_workers: int | None
    budget: str
    seed: int | None
    lab_url: str | None
    json_file: Path | None
    quiet: bool


@dataclass(frozen=True)
class _Asked:
    """The options, read."""

    function: OwnFunction
    goal: Goal
    budget_seconds: float
    memory_limit_bytes: int | None


def advise_function(options: AdviseOptions) -> int:
    """Say how to run a function; the exit code is returned.

    Raises:
        BadInput: an option cannot be used.
        ConfigurationFailed: nothing can run the function.
        LabError: as a run does.
    """
    clock = SystemClock()
    began_ns = clock.monotonic_ns()
    settings = from_process()
    asked = _read(options)
    writable(options.json_file)
    redis_url, lab_url = place_of(settings, None, options.lab_url)
    if lab_url is not None:
        return _in_a_lab(settings, lab_url, asked, options)
    progress = make_progress(sys.stderr, quiet=options.quiet)
    experiment = choose_pythons(
        race(
            asked.function,
            (),
            goal=asked.goal,
            memory_limit_bytes=asked.memory_limit_bytes,
            budget_seconds=asked.budget_seconds,
            seed=checked_seed(options.seed),
        ),
        options.pythons,
        options.gil,
        local=redis_url is None,
    )
    found = _look(experiment, progress, clock) if redis_url is None else []
    experiment, ruled_out = _laid_out(experiment, found, asked, options, local=redis_url is None)
    left = asked.budget_seconds - (clock.monotonic_ns() - began_ns) / 1e9 - _AFTERWARDS_SECONDS
    experiment = replace(experiment, stop=replace(experiment.stop, budget_seconds=max(left, _LEAST_SECONDS)))
    with Store.open(settings.store_path, clock) as store:
        place = RunContext(store, settings, clock, progress, redis_url)
        with interruptible(store, {record.id for record in store.runs()}):
            run = begin(place, experiment, ruled_out)
        return _answer(view(store, run), settings, options)


def _read(options: AdviseOptions) -> _Asked:
    if options.goal not in _GOALS:
        raise BadInput(f"--goal {options.goal}: there is no such goal", f"Write one of {', '.join(_GOALS)}.")
    try:
        budget_seconds = quantities.seconds(options.budget)
    except ValueError as error:
        raise BadInput(f"--budget: {error}", "Write --budget 60s.") from None
    try:
        limit = quantities.memory_bytes(options.max_memory) if options.max_memory is not None else None
    except ValueError as error:
        raise BadInput(f"--max-memory: {error}", "Write --max-memory 2g.") from None
    return _Asked(
        named_function(options.function, "advise"), cast("Goal", options.goal), budget_seconds, limit
    )


def _look(experiment: Experiment, progress: Progress, clock: Clock) -> list[Preflight]:
    """Look at the function on each build, and say what is to be known before anything is measured."""
    began_ns = clock.monotonic_ns()
    examined = [one for _, one in examine_all(experiment, project_folders(os.environ))]
    seconds = (clock.monotonic_ns() - began_ns) / 1e9
    for one in examined:
        cost = [f.text for f in one.findings if f.about == "cost"]
        progress.say(f"{one.function} on {one.build.id}, looked at in {seconds:.1f} s: {', '.join(cost)}")
        for finding in one.findings:
            if finding.mark != "ok":
                progress.say(f"  {finding.about}: {finding.text}")
    return examined


def _laid_out(
    experiment: Experiment,
    found: Sequence[Preflight],
    asked: _Asked,
    options: AdviseOptions,
    *,
    local: bool,
) -> tuple[Experiment, TooLarge]:
    seen = _seen(found)
    cpus = read_host().effective_cpus.count if local else None
    ways = candidates(seen, asked.goal, cpus=cpus, max_workers=options.max_workers)
    workload = experiment.workloads[0]
    ruled_out = RuledOut([(workload, one) for one in found])
    return (
        replace(experiment, strategies=ways),
        TooLarge(ruled_out, seen.call_bytes, asked.memory_limit_bytes),
    )


def _seen(found: Sequence[Preflight]) -> Seen:
    """Put what several builds showed together: the shortest call, and the most memory."""
    figures = [one.figures for one in found]

    def of(name: str) -> list[float]:
        return [f[name] for f in figures if name in f]

    return Seen(
        call_seconds=min(of("call_seconds"), default=None),
        cpu_share=min(of("cpu_share"), default=None),
        call_bytes=max(of("call_bytes"), default=None),
    )


def _in_a_lab(settings: Settings, url: str, asked: _Asked, options: AdviseOptions) -> int:
    """Race in a lab: its nodes have the function, this machine need not."""
    from parlab.orchestrator.control import remote

    experiment = race(
        asked.function,
        candidates(Seen(), asked.goal, cpus=None, max_workers=options.max_workers),
        goal=asked.goal,
        memory_limit_bytes=asked.memory_limit_bytes,
        budget_seconds=asked.budget_seconds,
        seed=checked_seed(options.seed),
    )
    experiment = choose_pythons(experiment, options.pythons, options.gil, local=False)
    return _answer(remote.run(settings, url, experiment, quiet=options.quiet), settings, options, url)


def _answer(run: RunView, settings: Settings, options: AdviseOptions, lab_url: str | None = None) -> int:
    if options.json_file is not None:
        write_file(output("advice"), run, options.json_file)
    return finish(run, None, settings, lab_url, quiet=options.quiet)
