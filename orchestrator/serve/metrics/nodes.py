"""Figures of nodes: what they are, what they read of their hosts, and what waits for them."""

from __future__ import annotations

from collections.abc import Sequence

from parlab.orchestrator.serve.metrics.families import Families
from parlab.orchestrator.serve.snapshot import NodeSnapshot, RunSnapshot
from parlab.workers.wire.registration import NodeReadings, NodeRegistration


def add_node(families: Families, node: NodeSnapshot, runs: Sequence[RunSnapshot]) -> None:
    """Add everything that is exported of a node."""
    host = node.registration.host.id if node.registration is not None else ""
    own = families.labelled(node=node.name)
    own.gauge("parlab_node_up", "Whether the node's heartbeat is fresh.", node.up)
    own.gauge("parlab_node_paused", "Whether it gets no further sittings.", node.paused)
    own.gauge("parlab_node_usable", "Whether it answers and can take part.", node.up and node.problem is None)
    own.gauge("parlab_queue_jobs", "Sittings that wait in the node's queue.", node.queued)
    own.gauge(
        "parlab_queue_oldest_seconds",
        "For how long the sitting at the queue's head has waited; 0: none waits.",
        node.oldest_queued_seconds or 0.0,
    )
    own.gauge(
        "parlab_results_uncollected",
        "Results in the node's stream that are not in the store yet.",
        node.uncollected,
    )
    if node.registration is not None:
        _add_registration(families, node.registration)
    if node.heartbeat is None:
        return
    beat, own = node.heartbeat, own.labelled(host=host)
    own.gauge(
        "parlab_node_clock_offset_seconds",
        "The lab's clock less the node's, within the interval of its beats.",
        node.clock_offset_seconds,
    )
    own.gauge(
        "parlab_node_spooled_results", "Results on the node's disk that are not sent yet.", beat.spooled
    )
    own.gauge("parlab_node_load1", "Load average of the host over a minute.", beat.load_1m)
    own.gauge("parlab_node_busy", "Whether a sitting runs on the node.", beat.sitting is not None)
    if beat.sitting is not None:
        run, workload = _running(beat.sitting, runs)
        own.gauge(
            "parlab_node_sitting_info",
            "What the node measures now; there only while it does.",
            1,
            run=run,
            workload=workload,
        )
    _add_readings(own, beat.readings)


def _add_registration(families: Families, registration: NodeRegistration) -> None:
    host = registration.host
    own = families.labelled(node=registration.node, host=host.id)
    own.gauge(
        "parlab_node_info",
        "The node and its host; always 1.",
        1,
        cpu_model=host.cpu_model,
        kernel=host.kernel,
        cgroup_version=str(host.cgroup_version),
        version=registration.parlab_version,
        effective_cpus_why=host.effective_cpus.why,
        virtualization=host.virtualization or "unknown",
        container={True: "yes", False: "no", None: "unknown"}[host.container],
        governor=host.cpu_governor or "unknown",
        smt={True: "on", False: "off", None: "unknown"}[host.smt],
        turbo={True: "on", False: "off", None: "unknown"}[host.turbo],
    )
    for build in registration.builds:
        own.gauge(
            "parlab_node_build_info",
            "A Python build that the node offers; always 1.",
            1,
            python=build.id,
            implementation=build.implementation,
            gil={True: "on", False: "off", None: "unknown"}[build.gil_enabled],
            flags=" ".join(build.build_flags),
            compiler=build.compiler,
            c_library=build.c_library,
        )
    own.gauge("parlab_node_effective_cpus", "CPUs that work can really use.", host.effective_cpus.count)
    own.gauge("parlab_node_quota_cpus", "Quota of CPU time, in CPUs' worth.", host.effective_cpus.quota)
    own.gauge("parlab_node_memory_total_bytes", "Memory that work can use on the node.", host.memory_bytes)


def _add_readings(own: Families, readings: NodeReadings) -> None:
    for core in readings.cores:
        for mode in ("user", "system", "idle", "iowait", "steal"):
            own.counter(
                "parlab_node_cpu_seconds_total",
                "What each CPU of the host did, in seconds by mode.",
                getattr(core, mode),
                core=str(core.core),
                mode=mode,
            )
    for pressure in readings.pressure:
        for share, seconds in (("some", pressure.some_seconds), ("full", pressure.full_seconds)):
            own.counter(
                "parlab_node_pressure_seconds_total",
                "How long some or all tasks of the host waited for a resource.",
                seconds,
                resource=pressure.resource,
                share=share,
            )
    own.counter(
        "parlab_node_throttled_seconds_total",
        "How long the node's quota held it back.",
        readings.throttled_seconds,
    )
    own.counter(
        "parlab_node_throttled_periods_total",
        "Periods in which the node's quota held it back.",
        readings.throttled_periods,
    )
    own.counter("parlab_node_periods_total", "Periods of the node's quota.", readings.periods)
    own.counter(
        "parlab_node_group_cpu_seconds_total",
        "CPU time of the node's control group.",
        readings.cgroup_cpu_seconds,
    )
    own.gauge("parlab_node_memory_bytes", "Memory that the node's control group uses.", readings.memory_bytes)
    own.gauge(
        "parlab_node_memory_available_bytes",
        "Memory of the host that is available without swapping.",
        readings.memory_available_bytes,
    )
    own.counter(
        "parlab_node_context_switches_total", "Context switches of the host.", readings.context_switches
    )
    own.counter(
        "parlab_node_sampler_cpu_seconds_total",
        "CPU time that reading and sending the readings took.",
        readings.sampler_cpu_seconds,
    )


def _running(job: str, runs: Sequence[RunSnapshot]) -> tuple[str, str]:
    """Say which run and workload a job belongs to; empty where the run is not among the exported."""
    for run in runs:
        for group in run.plan.groups if run.plan is not None else ():
            if f"-{run.record.id}-{group.id}-" in job:
                return run.record.id, group.label
    return "", ""
