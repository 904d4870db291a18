"""The five dashboards, by the name of their file: what each shows, panel by panel."""

from __future__ import annotations

from . import hosts, lab, node, scaling, strategies

PAGES = {
    "lab": lab.lab,
    "strategies": strategies.strategies,
    "scaling": scaling.scaling,
    "hosts": hosts.hosts,
    "node": node.node,
}
