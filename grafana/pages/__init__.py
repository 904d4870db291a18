"""The six dashboards, by the name of their file: what each shows, panel by panel."""

from __future__ import annotations

from . import claims, hosts, lab, node, scaling, strategies

PAGES = {
    "lab": lab.lab,
    "claims": claims.claims,
    "strategies": strategies.strategies,
    "scaling": scaling.scaling,
    "hosts": hosts.hosts,
    "node": node.node,
}
