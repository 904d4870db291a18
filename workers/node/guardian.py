"""Guardian, a job's process: checks that it may, holds the host, runs the sitting, keeps the result."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ..clock import Clock
from ..errors import EnvironmentFault, SpecRefused
from ..function.place import not_allowed
from ..host.lock import LIMIT_SECONDS, check_fence, sitting_lock
from ..host.processes import Prctl
from ..sitting.loop import run_sitting
from ..wire.codec import decode, encode
from ..wire.job import SittingJob
from ..wire.keys import job_id, slot_counter
from ..wire.registration import NodeRegistration
from ..wire.signing import Signer
from ..wire.spec import SCHEMA_VERSION, SittingSpec
from .spool import Spool

log = logging.getLogger("rq.worker.guardian")


@dataclass(frozen=True)
class Guardian:
    """Runs sittings in the name of a node, each in a process forked for it."""

    registration: NodeRegistration
    signer: Signer
    spool: Spool
    clock: Clock
    prctl: Prctl
    #: How long another lab's sitting on this host is waited for.
    lock_limit_seconds: float = LIMIT_SECONDS
    #: Of the host's lock; None: the host's own.
    lock_path: Path | None = None
    #: Folders with the modules of users' own functions.
    project: tuple[str, ...] = ()
    #: Addresses of what workloads talk to, by name; they may hold passwords.
    targets: Mapping[str, str] = field(default_factory=dict, repr=False)

    def run(self, job: SittingJob, spec_json: str, signature: str) -> str:
        """Run a job's sitting and keep its signed result in ``job.outcome`` and the spool.

        Raises:
            SpecRefused: nothing was run, since the spec is not the lab's, not for this node, of
                another version, or its host's slot is another's by now.
            EnvironmentFault: nothing was run, since the host was held by another sitting.
        """
        spec = self.accept(job.id, spec_json, signature)
        with sitting_lock(
            self.clock,
            spec.run,
            spec.sitting,
            limit_seconds=self.lock_limit_seconds,
            path=self.lock_path,
            waiting=lambda holder: log.warning("job %s waits: this host measures %s", job.id, holder),
        ):
            # Within the lock: the slot may have gone while this process waited.
            boot_id = self.registration.host.boot_id
            check_fence(spec.fence, int(job.connection.get(slot_counter(boot_id)) or 0), boot_id)
            result = run_sitting(
                spec,
                self.registration,
                self.clock,
                prctl=self.prctl,
                project=self.project,
                targets=self.targets,
            )
        job.outcome = self.signer.seal("result", job.id, encode(result))
        try:
            self.spool.keep(job.outcome)
        except EnvironmentFault as error:
            # It is sent all the same; only a server that is away now as well makes it a loss.
            log.error("job %s: its result is not spooled: %s", job.id, error)  # noqa: TRY400 - no bug
        return "measured"

    def accept(self, job: str, spec_json: str, signature: str) -> SittingSpec:
        """Return the spec of a job, if this node may run it.

        Raises:
            SpecRefused: with the reason.
        """
        self.signer.check_spec(spec_json, job, signature)
        try:
            version = json.loads(spec_json).get("schema_version")
        except (ValueError, AttributeError):
            version = None
        if version != SCHEMA_VERSION:
            raise SpecRefused(
                f"job {job} is of schema version {version}; node {self.signer.node} knows {SCHEMA_VERSION}",
                "Install the same version of parlab on the node and the lab.",
            )
        spec = decode(SittingSpec, spec_json)
        if spec.node != self.signer.node or job_id(spec) != job:
            raise SpecRefused(f"job {job} is not what its spec says: {job_id(spec)}")
        if spec.function is not None:
            module = not_allowed(spec.function, self.registration.allow)
            if module is not None:
                raise SpecRefused(
                    f"job {job} runs {module}, which is not on the allow list of node {self.signer.node}",
                    f"Whoever runs the node can allow it: PARLAB_ALLOW={module}",
                )
        return spec
