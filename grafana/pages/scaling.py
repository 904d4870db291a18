"""Scaling: what more workers bring, and where it ends."""

from __future__ import annotations

from typing import Any

from grafana.shape import CONFIGURATION, ROW_LABELS, Page, curve, listing


def scaling() -> Any:
    """Speed-up against the number of workers, with the ideal line."""
    joined = '"series", " · ", "strategy", "python", "node", "workload"'
    speed_up = f"label_join(max without (run) (parlab_speedup_ratio{{{CONFIGURATION}}}), {joined})"
    serial = f'parlab_speedup_ratio{{{CONFIGURATION}, strategy="serial"}}'
    ideal = f"max by (max_workers) (parlab_ideal_speedup_ratio{{{CONFIGURATION}}})"
    efficiency = f"label_join(max without (run) (parlab_efficiency_ratio{{{CONFIGURATION}}}), {joined})"
    page = Page(
        "parlab-scaling",
        "parlab · Scaling",
        "How the speed-up grows with the number of workers, by strategy and Python build.",
    )
    page.row(
        14,
        curve(
            14,
            "Speed-up against workers",
            "A line per strategy, build, node and workload, and the ideal line: the best speed-up that "
            "this many workers (and for CPU work, this many CPUs) could give. Choose one workload to see it clearly.",
            f'{speed_up} or label_replace({ideal}, "series", "ideal", "", "")',
            x_label="speed-up",
        ),
        curve(
            10,
            "Efficiency against workers",
            "The speed-up as a share of the ideal: 1 is the maximum.",
            efficiency,
            unit="percentunit",
            x_label="efficiency",
        ),
    )
    page.row(
        10,
        listing(
            16,
            "Figures",
            "The points of the curves, with their intervals.",
            {
                "speed-up": f"parlab_speedup_ratio{{{CONFIGURATION}}}",
                "from": f"parlab_speedup_lower_ratio{{{CONFIGURATION}}}",
                "to": f"parlab_speedup_upper_ratio{{{CONFIGURATION}}}",
                "ideal": f"parlab_ideal_speedup_ratio{{{CONFIGURATION}}}",
                "CPUs used": f"parlab_cpus_used{{{CONFIGURATION}}}",
            },
            columns=ROW_LABELS,
            coloured=("speed-up",),
        ),
        listing(
            8,
            "Baselines",
            "What the speed-ups are ratios to: seconds of a serial round.",
            {
                "seconds": f'parlab_round_seconds{{{CONFIGURATION}, strategy="serial", quartile="0.5"}}',
                "ratio": serial,
            },
            unit="s",
            columns=("workload", "python", "node", "host", "run"),
            units={"ratio": "none"},
            hidden=("strategy", "max_workers", "quartile"),
        ),
    )
    return page.dashboard
