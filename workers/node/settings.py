"""A node's settings, read once: from its command line, its environment and its join token."""

from __future__ import annotations

import argparse
import base64
import os
import re
import socket
import ssl
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from ..errors import BadInput, EnvironmentFault
from ..host.lock import LIMIT_SECONDS
from ..wire.join_token import JoinToken, decode_token
from ..wire.keys import GROUP_MARK, check_node_name
from ..wire.lab_key import read_lab_key
from ..wire.signing import node_key

#: Disturbances from outside that some machines cannot be freed of. A wrong GIL is none.
TOLERABLE = ("load", "steal", "throttled", "clock", "other-measurement")
#: Ports of a lab's server: with TLS, and without.
TLS_PORT = 6380
PLAIN_PORT = 6379
_MOST_NAME = 41


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
    #: Folder that the nodes of one machine share: its id and its lock; None: they are the system's.
    host_folder: Path | None = None
    #: Modules besides the installation's own whose functions may run here.
    allow: tuple[str, ...] = ()
    #: Causes for which no trial is rejected here.
    tolerate: tuple[str, ...] = ()
    #: Folders with these modules, where they are not installed for the Python that is offered.
    project: tuple[str, ...] = ()
    #: Process whose end ends the node, and whose signals end it at once; None: it stands alone.
    parent: int | None = None
    #: How long another lab's sitting on this host is waited for.
    lock_limit_seconds: float = LIMIT_SECONDS
    #: Certificate (PEM) that the server's must be signed by; None: the system's.
    certificate: str | None = None
    #: How long a server that does not answer at the start is waited for.
    wait_seconds: float = 0.0
    #: File that is touched after each beat that the server took; None: none is.
    alive: Path | None = None
    #: Addresses of what workloads talk to, by name; they may hold passwords.
    targets: Mapping[str, str] = field(default_factory=dict, repr=False)


def read(argv: Sequence[str], environ: Mapping[str, str]) -> NodeSettings:
    """Read a node's settings from its command line and its environment; raises as ``settings_of``."""
    return settings_of(environ, **vars(_parser().parse_args(argv)))


def settings_of(
    environ: Mapping[str, str],
    *,
    name: str | None = None,
    redis: str | None = None,
    pythons: Sequence[str] = (),
    host: str | None = None,
    wait: float | None = None,
    spool: Path | None = None,
    log: Path | None = None,
    parent: int | None = None,
    lock_limit: float = LIMIT_SECONDS,
) -> NodeSettings:
    """Put together what a node is told by options, and by its environment where they say nothing.

    Name, key, password and certificate come with a join token (PARLAB_JOIN, PARLAB_JOIN_FILE).
    Without one, the key comes by PARLAB_NODE_KEY (hexadecimal) or is derived from the lab's, by
    PARLAB_LAB_KEY_FILE; a password may come with PARLAB_REDIS_URL: none need be an argument.

    Raises:
        BadInput: something is missing or cannot be used.
        EnvironmentFault: the lab's key or the join token cannot be read.
    """
    token = _token(environ)
    asked = name or environ.get("PARLAB_NODE_NAME") or None
    if asked is None and token is None:
        raise BadInput("a node needs a name", "Give --name NAME, or set PARLAB_NODE_NAME.")
    hostname = environ.get("PARLAB_HOSTNAME") or None
    if hostname is not None and "{{" in hostname:
        # A swarm's template that no swarm has filled in.
        hostname = None
    name = check_node_name(node_name(token, asked, hostname) if token is not None else str(asked))
    address = redis or environ.get("PARLAB_REDIS_URL") or environ.get("PARLAB_REDIS")
    if not address:
        raise BadInput("a node needs a server", "Give --redis redis://host:6379/0 or set PARLAB_REDIS_URL.")
    home = _home(environ)
    return NodeSettings(
        name=name,
        redis_url=server_url(address, token) if token is not None else address,
        pythons=tuple(pythons or _words(environ, "PARLAB_PYTHON") or (sys.executable,)),
        key=token.key_of(name) if token is not None else _key(name, home, environ),
        spool=spool or home / "nodes" / name / "spool",
        log=log or home / "nodes" / name / "node.log",
        host=host or environ.get("PARLAB_HOST") or None,
        host_folder=_folder(environ, "PARLAB_HOST_DIR"),
        allow=_words(environ, "PARLAB_ALLOW"),
        tolerate=_tolerated(environ),
        project=tuple(filter(None, environ.get("PARLAB_PROJECT", "").split(os.pathsep))),
        parent=parent,
        lock_limit_seconds=lock_limit,
        certificate=certificate(token) if token is not None else None,
        wait_seconds=wait if wait is not None else _seconds(environ, "PARLAB_WAIT_SECONDS"),
        alive=_folder(environ, "PARLAB_ALIVE_FILE"),
        targets=_targets(environ),
    )


def _targets(environ: Mapping[str, str]) -> dict[str, str]:
    """Read the addresses PARLAB_TARGET_NAME; PARLAB_TARGET_NAME_FILE names a file that holds one.

    A file that is not there is no error: the target is not there, either, and who asks for it is told so.
    """
    addresses: dict[str, str] = {}
    for variable in sorted(environ):
        name = variable.removeprefix("PARLAB_TARGET_")
        if name in ("", variable) or not environ[variable]:
            continue
        if name.endswith("_FILE"):
            address = _address_in(variable, Path(environ[variable]).expanduser())
            name = name.removesuffix("_FILE")
            if environ.get(f"PARLAB_TARGET_{name}"):
                continue
        else:
            address = environ[variable].strip()
        if name == "HTTP" and address and not address.startswith(("http://", "https://")):
            raise BadInput(f"{variable} is not the address of an HTTP server", "Write http://host:port.")
        if address:
            addresses[name.lower()] = address
    return addresses


def _address_in(variable: str, path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise EnvironmentFault(
            f"{variable}: cannot read {path}: {getattr(error, 'strerror', None) or 'it is not text'}",
            "Make it readable for the node's user, or unset the variable.",
        ) from error


def _token(environ: Mapping[str, str]) -> JoinToken | None:
    if environ.get("PARLAB_JOIN"):
        return decode_token(environ["PARLAB_JOIN"])
    path = _folder(environ, "PARLAB_JOIN_FILE")
    return read_token(path) if path is not None else None


def _key(name: str, home: Path, environ: Mapping[str, str]) -> bytes:
    own = environ.get("PARLAB_NODE_KEY")
    if not own:
        return node_key(read_lab_key(Path(environ.get("PARLAB_LAB_KEY_FILE") or home / "lab.key")), name)
    try:
        return bytes.fromhex(own)
    except ValueError:
        raise BadInput("PARLAB_NODE_KEY is not hexadecimal", "Copy it as the lab printed it.") from None


def _words(environ: Mapping[str, str], name: str) -> tuple[str, ...]:
    return tuple(filter(None, environ.get(name, "").replace(",", " ").split()))


def _tolerated(environ: Mapping[str, str]) -> tuple[str, ...]:
    causes = _words(environ, "PARLAB_TOLERATE")
    for cause in causes:
        if cause not in TOLERABLE:
            raise BadInput(
                f"PARLAB_TOLERATE: {cause!r} is not a cause that can be tolerated",
                f"There are: {', '.join(TOLERABLE)}.",
            )
    return causes


def _folder(environ: Mapping[str, str], name: str) -> Path | None:
    given = environ.get(name)
    return Path(given).expanduser().absolute() if given else None


def _seconds(environ: Mapping[str, str], name: str) -> float:
    text = environ.get(name) or "0"
    try:
        seconds = float(text)
        if not 0 <= seconds < float("inf"):
            raise ValueError
    except ValueError:
        raise BadInput(f"{name}={text}: it must be a number of seconds", "Write 60, for example.") from None
    return seconds


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
    parser.add_argument("--name", help="name of the node in the lab (default: the join token's)")
    parser.add_argument(
        "--redis", metavar="ADDRESS", help="the lab's server: a URL, or host:port with a join token"
    )
    parser.add_argument(
        "--python",
        dest="pythons",
        action="append",
        default=[],
        metavar="EXE",
        help="interpreter to offer; repeatable",
    )
    parser.add_argument("--host", help="name of this host in the lab")
    parser.add_argument("--spool", type=Path, metavar="DIR", help="folder for results that are not sent yet")
    parser.add_argument("--log", type=Path, metavar="FILE", help="file for the node's log")
    parser.add_argument(
        "--wait", type=float, metavar="SECONDS", help="how long to wait for a server that is not there yet"
    )
    parser.add_argument("--parent", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--lock-limit", type=float, default=LIMIT_SECONDS, help=argparse.SUPPRESS)
    return parser


def read_token(path: Path) -> JoinToken:
    """Read a join token from a file.

    Raises:
        EnvironmentFault: the file cannot be read.
        BadInput: it holds none.
    """
    try:
        return decode_token(path.read_text(encoding="utf-8", errors="replace"))
    except OSError as error:
        raise EnvironmentFault(
            f"cannot read the join token in {path}: {error.strerror}",
            "Name a file that this user can read: PARLAB_JOIN_FILE.",
        ) from error


def node_name(token: JoinToken, asked: str | None, hostname: str | None = None) -> str:
    """Return the name of the node that joins: as asked for, else the token's.

    In a group, "<group>--<hostname>", with what a node's name cannot hold left out.
    """
    if asked is not None or not token.group:
        return asked or token.name
    own = re.sub("[^a-z0-9]+", "-", (hostname or socket.gethostname()).lower()).strip("-") or "node"
    return f"{token.name}{GROUP_MARK}{own}"[:_MOST_NAME].rstrip("-")


def server_url(address: str, token: JoinToken) -> str:
    """Return the server's URL for whoever has a token.

    Args:
        address: ``host``, ``host:port`` or a whole URL (redis://, rediss://, unix://) without a user.
        token: whose user and password are put in; where it has a certificate, a bare address is
            reached by TLS.

    Raises:
        BadInput: it is no address.
    """
    scheme, mark, rest = address.partition("://")
    if not mark:
        scheme, rest = ("rediss", address) if token.ca else ("redis", address)
        port = TLS_PORT if token.ca else PLAIN_PORT
        if ":" not in rest or rest.endswith("]"):
            rest = f"{rest}:{port}"
    if scheme not in ("redis", "rediss", "unix") or not rest or "@" in rest or any(c.isspace() for c in rest):
        raise BadInput(
            f"{scheme}://{rest.rpartition('@')[2]} cannot be joined with a token",
            "Give the server's address alone, host:port: user and password are in the token.",
        )
    return f"{scheme}://{quote(token.name)}:{quote(token.password, safe='')}@{rest}"


def certificate(token: JoinToken) -> str | None:
    """Return the certificate that the server's must be signed by (PEM), None where the token has none.

    Raises:
        BadInput: it is no certificate.
    """
    if not token.ca:
        return None
    try:
        pem = ssl.DER_cert_to_PEM_cert(base64.b64decode(token.ca, validate=True))
        ssl.create_default_context(cadata=pem)
    except (ValueError, ssl.SSLError) as error:
        raise BadInput(
            "the join token's certificate cannot be read", "Make another: parlab nodes add."
        ) from error
    return pem
