"""Node: what one machine does while it measures."""

from __future__ import annotations

from typing import Any

from grafana.shape import NODES, Page, listing, measuring, series, states


def node() -> Any:
    """CPU per core, steal, throttling, memory, pressure of a node, with what was measured."""
    rate = "[30s]"
    page = Page(
        "parlab-node",
        "parlab · Node",
        "What a node's host and control group do while trials run (marked).",
    )
    page.dashboard.annotation(measuring("trials"))
    page.row(
        8,
        series(
            12,
            "CPU per core",
            "Busy share of each CPU of the host, all programs together.",
            {
                "{{node}} core {{core}}": "sum by (node, core) (rate(parlab_node_cpu_seconds_total"
                f'{{{NODES}, mode=~"user|system"}}{rate}))'
            },
            unit="percentunit",
        ),
        series(
            12,
            "Steal",
            "Share of CPU time that the hypervisor gave to others.",
            {
                "{{node}}": "sum by (node) (rate(parlab_node_cpu_seconds_total"
                f'{{{NODES}, mode="steal"}}{rate}))'
                f" / sum by (node) (rate(parlab_node_cpu_seconds_total{{{NODES}}}{rate}))"
            },
            unit="percentunit",
        ),
    )
    page.row(
        8,
        series(
            8,
            "Throttling",
            "Share of the quota's periods in which the node was held back; 0 without a quota.",
            {
                "{{node}}": f"rate(parlab_node_throttled_periods_total{{{NODES}}}{rate})"
                f" / clamp_min(rate(parlab_node_periods_total{{{NODES}}}{rate}), 0.001)"
            },
            unit="percentunit",
        ),
        series(
            8,
            "CPU of the node's group",
            "CPUs' worth of time that the node and its trials use.",
            {"{{node}}": f"rate(parlab_node_group_cpu_seconds_total{{{NODES}}}{rate})"},
        ),
        series(
            8,
            "Memory",
            "What the node's control group uses, and what the host still has.",
            {
                "{{node}} uses": f"parlab_node_memory_bytes{{{NODES}}}",
                "{{host}} has": f"min by (host) (parlab_node_memory_available_bytes{{{NODES}}})",
            },
            unit="bytes",
        ),
    )
    page.row(
        8,
        series(
            8,
            "Pressure",
            "Share of time in which some task waited for a resource (PSI); empty where the kernel "
            "does not count it.",
            {
                "{{host}} {{resource}}": "max by (host, resource) (rate(parlab_node_pressure_seconds_total"
                f'{{{NODES}, share="some"}}{rate}))'
            },
            unit="percentunit",
        ),
        series(
            8,
            "Context switches",
            "Of the whole host, per second.",
            {"{{host}}": f"max by (host) (rate(parlab_node_context_switches_total{{{NODES}}}{rate}))"},
            unit="ops",
        ),
        series(
            8,
            "The node itself",
            "Load of the host, results that wait on the node's disk, and the clock's offset.",
            {
                "{{node}} load": f"parlab_node_load1{{{NODES}}}",
                "{{node}} spooled": f"parlab_node_spooled_results{{{NODES}}}",
                "{{node}} clock (s)": f"parlab_node_clock_offset_seconds{{{NODES}}}",
            },
            least=None,
        ),
    )
    page.row(
        6,
        states(
            24,
            "What it measured",
            "When a sitting ran, and which workload of which run.",
            f"parlab_node_sitting_info{{{NODES}}}",
            "{{node}} · {{run}} {{workload}}",
        ),
    )
    page.row(
        8,
        listing(
            24,
            "Self-test: precision and wrong verdicts",
            "Half-width of a speed-up's interval after 1, 5 and 15 minutes of 4 configurations, and how "
            "often two equal things were called different (95 % bounds; at most 5 % is promised). Empty "
            "before the first parlab doctor --self-test --lab.",
            {
                **{
                    f"± in {seconds // 60} min": _newest("half_width_ratio", f', after="{seconds}"')
                    for seconds in (60, 300, 900)
                },
                "wrong": _newest("wrong_ratio"),
                "from": _newest("wrong_lower_ratio"),
                "to": _newest("wrong_upper_ratio"),
                "tries": _newest("tries"),
                "t test wrong": _newest("t_test_wrong_ratio"),
                "begun": f"1000 * {_newest('timestamp_seconds')}",
            },
            unit="percentunit",
            columns=("node", "python"),
            units={"tries": "none", "begun": "dateTimeFromNow"},
            hidden=("host",),
        ),
    )
    page.row(
        8,
        listing(
            12,
            "Self-test: planted slowdowns",
            "Share of tries that found a slowdown of known size, and after how many blocks half did; "
            "what is to be expected at the block sd; and how many called it faster.",
            {
                "found": _newest("found_ratio", by="planted"),
                "from": _newest("found_lower_ratio", by="planted"),
                "to": _newest("found_upper_ratio", by="planted"),
                "blocks": _newest("found_blocks", by="planted"),
                "expected": _newest("expected_ratio", by="planted"),
                "wrong sign": _newest("wrong_sign_ratio", by="planted"),
            },
            unit="percentunit",
            columns=("node", "python", "planted"),
            units={"blocks": "none"},
            hidden=("host",),
        ),
        listing(
            12,
            "Self-test: noise",
            "How much the ratio of a configuration to itself varies from block to block, and whether "
            "blocks resemble the ones before them.",
            {
                "block sd": _newest("block_sd_ratio", by="pair"),
                "from": _newest("block_sd_lower_ratio", by="pair"),
                "to": _newest("block_sd_upper_ratio", by="pair"),
                "autocorrelation": _newest("autocorrelation_ratio", by="pair"),
                "error": _newest("autocorrelation_error_ratio", by="pair"),
                "blocks": _newest("blocks", by="pair"),
            },
            unit="percentunit",
            columns=("node", "python", "pair"),
            units={"blocks": "none", "autocorrelation": "none", "error": "none"},
            hidden=("host",),
            coloured=("block sd",),
        ),
    )
    return page.dashboard


def _newest(name: str, further: str = "", by: str = "") -> str:
    """Ask for a figure of the newest self-tests, by labels that are the same for all columns of a table."""
    labels = ", ".join(filter(None, ("node", "host", "python", by)))
    return f"max by ({labels}) (parlab_selftest_{name}{{{NODES}{further}}})"
