"""Strategies: which wins on a host, by how much, and at what price."""

from __future__ import annotations

from typing import Any

from grafana.shape import CONFIGURATION, LINE, ROW_LABELS, Page, listing, series


def _readings(width: int, title: str, about: str, *, unit: str = "none", **probes: str) -> Any:
    """Make a panel of readings: the probes' names, each with what its lines are called beside their label."""
    queries = {
        f"{LINE} {name}".rstrip(): f'parlab_reading{{{CONFIGURATION}, probe="{probe}"}}'
        for probe, name in probes.items()
    }
    return series(width, title, about, queries, unit=unit)


def strategies() -> Any:
    """Which strategy wins and by how much, with intervals; time, efficiency, memory, start-up."""
    page = Page(
        "parlab-strategies",
        "parlab · Strategies",
        "Which strategy wins on the chosen hosts, by how much, and how sure that is.",
    )
    page.row(
        10,
        listing(
            24,
            "Speed-up over the baseline",
            "Ratio with its interval, which is valid at any time; recommended: the cheapest "
            "of those tied with the fastest. The verdict is in the next panel.",
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
    )
    page.row(
        8,
        listing(
            12,
            "Verdicts",
            "What is declared, at an error rate over all comparisons of a run.",
            {"is": f"parlab_verdict{{{CONFIGURATION}}}"},
            columns=("verdict", *ROW_LABELS),
            hidden=("is",),
        ),
        series(
            12,
            "Speed-up as blocks come in",
            "The estimate and its bounds over time: the interval narrows.",
            {
                LINE: f"parlab_speedup_ratio{{{CONFIGURATION}}}",
                f"{LINE} from": f"parlab_speedup_lower_ratio{{{CONFIGURATION}}}",
                f"{LINE} to": f"parlab_speedup_upper_ratio{{{CONFIGURATION}}}",
            },
        ),
    )
    page.row(
        8,
        series(
            12,
            "Time of a round",
            "Median seconds of one round: all tasks once.",
            {LINE: f'parlab_round_seconds{{{CONFIGURATION}, quartile="0.5"}}'},
            unit="s",
        ),
        series(
            12,
            "Efficiency",
            "Speed-up by what the workers, and for CPU work the CPUs, could give at best.",
            {LINE: f"parlab_efficiency_ratio{{{CONFIGURATION}}}"},
            unit="percentunit",
        ),
    )
    page.row(
        8,
        series(
            8,
            "Memory",
            "Peak of the whole process tree (PSS), median over trials.",
            {LINE: f"parlab_memory_bytes{{{CONFIGURATION}}}"},
            unit="bytes",
        ),
        series(
            8,
            "Start-up",
            "From making the pool until each of its workers has answered.",
            {LINE: f"parlab_start_up_seconds{{{CONFIGURATION}}}"},
            unit="s",
        ),
        series(
            8,
            "Task latency",
            "Mean seconds that a task takes under this concurrency, by Little's law.",
            {LINE: f"parlab_task_latency_seconds{{{CONFIGURATION}}}"},
            unit="s",
        ),
    )
    page.row(
        8,
        _readings(
            8,
            "Time of each task",
            "Time that half of the tasks, and 99 % of them, did not exceed, each by itself, in an untimed round; "
            "median over trials.",
            unit="s",
            task_p50="p50",
            task_p99="p99",
        ),
        _readings(
            8,
            "Wait for a worker",
            "From handing over all tasks until half of them, and 99 %, had begun, in an untimed round; median over trials.",
            unit="s",
            task_wait_p50="p50",
            task_wait_p99="p99",
        ),
        _readings(
            8,
            "Greatest share of the tasks",
            "How much of the tasks the busiest worker did: 1 by their number where they are divided equally.",
            unit="percentunit",
            task_share_max="",
        ),
    )
    page.row(
        8,
        _readings(
            8,
            "Handing over a task",
            "Time that the warm pool takes for a task that does nothing; median over trials.",
            unit="s",
            dispatch="",
        ),
        _readings(
            8,
            "Pickled for a round",
            "Bytes of functions and items sent, and of results returned; nothing for strategies that share memory.",
            unit="bytes",
            pickled_in="there",
            pickled_out="back",
        ),
        _readings(
            8,
            "Threads of the work's own",
            "Threads that the work keeps beyond those of its pool: more than CPUs slow each other down.",
            inner_threads="",
        ),
    )
    page.row(
        8,
        _readings(
            8,
            "Unique memory",
            "Peak of what the trial's processes have each alone (USS); median over trials.",
            unit="bytes",
            memory_unique="",
        ),
        _readings(
            8,
            "Memory of a worker",
            "Peak of the mean of the pool's own processes (PSS); nothing where workers are no processes.",
            unit="bytes",
            memory_worker="",
        ),
        _readings(
            8,
            "Page faults",
            "In the timed rounds of a trial: minor ones from memory, major ones from a disk; median over trials.",
            page_faults_minor="minor",
            page_faults_major="major",
        ),
    )
    return page.dashboard
