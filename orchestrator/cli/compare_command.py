"""What ``parlab compare`` does, from its options to an exit code."""

from __future__ import annotations

import io
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from parlab.orchestrator.analysis.across.compare import compare
from parlab.orchestrator.analysis.across.gate import EXIT_CODES, read_condition
from parlab.orchestrator.analysis.across.sample import AXES
from parlab.orchestrator.control.sources import load_runs
from parlab.orchestrator.settings import from_process
from parlab.orchestrator.show.text.comparison import writer
from parlab.workers.errors import BadInput, EnvironmentFault


@dataclass(frozen=True)
class CompareOptions:
    """Options of ``parlab compare``."""

    runs: tuple[str, ...]
    by: str | None
    baseline: str | None
    fail_on: tuple[str, ...]
    format: str
    output: Path | None
    lab_url: str | None


def compare_runs(options: CompareOptions) -> int:
    """Compare, show it, and return the exit code: the gate's, where one was asked for."""
    axis = next((one for one in AXES if one == options.by), None)
    if options.by is not None and axis is None:
        raise BadInput(f"--by {options.by}: it is no axis", f"Name one of: {', '.join(AXES)}.")
    conditions = [read_condition(text) for text in options.fail_on]
    write = writer(options.format)
    settings = from_process()
    runs = load_runs(settings, options.runs, options.lab_url or settings.lab_url)
    finding = compare(runs, axis, options.baseline, conditions)
    if options.output is None:
        write(finding, sys.stdout)
    else:
        text = io.StringIO()
        write(finding, text)
        _replace(options.output, text.getvalue())
    if finding.gate is None:
        return 0
    if options.output is not None:
        told = "\n  ".join([f"parlab: gate {finding.gate.word}", *finding.gate.reasons])
        sys.stderr.write(f"{told}\n")
    return EXIT_CODES[finding.gate.word]


def _replace(path: Path, text: str) -> None:
    """Write a file that is complete or not there; a device or pipe is written to, never replaced."""
    place = path.resolve()
    whole = place.is_file() or not place.exists()
    written = place.with_name(f".{place.name}.{os.getpid()}") if whole else place
    try:
        written.write_text(text, encoding="utf-8", newline="\n")
        if whole:
            written.replace(place)
    except OSError as error:
        if whole:
            written.unlink(missing_ok=True)
        raise EnvironmentFault(
            f"cannot write {path}: {error.strerror or error}", "Name a file in a folder that can be written."
        ) from error
