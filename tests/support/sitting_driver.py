"""Runs one sitting in a process of its own, as a node's forked process would: spec in, result out.

``python -m tests.support.sitting_driver EXECUTABLE… [--trialpath DIR] [--project DIR] < spec.json >
result.json``
"""

from __future__ import annotations

import os
import resource
import sys
from pathlib import Path

from parlab.workers.clock import SystemClock
from parlab.workers.host.builds import read_builds
from parlab.workers.host.environment import read_host
from parlab.workers.host.processes import Prctl, guard
from parlab.workers.sitting.loop import run_sitting
from parlab.workers.wire.codec import decode, encode
from parlab.workers.wire.registration import NodeRegistration
from parlab.workers.wire.spec import SittingSpec


def main() -> None:
    """Do it, and say on standard error how much CPU the guardian itself used."""
    arguments = sys.argv[1:]
    trialpath = _option(arguments, "--trialpath")
    project = _option(arguments, "--project")
    spec = decode(SittingSpec, sys.stdin.read())
    tolerates = tuple(os.environ.get("PARLAB_TOLERATE", "").split())
    builds = read_builds(arguments)
    node = NodeRegistration(spec.node, read_host("h"), builds, "", "", os.getpid(), tolerates=tolerates)
    prctl = Prctl()
    guard(prctl, os.getppid())
    before = resource.getrusage(resource.RUSAGE_SELF)
    result = run_sitting(
        spec,
        node,
        SystemClock(),
        prctl=prctl,
        trialpath=Path(trialpath) if trialpath else None,
        project=[project] if project else (),
    )
    after = resource.getrusage(resource.RUSAGE_SELF)
    print(encode(result), flush=True)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(used, file=sys.stderr)


def _option(arguments: list[str], name: str) -> str | None:
    """Take an option with its value out of the arguments."""
    if name not in arguments:
        return None
    at = arguments.index(name)
    _, value = arguments[at : at + 2]
    del arguments[at : at + 2]
    return value


if __name__ == "__main__":
    main()
