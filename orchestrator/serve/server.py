"""``parlab serve``: makes the parts, binds the address, and serves until it is told to end."""

from __future__ import annotations

import logging
import os
import signal
import socket
import sys
from pathlib import Path

import uvicorn

from parlab.orchestrator.lab.access.admission import RedisAdmission
from parlab.orchestrator.serve.api.application import make_application
from parlab.orchestrator.serve.components import LabParts
from parlab.orchestrator.serve.lease import Lease, owner_of
from parlab.orchestrator.serve.metrics.durations import Durations
from parlab.orchestrator.serve.metrics.exporter import Exporter
from parlab.orchestrator.serve.metrics.exposition import Exposition
from parlab.orchestrator.serve.nodes import Roster
from parlab.orchestrator.serve.run_index import Catalogue
from parlab.orchestrator.serve.service import Service
from parlab.orchestrator.serve.settings import ServeSettings, read
from parlab.orchestrator.settings import Settings
from parlab.orchestrator.store.folder import home_lock
from parlab.workers.clock import SystemClock
from parlab.workers.errors import EnvironmentFault
from parlab.workers.wire.connection import connect, masked
from parlab.workers.wire.lab_key import ensure_lab_key

#: Connections that follow a run are cut after so long when the server ends.
_CLOSE_SECONDS = 2


def serve(settings: Settings, host: str, port: int) -> int:
    """Serve until SIGTERM or Ctrl-C; the exit code is returned.

    Raises:
        BadInput: a setting is missing or cannot be used.
        EnvironmentFault: the address or the home cannot be used, or another process uses the home.
    """
    own = read(settings, os.environ, host, port)
    _log_to_stderr()
    listening = _bind(host, port)
    with home_lock(settings.home):
        parts = make_parts(own)
        say(
            f"parlab {settings.version} on http://{host}:{listening.getsockname()[1]} · {parts.service.where}"
        )
        config = uvicorn.Config(
            make_application(parts),
            log_level="warning",
            access_log=False,
            timeout_graceful_shutdown=_CLOSE_SECONDS,
            # Its own handlers only: what is printed is for people, once.
            log_config=None,
            lifespan="on",
        )
        # uvicorn raises a signal again once it has ended in order: to these, not to the kernel's defaults.
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: None)
        uvicorn.Server(config).run(sockets=[listening])
    say("stopped; runs in progress will continue when it is started again")
    return 0


def say(text: str) -> None:
    """Tell people, in a line of standard output."""
    sys.stdout.write(f"parlab: {text}\n")
    sys.stdout.flush()


def make_parts(own: ServeSettings) -> LabParts:
    """Make all that answers are made of."""
    clock = SystemClock()
    settings = own.settings
    lab_key = ensure_lab_key(settings.lab_key_path)
    where = masked(own.redis_url)
    owner = owner_of(settings.home, socket.gethostname())
    durations = Durations()
    service = Service(own, lab_key, Lease(connect(own.redis_url), where, owner), clock, durations, say)
    catalogue = Catalogue(service.active)
    exposition = Exposition(durations)
    ca = Path(own.ca_file) if own.ca_file is not None else None
    return LabParts(
        settings=own,
        service=service,
        catalogue=catalogue,
        roster=Roster(connect(own.redis_url), where, clock),
        exporter=Exporter(
            service, catalogue, Roster(connect(own.redis_url), where, clock), exposition.update
        ),
        exposition=exposition,
        admission=RedisAdmission(own.redis_url, lab_key, ca),
    )


def _bind(host: str, port: int) -> socket.socket:
    """Take the address before anything else is begun."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio turns off Nagle's delay, which is 40 ms an answer, only for what says by number that it is TCP.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        # From here on who asks waits for an answer, instead of being refused until all is ready.
        listening.listen(socket.SOMAXCONN)
    except (OSError, OverflowError) as error:
        listening.close()
        reason = error.strerror if isinstance(error, OSError) else "there is no such port"
        raise EnvironmentFault(
            f"cannot listen on {host}:{port}: {reason}", "Choose another: --host, --port."
        ) from error
    return listening


def _log_to_stderr() -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
