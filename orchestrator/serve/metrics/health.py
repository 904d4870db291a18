"""Figures of the orchestrator itself."""

from __future__ import annotations

from parlab.orchestrator.serve.metrics.families import Families
from parlab.orchestrator.serve.snapshot import LabHealth
from parlab.workers import __version__


def add_health(families: Families, health: LabHealth, render_seconds: float | None) -> None:
    """Add what shows whether the orchestrator is well."""
    families.gauge("parlab_build_info", "The orchestrator's version; always 1.", 1, version=__version__)
    families.gauge("parlab_orchestrator_leading", "Whether this is the lab's controller.", health.leading)
    families.gauge(
        "parlab_orchestrator_server_up", "Whether the lab's server answered last time.", health.server_up
    )
    families.gauge(
        "parlab_orchestrator_loop_seconds",
        "How long the slowest controller was busy in its last turn.",
        health.loop_seconds,
    )
    families.gauge("parlab_orchestrator_store_bytes", "Size of the store on the disk.", health.store_bytes)
    families.gauge("parlab_orchestrator_active_runs", "Runs that are worked on.", health.active_runs)
    families.gauge("parlab_orchestrator_waiting_runs", "Runs that wait.", health.waiting_runs)
    families.gauge(
        "parlab_orchestrator_render_seconds",
        "How long the last rendering of these figures took.",
        render_seconds,
    )
