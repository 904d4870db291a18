"""How configurations and groups are called, for people."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from parlab.orchestrator.experiment.model import WorkloadChoice
from parlab.orchestrator.plan.model import Configuration
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


def places(configurations: Iterable[Configuration]) -> dict[str, str]:
    """Say for each configuration of a group what tells its place apart, by id: " on 3.13.5", or nothing.

    The build where builds differ; the node where several nodes have the same one; both where neither
    alone would do.
    """
    listed = list(configurations)
    builds = {(c.python, c.gil) for c in listed}
    nodes = {c.node for c in listed}
    pairs = {(c.python, c.gil, c.node) for c in listed}
    if len(pairs) == 1:
        return {c.id: "" for c in listed}
    by_build, by_node = len(pairs) == len(builds), len(pairs) == len(nodes)
    found = {}
    for c in listed:
        build = c.python + (f" (GIL {c.gil})" if c.gil else "")
        found[c.id] = (
            f" on {build}" if by_build else f" on {c.node}" if by_node else f" on {build} of {c.node}"
        )
    return found
