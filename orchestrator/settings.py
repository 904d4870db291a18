"""What the environment says, read once."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path


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
    """Read the settings from an environment."""
    home = environ.get("PARLAB_HOME")
    folder = Path(home).expanduser().absolute() if home else _default_home()
    key = environ.get("PARLAB_LAB_KEY_FILE")
    return Settings(
        home=folder,
        redis_url=environ.get("PARLAB_REDIS_URL") or None,
        lab_key_path=Path(key).expanduser().absolute() if key else folder / "lab.key",
        version=_version(),
    )


def from_process() -> Settings:
    """Read the settings from this process's environment; called once, by the command."""
    return from_environment(os.environ)


def _default_home() -> Path:
    from platformdirs import user_data_path  # noqa: PLC0415 - not needed where PARLAB_HOME is set

    return user_data_path("parlab")


def _version() -> str:
    try:
        return version("parlab")
    except PackageNotFoundError:
        # A checkout that was never installed.
        return "0+unknown"
