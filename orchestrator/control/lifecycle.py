"""A run from its beginning to its end: begin one, go on with one, and what is known of one."""

from __future__ import annotations

import secrets
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace

from parlab.orchestrator.analysis.findings.run import ComparisonFinding, RunFinding
from parlab.orchestrator.control.controller import (
    PATIENCE_SECONDS,
    Controller,
    Ending,
    Listener,
    StopRequest,
    never,
)
from parlab.orchestrator.control.progress import Progress, announcement
from parlab.orchestrator.experiment.model import Experiment
from parlab.orchestrator.lab.backend import EMBEDDED_NODE, Lab, embedded_lab, existing_lab
from parlab.orchestrator.plan.model import Plan
from parlab.orchestrator.plan.planner import RuledOut, make_plan, nothing_ruled_out
from parlab.orchestrator.settings import Settings
from parlab.orchestrator.store.facade import Store, make_run_id
from parlab.orchestrator.store.folder import run_folder, running_lock
from parlab.orchestrator.store.records import RunRecord, RunState
from parlab.workers import catalog
from parlab.workers.clock import Clock
from parlab.workers.errors import BadInput, EnvironmentFault, LabError
from parlab.workers.host.lock import run_lock
from parlab.workers.wire.registration import NodeRegistration

_REASONS: dict[Ending, tuple[RunState, str | None]] = {
    "done": ("done", "every comparison is settled"),
    "budget": ("budget", "the budget was used up before every comparison was settled"),
    "failed": ("failed", "no comparison that can be made is left"),
    "stopped": ("interrupted", "it was stopped"),
    # Whoever controls the lab next goes on with what says that it is running.
    "suspended": ("running", None),
}


@dataclass(frozen=True)
class RunContext:
    """What a run needs besides its experiment: where it is kept, timed, measured and shown."""

    store: Store
    settings: Settings
    clock: Clock
    progress: Progress
    #: An existing server; None: an embedded one.
    redis_url: str | None = None
    #: Asked often whether the run is to stop.
    stop: Callable[[], StopRequest | None] = never
    #: How long a server that was there and is gone is waited for.
    patience_seconds: float = PATIENCE_SECONDS
    #: State of a run that a fault of its surroundings ended; "running": it will be tried again.
    state_after_fault: RunState = "interrupted"
    #: Told of the run's times.
    listener: Listener | None = None


def begin(context: RunContext, experiment: Experiment, ruled_out: RuledOut = nothing_ruled_out) -> str:
    """Make a run of an experiment and take it to its end; its id is returned.

    What ``ruled_out`` gives a reason for is shown as skipped, and not tried.

    Raises ``LabError`` as the parts do. What was measured by then is stored, and so is the reason.
    """
    run = make_run_id(context.store.run_ids())
    try:
        _begin(context, run, experiment, ruled_out)
    except BaseException:
        if run not in context.store.run_ids():
            # Nothing was begun: the folder would be one of no run.
            shutil.rmtree(run_folder(context.settings.home, run), ignore_errors=True)
        raise
    return run


def _begin(context: RunContext, run: str, experiment: Experiment, ruled_out: RuledOut) -> None:
    seed = experiment.seed if experiment.seed is not None else secrets.randbits(31)
    executables = [p.executable for p in experiment.pythons if p.executable]
    with _laboratory(context, run, executables, experiment) as lab:
        registrations = lab.registrations()
        plan = make_plan(run, experiment, registrations, seed, ruled_out)
        enter(context, plan, tuple(sys.argv[1:]))
        context.progress.begin(plan, registrations)
        context.progress.say(announcement(plan))
        context.store.save_registrations(run, registrations)
        _measure(context, lab, plan, registrations, plan.experiment.stop.budget_seconds)


def enter(context: RunContext, plan: Plan, command: tuple[str, ...]) -> None:
    """Store a new run with its plan; nothing is measured yet."""
    context.store.create_run(
        RunRecord(
            id=plan.run,
            experiment=plan.experiment,
            seed=plan.seed,
            created_unix_seconds=context.clock.unix_seconds(),
            command=command,
            parlab_version=context.settings.version,
        )
    )
    context.store.save_plan(plan)


def serve_run(context: RunContext, lab: Lab, run: str, budget_seconds: float) -> Ending:
    """Take a stored run of a lab further, in the long-lived orchestrator.

    Nodes that are away or have changed are waited for, not refused: they may come back.

    Raises:
        BadInput: another process runs this run.
        LabError: what was measured cannot be stored, or the server stayed away; the run can go on later.
    """
    plan = context.store.plan(run)
    if plan is None:
        raise BadInput(f"run {run} was stopped before it was planned", "Start it again: parlab run …")
    with running_lock(context.settings.home, run):
        known = [seen.registration for seen in context.store.registrations(run)]
        latest = {registration.node: registration for registration in known}
        context.progress.begin(plan, list(latest.values()))
        return _measure(context, lab, plan, known, budget_seconds)


def go_on(context: RunContext, run: str, experiment: Experiment, budget_seconds: float) -> None:
    """Take a stored run further, by the stop rule of ``experiment``, for ``budget_seconds`` at most."""
    plan = context.store.plan(run)
    if plan is None:
        raise BadInput(f"run {run} was stopped before it was planned", "Start it again: parlab run …")
    if context.store.imports.has(run):
        raise BadInput(
            f"run {run} was imported: it was measured in another lab, whose nodes are not here",
            "Continue it there, export it again and import that; or start a new run here.",
        )
    nodes = {node for host in plan.hosts for node in host.nodes}
    if context.redis_url is None and nodes != {EMBEDDED_NODE} and not plan.experiment.fleet:
        raise BadInput(
            f"run {run} was measured on the nodes {', '.join(sorted(nodes))}",
            "Name their server: parlab resume … --redis URL.",
        )
    known = {seen.registration.node: seen.registration for seen in context.store.registrations(run)}
    executables = [build.executable for r in known.values() for build in r.builds]
    with _laboratory(context, run, executables, plan.experiment) as lab:
        registrations = [r for r in lab.registrations() if r.node in nodes]
        _check_same(run, list(known.values()), registrations)
        context.store.set_experiment(run, experiment)
        plan = replace(plan, experiment=experiment)
        context.store.save_plan(plan)
        context.progress.begin(plan, registrations)
        before = [seen.registration for seen in context.store.registrations(run)]
        context.store.save_registrations(run, registrations)
        _measure(context, lab, plan, before, budget_seconds)


@contextmanager
def _laboratory(
    context: RunContext, run: str, executables: list[str], experiment: Experiment
) -> Iterator[Lab]:
    """Hold the run's lock, and the host's where the run measures on it, around a lab."""
    with running_lock(context.settings.home, run):
        if context.redis_url is not None:
            with existing_lab(context.settings, context.redis_url, run) as lab:
                yield lab
            return
        with (
            run_lock(
                context.clock, run, lambda holder: context.progress.say(f"waiting for {holder} on this host")
            ),
            _own_lab(context, run, executables, experiment) as lab,
        ):
            yield lab


def _own_lab(
    context: RunContext, run: str, executables: list[str], experiment: Experiment
) -> AbstractContextManager[Lab]:
    if not experiment.fleet:
        return embedded_lab(context.settings, run, executables, _targets_of(experiment), context.progress.say)
    from parlab.orchestrator.lab.fleet.for_run import fleet_lab

    return fleet_lab(context.settings, run, experiment.fleet, context.progress.say)


def _targets_of(experiment: Experiment) -> set[str]:
    """Name what the workloads of an experiment talk to."""
    named = {choice.name for choice in experiment.workloads if not choice.scenario}
    shipped = set(catalog.names("workloads")) & named
    return {target for name in shipped for target in catalog.workload(name).targets}


def _measure(
    context: RunContext, lab: Lab, plan: Plan, known: list[NodeRegistration], budget_seconds: float
) -> Ending:
    store, run = context.store, plan.run
    store.set_state(run, "running")
    state: RunState = "interrupted"
    reason: str | None = "it was stopped"
    controller: Controller | None = None
    try:
        controller = Controller(
            plan=plan,
            store=store,
            lab=lab,
            clock=context.clock,
            progress=context.progress,
            listener=context.listener,
            budget_seconds=budget_seconds,
            known=known,
            stop=context.stop,
            patience_seconds=context.patience_seconds,
        )
        ending = controller.run()
        state, reason = _REASONS[ending]
        if state == "done":
            reason = _done_reason(controller.finding)
        elif state == "budget" and controller.finding.claims:
            reason = "the budget was used up before every claim was settled"
    except Exception as error:
        state, reason = context.state_after_fault, str(error).partition("\n")[0]
        raise
    finally:
        context.progress.end()
        try:
            store.add_running_seconds(run, controller.running_seconds if controller is not None else 0.0)
            store.set_state(run, state, reason)
        except LabError as fault:
            # What ended the run (a full disk, say) may keep this from being written, too, and is
            # what has to be told; a run that says "running" and has no command counts as interrupted.
            context.progress.say(fault.message)
    return ending


def _done_reason(finding: RunFinding) -> str:
    """Say what a run that has all it asked for has found: its last block may come before its last verdict."""
    if finding.claims:
        what, words = "claim", [str(claim.word) for claim in finding.claims]
    else:
        what, words = "comparison", [str(c.verdict) for c in comparisons(finding)]
    unresolved = words.count("unresolved")
    if unresolved:
        verb = "is" if unresolved == 1 else "are"
        return f"all requested blocks are done; {unresolved} of its {what}s {verb} unresolved"
    return f"every {what} is settled"


def comparisons(finding: RunFinding) -> list[ComparisonFinding]:
    """List all comparisons of a run."""
    return [row.comparison for group in finding.groups for row in group.configurations if row.comparison]


def _check_same(run: str, known: list[NodeRegistration], now: list[NodeRegistration]) -> None:
    """Refuse to go on where what is measured would be something else than before."""
    before = {r.node: ({b.id for b in r.builds}, r.host.id) for r in known}
    for node, (builds, host) in before.items():
        registration = next((r for r in now if r.node == node), None)
        if registration is None:
            raise EnvironmentFault(
                f"run {run}: its node {node} does not answer",
                "Start it again, then resume: parlab node --name …",
            )
        missing = builds - {b.id for b in registration.builds}
        if missing or registration.host.id != host:
            what = f"Python {', '.join(sorted(missing))}" if missing else f"host {host}"
            raise EnvironmentFault(
                f"run {run}: node {node} no longer has the {what} that it was measured on",
                "Start a new run: figures of different builds or hosts cannot be combined.",
            )
