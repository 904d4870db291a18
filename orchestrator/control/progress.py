"""Progress of a run on a terminal or in a log, which must not become what is measured.

The controller tells what is going on, between two sittings. A frame is drawn then and only then, at
most once a second; while rounds are timed there is at most one short write a second (``tick``).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TextIO

from parlab.orchestrator.analysis.findings.run import GroupFinding, RunFinding
from parlab.orchestrator.control.progress_state import OpenComparison, ProgressState, Surface, summary
from parlab.orchestrator.figures import ascii_only, can_show, printable, waiting
from parlab.orchestrator.plan.model import Plan, places
from parlab.workers import __version__
from parlab.workers.clock import Clock, SystemClock
from parlab.workers.wire.registration import NodeRegistration

#: A log gets a line at most so often.
_LINE_SECONDS = 10.0


class Progress:
    """Puts together what the controller tells, and shows it where it belongs."""

    def __init__(self, surface: Surface, clock: Clock) -> None:
        """Show on ``surface``; ``clock`` times the sitting that runs."""
        self._surface = surface
        self._clock = clock
        self._state = ProgressState()
        self._since_ns = clock.monotonic_ns()
        self._waiting: str | None = None
        self._places: dict[str, str] = {}
        self._is_race = False

    def begin(self, plan: Plan, registrations: Sequence[NodeRegistration]) -> None:
        """Take up a run, and say which of its nodes have another version of parlab."""
        for node in registrations:
            if node.parlab_version != __version__:
                theirs = f"node {node.node} has parlab {node.parlab_version}"
                self.say(f"{theirs}, this is {__version__}: install the same on both")
        comparisons = sum(len(group.comparisons) for group in plan.groups)
        self._state = ProgressState(
            run=plan.run,
            experiment=plan.experiment.name,
            comparisons=comparisons,
            # A claim has a margin of its own.
            margin=None if plan.experiment.claims else plan.experiment.stop.margin,
        )
        self._is_race = plan.experiment.stop.until == "best"
        self._places = _places(plan)

    def look(
        self, finding: RunFinding, sitting_seconds: Mapping[str, Sequence[float]], budget_seconds: float
    ) -> None:
        """Take in what is known after a sitting; shown with the next one that starts.

        Args:
            finding: all that is known.
            sitting_seconds: how long each sitting took, by group.
            budget_seconds: what is left of the run's budget.
        """
        if self._is_race:
            left, ways = _ways(finding)
            self._state = replace(self._state, ways_left=left, ways=ways)
        self._state = replace(
            _with_finding(self._state, finding, self._places),
            seconds_left=_seconds_left(finding, sitting_seconds),
            budget_seconds=max(0.0, budget_seconds),
        )

    def now(self, label: str, block: int | None) -> None:
        """Show what is about to run: a group's label, and its block (None: calibration)."""
        self._since_ns = self._clock.monotonic_ns()
        self.update(replace(self._state, running=label, block=block))

    def update(self, state: ProgressState) -> None:
        """Show a state as it is."""
        self._state = state
        self._surface.update(state)

    def tick(self) -> None:
        """Say that the sitting still runs; call it as often as is convenient."""
        self._surface.tick(self._state, (self._clock.monotonic_ns() - self._since_ns) / 1e9)

    def say(self, text: str) -> None:
        """Show a message that stays: what was restarted, lost, waited for."""
        self._surface.say(text)

    def waiting(self, what: str | None) -> None:
        """Say what is waited for, once for each; None: nothing is."""
        if what is not None and what != self._waiting:
            self.say(f"waiting for {what}")
        self._waiting = what

    def end(self) -> None:
        """Take away what was drawn; harmless where nothing is, or a second time."""
        self._surface.end()


class Lines(Surface):
    """Writes a line now and then: for logs, pipes, and terminals that cannot move their cursor."""

    def __init__(self, stream: TextIO, clock: Clock) -> None:
        """Write to ``stream``; the line of a block comes at most every 10 s."""
        self._stream = stream
        self._clock = clock
        self._ascii = not can_show(stream)
        self._written_ns: int | None = None
        self._blocks = 0
        self._run = ""

    def update(self, state: ProgressState) -> None:
        """Write a line where a block is done and the last line is old enough; the first at once."""
        now = self._clock.monotonic_ns()
        if state.run != self._run:
            self._run = state.run
            plural = "" if state.comparisons == 1 else "s"
            self.say(f"run {state.run} · {state.experiment} · {state.comparisons} comparison{plural}")
            self._written_ns = now
        elif state.blocks > self._blocks and now - (self._written_ns or 0) >= _LINE_SECONDS * 1e9:
            self.say(f"run {state.run} · {summary(state)}")
            self._written_ns = now
            self._blocks = state.blocks

    def say(self, text: str) -> None:
        """Write a line."""
        line = printable(text)
        try:
            self._stream.write(f"parlab: {ascii_only(line) if self._ascii else line}\n")
            self._stream.flush()
        except (OSError, ValueError):
            # Nobody reads any more (a closed pipe or terminal). A run is not given up for that.
            return


def make_progress(stream: TextIO, *, quiet: bool = False, clock: Clock | None = None) -> Progress:
    """Choose how to show progress on ``stream``: a frame on a terminal, lines elsewhere, nothing if quiet."""
    clock = clock or SystemClock()
    if quiet:
        return Progress(Surface(), clock)
    if stream.isatty():
        from rich.console import Console

        if not Console(file=stream).is_dumb_terminal:
            from parlab.orchestrator.control.live_lines import LiveLines

            return Progress(LiveLines(stream, clock), clock)
    return Progress(Lines(stream, clock), clock)


def state_of(plan: Plan, finding: RunFinding) -> ProgressState:
    """Say how far a run has come that nobody works on."""
    return _with_finding(ProgressState(run=plan.run, experiment=plan.experiment.name), finding, _places(plan))


def _places(plan: Plan) -> dict[str, str]:
    return {name: where for group in plan.groups for name, where in places(group.configurations).items()}


def _with_finding(state: ProgressState, finding: RunFinding, where: Mapping[str, str]) -> ProgressState:
    estimates = _estimates(finding, where)
    tried = [claim for claim in finding.claims if claim.word != "skipped"]
    return replace(
        state,
        blocks=sum(group.blocks for group in finding.groups),
        comparisons=finding.comparisons,
        settled=finding.comparisons - len(estimates),
        claims=len(tried),
        claims_settled=sum(claim.word != "unresolved" for claim in tried),
        estimates=_open_claims(finding) if tried else estimates,
    )


def _ways(finding: RunFinding) -> tuple[int, int]:
    """Count the ways that may still be the best, and all that can be run."""
    rows = [[row for row in group.configurations if not row.problem] for group in finding.groups]
    left = [
        row
        for own in rows
        for row in own
        if row.level is None or row.best is not None or all(other.best is None for other in own)
    ]
    return len(left), sum(map(len, rows))


def _estimates(finding: RunFinding, where: Mapping[str, str]) -> tuple[OpenComparison, ...]:
    several = len(finding.groups) > 1
    estimates = []
    for group in finding.groups:
        for row in group.configurations:
            comparison = row.comparison
            if comparison is None or comparison.done or row.problem is not None:
                continue
            label = row.label + where.get(row.configuration, "")
            effect = comparison.speed_up
            estimates.append(
                OpenComparison(
                    label=f"{group.label}: {label}" if several else label,
                    verdict=comparison.verdict,
                    ratio=effect.ratio if effect else None,
                    low=effect.low if effect else None,
                    high=effect.high if effect else None,
                    more_blocks=comparison.blocks_left,
                )
            )
    return tuple(estimates)


def _open_claims(finding: RunFinding) -> tuple[OpenComparison, ...]:
    """Give the claims without a word, each by the cell that is least certain."""
    several = len({(claim.node, claim.build) for claim in finding.claims}) > 1
    estimates = []
    for claim in finding.claims:
        cells = [cell for cell in claim.cells if cell.reason is None]
        if claim.word != "unresolved" or not cells:
            continue
        cell = min(cells, key=lambda cell: max(cell.e_towards, cell.e_away))
        ratio = cell.rule != "value"
        estimates.append(
            OpenComparison(
                label=f"{claim.claim} {claim.title}" + (f" on {claim.build}" if several else ""),
                verdict="unresolved",
                ratio=cell.effect if ratio else None,
                low=cell.low if ratio else None,
                high=cell.high if ratio else None,
            )
        )
    return tuple(estimates)


def announcement(plan: Plan) -> str:
    """Say of a run that begins what it is about to settle, and how long that may take."""
    builds = len({(c.node, c.python, c.gil) for group in plan.groups for c in group.configurations})
    claims = len(plan.experiment.claims)
    what = f"{claims} claim{'s' * (claims != 1)} on " if claims else ""
    where = f"{builds} build{'s' * (builds != 1)}"
    most = waiting(plan.experiment.stop.budget_seconds)
    return f"{what}{where}: at most {most}, less where all is settled before"


def _seconds_left(finding: RunFinding, sitting_seconds: Mapping[str, Sequence[float]]) -> float | None:
    """Add up the trials that are probably still needed; None where that cannot be said of one of them."""
    if finding.claims:
        # How many blocks a claim needs hangs on all of its cells, and on how many others are settled.
        return None
    total = 0.0
    for group in finding.groups:
        if group.done:
            continue
        seconds = sitting_seconds.get(group.group, ())
        trials = sum(sum(row.outcomes.values()) for row in group.configurations)
        left = _trials_left(group)
        if left is None or not seconds or not trials:
            return None
        total += left * math.fsum(seconds) / trials
    return total


def _trials_left(group: GroupFinding) -> int | None:
    """Say how many trials a group probably still needs; None where that of an open question is not known."""
    blocks: dict[str, int] = {}
    rows = [row for row in group.configurations if not group.needed or row.configuration in group.needed]
    for row in rows:
        if row.problem is not None:
            continue
        open_questions = []
        if row.comparison is not None and not row.comparison.done:
            open_questions.append(row.comparison.blocks_left)
        if row.best == "not distinguished":
            open_questions.append(row.contest_blocks_left)
        if None in open_questions:
            return None
        blocks[row.configuration] = max((n for n in open_questions if n is not None), default=0)
    # Those that have no question of their own are there to be compared with, for as long as any other is.
    longest = max(blocks.values(), default=0)
    return sum(own or longest for own in blocks.values())
