"""Differences around the columns of a comparison: hosts, builds, parlab, the way of measuring."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from parlab.orchestrator.analysis.across.measured_run import MeasuredRun
from parlab.orchestrator.analysis.across.sample import Sample
from parlab.orchestrator.analysis.findings.across import Difference
from parlab.orchestrator.figures import implementation, percent, size
from parlab.workers.wire.registration import Host, PythonBuild

Facts = Iterator[tuple[str, str | None]]


def differences(columns: Sequence[Sequence[Sample]]) -> tuple[Difference, ...]:
    """List what differs between columns, host first; each column is the samples that are compared in it.

    Identities that always differ (ids of runs, seeds, when it was) are none. What a column does not say
    (an older parlab's node, say) is None, and is a difference only where others do not agree either.
    """
    gathered = [_gathered(samples) for samples in columns]
    fields = dict.fromkeys(name for facts in gathered for name in facts)
    differing = {}
    for name in fields:
        values = tuple(facts.get(name) for facts in gathered)
        if len({value for value in values if value is not None}) > 1:
            differing[name] = Difference(name, values)
    if "host" in differing:
        # Of one host it says that it was started anew; of several, nothing that they do not say already.
        differing.pop("boot", None)
    return tuple(differing.values())


def _gathered(samples: Iterable[Sample]) -> dict[str, str | None]:
    """Give each fact of a column; several values of one, in the order they were met."""
    listed = list(samples)
    facts: dict[str, dict[str, None]] = {}
    for sample in listed:
        for name, value in _facts(sample):
            values = facts.setdefault(name, {})
            if value is not None:
                values[value] = None
    return {name: "; ".join(values) or None for name, values in facts.items()}


def _facts(sample: Sample) -> Facts:
    node, build = sample.registration, sample.build
    if node is not None:
        yield from host_facts(node.host)
    if build is not None:
        yield from build_facts(build)
    yield "GIL asked for", sample.configuration.gil or "as the build has it"
    yield "parlab of the run", sample.run.parlab_version or None
    if node is not None:
        yield "parlab of the node", node.parlab_version or None
        yield "Python of the node", node.harness_python or None
    yield from _settings(sample.run)
    yield from _group(sample)


def host_facts(host: Host) -> Facts:
    """Give what is known of a host, by name, for people; None: it is not known."""
    cpus = host.effective_cpus
    yield "host", f"{host.hostname} ({host.id})"
    yield "CPU", host.cpu_model
    yield "effective CPUs", f"{cpus.count} ({cpus.why})"
    yield "CPUs online", str(cpus.online)
    yield "memory", None if host.memory_bytes is None else size(host.memory_bytes)
    yield "memory limit", "none" if host.memory_limit_bytes is None else size(host.memory_limit_bytes)
    yield "system", host.system
    yield "kernel", host.kernel
    yield "boot", host.boot_id[:8]
    yield "control groups", f"version {host.cgroup_version}" if host.cgroup_version else "none"
    yield "CPU governor", host.cpu_governor
    yield "turbo", _on(host.turbo)
    yield "threads of a core", {True: "several (SMT on)", False: "one"}.get(host.smt)  # type: ignore[arg-type]
    yield "hypervisor", host.virtualization
    yield "container", {True: "yes", False: "no"}.get(host.container)  # type: ignore[arg-type]


def build_facts(build: PythonBuild) -> Facts:
    """Give what is known of a Python build, by name, for people; None: it is not known."""
    yield "Python", f"{implementation(build.implementation)} {build.version}"
    yield "Python build", "free-threaded" if build.free_threaded else "with a GIL"
    yield "GIL by default", _on(build.gil_enabled)
    yield "Python compiler", build.compiler or None
    yield "Python flags", " ".join(build.build_flags) or "none"
    yield "C library", build.c_library or None
    yield "interpreter", build.executable


def _settings(run: MeasuredRun) -> Facts:
    experiment, stop = run.experiment, run.experiment.stop
    yield "stop rule", stop.rule
    yield "precision", percent(stop.precision)
    yield "blocks at most", str(stop.blocks) if stop.blocks is not None else "no limit"
    yield "margin of a tie", percent(stop.margin)
    yield "error rate", percent(stop.alpha)
    yield "length of a trial", f"{experiment.trial_seconds:g} s"
    yield "length of a round", f"{experiment.round_seconds:g} s"
    yield "interpreters alive together", str(experiment.sitting_size)


def _group(sample: Sample) -> Facts:
    group = sample.measured.group
    # Rounds of other lengths weigh the costs of a task's hand-over otherwise, and what sits together
    # shares the caches.
    yield f"tasks in a round of {group.label}", str(sample.measured.tasks) if sample.measured.tasks else None
    yield f"configurations in a block of {group.label}", str(len(group.configurations))


def _on(state: bool | None) -> str | None:  # noqa: FBT001 - three-valued
    return None if state is None else "on" if state else "off"
