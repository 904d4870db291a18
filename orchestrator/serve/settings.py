"""Settings of ``parlab serve``, of its options and its environment, read once."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from parlab.orchestrator.experiment.toml import shipped_names
from parlab.orchestrator.figures import counted
from parlab.orchestrator.settings import Settings
from parlab.workers.errors import BadInput

#: Shorter tokens can be guessed.
LEAST_TOKEN_CHARACTERS = 16


@dataclass(frozen=True)
class ServeSettings:
    """The long-lived orchestrator's own settings."""

    settings: Settings
    redis_url: str = field(repr=False)
    #: Who has it may begin and stop runs; None: nobody may, and the lab can only be looked at.
    token: str | None = field(repr=False)
    host: str
    port: int
    #: PARLAB_FIRST_EXPERIMENT: begun when there is no run yet; None: none is.
    first_experiment: str | None = None
    #: PARLAB_EXPECT_NODES: the first experiment waits for so many nodes (for half a minute at most).
    expect_nodes: int = 1
    #: PARLAB_REDIS_ADDRESS: where other hosts reach the server, "host:port"; None: not told.
    redis_address: str | None = None
    #: PARLAB_CA_FILE: certificate that the server's is signed by, for join tokens; None: no TLS of its own.
    ca_file: str | None = None
    #: PARLAB_GRAFANA_URL: where people's browsers reach the lab's Grafana; None: pages do not link to it.
    grafana_url: str | None = None


def read(settings: Settings, environ: Mapping[str, str], host: str, port: int) -> ServeSettings:
    """Read the settings.

    Raises:
        BadInput: no server is named, or a value cannot be used.
    """
    if settings.redis_url is None:
        raise BadInput(
            "parlab serve needs a Redis server",
            "Set PARLAB_REDIS_URL=redis://host:6379/0, or PARLAB_REDIS_URL_FILE to a file with it.",
        )
    if settings.token is not None and len(settings.token) < LEAST_TOKEN_CHARACTERS:
        raise BadInput(
            f"the token has {counted(len(settings.token), 'character')}; "
            f"it needs at least {LEAST_TOKEN_CHARACTERS}",
            "Make one: python -c 'import secrets; print(secrets.token_urlsafe(32))'",
        )
    first = environ.get("PARLAB_FIRST_EXPERIMENT", "").strip() or None
    if first is not None and first not in shipped_names():
        raise BadInput(
            f"PARLAB_FIRST_EXPERIMENT={first}: no such experiment ships",
            f"These ship: {', '.join(shipped_names())}. Empty: none is started.",
        )
    expected = environ.get("PARLAB_EXPECT_NODES", "").strip() or "1"
    if not re.fullmatch("[0-9]{1,4}", expected):
        raise BadInput(f"PARLAB_EXPECT_NODES={expected}: it is a number of nodes", "Write 3, for example.")
    return ServeSettings(
        settings=settings,
        redis_url=settings.redis_url,
        token=settings.token,
        host=host,
        port=port,
        first_experiment=first,
        expect_nodes=int(expected),
        redis_address=environ.get("PARLAB_REDIS_ADDRESS", "").strip() or None,
        ca_file=environ.get("PARLAB_CA_FILE", "").strip() or None,
        grafana_url=_address(environ, "PARLAB_GRAFANA_URL"),
    )


def _address(environ: Mapping[str, str], name: str) -> str | None:
    """Read an address that pages link to; one with another scheme would be a script, or a file."""
    value = environ.get(name, "").strip().rstrip("/")
    if not value:
        return None
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.netloc or parts.query or parts.fragment:
        raise BadInput(
            f"{name}={value}: it is no address of a web server",
            "Write it as a browser would: http://127.0.0.1:3000.",
        )
    return value
