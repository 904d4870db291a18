"""The groups of a run that are drawn, with their configurations by the names and in the order of tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from parlab.orchestrator.analysis.findings.run import ConfigurationFinding, GroupFinding
from parlab.orchestrator.analysis.view import RunView
from parlab.orchestrator.figures import printable
from parlab.orchestrator.plan.model import Configuration, Group, places
from parlab.orchestrator.show.text.builds import build_key, build_names, host_text
from parlab.orchestrator.show.text.claims import claimed_groups
from parlab.orchestrator.show.text.group_tables import group_title


@dataclass(frozen=True)
class Member:
    """A configuration of a group, measured or not."""

    configuration: Configuration
    #: Its name within its build, fit for print.
    label: str
    #: Its name within the group: with its build or node, where there are several.
    name: str
    #: None where it was not tried.
    row: ConfigurationFinding | None
    #: Why there is nothing of it; None where there is, or may come.
    problem: str | None

    @property
    def verdict(self) -> str:
        """Its verdict in a word."""
        return "skipped" if self.row is None else self.row.verdict


@dataclass(frozen=True)
class ShownGroup:
    """One workload on one host."""

    #: From 1, as the run has them.
    number: int
    group: Group
    finding: GroupFinding
    #: What it is about, for people: "integer_sum(steps=10⁷) × 4 · host laptop".
    title: str
    #: By the name of their build, the builds in the order of the plan.
    builds: Mapping[str, tuple[Member, ...]]

    @property
    def members(self) -> tuple[Member, ...]:
        """All of its configurations, build by build."""
        return tuple(member for members in self.builds.values() for member in members)


def shown_groups(run: RunView) -> list[ShownGroup]:
    """Give a run's groups; those that claims are about are many, and are shown by the claims."""
    hidden = claimed_groups(run)
    planned = {group.id: group for group in run.plan.groups}
    builds = build_names(run)
    return [
        _shown(run, number, planned[finding.group], finding, builds)
        for number, finding in enumerate(run.finding.groups, 1)
        if finding.group not in hidden
    ]


def _shown(
    run: RunView, number: int, group: Group, finding: GroupFinding, builds: Mapping[str, str]
) -> ShownGroup:
    rows = {row.configuration: row for row in finding.configurations}
    skipped = {skip.configuration.id: skip for skip in group.skipped}
    everyone = {c.id: c for c in group.configurations} | {
        s.configuration.id: s.configuration for s in skipped.values()
    }
    where = places(everyone.values())
    members: dict[str, list[Member]] = {}
    # What was not tried stands under its build, too: a row that is missing looks like an oversight.
    for name in [*rows, *(name for name in skipped if name not in rows)]:
        configuration, row = everyone[name], rows.get(name)
        label = printable(row.label if row is not None else configuration.label)
        problem = row.problem if row is not None else skipped[name].reason
        key = build_key(configuration)
        members.setdefault(builds.get(key, key), []).append(
            Member(configuration, label, label + where[name], row, problem and printable(problem))
        )
    title = group_title(finding.label, finding.tasks) + host_text(run, finding.host)
    return ShownGroup(
        number, group, finding, printable(title), {name: tuple(rows) for name, rows in members.items()}
    )
