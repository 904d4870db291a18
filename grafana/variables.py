"""Variables at the top of a dashboard: the data source first, then from wide to narrow."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.models import dashboard

#: Of the data source that is provisioned.
DATASOURCE_UID = "parlab-prometheus"
DATASOURCE = dashboard.DataSourceRef(type_val="prometheus", uid="${datasource}")

#: Where links back to the lab's pages go: as docker-compose.yml publishes them. The pages' own links to
#: dashboards fill in where they really are (``var-lab``), and dashboards hand that on to each other.
LAB_ADDRESS = "http://127.0.0.1:8000"

#: A variable: its name, what it is called, and where its values come from.
Choice = tuple[str, str, str]
PLACE_CHOICES: tuple[Choice, ...] = (
    ("run", "Run", "label_values(parlab_run_info, run)"),
    ("host", "Host", "label_values(parlab_node_info, host)"),
    ("node", "Node", 'label_values(parlab_node_info{host=~"$host"}, node)'),
)
CONFIGURATION_CHOICES: tuple[Choice, ...] = (
    *PLACE_CHOICES,
    ("workload", "Workload", 'label_values(parlab_round_seconds{run=~"$run"}, workload)'),
    ("strategy", "Strategy", 'label_values(parlab_round_seconds{run=~"$run"}, strategy)'),
)
CLAIM_CHOICES: tuple[Choice, ...] = (
    *PLACE_CHOICES,
    ("python", "Python", 'label_values(parlab_claim_verdict{run=~"$run"}, python)'),
    ("claim", "Claim", 'label_values(parlab_claim_verdict{run=~"$run"}, claim)'),
)


def variables(choices: Iterable[Choice]) -> list[Any]:
    """Make the variables of a dashboard."""
    source = builders.DatasourceVariable("datasource").label("Data source").type("prometheus")
    source = source.current(dashboard.VariableOption(selected=True, text="parlab", value=DATASOURCE_UID))
    lab = builders.TextBoxVariable("lab").label("Lab's pages").default_value(LAB_ADDRESS)
    lab = lab.current(dashboard.VariableOption(selected=True, text=LAB_ADDRESS, value=LAB_ADDRESS))
    # Read from the address only: who looks at figures has nothing to choose there.
    lab = lab.hide(dashboard.VariableHide.HIDE_VARIABLE)
    return [source, *(_variable(name, label, query) for name, label, query in choices), lab]


def _variable(name: str, label: str, query: str) -> Any:
    return (
        builders.QueryVariable(name)
        .label(label)
        .datasource(DATASOURCE)
        .query({"query": query, "refId": f"variable-{name}"})
        .refresh(dashboard.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(dashboard.VariableSort.ALPHABETICAL_ASC)
        .multi(True)
        .include_all(True)
        .all_value(".*")
        .current(dashboard.VariableOption(selected=True, text=["All"], value=["$__all"]))
    )
