"""Models of what the API takes and gives, for its documentation: pydantic at the edge."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from parlab.orchestrator.analysis.findings.run import ConfigurationFinding, GroupFinding
from parlab.orchestrator.serve.snapshot import NodeSnapshot, RunSnapshot


class _Answer(BaseModel):
    """A model whose fields are read off parlab's own data, where these have the same names."""

    model_config = ConfigDict(from_attributes=True)


class EstimateModel(_Answer):
    """A comparison that needs more blocks."""

    label: str
    verdict: str
    ratio: float | None
    low: float | None
    high: float | None
    more_blocks: int | None = Field(description="blocks that would probably settle it; null: not known")


class ProgressModel(_Answer):
    """How far a run is."""

    running: str | None = Field(description="what is measured now")
    blocks: int
    settled: int
    comparisons: int
    claims_settled: int
    claims: int = Field(description="claims on builds that can try them; 0: the run has none")
    seconds_left: float | None = Field(description="until all is probably settled; null: not known")
    budget_seconds: float | None
    estimates: list[EstimateModel]


class VerdictModel(BaseModel):
    """One configuration and what is known of it."""

    host: str
    group: str = Field(description="workload, parameters and tasks")
    configuration: str
    label: str
    python: str
    verdict: str
    speed_up: float | None = Field(description="above 1: faster than the baseline")
    low: float | None
    high: float | None
    level: float | None = Field(description="of the interval: 0.95")
    blocks: int
    seconds: float | None = Field(description="median of a round")
    best: str | None
    recommended: bool
    problem: str | None


class ClaimModel(_Answer):
    """One claim on one build, and what was seen of it."""

    claim: str
    title: str
    host: str
    node: str
    python: str
    gil: str | None = Field(description="that was asked for; null: the build's own")
    word: str = Field(description="supported, refuted, depends, unresolved or skipped")
    depends_on: str | None
    e_value: float
    sentence: str


class RunModel(BaseModel):
    """A run in a list."""

    run: str
    experiment: str
    question: str
    state: str
    reason: str | None
    created_unix_seconds: float
    running_seconds: float
    active: bool = Field(description="whether the orchestrator works on it now")
    waiting_for: str | None
    pinned: bool = Field(description="whether its figures are exported beside the current run's")
    progress: ProgressModel


class RunDetailModel(RunModel):
    """A run with its verdicts."""

    seed: int
    nodes: list[str]
    verdicts: list[VerdictModel]
    claims: list[ClaimModel]
    sentences: list[str]
    warnings: list[str]
    voided_blocks: int
    events: list[str] = Field(description="the latest things that happened, oldest first")


class BegunModel(BaseModel):
    """A run that was begun."""

    run: str


class ResumeModel(BaseModel):
    """How a run is to go on; what is not given stays."""

    budget: str | None = Field(default=None, max_length=20, description="wall time from now on: 10m")
    blocks: int | None = None
    precision: str | None = Field(default=None, max_length=20, description="half-width wanted: 5%")


class BuildModel(_Answer):
    """A Python build of a node."""

    id: str
    version: str
    implementation: str
    free_threaded: bool
    gil_enabled: bool | None
    start_methods: list[str]
    build_flags: list[str]
    compiler: str


class NodeModel(BaseModel):
    """A node."""

    name: str
    up: bool
    paused: bool
    problem: str | None
    host: str | None
    cpu_model: str | None
    effective_cpus: int | None
    effective_cpus_why: str | None
    memory_bytes: int | None
    memory_limit_bytes: int | None
    kernel: str | None
    cgroup_version: int | None
    builds: list[BuildModel]
    parlab_version: str | None
    running_job: str | None
    queued: int
    oldest_queued_seconds: float | None
    uncollected: int
    spooled: int | None
    clock_offset_seconds: float | None


class NewNodeModel(BaseModel):
    """A node, or a group of nodes, that is to be let in."""

    name: str = Field(max_length=41)
    group: bool = Field(default=False, description="whether many nodes share it: NAME--host1, NAME--host2")


class JoinModel(BaseModel):
    """What a host needs to join. The token is a secret and is not kept: asked again, it is another."""

    name: str
    join_token: str
    address: str | None = Field(description="where other hosts reach the server; null: not configured")


def run_model(snapshot: RunSnapshot, *, pinned: bool) -> RunModel:
    """Describe a run."""
    return RunModel.model_validate(_run_fields(snapshot, pinned=pinned))


def run_detail(snapshot: RunSnapshot, events: list[str], *, pinned: bool) -> RunDetailModel:
    """Describe a run with its verdicts."""
    finding = snapshot.finding
    groups = finding.groups if finding is not None else ()
    hosts = snapshot.plan.hosts if snapshot.plan is not None else ()
    return RunDetailModel.model_validate(
        _run_fields(snapshot, pinned=pinned)
        | {
            "seed": snapshot.record.seed,
            "nodes": [node for host in hosts for node in host.nodes],
            "verdicts": [_verdict(group, row) for group in groups for row in group.configurations],
            "claims": [ClaimModel.model_validate(claim) for claim in (finding.claims if finding else ())],
            "sentences": [sentence for group in groups for sentence in group.sentences],
            "warnings": list(finding.warnings) if finding is not None else [],
            "voided_blocks": snapshot.voided_blocks,
            "events": events,
        }
    )


def _run_fields(snapshot: RunSnapshot, *, pinned: bool) -> dict[str, object]:
    record, progress = snapshot.record, ProgressModel.model_validate(snapshot.progress)
    if not snapshot.active:
        progress.running = None
    return {
        "run": record.id,
        "experiment": record.experiment.name,
        "question": record.experiment.question,
        "state": record.state,
        "reason": record.reason,
        "created_unix_seconds": record.created_unix_seconds,
        "running_seconds": record.running_seconds,
        "active": snapshot.active,
        "waiting_for": snapshot.waiting_for,
        "pinned": pinned,
        "progress": progress,
    }


def _verdict(group: GroupFinding, row: ConfigurationFinding) -> dict[str, object]:
    effect = row.comparison.speed_up if row.comparison is not None else None
    return {
        "host": group.host,
        "group": group.label,
        "configuration": row.configuration,
        "label": row.label,
        "python": row.python,
        "verdict": row.comparison.verdict if row.comparison is not None else "baseline",
        "speed_up": effect.ratio if effect is not None else None,
        "low": effect.low if effect is not None else None,
        "high": effect.high if effect is not None else None,
        "level": effect.level if effect is not None else None,
        "blocks": effect.blocks if effect is not None else group.blocks,
        "seconds": row.seconds.median if row.seconds is not None else None,
        "best": row.best,
        "recommended": row.recommended,
        "problem": row.problem,
    }


def node_model(node: NodeSnapshot) -> NodeModel:
    """Describe a node."""
    registration = node.registration
    host = registration.host if registration is not None else None
    return NodeModel(
        name=node.name,
        up=node.up,
        paused=node.paused,
        problem=node.problem,
        host=host.id if host is not None else None,
        cpu_model=host.cpu_model if host is not None else None,
        effective_cpus=host.effective_cpus.count if host is not None else None,
        effective_cpus_why=host.effective_cpus.why if host is not None else None,
        memory_bytes=host.memory_bytes if host is not None else None,
        memory_limit_bytes=host.memory_limit_bytes if host is not None else None,
        kernel=host.kernel if host is not None else None,
        cgroup_version=host.cgroup_version if host is not None else None,
        builds=[BuildModel.model_validate(build) for build in (registration.builds if registration else ())],
        parlab_version=registration.parlab_version if registration is not None else None,
        running_job=node.running_job,
        queued=node.queued,
        oldest_queued_seconds=node.oldest_queued_seconds,
        uncollected=node.uncollected,
        spooled=node.heartbeat.spooled if node.heartbeat is not None else None,
        clock_offset_seconds=node.clock_offset_seconds,
    )
