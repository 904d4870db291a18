"""Settings of the environment, read once."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from parlab.workers import __version__
from parlab.workers.errors import BadInput, EnvironmentFault


@dataclass(frozen=True)
class Settings:
    """The surroundings of a command. Nothing else of parlab reads the environment."""

    #: Where runs are kept: PARLAB_HOME, else the platform's folder for a user's data.
    home: Path
    #: PARLAB_REDIS_URL, or what the file PARLAB_REDIS_URL_FILE holds: an existing server to use instead
    #: of an embedded one. It may hold a password.
    redis_url: str | None = field(repr=False)
    #: PARLAB_LAB_KEY_FILE, else in the home: the key that specs and results are signed with.
    lab_key_path: Path
    version: str
    #: PARLAB_LAB: address of a lab's orchestrator, whose runs the commands are about.
    lab_url: str | None = None
    #: PARLAB_TOKEN, or what the file PARLAB_TOKEN_FILE holds: the lab's token, which allows changes.
    token: str | None = field(default=None, repr=False)
    #: PARLAB_REPORT, on or off: whether a run of this machine ends by writing its report.
    report: bool = True

    @property
    def store_path(self) -> Path:
        """File of the store."""
        return self.home / "parlab.db"


def from_environment(environ: Mapping[str, str]) -> Settings:
    """Read the settings from an environment; raises ``BadInput`` on what cannot be used."""
    home = _path(environ, "PARLAB_HOME") or _default_home()
    return Settings(
        home=home,
        redis_url=environ.get("PARLAB_REDIS_URL") or _content(environ, "PARLAB_REDIS_URL_FILE"),
        lab_url=environ.get("PARLAB_LAB") or None,
        token=environ.get("PARLAB_TOKEN") or _content(environ, "PARLAB_TOKEN_FILE"),
        lab_key_path=_path(environ, "PARLAB_LAB_KEY_FILE") or home / "lab.key",
        report=_switch(environ, "PARLAB_REPORT"),
        version=__version__,
    )


def from_process() -> Settings:
    """Read the settings from this process's environment; called once, by the command."""
    return from_environment(os.environ)


def _switch(environ: Mapping[str, str], name: str) -> bool:
    given = environ.get(name, "").strip().lower()
    if given not in ("", "on", "off"):
        raise BadInput(
            f"{name}={given}: it must be on or off", f"Write {name}=off, or leave it out: it is on then."
        )
    return given != "off"


def _path(environ: Mapping[str, str], name: str) -> Path | None:
    given = environ.get(name)
    try:
        return Path(given).expanduser().absolute() if given else None
    except RuntimeError:
        raise BadInput(
            f"{name}={given}: there is no such home folder", "Give a path without ~, or a user's that exists."
        ) from None


def _content(environ: Mapping[str, str], name: str) -> str | None:
    """Return the first line of the file that a variable names; secrets may come this way."""
    path = _path(environ, name)
    if path is None:
        return None
    try:
        text = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise EnvironmentFault(
            f"{name}={path}: cannot be read: {reason}", "Name a file that this user can read."
        ) from error
    return text.partition("\n")[0] or None


def _default_home() -> Path:
    from platformdirs import user_data_path

    return user_data_path("parlab")
