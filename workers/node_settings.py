"""What a node is told: by its command line and its environment, read once."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from .errors import BadInput
from .labkey import read_lab_key
from .rediskeys import check_node_name
from .signing import node_key
from .slot import LIMIT_SECONDS


@dataclass(frozen=True)
class NodeSettings:
    """Everything that a node knows before it looks at its host."""

    name: str
    #: May hold a password; shown masked only.
    redis_url: str = field(repr=False)
    #: Interpreters to offer: paths, or names on the PATH.
    pythons: tuple[str, ...]
    key: bytes = field(repr=False)
    spool: Path
    #: File of what RQ and the guardians log.
    log: Path
    #: Name of the host; None: the machine's own id.
    host: str | None = None
    #: Modules besides the installation's own whose functions may run here.
    allow: tuple[str, ...] = ()
    #: Process whose end ends the node, and whose signals end it at once; None: it stands alone.
    parent: int | None = None
    #: How long another lab's sitting on this host is waited for.
    lock_limit_seconds: float = LIMIT_SECONDS


def read(argv: Sequence[str], environ: Mapping[str, str]) -> NodeSettings:
    """Read a node's settings.

    The key comes by PARLAB_NODE_KEY (hexadecimal) or is derived from the lab's, by
    PARLAB_LAB_KEY_FILE; a password may come with PARLAB_REDIS_URL: neither need be an argument.

    Raises:
        BadInput: something is missing or cannot be used.
        EnvironmentFault: the lab's key cannot be read.
    """
    given = _parser().parse_args(argv)
    url = given.redis or environ.get("PARLAB_REDIS_URL")
    if not url:
        raise BadInput("a node needs a server", "Give --redis redis://host:6379/0 or set PARLAB_REDIS_URL.")
    name = check_node_name(given.name)
    home = _home(environ)
    return NodeSettings(
        name=name,
        redis_url=url,
        pythons=tuple(given.python or (sys.executable,)),
        key=_key(name, home, environ),
        spool=given.spool or home / "nodes" / name / "spool",
        log=given.log or home / "nodes" / name / "node.log",
        host=given.host or environ.get("PARLAB_HOST") or None,
        allow=tuple(filter(None, environ.get("PARLAB_ALLOW", "").replace(",", " ").split())),
        parent=given.parent,
        lock_limit_seconds=given.lock_limit,
    )


def _key(name: str, home: Path, environ: Mapping[str, str]) -> bytes:
    own = environ.get("PARLAB_NODE_KEY")
    if not own:
        return node_key(read_lab_key(Path(environ.get("PARLAB_LAB_KEY_FILE") or home / "lab.key")), name)
    try:
        return bytes.fromhex(own)
    except ValueError:
        raise BadInput("PARLAB_NODE_KEY is not hexadecimal", "Copy it as the lab printed it.") from None


def _home(environ: Mapping[str, str]) -> Path:
    home = environ.get("PARLAB_HOME")
    if home:
        return Path(home).expanduser().absolute()
    data = environ.get("XDG_DATA_HOME") or "~/.local/share"
    if sys.platform == "darwin":
        data = "~/Library/Application Support"
    return Path(data).expanduser().absolute() / "parlab"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="parlab node", description="Offer this machine's Python builds to a lab."
    )
    parser.add_argument("--name", required=True, help="name of the node in the lab")
    parser.add_argument("--redis", metavar="URL", help="the lab's server (default: PARLAB_REDIS_URL)")
    parser.add_argument("--python", action="append", metavar="EXE", help="interpreter to offer; repeatable")
    parser.add_argument("--host", help="name of this host in the lab")
    parser.add_argument("--spool", type=Path, metavar="DIR", help="folder for results on their way")
    parser.add_argument("--log", type=Path, metavar="FILE", help="file of the node's log")
    parser.add_argument("--parent", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--lock-limit", type=float, default=LIMIT_SECONDS, help=argparse.SUPPRESS)
    return parser
