"""``parlab advise``: look at a function, race the ways to run it, and say which one to take."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, cast

import typer

from parlab.orchestrator.cli import options
from parlab.orchestrator.cli.help import MEASURE, Family
from parlab.workers.errors import BadInput

if TYPE_CHECKING:
    from parlab.orchestrator.experiment.model import Experiment, Goal
    from parlab.orchestrator.plan.preflight import Preflight
    from parlab.orchestrator.plan.race import Seen

#: What comes after the race: the last block's overrun, curves and sentences.
_AFTERWARDS_SECONDS = 3.0
#: A race shorter than this ends before any verdict on any machine.
_LEAST_SECONDS = 5.0
_GOALS = ("throughput", "latency", "memory")

commands = Family(MEASURE)


@commands.add(
    "parlab advise shop.images:thumbnail --inputs uploads.jsonl",
    "parlab advise shop.images:thumbnail --goal memory --max-workers 8 --budget 2m",
)
def advise(
    function: options.Function,
    inputs: options.Inputs = None,
    async_function: options.AsyncFunction = None,
    check: options.CheckResult = None,
    setup: options.Setup = None,
    teardown: options.Teardown = None,
    python: options.Pythons = None,
    gil: options.Gil = None,
    goal: Annotated[
        str,
        typer.Option(
            metavar="GOAL",
            help="throughput: the shortest round, once the pool is there; latency: the shortest time from "
            "nothing to the last result; memory: the least memory of what is faster than one by one.",
        ),
    ] = "throughput",
    max_memory: Annotated[
        str | None, typer.Option(metavar="SIZE", help="The most memory it may take: 512m, 2g.")
    ] = None,
    max_workers: Annotated[
        int | None, typer.Option(metavar="N", min=1, max=4096, help="The most workers it may have.")
    ] = None,
    budget: Annotated[str, typer.Option(metavar="TIME", help="How long all of it may take.")] = "60s",
    seed: options.Seed = None,
    lab: options.Lab = None,
    json: options.Json = None,
    quiet: options.Quiet = False,
) -> None:
    """Find out how to run a function of yours: which executor, how many workers, and how sure that is."""
    from dataclasses import replace
    from time import monotonic

    from parlab.orchestrator.cli.check import read_own_function
    from parlab.orchestrator.cli.run import check_writable, checked_seed, finish
    from parlab.orchestrator.control.sources import source_of
    from parlab.orchestrator.experiment import quantities
    from parlab.orchestrator.plan.preflight import RuledOut
    from parlab.orchestrator.plan.pythons import choose_pythons
    from parlab.orchestrator.plan.race import TooLarge, candidates, race
    from parlab.orchestrator.settings import from_process
    from parlab.workers.host.environment import read_host

    began = monotonic()
    settings = from_process()
    if goal not in _GOALS:
        raise BadInput(f"--goal {goal}: there is no such goal", f"Write one of {', '.join(_GOALS)}.")
    chosen = cast("Goal", goal)
    budget_seconds = options.quantity("--budget", quantities.seconds, budget, "60s")
    assert budget_seconds is not None
    limit = options.quantity("--max-memory", quantities.memory_bytes, max_memory, "2g")
    own = read_own_function("advise", function, inputs, async_function, check, setup, teardown)
    check_writable(json)
    source = source_of(settings, lab, quiet=quiet)
    experiment = race(
        own, (), goal=chosen, memory_limit_bytes=limit, budget_seconds=budget_seconds, seed=checked_seed(seed)
    )
    experiment = choose_pythons(experiment, tuple(python or ()), gil, local=source.local)
    # A lab's nodes have the function, this machine need not.
    looks = _look(experiment, quiet=quiet) if source.local else []
    seen = _seen(looks)
    cpus = read_host().effective_cpus.count if source.local else None
    left = budget_seconds - (monotonic() - began) - _AFTERWARDS_SECONDS
    experiment = replace(
        experiment,
        strategies=candidates(seen, chosen, cpus=cpus, max_workers=max_workers),
        stop=replace(experiment.stop, budget_seconds=max(left, _LEAST_SECONDS)),
    )
    ruled_out = RuledOut([(experiment.workloads[0], look) for look in looks])
    with source:
        view = source.run(experiment, TooLarge(ruled_out, seen.call_bytes, limit))
        finish(view, source, json, quiet=quiet, form="advice")


def _look(experiment: Experiment, *, quiet: bool) -> list[Preflight]:
    """Look at the function on each build, and say what is to be known before anything is measured."""
    import os
    from time import monotonic

    from parlab.orchestrator.control.progress import make_progress
    from parlab.orchestrator.lab.backend import project_folders
    from parlab.orchestrator.plan.preflight import examine_all

    say = make_progress(sys.stderr, quiet=quiet).say
    began = monotonic()
    looks = [look for _, look in examine_all(experiment, project_folders(os.environ))]
    seconds = monotonic() - began
    for look in looks:
        cost = [finding.text for finding in look.findings if finding.about == "cost"]
        say(f"{look.function} on {look.build.id}, checked in {seconds:.1f} s: {', '.join(cost)}")
        for finding in look.findings:
            if finding.mark != "ok":
                say(f"  {finding.about}: {finding.text}")
    return looks


def _seen(looks: Sequence[Preflight]) -> Seen:
    """Put what several builds showed together: the shortest call, and the most memory."""
    from parlab.orchestrator.plan.race import Seen

    def of(name: str) -> list[float]:
        return [look.figures[name] for look in looks if name in look.figures]

    return Seen(
        call_seconds=min(of("call_seconds"), default=None),
        cpu_share=min(of("cpu_share"), default=None),
        call_bytes=max(of("call_bytes"), default=None),
    )
