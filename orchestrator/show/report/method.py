"""Method of a run in brief, with its own settings; and the commands that do it again."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass

from parlab.orchestrator.analysis.across.surroundings import build_facts, host_facts
from parlab.orchestrator.analysis.view import RunView
from parlab.orchestrator.figures import duration, percent, printable, waiting
from parlab.orchestrator.show.report.tables import DataTable, facts_table
from parlab.orchestrator.show.text.builds import configurations


@dataclass(frozen=True)
class CommandLine:
    """A command line, and what it is for."""

    what: str
    line: str


def method(run: RunView) -> tuple[str, ...]:
    """Say in paragraphs how a run's figures came about (docs/method.md has all of it)."""
    experiment, stop = run.experiment, run.experiment.stop
    trials = (
        "Each trial is a fresh interpreter: a cold start, a warm-up, then rounds of about "
        f"{duration(experiment.round_seconds, 2)}, {duration(experiment.trial_seconds, 2)} in all where the "
        "tasks allow. The trials of a block are alive together; their rounds alternate in an order drawn "
        f"from the seed ({run.plan.seed}), one at a time, so anything that drifts affects all of them alike. "
        "Every result is checked."
    )
    effect = (
        "A speed-up is the median, over blocks, of the baseline's seconds divided by the configuration's "
        "seconds in the same block. Its interval is valid however often one looks, and assumes nothing about "
        "the shape of the noise. "
        f"Verdicts share one error control: at most {percent(stop.alpha)} of those declared are wrong "
        f"({run.finding.declared} of {run.finding.comparisons} comparisons are declared). Tied means that "
        f"the ratio is known to lie within ± {percent(stop.margin)}. Not knowing is not a tie."
    )
    rule = (
        f"exactly {stop.blocks} blocks"
        if stop.rule == "fixed"
        else f"a half-width of {percent(stop.precision)}, looked at after every block"
    )
    if stop.until == "best":
        rule = "until it is known what is best, and how much it gains"
    most = f", {stop.blocks} blocks" if stop.rule != "fixed" and stop.blocks is not None else ""
    took = f" It took {waiting(run.running_seconds)}." if run.running_seconds else ""
    reason = f" {run.reason[:1].upper()}{run.reason[1:]}." if run.reason else ""
    stopping = f"Goal: {rule}; at most {waiting(stop.budget_seconds)}{most}.{took}{reason}"
    return (trials, effect, printable(stopping))


def commands(run: RunView) -> tuple[CommandLine, ...]:
    """Give the commands that measure it again, look at it elsewhere, and go on with it."""
    listed = []
    if run.command and run.command[0] in ("run", "advise"):
        line = ["parlab", *run.command]
        if not any(word == "--seed" or word.startswith("--seed=") for word in run.command):
            line += ["--seed", str(run.plan.seed)]
        listed.append(CommandLine("Measure it again, in the same orders", printable(shlex.join(line))))
    listed += [
        CommandLine("Save everything in a file", f"parlab export {run.run} --format json -o {run.run}.json"),
        CommandLine("Read that file elsewhere", f"parlab import {run.run}.json && parlab report {run.run}"),
    ]
    precision = percent(run.experiment.stop.precision / 2).replace(" ", "")
    if run.state == "done" and not run.finding.claims and not run.finding.advice:
        listed.append(
            CommandLine("Continue to more precision", f"parlab resume {run.run} --precision {precision}")
        )
    elif run.state != "failed":
        listed.append(CommandLine("Continue", f"parlab resume {run.run}"))
    return tuple(listed)


#: What tells machines apart and nobody reads.
_LEFT_OUT = ("boot",)


def environment_tables(run: RunView) -> list[DataTable]:
    """Give a table of the nodes, and one of the builds that were used."""
    nodes = {node.node: _node_facts(run, node.node) for node in run.registrations}
    used = {(c.node, c.python) for c in configurations(run)}
    several = len(run.registrations) > 1
    builds: dict[str, Mapping[str, str | None]] = {}
    for node in run.registrations:
        for build in node.builds:
            if (node.node, build.id) in used:
                name = f"{build.id} on {node.node}" if several else build.id
                builds[name] = dict(build_facts(build))
    tables = [facts_table("Nodes and hosts", nodes, "node")] if nodes else []
    return tables + ([facts_table("Python builds", builds, "build")] if builds else [])


def _node_facts(run: RunView, name: str) -> dict[str, str | None]:
    node = next(registration for registration in run.registrations if registration.node == name)
    facts = {key: value for key, value in host_facts(node.host) if key not in _LEFT_OUT}
    facts["parlab"] = node.parlab_version or None
    facts["Python of the node"] = node.harness_python or None
    facts["tolerates"] = ", ".join(node.tolerates) or None
    return facts
