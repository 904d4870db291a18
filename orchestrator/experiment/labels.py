"""Names of configurations and groups, for people."""

from __future__ import annotations

from collections.abc import Mapping

from parlab.orchestrator.experiment.model import WorkloadChoice
from parlab.workers.strategies.hybrid import split
from parlab.workers.wire.spec import Scalar

_SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


def strategy_label(strategy: str, options: Mapping[str, Scalar], max_workers: int, alias: str) -> str:
    """Name a configuration within its workload and build: "processes ×4 forkserver".

    ``options`` are settled. The start method of processes is always said: it is half of what they cost.
    """
    words = [strategy]
    if strategy == "hybrid" and (factors := split(max_workers, options)) is not None:
        words.append(f"{factors[0]}×{factors[1]}")
    elif strategy != "serial":
        words.append(f"×{max_workers}")
    if options.get("start_method") is not None and (
        strategy != "hybrid" or options["start_method"] != "forkserver"
    ):
        words.append(str(options["start_method"]))
    if options.get("chunksize") not in (None, 1):
        words.append(f"chunks of {options['chunksize']}")
    if options.get("max_tasks_per_child") is not None:
        words.append(f"{options['max_tasks_per_child']} per child")
    if alias:
        words.append(f"({alias})")
    return " ".join(words)


def group_label(workload: WorkloadChoice) -> str:
    """Name a workload with its parameters: "integer_sum(steps=10⁷) × 4"."""
    inside = ", ".join(f"{key}={_figure(value)}" for key, value in workload.parameters.items())
    label = f"{workload.name}({inside})" if inside else workload.name
    return label if workload.tasks is None else f"{label} × {workload.tasks}"


def _figure(value: Scalar) -> str:
    if isinstance(value, int) and not isinstance(value, bool) and value >= 10_000:
        power = len(str(value)) - 1
        if value == 10**power:
            return f"10{str(power).translate(_SUPERSCRIPTS)}"
    return f"{value:g}" if isinstance(value, float) else str(value)
