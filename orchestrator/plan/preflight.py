"""A user's own function looked at before anything is measured, in each interpreter that would run it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Literal

from parlab.orchestrator.experiment.model import Experiment, WorkloadChoice
from parlab.orchestrator.plan.model import Configuration
from parlab.workers import catalog
from parlab.workers.errors import ConfigurationFailed, LabError, SpecRefused
from parlab.workers.function.place import place_of
from parlab.workers.host.bootstrap import preflight_arguments, trial_environment
from parlab.workers.host.builds import read_builds
from parlab.workers.wire.codec import encode, from_plain, to_plain
from parlab.workers.wire.registration import PythonBuild
from parlab.workers.wire.spec import OwnFunction

Mark = Literal["ok", "note", "limit", "refused"]
#: A function that takes longer than this for its few calls is measured in hours.
LIMIT_SECONDS = 60.0
_TAIL_CHARACTERS = 300


@dataclass(frozen=True)
class Finding:
    """One thing that was found."""

    #: "import", "inputs", "result", "pickling", …
    about: str
    #: ok; note: to be known; limit: some strategies cannot; refused: nothing can be run.
    mark: Mark
    #: A sentence's worth of what was seen.
    text: str
    #: What to do about it; empty where nothing is to be done.
    cure: str = ""
    #: "all", "function" (it cannot be sent by name), "data" (inputs or results cannot be sent),
    #: "interpreter" (its module cannot be loaded in a subinterpreter), "async" (it cannot be awaited).
    rules_out: Literal["all", "function", "data", "interpreter", "async"] | None = None
    #: What was measured for it, roughly: "call_seconds", "cpu_share", "call_bytes", "two_threads_ratio".
    figures: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Preflight:
    """What was found of one function in one interpreter."""

    function: str
    build: PythonBuild
    findings: tuple[Finding, ...]

    @property
    def figures(self) -> Mapping[str, float]:
        """All that was measured, by name."""
        return {name: value for finding in self.findings for name, value in finding.figures.items()}

    @property
    def refusal(self) -> Finding | None:
        """Why nothing of it can be run in this interpreter, or None."""
        return next((f for f in self.findings if f.mark == "refused"), None)

    def against(self, strategy: str) -> str | None:
        """Say why a strategy cannot run it here, or None."""
        chosen = catalog.strategy(strategy)
        for finding in self.findings:
            out = finding.rules_out
            crosses = chosen.isolation != "none"
            if (
                out == "all"
                or (out == "function" and crosses and not chosen.by_value)
                or (out == "data" and crosses)
                or (out == "interpreter" and chosen.isolation == "interpreter")
                or (out == "async" and chosen.form == "async")
            ):
                return f"{finding.about}: {finding.text}"
        return None


class RuledOut:
    """What the preflight of an experiment's functions rules out of its plan."""

    def __init__(self, preflights: Sequence[tuple[WorkloadChoice, Preflight]]) -> None:
        self._looks = {(encode(choice.function), look.build.id): look for choice, look in preflights}

    def __call__(self, workload: WorkloadChoice, configuration: Configuration) -> str | None:
        """Say why a configuration is not to be tried, or None."""
        if workload.function is None:
            return None
        look = self._looks.get((encode(workload.function), configuration.python))
        return None if look is None else look.against(configuration.strategy)


def examine(function: OwnFunction, build: PythonBuild, paths: Sequence[str]) -> Preflight:
    """Look at a function in one interpreter.

    Args:
        function: what to look at.
        build: of this machine.
        paths: folders with the user's modules.

    Raises:
        LabError: the interpreter cannot be started.
    """
    place = place_of(function, paths, os.environ, "this machine")
    request = json.dumps({"function": to_plain(function), "paths": list(place.paths)})
    read_end, write_end = os.pipe()
    with tempfile.TemporaryDirectory(prefix="parlab-", ignore_cleanup_errors=True) as folder:
        own = trial_environment(
            "preflight",
            1,
            path=os.environ.get("PATH", os.defpath),
            home=os.environ.get("HOME", "/"),
            temporary=folder,
        )
        try:
            process = subprocess.Popen(
                preflight_arguments(build.executable, write_end),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                pass_fds=(write_end,),
                env={**place.environment, **own},
                # What it leaves running ends with it.
                start_new_session=True,
                text=True,
                errors="replace",
            )
        except OSError as error:
            os.close(read_end)
            raise LabError(f"{build.executable} cannot be started: {error.strerror}") from error
        finally:
            os.close(write_end)
        with os.fdopen(read_end, encoding="utf-8") as answer:
            output, limit = _await(process, request)
            findings = list(_findings(answer.read()))
    if limit:
        findings.append(
            Finding(
                "time",
                "refused",
                f"it had not ended after {LIMIT_SECONDS:g} s",
                "Give smaller inputs: a measured task takes milliseconds to seconds.",
                "all",
            )
        )
    elif process.returncode != 0:
        findings.append(_died(process.returncode, output))
    return Preflight(function.function, build, tuple(findings))


def _await(process: subprocess.Popen[str], request: str) -> tuple[str, bool]:
    try:
        output, _ = process.communicate(request, timeout=LIMIT_SECONDS)
    except subprocess.TimeoutExpired:
        _end(process)
        return "", True
    except BaseException:
        _end(process)
        raise
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    return output or "", False


def _end(process: subprocess.Popen[str]) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def _findings(text: str) -> Iterator[Finding]:
    for line in text.splitlines():
        try:
            plain: Any = json.loads(line)
            yield from_plain(Finding, plain, "finding")
        except (ValueError, SpecRefused):
            # The last one of an interpreter that was killed while it wrote.
            return


def _died(code: int, output: str) -> Finding:
    how = f"ended with exit code {code}" if code >= 0 else f"was killed by {signal.Signals(-code).name}"
    tail = output.strip()[-_TAIL_CHARACTERS:]
    return Finding(
        "call",
        "refused",
        f"its interpreter {how}" + (f": {tail}" if tail else ""),
        "A function that ends its interpreter cannot be measured.",
        "all",
    )


def examine_all(
    experiment: Experiment, paths: Sequence[str], builds: Mapping[str, PythonBuild] | None = None
) -> list[tuple[WorkloadChoice, Preflight]]:
    """Look at all of a one-machine experiment's functions, in each of its interpreters.

    Raises:
        ConfigurationFailed: a function can be run in none of them; with the reason of each.
        LabError: an interpreter cannot be started.
    """
    choices = [w for w in experiment.workloads if w.function is not None]
    if not choices:
        return []
    executables = [p.executable for p in experiment.pythons if p.executable]
    # All at once: two environments of one version are told apart as the node will tell them apart.
    known = builds or {build.executable: build for build in read_builds(executables)}
    preflights = []
    for choice in choices:
        assert choice.function is not None
        own = [examine(choice.function, build, paths) for build in known.values()]
        refusals = [look.refusal for look in own if look.refusal is not None]
        if refusals and len(refusals) == len(own):
            lines = dict.fromkeys(f"{refusal.about}: {refusal.text}" for refusal in refusals)
            raise ConfigurationFailed(
                f"{choice.name} cannot be measured: {'; '.join(lines)}", refusals[0].cure
            )
        preflights += [(choice, look) for look in own]
    return preflights
