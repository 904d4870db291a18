"""Node: what one machine does while it measures."""

from __future__ import annotations

from typing import Any

from grafana.shape import NODES, Query, measuring, page, series, states


def node() -> Any:
    """CPU per core, steal, throttling, memory, pressure of a node, with what was measured."""
    rate = "[30s]"
    return page(
        "parlab-node",
        "parlab · Node",
        "What a node's host and control group do while trials run (marked).",
        [
            (
                8,
                [
                    (
                        series(
                            "CPU per core",
                            "Busy share of each CPU of the host, all programs together.",
                            "percentunit",
                            [
                                Query(
                                    "sum by (node, core) (rate(parlab_node_cpu_seconds_total"
                                    f'{{{NODES}, mode=~"user|system"}}{rate}))',
                                    "{{node}} core {{core}}",
                                )
                            ],
                        ),
                        12,
                    ),
                    (
                        series(
                            "Steal",
                            "Share of CPU time that the hypervisor gave to others.",
                            "percentunit",
                            [
                                Query(
                                    "sum by (node) (rate(parlab_node_cpu_seconds_total"
                                    f'{{{NODES}, mode="steal"}}{rate}))'
                                    f" / sum by (node) (rate(parlab_node_cpu_seconds_total{{{NODES}}}{rate}))",
                                    "{{node}}",
                                )
                            ],
                        ),
                        12,
                    ),
                ],
            ),
            (
                8,
                [
                    (
                        series(
                            "Throttling",
                            "Share of the quota's periods in which the node was held back; 0 without a quota.",
                            "percentunit",
                            [
                                Query(
                                    f"rate(parlab_node_throttled_periods_total{{{NODES}}}{rate})"
                                    f" / clamp_min(rate(parlab_node_periods_total{{{NODES}}}{rate}), 0.001)",
                                    "{{node}}",
                                )
                            ],
                        ),
                        8,
                    ),
                    (
                        series(
                            "CPU of the node's group",
                            "CPUs' worth of time that the node and its trials use.",
                            "none",
                            [
                                Query(
                                    f"rate(parlab_node_group_cpu_seconds_total{{{NODES}}}{rate})", "{{node}}"
                                )
                            ],
                        ),
                        8,
                    ),
                    (
                        series(
                            "Memory",
                            "What the node's control group uses, and what the host still has.",
                            "bytes",
                            [
                                Query(f"parlab_node_memory_bytes{{{NODES}}}", "{{node}} uses"),
                                Query(
                                    f"min by (host) (parlab_node_memory_available_bytes{{{NODES}}})",
                                    "{{host}} has",
                                ),
                            ],
                        ),
                        8,
                    ),
                ],
            ),
            (
                8,
                [
                    (
                        series(
                            "Pressure",
                            "Share of time in which some task waited for a resource (PSI); empty where the kernel "
                            "does not count it.",
                            "percentunit",
                            [
                                Query(
                                    "max by (host, resource) (rate(parlab_node_pressure_seconds_total"
                                    f'{{{NODES}, share="some"}}{rate}))',
                                    "{{host}} {{resource}}",
                                )
                            ],
                        ),
                        8,
                    ),
                    (
                        series(
                            "Context switches",
                            "Of the whole host, per second.",
                            "ops",
                            [
                                Query(
                                    "max by (host)"
                                    f" (rate(parlab_node_context_switches_total{{{NODES}}}{rate}))",
                                    "{{host}}",
                                )
                            ],
                        ),
                        8,
                    ),
                    (
                        series(
                            "The node itself",
                            "Load of the host, results that wait on the node's disk, and the clock's offset.",
                            "none",
                            [
                                Query(f"parlab_node_load1{{{NODES}}}", "{{node}} load"),
                                Query(f"parlab_node_spooled_results{{{NODES}}}", "{{node}} spooled"),
                                Query(f"parlab_node_clock_offset_seconds{{{NODES}}}", "{{node}} clock (s)"),
                            ],
                            least=None,
                        ),
                        8,
                    ),
                ],
            ),
            (
                6,
                [
                    (
                        states(
                            "What it measured",
                            "When a sitting ran, and which workload of which run.",
                            Query(f"parlab_node_sitting_info{{{NODES}}}", "{{node}} · {{run}} {{workload}}"),
                        ),
                        24,
                    )
                ],
            ),
        ],
        annotations=[measuring("trials")],
    )
