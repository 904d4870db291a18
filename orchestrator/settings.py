"""What the environment says, read once."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from workers import __version__
from workers.errors import BadInput


@dataclass(frozen=True)
class Settings:
    """The surroundings of a command. Nothing else of parlab reads the environment."""

    #: Where runs are kept: PARLAB_HOME, else the platform's folder for a user's data.
    home: Path
    #: PARLAB_REDIS_URL: an existing server to use instead of an embedded one. It may hold a password.
    redis_url: str | None
    #: PARLAB_LAB_KEY_FILE, else in the home: the key that specs and results are signed with.
    lab_key_path: Path
    version: str

    @property
    def store_path(self) -> Path:
        """File of the store."""
        return self.home / "parlab.db"


def from_environment(environ: Mapping[str, str]) -> Settings:
    """Read the settings from an environment; raises ``BadInput`` on a path of nobody's home."""
    home = _path(environ, "PARLAB_HOME") or _default_home()
    return Settings(
        home=home,
        redis_url=environ.get("PARLAB_REDIS_URL") or None,
        lab_key_path=_path(environ, "PARLAB_LAB_KEY_FILE") or home / "lab.key",
        version=__version__,
    )


def from_process() -> Settings:
    """Read the settings from this process's environment; called once, by the command."""
    return from_environment(os.environ)


def _path(environ: Mapping[str, str], name: str) -> Path | None:
    given = environ.get(name)
    try:
        return Path(given).expanduser().absolute() if given else None
    except RuntimeError:
        raise BadInput(
            f"{name}={given}: there is no such home folder", "Give a path without ~, or a user's that exists."
        ) from None


def _default_home() -> Path:
    from platformdirs import user_data_path  # noqa: PLC0415 - not needed where PARLAB_HOME is set

    return user_data_path("parlab")
