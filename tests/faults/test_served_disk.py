"""A served lab whose disk is full: nothing is lost, it says so, and goes on when there is space."""

from __future__ import annotations

import itertools
import os
import shutil
from pathlib import Path

import pytest

from parlab.orchestrator.store.facade import Store
from parlab.workers.clock import SystemClock
from tests.support.laboratory import Laboratory, wait_until
from tests.support.served import compared, experiment, serving

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("unshare") is None, reason="only root can mount a small disk"
)


def fill(folder: Path) -> Path:
    """Leave no byte free on a folder's disk."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file:
        for size in (1 << 16, 1 << 12, 1):
            # Raised by the write that finds no room any more.
            with pytest.raises(OSError, match="No space left"):
                file.writelines(itertools.repeat(b"x" * size))
    return filler


def test_a_full_disk_stops_no_lab_and_costs_no_result(own_lab: Laboratory, home: Path) -> None:
    folder = home / "orchestrator"
    script = 'key=$(cat "$0/lab.key") && mount -t tmpfs -o size=2m,mode=700 none "$0" && umask 077 && '
    script += 'echo "$key" > "$0/lab.key" && exec "$@"'
    within = ["unshare", "--mount", "sh", "-c", script, str(folder)]
    with serving(own_lab, folder, within=within) as served:
        # The small disk is there for the orchestrator only; by its process we see it, too.
        disk = Path(f"/proc/{served.process.pid}/root{folder}")
        own_lab.node("a").start()
        wait_until(lambda: served.ask("/readyz").status_code == 200)
        run = served.begin(experiment(blocks=8))
        wait_until(lambda: served.blocks(run) >= 2, 30)
        filler = fill(disk)
        wait_until(lambda: any("full" in line for line in served.lines), 60)
        assert served.ask("/healthz").status_code == 200
        told = served.run(run)
        assert told["state"] == "running"
        refused = served.ask("/api/runs", "POST", json=experiment("another", blocks=1))
        assert refused.headers["content-type"] == "application/problem+json", refused.text
        assert (refused.status_code, "full" in refused.json()["detail"]) == (507, True)
        assert refused.json()["hint"]
        assert "Traceback" not in "\n".join(served.lines)
        filler.unlink()
        found = served.until(run, "done", 90)
        assert compared(found) == [8]
        with Store.open(disk / "parlab.db", SystemClock()) as store:
            counted = [stored.result.trial for stored in store.sittings.trials(run)]
        assert len(counted) == len(set(counted))
