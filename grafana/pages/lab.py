"""The lab: nodes, queues, runs and their progress, failures, what runs where."""

from __future__ import annotations

from typing import Any

from grafana.shape import NODES, RUN, Page, listing, number, series, states


def lab() -> Any:
    """Nodes, queues, runs and their progress, what goes wrong, what runs where."""
    page = Page("parlab-lab", "parlab · Lab", "What the lab is doing now: nodes, queues, runs, failures.")
    page.row(
        4,
        number(4, "Nodes up", "Nodes whose heartbeat is fresh.", "sum(parlab_node_up)"),
        number(
            4,
            "Nodes away",
            "Nodes that joined once and do not answer now.",
            "count(parlab_node_up == 0) or vector(0)",
            red_from=1,
        ),
        number(
            4,
            "Active runs",
            "Runs that a controller works on, those that wait included.",
            "parlab_orchestrator_active_runs",
        ),
        number(
            4,
            "Sittings waiting",
            "Sittings in all queues that no node has taken yet.",
            "sum(parlab_queue_jobs)",
        ),
        number(
            4,
            "Not collected yet",
            "Results in the streams that are not in the store yet.",
            "sum(parlab_results_uncollected)",
            red_from=100,
        ),
        number(
            4,
            "Store",
            "Size of the store on the orchestrator's disk.",
            "parlab_orchestrator_store_bytes",
            unit="bytes",
        ),
    )
    page.row(
        8,
        listing(
            12,
            "Runs",
            "The exported runs: how far each is.",
            {
                "blocks": f"parlab_run_blocks{{{RUN}}}",
                "settled": f"parlab_run_comparisons_settled{{{RUN}}}",
                "comparisons": f"parlab_run_comparisons{{{RUN}}}",
                "active": f"parlab_run_active{{{RUN}}}",
                "waits": f"parlab_run_waiting{{{RUN}}}",
                "void blocks": f"parlab_run_voided_blocks{{{RUN}}}",
            },
            columns=("run",),
        ),
        series(
            12,
            "Progress",
            "Share of each run's comparisons that need no more blocks.",
            {"{{run}}": f"parlab_run_comparisons_settled{{{RUN}}} / (parlab_run_comparisons{{{RUN}}} > 0)"},
            unit="percentunit",
        ),
    )
    page.row(
        8,
        states(
            12,
            "What runs where",
            "When each node measured, and which workload of which run.",
            f"parlab_node_sitting_info{{{NODES}}}",
            "{{node}} · {{run}} {{workload}}",
        ),
        listing(
            12,
            "Nodes",
            "What each node is. 1 is yes, 0 is no.",
            {
                "up": "parlab_node_up",
                "usable": "parlab_node_usable",
                "paused": "parlab_node_paused",
                "waiting": "parlab_queue_jobs",
                "oldest": "parlab_queue_oldest_seconds",
                "uncollected": "parlab_results_uncollected",
            },
            columns=("node",),
            units={"oldest": "s"},
        ),
    )
    page.row(
        8,
        series(
            8,
            "Trials",
            "Trials by outcome, over all configurations of the chosen runs.",
            {"{{outcome}}": f"sum by (outcome) (parlab_trials_total{{{RUN}}})"},
        ),
        series(
            8,
            "Not counted",
            "Trials that were rejected, failed or lost, by cause; empty where there are none.",
            {"{{cause}}": f"sum by (cause) (parlab_trials_not_counted_total{{{RUN}}})"},
        ),
        series(
            8,
            "Waiting and orchestrator",
            "Median time that sittings waited besides their own time, and how long the controller was busy.",
            {
                "wait, median": "histogram_quantile(0.5, sum by (le) (rate(parlab_queue_wait_seconds_bucket[5m])))",
                "controller's turn": "parlab_orchestrator_loop_seconds",
            },
            unit="s",
        ),
    )
    return page.dashboard
