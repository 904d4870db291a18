"""Strategies: which wins on a host, by how much, and at what price."""

from __future__ import annotations

from typing import Any

from grafana.shape import CONFIGURATION, LINE, ROW_LABELS, Query, listing, page, series


def _readings(title: str, about: str, unit: str, **probes: str) -> Any:
    """Make a panel of readings: the probes' names, each with what its lines are called beside their label."""
    return series(
        title,
        about,
        unit,
        [
            Query(f'parlab_reading{{{CONFIGURATION}, probe="{probe}"}}', f"{LINE} {name}".rstrip())
            for probe, name in probes.items()
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
                                "void": f"parlab_comparison_void_blocks{{{CONFIGURATION}}}",
                                "efficiency": f"parlab_efficiency_ratio{{{CONFIGURATION}}}",
                                "recommended": f"parlab_recommended{{{CONFIGURATION}}}",
                            },
                            columns=ROW_LABELS,
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
                            columns=("verdict", *ROW_LABELS),
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
                                Query(f"parlab_speedup_ratio{{{CONFIGURATION}}}", LINE),
                                Query(f"parlab_speedup_lower_ratio{{{CONFIGURATION}}}", f"{LINE} from"),
                                Query(f"parlab_speedup_upper_ratio{{{CONFIGURATION}}}", f"{LINE} to"),
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
                            [Query(f'parlab_round_seconds{{{CONFIGURATION}, quartile="0.5"}}', LINE)],
                        ),
                        12,
                    ),
                    (
                        series(
                            "Efficiency",
                            "Speed-up by what the workers, and for CPU work the CPUs, could give at best.",
                            "percentunit",
                            [Query(f"parlab_efficiency_ratio{{{CONFIGURATION}}}", LINE)],
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
                            [Query(f"parlab_memory_bytes{{{CONFIGURATION}}}", LINE)],
                        ),
                        8,
                    ),
                    (
                        series(
                            "Start-up",
                            "From making the pool until each of its workers has answered.",
                            "s",
                            [Query(f"parlab_start_up_seconds{{{CONFIGURATION}}}", LINE)],
                        ),
                        8,
                    ),
                    (
                        series(
                            "Task latency",
                            "Mean seconds that a task takes under this concurrency, by Little's law.",
                            "s",
                            [Query(f"parlab_task_latency_seconds{{{CONFIGURATION}}}", LINE)],
                        ),
                        8,
                    ),
                ],
            ),
            (
                8,
                [
                    (
                        _readings(
                            "Time of each task",
                            "What half of the tasks, and 99 % of them, did not exceed, one by one, in an untimed round; median over trials.",
                            "s",
                            task_p50="p50",
                            task_p99="p99",
                        ),
                        8,
                    ),
                    (
                        _readings(
                            "Wait for a worker",
                            "From handing over all tasks until half of them, and 99 %, had begun, in an untimed round; median over trials.",
                            "s",
                            task_wait_p50="p50",
                            task_wait_p99="p99",
                        ),
                        8,
                    ),
                    (
                        _readings(
                            "Greatest share of the tasks",
                            "How much of the tasks the busiest worker did: 1 by their number where they are divided equally.",
                            "percentunit",
                            task_share_max="",
                        ),
                        8,
                    ),
                ],
            ),
            (
                8,
                [
                    (
                        _readings(
                            "Handing over a task",
                            "What the warm pool takes for a task that does nothing; median over trials.",
                            "s",
                            dispatch="",
                        ),
                        8,
                    ),
                    (
                        _readings(
                            "Pickled for a round",
                            "Bytes of functions and items there, and of results back; nothing for what shares memory.",
                            "bytes",
                            pickled_in="there",
                            pickled_out="back",
                        ),
                        8,
                    ),
                    (
                        _readings(
                            "Threads of the work's own",
                            "Threads that the work keeps beyond those of its pool: more than CPUs slow each other down.",
                            "none",
                            inner_threads="",
                        ),
                        8,
                    ),
                ],
            ),
            (
                8,
                [
                    (
                        _readings(
                            "Unique memory",
                            "Peak of what the trial's processes have each alone (USS); median over trials.",
                            "bytes",
                            memory_unique="",
                        ),
                        8,
                    ),
                    (
                        _readings(
                            "Memory of a worker",
                            "Peak of the mean of the pool's own processes (PSS); nothing where workers are no processes.",
                            "bytes",
                            memory_worker="",
                        ),
                        8,
                    ),
                    (
                        _readings(
                            "Page faults",
                            "In the timed rounds of a trial: minor ones from memory, major ones from a disk; median over trials.",
                            "none",
                            page_faults_minor="minor",
                            page_faults_major="major",
                        ),
                        8,
                    ),
                ],
            ),
        ],
    )
