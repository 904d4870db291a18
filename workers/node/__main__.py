"""A node: offers this machine's Python builds to a lab, one sitting at a time.

``python -m parlab.workers.node --redis URL --name NAME --python EXE …``
"""

from __future__ import annotations

import io
import logging
import os
import platform
import signal
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rq.exceptions import StopRequested

from .. import __version__, catalog
from ..clock import Clock, SystemClock
from ..errors import EnvironmentFault, LabError, ServerRefuses, ServerUnreachable
from ..host.builds import read_builds
from ..host.environment import read_host
from ..host.processes import Prctl
from ..wire.connection import AWAY, connect, masked, reaching
from ..wire.registration import NodeRegistration
from ..wire.signing import Signer
from .guardian import Guardian
from .heartbeat import HeartbeatThread
from .identity import shared_host_id, shared_lock
from .settings import NodeSettings, read
from .spool import Spool
from .worker import NodeWorker

if TYPE_CHECKING:
    import redis

INTERRUPTED = 130
#: A server that is waited for is asked again after so long.
_WAIT_STEP_SECONDS = 0.5


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a node to its end; the exit code is returned, errors are told."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # What a node says is no reason to end where an encoding lacks a sign of it.
            stream.reconfigure(errors="replace")
    try:
        return serve(read(sys.argv[1:] if arguments is None else arguments, os.environ))
    except LabError as error:
        sys.stderr.write(f"parlab node: {error}\n")
        return error.exit_code
    except KeyboardInterrupt:
        return INTERRUPTED


def serve(settings: NodeSettings) -> int:
    """Register a node and run sittings until it is stopped.

    Raises:
        ServerUnreachable: the server does not answer, or refuses the password.
        EnvironmentFault: the name is taken, or the spool cannot be written.
        InterpreterUnusable: a Python that is to be offered cannot be.
    """
    prctl = Prctl()
    embedded = settings.parent is not None
    if settings.parent is not None:
        # Before anything else: a parent that dies meanwhile must not leave us behind.
        prctl.die_with_parent(signal.SIGTERM, settings.parent)
    _log_to(settings.log)
    clock, spool = SystemClock(), Spool(settings.spool)
    registration = _registration(settings)
    guardian = Guardian(
        registration,
        Signer(settings.name, settings.key),
        spool,
        clock,
        prctl,
        settings.lock_limit_seconds,
        shared_lock(settings.host_folder) if settings.host_folder is not None else None,
        settings.project,
        settings.targets,
    )
    server = connect(settings.redis_url, certificate=settings.certificate)
    _await(server, settings, clock)
    with reaching(masked(settings.redis_url)):
        worker = NodeWorker(guardian, server, _say, cold=embedded)
        worker.beat_with(
            HeartbeatThread(
                connect(settings.redis_url, certificate=settings.certificate),
                registration,
                clock,
                worker.running,
                spool.count,
                alive=settings.alive,
            )
        )
        _say(_greeting(registration, masked(settings.redis_url)))
        return _work(worker, settings, INTERRUPTED if not embedded else 0)


def _await(server: redis.Redis, settings: NodeSettings, clock: Clock) -> None:
    """Wait for a server that is not there yet; one that refuses the password is there."""
    deadline = clock.monotonic_ns() + int(settings.wait_seconds * 1e9)
    announced = False
    while True:
        try:
            with reaching(masked(settings.redis_url)):
                server.ping()
        except ServerUnreachable as away:
            final = isinstance(away, ServerRefuses) or not isinstance(away.__cause__, AWAY)
            if final or clock.monotonic_ns() >= deadline:
                raise
            if not announced:
                _say(f"waiting up to {settings.wait_seconds:.0f} s: {away.message}")
                announced = True
            clock.sleep(_WAIT_STEP_SECONDS)
        else:
            return


def _work(worker: NodeWorker, settings: NodeSettings, interrupted: int) -> int:
    try:
        worker.work(logging_level=None)
    except SystemExit:
        return interrupted
    except StopRequested:
        # Asked to end between its registration and its loop, which would have caught it.
        pass
    finally:
        worker.teardown()
    if worker.asked_to_end:
        _say(f"node {settings.name} has ended")
        return 0
    raise EnvironmentFault(f"node {settings.name} ended by itself", f"Its log may say why: {settings.log}")


def _registration(settings: NodeSettings) -> NodeRegistration:
    return NodeRegistration(
        node=settings.name,
        host=read_host(settings.host or _shared_id(settings)),
        builds=read_builds(settings.pythons),
        harness_python=platform.python_version(),
        parlab_version=__version__,
        pid=os.getpid(),
        allow=settings.allow,
        workloads=tuple(catalog.available("workloads")),
        scenarios=tuple(catalog.available("scenarios")),
        strategies=tuple(catalog.available("strategies")),
        probes=catalog.others("probes"),
        targets=tuple(sorted(settings.targets)),
        tolerates=settings.tolerate,
    )


def _shared_id(settings: NodeSettings) -> str | None:
    return shared_host_id(settings.host_folder) if settings.host_folder is not None else None


def _greeting(registration: NodeRegistration, where: str) -> str:
    cpus = registration.host.effective_cpus
    count = f"{cpus.count} effective CPU{'s' if cpus.count != 1 else ''}"
    builds = ", ".join(build.id for build in registration.builds)
    return f"node {registration.node} · {where} · {count} ({cpus.why}) · Python {builds}"


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _log_to(path: Path) -> None:
    """Send what RQ logs to a file: it has a handler then, and leaves the terminal alone."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handler = logging.FileHandler(path, delay=True)
    except OSError as error:
        raise EnvironmentFault(
            f"cannot write to {path}: {error.strerror}", "Name another file: --log FILE."
        ) from error
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    # The node itself says once that the server is away; RQ says it every two seconds.
    handler.addFilter(lambda record: "could not connect to Redis" not in record.getMessage())
    root = logging.getLogger("rq")
    root.addHandler(handler)
    root.propagate = False
    for name in ("rq", "rq.worker", "rq.job", "rq.queue", "rq.registry"):
        logging.getLogger(name).setLevel(logging.WARNING)
    # A guardian is forked beside two threads, of which it uses nothing; RQ does the same.
    warnings.filterwarnings("ignore", message=".*multi-threaded.*fork", category=DeprecationWarning)


if __name__ == "__main__":
    sys.exit(main())
