"""Targets for tests: a real HTTP target and a real PostgreSQL, each in processes of its own."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.checkout import SOURCE

_LIMIT_SECONDS = 30


@dataclass(frozen=True)
class RunningTarget:
    """An HTTP target that listens on loopback."""

    process: subprocess.Popen[str]
    port: int

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def end(self) -> int:
        """End it as a container is ended; its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(_LIMIT_SECONDS)


@contextmanager
def http_target(*arguments: str) -> Iterator[RunningTarget]:
    """A target at a free port, gone afterwards; all that it prints after its address is kept for the test."""
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "parlab.workers.targets.http_target", "--port", "0", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={"PATH": os.defpath, "PYTHONPATH": SOURCE},
    )
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        assert line.startswith("http target on http://127.0.0.1:"), line + process.stdout.read()
        yield RunningTarget(process, int(line.rpartition(":")[2]))
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def free_port() -> int:
    """Give a port that nobody listens on, as far as that can be known."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _postgres_folder() -> Path | None:
    """Find PostgreSQL's programs: on the PATH, or where Debian has them."""
    found = shutil.which("initdb")
    if found is not None:
        return Path(found).resolve().parent
    places = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return places[-1].parent if places else None


@contextmanager
def postgres(password: str) -> Iterator[str]:
    """A private PostgreSQL on loopback and its address; its absence is a skip on a desk, a failure in CI."""
    programs = _postgres_folder()
    if programs is None:
        why = "no PostgreSQL server is installed here (Debian: postgresql)"
        if os.environ.get("CI"):
            pytest.fail(why)
        pytest.skip(why)
    # It refuses to be root's; then it is the package's user's.
    owner = pwd.getpwnam("postgres") if os.geteuid() == 0 else None
    with tempfile.TemporaryDirectory(prefix="pl-") as folder:
        place = Path(folder)
        (place / "password").write_text(password)
        if owner is not None:
            for path in (place, place / "password"):
                os.chown(path, owner.pw_uid, owner.pw_gid)
        port = free_port()

        def program(name: str, *arguments: str) -> None:
            done = subprocess.run(
                [str(programs / name), *arguments],
                capture_output=True,
                text=True,
                check=False,
                timeout=120,
                cwd=place,
                user=owner.pw_uid if owner is not None else None,
                group=owner.pw_gid if owner is not None else None,
                extra_groups=[] if owner is not None else None,
            )
            assert done.returncode == 0, done.stdout + done.stderr

        data, log = str(place / "data"), str(place / "log")
        program(
            "initdb", "--pgdata", data, "--username", "parlab", "--auth", "scram-sha-256", "--no-sync",
            "--pwfile", str(place / "password"),
        )  # fmt: skip
        options = (
            f"-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories={place} -c fsync=off"
        )
        # Its output goes to the log alone: a pipe that the server inherits would never end.
        program("pg_ctl", "--pgdata", data, "--log", log, "--wait", "--options", options, "start")
        try:
            yield f"postgresql://parlab:{password}@127.0.0.1:{port}/postgres"
        finally:
            program("pg_ctl", "--pgdata", data, "--mode", "immediate", "--wait", "stop")
