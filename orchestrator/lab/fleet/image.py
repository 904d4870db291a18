"""The image of a fleet's nodes: built from the installed package, once for each content and Python."""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from parlab import workers
from parlab.orchestrator.lab.fleet.engine import reaching
from parlab.workers.errors import EnvironmentFault

if TYPE_CHECKING:
    from docker import DockerClient

#: Repository of the images; the tag is Python's version and the content's digest.
REPOSITORY = "parlab-node"


def ensure_image(client: DockerClient, python: str, say: Callable[[str], None]) -> str:
    """Give the tag of the image for a Python version, built where the engine has it not yet.

    Raises:
        EnvironmentFault: it cannot be built; the message has the build's last words.
    """
    import docker.errors

    folder = Path(next(iter(workers.__path__)))
    tag = f"{REPOSITORY}:{python}-{_digest(folder)}"
    with reaching("of the fleet"):
        try:
            client.images.get(tag)
        except docker.errors.ImageNotFound:
            say(f"building the image of Python {python} nodes (once)")
        else:
            return tag
        try:
            client.images.build(
                fileobj=_context(folder),
                custom_context=True,
                tag=tag,
                buildargs={"PYTHON_IMAGE": f"python:{python}-slim"},
                labels={"parlab.fleet": "image"},
                rm=True,
                forcerm=True,
            )
        except docker.errors.BuildError as error:
            raise EnvironmentFault(
                f"the image of Python {python} nodes cannot be built: {error.msg}",
                f"There must be an image python:{python}-slim, and a network for its packages.",
            ) from error
    return tag


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        # Caches of Python's and of linters are no part of it.
        cached = any(part == "__pycache__" or part.startswith(".") for part in path.relative_to(folder).parts)
        if path.is_file() and not cached:
            yield path


def _digest(folder: Path) -> str:
    whole = hashlib.sha256()
    for path in _files(folder):
        whole.update(f"{path.relative_to(folder)}\0".encode())
        whole.update(path.read_bytes())
    return whole.hexdigest()[:12]


def _context(folder: Path) -> io.BytesIO:
    """Pack the folder as a build context: names and contents only, the same bytes each time."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for path in _files(folder):
            entry = tarfile.TarInfo(str(path.relative_to(folder)))
            entry.size = path.stat().st_size
            entry.mode = 0o644
            with path.open("rb") as file:
                archive.addfile(entry, file)
    packed.seek(0)
    return packed
