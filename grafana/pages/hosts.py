"""Hosts: the same configurations on several machines and builds."""

from __future__ import annotations

from typing import Any

from grafana.shape import CONFIGURATION, NODES, Page, heat_map, listing


def hosts() -> Any:
    """The same configurations across hosts, nodes and builds."""
    cells = (
        "label_join(label_join(max by (workload, strategy, max_workers, python, node, host)"
        f" (parlab_speedup_ratio{{{CONFIGURATION}}}),"
        ' "configuration", " ", "workload", "strategy", "max_workers"),'
        ' "place", " · ", "host", "node", "python")'
    )
    by = "workload, strategy, max_workers, python, node, host"
    page = Page(
        "parlab-hosts",
        "parlab · Hosts",
        "The same configurations across hosts and builds: what differs, speed-ups, then seconds.",
    )
    page.row(
        7,
        listing(
            10,
            "What differs between the nodes",
            "Look here before comparing: a ratio between hosts is of all of this together.",
            {
                "effective CPUs": f"parlab_node_effective_cpus{{{NODES}}}",
                "memory": f"parlab_node_memory_total_bytes{{{NODES}}}",
                "quota": f"parlab_node_quota_cpus{{{NODES}}}",
            },
            columns=("node", "host"),
            units={"memory": "bytes"},
        ),
        listing(
            14,
            "Machines",
            "CPU, kernel, limits, hypervisor, clock rates and parlab of each node.",
            {"is": f"parlab_node_info{{{NODES}}}"},
            columns=(
                *("node", "host", "cpu_model", "kernel", "effective_cpus_why"),
                *("virtualization", "container", "governor", "smt", "turbo", "version"),
            ),
            hidden=("is",),
        ),
    )
    page.row(
        10,
        heat_map(
            24,
            "Speed-up: configurations by host, node and build",
            "How many times as fast as its own baseline there. A row that changes its colour from "
            "column to column is a configuration whose gain depends on the machine or the build.",
            cells,
            row="configuration",
            column="place",
        ),
    )
    page.row(
        12,
        listing(
            24,
            "Speed-up by configuration and node",
            "Warmer colours mean faster than its own baseline. Speed-ups can be compared across hosts; seconds "
            "are not paired and are shown for information. Verdicts: parlab compare RUN --by host.",
            {
                "speed-up": f"max by ({by}) (parlab_speedup_ratio{{{CONFIGURATION}}})",
                "from": f"max by ({by}) (parlab_speedup_lower_ratio{{{CONFIGURATION}}})",
                "to": f"max by ({by}) (parlab_speedup_upper_ratio{{{CONFIGURATION}}})",
                "seconds (not paired)": f"max by ({by})"
                f' (parlab_round_seconds{{{CONFIGURATION}, quartile="0.5"}})',
            },
            columns=("workload", "strategy", "max_workers", "python", "node", "host"),
            units={"seconds (not paired)": "s"},
            coloured=("speed-up",),
        ),
    )
    page.row(
        8,
        listing(
            12,
            "Fastest per node",
            "The greatest speed-up that each node and build reached, per workload.",
            {"best": f"max by (workload, python, node, host) (parlab_speedup_ratio{{{CONFIGURATION}}})"},
            columns=("workload", "python", "node", "host"),
            coloured=("best",),
        ),
        listing(
            12,
            "Python builds",
            "What each node offers.",
            {"is": f"parlab_node_build_info{{{NODES}}}"},
            columns=(
                "node",
                "python",
                "gil",
                "implementation",
                "compiler",
                "flags",
                "c_library",
            ),
            hidden=("is",),
        ),
    )
    return page.dashboard
