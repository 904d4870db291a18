"""The five dashboards: what each shows, panel by panel."""

from __future__ import annotations

from typing import Any

from .shape import (
    CONFIGURATION,
    NODES,
    RUN,
    Query,
    curve,
    listing,
    measuring,
    number,
    page,
    series,
    states,
)

_ROW_LABELS = ("workload", "strategy", "max_workers", "python", "node", "host", "run")
_LINE = "{{strategy}} ×{{max_workers}} · {{python}} · {{node}} · {{workload}}"


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


def strategies() -> Any:
    """Which strategy wins and by how much, with intervals; time, efficiency, memory, start-up."""
    return page(
        "parlab-strategies",
        "parlab · Strategies",
        "Which strategy wins on the chosen hosts, by how much, and how sure that is.",
        [
            (
                10,
                [
                    (
                        listing(
                            "Speed-up over the baseline",
                            "Ratio with its interval, which may be looked at at any time; recommended: the cheapest "
                            "of those that may be the fastest. The verdict is in the next panel.",
                            "none",
                            {
                                "speed-up": f"parlab_speedup_ratio{{{CONFIGURATION}}}",
                                "from": f"parlab_speedup_lower_ratio{{{CONFIGURATION}}}",
                                "to": f"parlab_speedup_upper_ratio{{{CONFIGURATION}}}",
                                "blocks": f"parlab_comparison_blocks{{{CONFIGURATION}}}",
                                "efficiency": f"parlab_efficiency_ratio{{{CONFIGURATION}}}",
                                "recommended": f"parlab_recommended{{{CONFIGURATION}}}",
                            },
                            columns=_ROW_LABELS,
                            units={"efficiency": "percentunit"},
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
                            "Verdicts",
                            "What is declared, at an error rate over all comparisons of a run.",
                            "none",
                            {"is": f"parlab_verdict{{{CONFIGURATION}}}"},
                            columns=("verdict", *_ROW_LABELS),
                            hidden=("is",),
                        ),
                        12,
                    ),
                    (
                        series(
                            "Speed-up as blocks come in",
                            "The estimate and its bounds over time: the interval narrows.",
                            "none",
                            [
                                Query(f"parlab_speedup_ratio{{{CONFIGURATION}}}", _LINE),
                                Query(f"parlab_speedup_lower_ratio{{{CONFIGURATION}}}", f"{_LINE} from"),
                                Query(f"parlab_speedup_upper_ratio{{{CONFIGURATION}}}", f"{_LINE} to"),
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
                            "Time of a round",
                            "Median seconds of one round: all tasks once.",
                            "s",
                            [Query(f'parlab_round_seconds{{{CONFIGURATION}, quartile="0.5"}}', _LINE)],
                        ),
                        12,
                    ),
                    (
                        series(
                            "Efficiency",
                            "Speed-up by what the workers, and for CPU work the CPUs, could give at best.",
                            "percentunit",
                            [Query(f"parlab_efficiency_ratio{{{CONFIGURATION}}}", _LINE)],
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
                            "Memory",
                            "Peak of the whole process tree (PSS), median over trials.",
                            "bytes",
                            [Query(f"parlab_memory_bytes{{{CONFIGURATION}}}", _LINE)],
                        ),
                        8,
                    ),
                    (
                        series(
                            "Start-up",
                            "From making the pool until each of its workers has answered.",
                            "s",
                            [Query(f"parlab_start_up_seconds{{{CONFIGURATION}}}", _LINE)],
                        ),
                        8,
                    ),
                    (
                        series(
                            "Task latency",
                            "Mean seconds that a task takes under this concurrency, by Little's law.",
                            "s",
                            [Query(f"parlab_task_latency_seconds{{{CONFIGURATION}}}", _LINE)],
                        ),
                        8,
                    ),
                ],
            ),
        ],
    )


def scaling() -> Any:
    """Speed-up against the number of workers, with the ideal line."""
    joined = '"series", " · ", "strategy", "python", "node", "workload"'
    speed_up = f"label_join(max without (run) (parlab_speedup_ratio{{{CONFIGURATION}}}), {joined})"
    serial = f'parlab_speedup_ratio{{{CONFIGURATION}, strategy="serial"}}'
    ideal = f"max by (max_workers) (parlab_ideal_speedup_ratio{{{CONFIGURATION}}})"
    efficiency = f"label_join(max without (run) (parlab_efficiency_ratio{{{CONFIGURATION}}}), {joined})"
    return page(
        "parlab-scaling",
        "parlab · Scaling",
        "How the speed-up grows with the number of workers, by strategy and Python build.",
        [
            (
                14,
                [
                    (
                        curve(
                            "Speed-up against workers",
                            "A line per strategy, build, node and workload, and the ideal line: what so many workers, "
                            "and for CPU work so many CPUs, could give at best. Choose one workload to see it clearly.",
                            "none",
                            f'{speed_up} or label_replace({ideal}, "series", "ideal", "", "")',
                            x_label="speed-up",
                        ),
                        14,
                    ),
                    (
                        curve(
                            "Efficiency against workers",
                            "The speed-up's share of the ideal: 1 is all that can be had.",
                            "percentunit",
                            efficiency,
                            x_label="efficiency",
                        ),
                        10,
                    ),
                ],
            ),
            (
                10,
                [
                    (
                        listing(
                            "Figures",
                            "The points of the curves, with their intervals.",
                            "none",
                            {
                                "speed-up": f"parlab_speedup_ratio{{{CONFIGURATION}}}",
                                "from": f"parlab_speedup_lower_ratio{{{CONFIGURATION}}}",
                                "to": f"parlab_speedup_upper_ratio{{{CONFIGURATION}}}",
                                "ideal": f"parlab_ideal_speedup_ratio{{{CONFIGURATION}}}",
                                "CPUs used": f"parlab_cpus_used{{{CONFIGURATION}}}",
                            },
                            columns=_ROW_LABELS,
                            coloured=("speed-up",),
                        ),
                        16,
                    ),
                    (
                        listing(
                            "Baselines",
                            "What the speed-ups are ratios to: seconds of a serial round.",
                            "s",
                            {
                                "seconds": f'parlab_round_seconds{{{CONFIGURATION}, strategy="serial",'
                                ' quartile="0.5"}',
                                "ratio": serial,
                            },
                            columns=("workload", "python", "node", "host", "run"),
                            units={"ratio": "none"},
                            hidden=("strategy", "max_workers", "quartile"),
                        ),
                        8,
                    ),
                ],
            ),
        ],
    )


def hosts() -> Any:
    """The same configurations across hosts, nodes and builds."""
    by = "workload, strategy, max_workers, python, node, host"
    return page(
        "parlab-hosts",
        "parlab · Hosts",
        "The same configurations across hosts and builds: speed-ups first, then seconds.",
        [
            (
                12,
                [
                    (
                        listing(
                            "Speed-up by configuration and node",
                            "The warmer, the faster than its own baseline. A speed-up can be compared across hosts; "
                            "seconds depend on the machine.",
                            "none",
                            {
                                "speed-up": f"max by ({by}) (parlab_speedup_ratio{{{CONFIGURATION}}})",
                                "from": f"max by ({by}) (parlab_speedup_lower_ratio{{{CONFIGURATION}}})",
                                "to": f"max by ({by}) (parlab_speedup_upper_ratio{{{CONFIGURATION}}})",
                                "seconds": f"max by ({by})"
                                f' (parlab_round_seconds{{{CONFIGURATION}, quartile="0.5"}})',
                            },
                            columns=("workload", "strategy", "max_workers", "python", "node", "host"),
                            units={"seconds": "s"},
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
                            "What differs between the nodes",
                            "Look here before comparing: CPU, kernel, limits, version.",
                            "none",
                            {
                                "effective CPUs": f"parlab_node_effective_cpus{{{NODES}}}",
                                "memory": f"parlab_node_memory_total_bytes{{{NODES}}}",
                                "quota": f"parlab_node_quota_cpus{{{NODES}}}",
                            },
                            columns=("node", "host"),
                            units={"memory": "bytes"},
                        ),
                        12,
                    ),
                ],
            ),
            (
                7,
                [
                    (
                        listing(
                            "Machines",
                            "CPU, kernel, control groups and parlab of each node.",
                            "none",
                            {"is": f"parlab_node_info{{{NODES}}}"},
                            columns=("node", "host", "cpu_model", "kernel", "effective_cpus_why"),
                            hidden=("is",),
                        ),
                        14,
                    ),
                    (
                        listing(
                            "Python builds",
                            "What each node offers.",
                            "none",
                            {"is": f"parlab_node_build_info{{{NODES}}}"},
                            columns=("node", "python", "gil", "implementation", "flags"),
                            hidden=("is",),
                        ),
                        10,
                    ),
                ],
            ),
        ],
    )


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


PAGES = {"lab": lab, "strategies": strategies, "scaling": scaling, "hosts": hosts, "node": node}
