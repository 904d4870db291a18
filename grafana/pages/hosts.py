"""Hosts: the same configurations on several machines and builds."""

from __future__ import annotations

from typing import Any

from grafana.shape import CONFIGURATION, NODES, heat_map, listing, page


def hosts() -> Any:
    """The same configurations across hosts, nodes and builds."""
    cells = (
        "label_join(label_join(max by (workload, strategy, max_workers, python, node, host)"
        f" (parlab_speedup_ratio{{{CONFIGURATION}}}),"
        ' "configuration", " ", "workload", "strategy", "max_workers"),'
        ' "place", " · ", "host", "node", "python")'
    )
    by = "workload, strategy, max_workers, python, node, host"
    return page(
        "parlab-hosts",
        "parlab · Hosts",
        "The same configurations across hosts and builds: what differs, speed-ups, then seconds.",
        [
            (
                7,
                [
                    (
                        listing(
                            "What differs between the nodes",
                            "Look here before comparing: a ratio between hosts is of all of this together.",
                            "none",
                            {
                                "effective CPUs": f"parlab_node_effective_cpus{{{NODES}}}",
                                "memory": f"parlab_node_memory_total_bytes{{{NODES}}}",
                                "quota": f"parlab_node_quota_cpus{{{NODES}}}",
                            },
                            columns=("node", "host"),
                            units={"memory": "bytes"},
                        ),
                        10,
                    ),
                    (
                        listing(
                            "Machines",
                            "CPU, kernel, limits, hypervisor, clock rates and parlab of each node.",
                            "none",
                            {"is": f"parlab_node_info{{{NODES}}}"},
                            columns=(
                                *("node", "host", "cpu_model", "kernel", "effective_cpus_why"),
                                *("virtualization", "container", "governor", "smt", "turbo", "version"),
                            ),
                            hidden=("is",),
                        ),
                        14,
                    ),
                ],
            ),
            (
                10,
                [
                    (
                        heat_map(
                            "Speed-up: configurations by host, node and build",
                            "How many times as fast as its own baseline there. A row that changes its colour from "
                            "column to column is a configuration whose gain depends on the machine or the build.",
                            "none",
                            cells,
                            row="configuration",
                            column="place",
                        ),
                        24,
                    )
                ],
            ),
            (
                12,
                [
                    (
                        listing(
                            "Speed-up by configuration and node",
                            "The warmer, the faster than its own baseline. Speed-ups can be compared across hosts; seconds, "
                            "which are not paired, are described. Verdicts: parlab compare RUN --by host.",
                            "none",
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
                        24,
                    )
                ],
            ),
            (
                8,
                [
                    (
                        listing(
                            "Fastest per node",
                            "The greatest speed-up that each node and build reached, per workload.",
                            "none",
                            {
                                "best": "max by (workload, python, node, host)"
                                f" (parlab_speedup_ratio{{{CONFIGURATION}}})"
                            },
                            columns=("workload", "python", "node", "host"),
                            coloured=("best",),
                        ),
                        12,
                    ),
                    (
                        listing(
                            "Python builds",
                            "What each node offers.",
                            "none",
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
                        12,
                    ),
                ],
            ),
        ],
    )
