"""Names of a run's Python builds and hosts, for people."""

from __future__ import annotations

from collections.abc import Iterator

from parlab.orchestrator.analysis.view import RunView
from parlab.orchestrator.figures import implementation
from parlab.orchestrator.plan.model import Configuration
from parlab.workers.wire.registration import PythonBuild
from parlab.workers.wire.spec import Gil


def configurations(run: RunView) -> Iterator[Configuration]:
    """Give all of a run's configurations, those that were not tried included."""
    for group in run.plan.groups:
        yield from group.configurations
        yield from (skip.configuration for skip in group.skipped)


def build_names(run: RunView) -> dict[str, str]:
    """Name each build that is used: implementation, version, and its GIL as the trials saw it.

    The keys are :func:`.tables.build_key`'s.
    """
    seen: dict[str, set[bool]] = {}
    keys = {configuration.id: build_key(configuration) for configuration in configurations(run)}
    for trial in run.trials:
        if trial.result.gil_enabled is not None and trial.result.configuration in keys:
            seen.setdefault(keys[trial.result.configuration], set()).add(trial.result.gil_enabled)
    offered = {(node.node, build.id): build for node in run.registrations for build in node.builds}
    nodes = {configuration.node for configuration in configurations(run)}
    names = {}
    for configuration in configurations(run):
        key = build_key(configuration)
        build = offered.get((configuration.node, configuration.python))
        name = _name(configuration, build, seen.get(key, set()))
        # Several nodes can offer the same version; one line each tells them apart.
        apart = len(nodes) > 1 and len({node for node, offer in offered if offer == configuration.python}) > 1
        names[key] = f"{name} (node {configuration.node})" if apart else name
    return names


def _name(configuration: Configuration, build: PythonBuild | None, seen: set[bool]) -> str:
    """Name a build with the GIL as trials saw it; before any did, as it was asked for."""
    name = implementation(build.implementation) if build else "Python"
    states = {"on" if state else "off" for state in seen}
    if not states and configuration.gil is not None:
        states = {configuration.gil}
    if not states and build is not None:
        states = {"off"} if build.free_threaded else {"on"}
    return f"{name} {configuration.python}" + (f", GIL {' and '.join(sorted(states))}" if states else "")


def host_names(run: RunView) -> dict[str, str]:
    """Name the hosts by id."""
    known = {node.host.id: node.host.hostname for node in run.registrations}
    return {host.id: known.get(host.id, host.id) for host in run.plan.hosts}


def host_text(run: RunView, host: str) -> str:
    """Say where something is of: " · host laptop"; of a run of one host, which goes without saying, empty."""
    return f" · host {host_names(run).get(host, host)}" if len(run.plan.hosts) > 1 else ""


def build_key(configuration: Configuration) -> str:
    """Return what tells a configuration's build from others: node, version, the GIL that was asked for."""
    return place_key(configuration.node, configuration.python, configuration.gil)


def place_key(node: str, python: str, gil: Gil | None) -> str:
    """Return the same of a build that is known by its parts."""
    return f"{node} {python} gil={gil or 'default'}"
