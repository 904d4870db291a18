"""What the commands do where ``--lab`` names a lab: the same as on one machine, and printed alike."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

from parlab.orchestrator.analysis.view import RunView
from parlab.orchestrator.control.client import Heard, LabClient
from parlab.orchestrator.control.progress import Progress, make_progress
from parlab.orchestrator.control.progress_state import ProgressState
from parlab.orchestrator.experiment.model import Experiment
from parlab.orchestrator.experiment.tables import document
from parlab.orchestrator.settings import Settings
from parlab.orchestrator.show.formats.base import export, output
from parlab.workers.errors import BadInput, EnvironmentFault
from parlab.workers.wire.codec import decode

#: A line that was cut is taken up again for so long.
_PATIENCE_SECONDS = 60.0
_AGAIN_SECONDS = 1.0


def client(settings: Settings, url: str) -> LabClient:
    """Speak to a lab with the token that the environment has."""
    return LabClient(url, settings.token, settings.version)


def run(settings: Settings, url: str, experiment: Experiment, *, quiet: bool) -> RunView:
    """Run an experiment in a lab, show how far it is, and give what it found."""
    for choice in experiment.pythons:
        if choice.executable is not None:
            raise BadInput(
                f"python.executable = {choice.executable!r}: a lab takes no paths of interpreters",
                'Name a version that its nodes offer: version = "3.13", or --python 3.13.',
            )
    with client(settings, url) as lab:
        if not experiment.fleet:
            return _follow(lab, url, lab.begin(document(experiment)), quiet=quiet)
        from parlab.orchestrator.control.served_fleet import nodes_for_a_run

        with nodes_for_a_run(lab, experiment.fleet) as names:
            there = replace(experiment, nodes=tuple(names), fleet=())
            name = lab.begin(document(there))
            try:
                return _follow(lab, url, name, quiet=quiet)
            except BaseException:
                # Its nodes are about to go: it could not end without them.
                lab.stop(name)
                raise


def run_or_leave(settings: Settings, url: str, experiment: Experiment) -> tuple[RunView, bool]:
    """Run an experiment in a lab and give what it found; True with it: there was a Ctrl-C before its end."""
    with client(settings, url) as lab:
        name = lab.begin(document(experiment))
        try:
            return _follow(lab, url, name, quiet=False), False
        except KeyboardInterrupt:
            return lab.record(name, trials=True), True


def resume(settings: Settings, url: str, name: str, wanted: dict[str, Any], *, quiet: bool) -> RunView:
    """Take a run of a lab further and give what it found."""
    with client(settings, url) as lab:
        return _follow(lab, url, lab.resume(name, wanted), quiet=quiet)


def _follow(lab: LabClient, url: str, name: str, *, quiet: bool) -> RunView:
    progress = make_progress(sys.stderr, quiet=quiet)
    progress.say(f"run {name} in the lab {url}")
    try:
        _until_it_ends(lab, name, progress)
    except KeyboardInterrupt:
        progress.end()
        # The run is the lab's: whoever looks at it may leave.
        sys.stderr.write(
            f"parlab: the run goes on in the lab. Look: parlab show {name} --lab {url} · "
            f"end it: parlab stop {name} --lab {url}\n"
        )
        raise
    finally:
        progress.end()
    return _fetched(lab, name)


def _fetched(lab: LabClient, name: str) -> RunView:
    """Fetch a run that has ended; an orchestrator that is being started again is waited for here, too."""
    began = time.monotonic()
    while True:
        try:
            return lab.record(name, trials=True)
        except EnvironmentFault:
            if time.monotonic() - began > _PATIENCE_SECONDS:
                raise
        time.sleep(_AGAIN_SECONDS)


def _until_it_ends(lab: LabClient, name: str, progress: Progress) -> None:
    after = 0
    cut_since: float | None = None
    while True:
        try:
            with closing(lab.follow(name, after)) as heard:
                for event in heard:
                    after, cut_since = event.number, None
                    if _shown(event, progress):
                        return
        except EnvironmentFault as fault:
            cut_since = cut_since or time.monotonic()
            if time.monotonic() - cut_since > _PATIENCE_SECONDS:
                raise
            progress.say(fault.message)
        # An orchestrator that was started again counts its events anew.
        after = 0
        time.sleep(_AGAIN_SECONDS)


def _shown(event: Heard, progress: Progress) -> bool:
    """Show an event; True where it was the last one."""
    if event.kind == "progress":
        progress.update(decode(ProgressState, event.data))
    elif event.kind == "message":
        progress.say(str(json.loads(event.data)))
    return event.kind == "end"


def list_runs(settings: Settings, url: str) -> None:
    """Print the runs of a lab, newest first."""
    from parlab.orchestrator.cli.listing import ListedRun, show_runs

    with client(settings, url) as lab:
        runs = lab.runs()
    if not runs:
        sys.stdout.write(f"no runs yet; begin with: parlab run --lab {url}\n")
        return
    show_runs(
        ListedRun(
            run=one["run"],
            experiment=one["experiment"],
            created_unix_seconds=one["created_unix_seconds"],
            state=one["state"],
            running_seconds=one["running_seconds"],
            why=f"waiting for {one['waiting_for']}" if one["waiting_for"] else one["reason"] or "",
        )
        for one in runs
    )


def show_run(settings: Settings, url: str, name: str) -> None:
    """Print what a run of a lab found."""
    with client(settings, url) as lab:
        output("terminal").write(lab.record(name, trials=False), sys.stdout)


def export_run(settings: Settings, url: str, name: str, format_: str, path: Path | None) -> None:
    """Write a run of a lab in another format, to a file or to standard output."""
    chosen = output(format_)
    with client(settings, url) as lab:
        found = lab.record(name, trials=True)
    written = export(chosen, found, path)
    if len(written) > 1:
        sys.stderr.write(f"written: {', '.join(map(str, written))}\n")


def stop_run(settings: Settings, url: str, name: str) -> None:
    """Stop a run of a lab; what was measured stays."""
    with client(settings, url) as lab:
        found = lab.stop(name)
    sys.stdout.write(f"run {found['run']}: {found['state']}, {found['reason']}\n")


def pin_run(settings: Settings, url: str, name: str, *, pinned: bool) -> None:
    """Have a run's figures exported to Prometheus beside the current one's, or no longer."""
    with client(settings, url) as lab:
        lab.pin(name, pinned=pinned)
    sys.stdout.write(f"run {name} is {'pinned' if pinned else 'not pinned any more'}\n")


def list_nodes(settings: Settings, url: str) -> None:
    """Print the nodes of a lab."""
    from parlab.orchestrator.cli.listing import Listing

    with client(settings, url) as lab:
        nodes = lab.nodes()
    if not nodes:
        sys.stdout.write(f"no node has joined yet; let one in: parlab nodes add NAME --lab {url}\n")
        return
    listing = Listing(("node", "host", "Python", "CPUs", "state", "runs"), whole=("node", "host"))
    for node in nodes:
        builds = ", ".join(build["id"] for build in node["builds"])
        cpus = f"{node['effective_cpus']} ({node['effective_cpus_why']})" if node["effective_cpus"] else "–"
        job = node["running_job"] or "–"
        listing.add(node["name"], node["host"] or "–", builds or "–", cpus, _state(node), job)
    listing.show()


def _state(node: dict[str, Any]) -> str:
    if not node["up"]:
        return "does not answer"
    notes: Sequence[str] = [
        *([node["problem"]] if node["problem"] else []),
        *(["paused"] if node["paused"] else []),
    ]
    return "up" + "".join(f", {note}" for note in notes)


def add_node(settings: Settings, url: str, name: str, *, group: bool) -> None:
    """Let a node in and print what its host needs."""
    with client(settings, url) as lab:
        found = lab.add_node(name, group=group)
    address = found["address"] or "HOST:6380"
    named = f"{name}--$(hostname)" if group else name
    sys.stdout.write(
        f"{'the group' if group else 'node'} {name} may join. Its join token is a secret; "
        "it is shown once, and again makes a new one.\n\n"
        f"With Docker, in a folder with docker-compose.node.yml:\n\n"
        f"  export PARLAB_REDIS={address}\n"
        f"  export PARLAB_JOIN={found['join_token']}\n"
        "  docker compose -f docker-compose.node.yml up --detach\n\n"
        "Without:\n\n"
        f"  PARLAB_JOIN={found['join_token']} \\\n  parlab node --redis {address} --name {named}\n"
    )
    if found["address"] is None:
        sys.stdout.write(
            "\nHOST is where that machine reaches this lab's Redis; see docs/lab.md (joining a host).\n"
        )


def remove_node(settings: Settings, url: str, name: str) -> None:
    """Take a node out: its user at the server goes, what it measured stays."""
    with client(settings, url) as lab:
        lab.remove_node(name)
    sys.stdout.write(f"{name} is taken out; what it measured stays\n")


def pause_node(settings: Settings, url: str, name: str, *, paused: bool) -> None:
    """Pause a node, or have it go on."""
    with client(settings, url) as lab:
        node = lab.pause(name, paused=paused)
    sys.stdout.write(f"node {node['name']}: {_state(node)}\n")
