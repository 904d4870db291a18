"""The report that a run leaves in its folder, named in the last line; never a reason to fail."""

from __future__ import annotations

import sys
from pathlib import Path

from parlab.orchestrator.analysis.view import RunView
from parlab.orchestrator.settings import Settings
from parlab.orchestrator.show.report.extras import missing_for_report
from parlab.orchestrator.store.folder import run_folder
from parlab.workers.clock import SystemClock
from parlab.workers.errors import LabError


def close_with_report(run: RunView, settings: Settings, lab_url: str | None = None) -> None:
    """Write a run's report into its folder and name it, or say how to get one.

    The run is done and stored: whatever goes wrong here is told in a line, and changes nothing of it.

    Args:
        run: that has ended, with its trials.
        settings: of the command; ``report`` says whether one is wanted.
        lab_url: the lab that has the run; None: it is here.
    """
    if not settings.report:
        return
    if lab_url is not None:
        print(f"report: parlab report {run.run} --lab {lab_url}")
    elif (missing := missing_for_report()) is not None:
        print(f"report: {missing.message}: pip install 'parlab[report]', then parlab report {run.run}")
    else:
        print(_written(run, settings))
    sys.stdout.flush()


def _written(run: RunView, settings: Settings) -> str:
    target = run_folder(settings.home, run.run) / "report.html"
    try:
        _write(run, settings, target)
    except LabError as fault:
        return f"no report: {fault.message}"
    except KeyboardInterrupt:
        return f"no report, because it was stopped; to make it: parlab report {run.run}"
    except Exception as error:  # noqa: BLE001 - a report's bug must not cost a run its exit code; it is told
        return f"no report: {type(error).__name__}: {error} (parlab report {run.run} says more)"
    return f"report: {target}"


def _write(run: RunView, settings: Settings, target: Path) -> None:
    from parlab.orchestrator.show.report.destination import write_file
    from parlab.orchestrator.show.report.writer import make_html

    write_file(target, make_html([run], settings.version, SystemClock().unix_seconds()).encode())
