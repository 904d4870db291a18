"""Results on their way: on disk first, so that none is lost while the server is away."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from ..errors import EnvironmentFault, StorageFull
from ..wire.signing import SignedResult

_SUFFIX = ".json"
_FULL = (errno.ENOSPC, errno.EDQUOT)


class Spool:
    """A folder with one file per result that the server has not confirmed."""

    def __init__(self, folder: Path) -> None:
        """Use a folder, made if it is not there.

        Raises:
            EnvironmentFault: it cannot be made or written.
        """
        self.folder = folder
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise _fault(folder, error) from error
        if not os.access(folder, os.W_OK | os.X_OK):
            raise EnvironmentFault(
                f"cannot write to the spool {folder}", "Name another folder: PARLAB_SPOOL or --spool."
            )

    def keep(self, result: SignedResult) -> None:
        """Write a result so that it survives the machine's crash: file and folder are synced.

        Raises:
            StorageFull: the disk is full; nothing of the result is left there.
            EnvironmentFault: it cannot be written for another reason.
        """
        path = self._path(result.job)
        draft = path.with_suffix(".part")
        try:
            with draft.open("w", encoding="utf-8", errors="surrogatepass") as file:
                json.dump(result.fields(), file)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(path)
            self._sync()
        except OSError as error:
            with suppress(OSError):
                draft.unlink(missing_ok=True)
            raise _fault(self.folder, error) from error

    def remove(self, job: str) -> None:
        """Forget a result that the server has confirmed."""
        self._path(job).unlink(missing_ok=True)

    def put_aside(self, job: str) -> None:
        """Keep a result's file for people to look at; it is no result any more."""
        path = self._path(job)
        with suppress(OSError):
            path.replace(path.with_suffix(".unreadable"))

    def get(self, job: str) -> SignedResult | None:
        """Return the result of a job, or None where there is none."""
        return self._read(self._path(job))

    def results(self) -> Iterator[SignedResult]:
        """Give all results that are kept, oldest first."""
        for path in sorted(self.folder.glob(f"*{_SUFFIX}"), key=_written):
            result = self._read(path)
            if result is not None:
                yield result

    def count(self) -> int:
        """Count the results that are kept."""
        return sum(1 for entry in os.scandir(self.folder) if entry.name.endswith(_SUFFIX))

    def _path(self, job: str) -> Path:
        # Job ids are letters, digits, _ and - : they cannot leave the folder.
        assert "/" not in job
        return self.folder / f"{job}{_SUFFIX}"

    def _read(self, path: Path) -> SignedResult | None:
        try:
            fields = json.loads(path.read_text(encoding="utf-8", errors="surrogatepass"))
            return SignedResult(fields["job"], fields["kind"], fields["body"], fields["signature"])
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError):
            # A file that is there is whole; another's is put aside, so that it is not tried for ever.
            self.put_aside(path.stem)
            return None

    def _sync(self) -> None:
        descriptor = os.open(self.folder, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _written(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _fault(folder: Path, error: OSError) -> EnvironmentFault:
    if error.errno in _FULL:
        return StorageFull(
            f"the disk of the spool {folder} is full",
            "Free some space there, or name another folder: PARLAB_SPOOL.",
        )
    return EnvironmentFault(
        f"cannot write to the spool {folder}: {error.strerror}",
        "Name another folder: PARLAB_SPOOL or --spool.",
    )
