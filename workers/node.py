"""A node: offers this machine's Python builds to a lab, one sitting at a time.

``python -m workers.node --redis URL --name NAME --python EXE …``
"""

from __future__ import annotations

import argparse
import importlib.metadata
import logging
import os
import platform
import signal
import sys
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import redis

from .builds import read_builds
from .clock import SystemClock
from .connection import connect, masked, reaching
from .environment import read_host
from .errors import BadInput, EnvironmentFault, LabError
from .guardian import Guardian
from .heartbeat import HeartbeatThread
from .isolation import Prctl
from .labkey import read_lab_key
from .nodeworker import NodeWorker
from .rediskeys import check_node_name
from .registration import NodeRegistration
from .signing import Signer, node_key
from .slot import LIMIT_SECONDS
from .spool import Spool

INTERRUPTED = 130


@dataclass(frozen=True)
class NodeSettings:
    """What a node is told by its command line and its environment."""

    name: str
    #: With its password: never shown.
    redis_url: str = field(repr=False)
    key: bytes = field(repr=False)
    #: Interpreters to offer: paths, or names on the PATH.
    executables: tuple[str, ...]
    spool: Path
    log: Path
    #: Name of the host in the lab; None: made of the machine's id.
    host: str | None = None
    #: Modules besides the installation's own whose functions may run here.
    allow: tuple[str, ...] = ()
    #: Process whose end ends the node, and whose signals end it at once; None: it stands alone.
    parent_pid: int | None = None
    lock_limit_seconds: float = LIMIT_SECONDS


def settings_from(arguments: Sequence[str], environment: Mapping[str, str]) -> NodeSettings:
    """Read a node's settings.

    Raises:
        BadInput: a name or a key that cannot be one, or no server is named.
        EnvironmentFault: there is no key.
    """
    options = _parser().parse_args(arguments)
    redis_url = options.redis or environment.get("PARLAB_REDIS_URL")
    if not redis_url:
        raise BadInput("no server is named", "Give --redis URL, or set PARLAB_REDIS_URL.")
    name = check_node_name(options.name)
    home = Path(options.home or environment.get("PARLAB_HOME") or _default_home(environment))
    return NodeSettings(
        name=name,
        redis_url=redis_url,
        key=_key(name, home, environment),
        executables=tuple(options.python or [sys.executable]),
        spool=Path(options.spool or environment.get("PARLAB_SPOOL") or home / "nodes" / name / "spool"),
        log=Path(options.log or home / "nodes" / name / "node.log"),
        host=options.host or environment.get("PARLAB_HOST"),
        allow=tuple(module for module in environment.get("PARLAB_ALLOW", "").replace(",", " ").split()),
        parent_pid=options.parent_pid,
        lock_limit_seconds=options.lock_limit,
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a node to its end; the exit code is returned, errors are told."""
    try:
        return serve(settings_from(sys.argv[1:] if arguments is None else arguments, os.environ))
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
    if settings.parent_pid is not None:
        # Before anything else: a parent that dies meanwhile must not leave us behind.
        prctl.die_with_parent(signal.SIGTERM, settings.parent_pid)
    _quiet(settings.log)
    clock = SystemClock()
    where = masked(settings.redis_url)
    registration = _registration(settings)
    signer, spool = Signer(settings.name, settings.key), Spool(settings.spool)
    guardian = Guardian(registration, signer, spool, clock, prctl, settings.lock_limit_seconds)
    connection = connect(settings.redis_url)
    worker: NodeWorker | None = None

    def status() -> tuple[str | None, int]:
        running = next((execution.job_id for execution in tuple(worker.executions.values())), None) if worker else None
        return running, spool.count()

    heartbeat = HeartbeatThread(connect(settings.redis_url), registration, clock, status)
    embedded = settings.parent_pid is not None
    with reaching(where):
        connection.ping()
        worker = NodeWorker(guardian, connection, heartbeat, _say, cold=embedded)
        _say(_greeting(registration, where))
        return _work(worker, settings)


def _work(worker: NodeWorker, settings: NodeSettings) -> int:
    try:
        worker.work(logging_level=None)
    except SystemExit:
        return 0 if settings.parent_pid is not None else INTERRUPTED
    if worker.was_stopped:
        _say(f"node {settings.name} has ended")
        return 0
    raise EnvironmentFault(f"node {settings.name} ended by itself", f"Its log may say why: {settings.log}")


def _registration(settings: NodeSettings) -> NodeRegistration:
    return NodeRegistration(
        node=settings.name,
        host=read_host(settings.host),
        builds=read_builds(settings.executables),
        harness_python=platform.python_version(),
        parlab_version=_version(),
        pid=os.getpid(),
        allow=settings.allow,
    )


def _greeting(registration: NodeRegistration, where: str) -> str:
    cpus = registration.host.effective_cpus
    count = f"{cpus.count} effective CPU{'s' if cpus.count != 1 else ''}"
    builds = ", ".join(build.id for build in registration.builds)
    return f"node {registration.node} · {where} · {count} ({cpus.why}) · Python {builds}"


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _quiet(path: Path) -> None:
    """Send what RQ logs to a file: it has a handler then, and leaves the terminal alone."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handler: logging.Handler = logging.FileHandler(path, delay=True)
    except OSError as error:
        raise EnvironmentFault(f"cannot write to {path}: {error.strerror}", "Name another file: --log.") from error
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    handler.addFilter(lambda record: "could not connect to Redis" not in record.getMessage())
    for name in ("rq", "rq.worker", "rq.job", "rq.queue", "rq.registry"):
        logging.getLogger(name).setLevel(logging.WARNING)
    root = logging.getLogger("rq")
    root.addHandler(handler)
    root.propagate = False
    # The guardian is forked beside two threads that it does not need; RQ does the same.
    warnings.filterwarnings("ignore", message=".*multi-threaded.*fork", category=DeprecationWarning)


def _key(name: str, home: Path, environment: Mapping[str, str]) -> bytes:
    own = environment.get("PARLAB_NODE_KEY")
    if own:
        try:
            return bytes.fromhex(own)
        except ValueError:
            raise BadInput("PARLAB_NODE_KEY is no key", "It has hexadecimal digits only.") from None
    return node_key(read_lab_key(Path(environment.get("PARLAB_LAB_KEY_FILE") or home / "lab.key")), name)


def _default_home(environment: Mapping[str, str]) -> Path:
    return Path(environment.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "parlab"


def _version() -> str:
    try:
        return importlib.metadata.version("parlab")
    except importlib.metadata.PackageNotFoundError:
        return "unknown"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="parlab node", description="Offer this machine's Python builds to a lab.")
    parser.add_argument("--name", required=True, help="name of the node in the lab")
    parser.add_argument("--redis", metavar="URL", help="the lab's server (or PARLAB_REDIS_URL)")
    parser.add_argument("--python", metavar="EXE", action="append", help="interpreter to offer; repeatable")
    parser.add_argument("--host", help="name of this host in the lab")
    parser.add_argument("--home", metavar="DIR", help="folder of keys, spools and logs (or PARLAB_HOME)")
    parser.add_argument("--spool", metavar="DIR", help="folder of results on their way (or PARLAB_SPOOL)")
    parser.add_argument("--log", metavar="FILE", help="file of the node's log")
    parser.add_argument("--parent-pid", metavar="PID", type=int, help="end with this process")
    parser.add_argument(
        "--lock-limit",
        metavar="SECONDS",
        type=float,
        default=LIMIT_SECONDS,
        help="how long another lab's sitting on this host is waited for",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
