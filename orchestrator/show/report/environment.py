"""Where a run was measured: its nodes' hosts and builds side by side, and what differs."""

from __future__ import annotations

from collections.abc import Mapping

from parlab.orchestrator.analysis.across.surroundings import build_facts, host_facts
from parlab.orchestrator.show.formats.base import RunView
from parlab.orchestrator.show.report.tables import DataTable, facts_table
from parlab.orchestrator.show.text.builds import configurations

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
    node = next(one for one in run.registrations if one.node == name)
    facts = {key: value for key, value in host_facts(node.host) if key not in _LEFT_OUT}
    facts["parlab"] = node.parlab_version or None
    facts["Python of the node"] = node.harness_python or None
    facts["tolerates"] = ", ".join(node.tolerates) or None
    return facts
