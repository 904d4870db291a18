"""The lab: nodes, queues, runs and their progress, failures, what runs where."""

from __future__ import annotations

from typing import Any

from grafana.shape import NODES, RUN, Query, listing, number, page, series, states


def lab() -> Any:
    """Nodes, queues, runs and their progress, what goes wrong, what runs where."""
    return page(
        "parlab-lab",
        "parlab · Lab",
        "What the lab does now: nodes, queues, runs, failures.",
        [
            (
                4,
                [
                    (
                        number(
                            "Nodes up",
                            "Nodes whose heartbeat is fresh.",
                            "none",
                            Query("sum(parlab_node_up)"),
                        ),
                        4,
                    ),
                    (
                        number(
                            "Nodes away",
                            "Nodes that joined once and do not answer now.",
                            "none",
                            Query("count(parlab_node_up == 0) or vector(0)"),
                            red_from=1,
                        ),
                        4,
                    ),
                    (
                        number(
                            "Runs at work",
                            "Runs that a controller works on, those that wait included.",
                            "none",
                            Query("parlab_orchestrator_active_runs"),
                        ),
                        4,
                    ),
                    (
                        number(
                            "Sittings waiting",
                            "Sittings in all queues that no node has taken yet.",
                            "none",
                            Query("sum(parlab_queue_jobs)"),
                        ),
                        4,
                    ),
                    (
                        number(
                            "Not collected",
                            "Results in the streams that are not in the store yet.",
                            "none",
                            Query("sum(parlab_results_uncollected)"),
                            red_from=100,
                        ),
                        4,
                    ),
                    (
                        number(
                            "Store",
                            "Size of the store on the orchestrator's disk.",
                            "bytes",
                            Query("parlab_orchestrator_store_bytes"),
                        ),
                        4,
                    ),
                ],
            ),
            (
                8,
                [
                    (
                        listing(
                            "Runs",
                            "The exported runs: how far each is.",
                            "none",
                            {
                                "blocks": f"parlab_run_blocks{{{RUN}}}",
                                "settled": f"parlab_run_comparisons_settled{{{RUN}}}",
                                "comparisons": f"parlab_run_comparisons{{{RUN}}}",
                                "at work": f"parlab_run_active{{{RUN}}}",
                                "waits": f"parlab_run_waiting{{{RUN}}}",
                                "void blocks": f"parlab_run_voided_blocks{{{RUN}}}",
                            },
                            columns=("run",),
                        ),
                        12,
                    ),
                    (
                        series(
                            "Progress",
                            "Share of each run's comparisons that need no more blocks.",
                            "percentunit",
                            [
                                Query(
                                    f"parlab_run_comparisons_settled{{{RUN}}}"
                                    f" / (parlab_run_comparisons{{{RUN}}} > 0)",
                                    "{{run}}",
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
                        states(
                            "What runs where",
                            "When each node measured, and which workload of which run.",
                            Query(f"parlab_node_sitting_info{{{NODES}}}", "{{node}} · {{run}} {{workload}}"),
                        ),
                        12,
                    ),
                    (
                        listing(
                            "Nodes",
                            "What each node is. 1 is yes, 0 is no.",
                            "none",
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
                        12,
                    ),
                ],
            ),
            (
                8,
                [
                    (
                        series(
                            "Trials",
                            "Trials by outcome, over all configurations of the chosen runs.",
                            "none",
                            [Query(f"sum by (outcome) (parlab_trials_total{{{RUN}}})", "{{outcome}}")],
                        ),
                        8,
                    ),
                    (
                        series(
                            "Not counted",
                            "Trials that were rejected, failed or lost, by cause; empty where there are none.",
                            "none",
                            [
                                Query(
                                    f"sum by (cause) (parlab_trials_not_counted_total{{{RUN}}})", "{{cause}}"
                                )
                            ],
                        ),
                        8,
                    ),
                    (
                        series(
                            "Waiting and orchestrator",
                            "Median of what sittings waited beyond their own time, and how long the controller was busy.",
                            "s",
                            [
                                Query(
                                    "histogram_quantile(0.5, sum by (le) (rate(parlab_queue_wait_seconds_bucket[5m])))",
                                    "wait, median",
                                ),
                                Query("parlab_orchestrator_loop_seconds", "controller's turn"),
                            ],
                        ),
                        8,
                    ),
                ],
            ),
        ],
    )
