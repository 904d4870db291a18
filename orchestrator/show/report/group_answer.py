"""The answer of a group: what is recommended, by how much, what it costs, and what is not known of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from parlab.orchestrator.analysis.findings.run import ConfigurationFinding, GroupFinding
from parlab.orchestrator.analysis.sentences import Names, bounds_text, listed, ratio_text
from parlab.orchestrator.analysis.view import RunView
from parlab.orchestrator.experiment.model import Stop
from parlab.orchestrator.figures import counted, duration, percent, quantity, size
from parlab.orchestrator.plan.model import Group

#: Verdicts with which a ratio can be said.
_JUDGED = ("faster", "slower", "tied")


def group_answer(run: RunView, group: Group, finding: GroupFinding, where: str) -> Answer:
    """Say what a group found, something of which was measured; ``where`` names its work for people."""
    names = Names(group, finding)
    measured = [row for row in finding.configurations if row.level is not None or row.value is not None]
    chosen = next((row for row in measured if row.recommended), None)
    if len(finding.configurations) == 1:
        only = finding.configurations[0]
        headline = f"{_capital(names(only.configuration))} takes {_level(only, finding)}"
        sure = f"There is only one configuration, and nothing to compare it with; {_trials(only)}"
        return Answer(group.id, where, headline, "none", sure, strategy=_strategy(group, only))
    if group.workload.scenario:
        return _of_scenario(group, finding, where)
    if chosen is None:
        sure = f"No verdict yet: {counted(finding.blocks, 'block')} so far"
        headline = "Nothing here is shown to be the fastest yet"
        return Answer(group.id, where, headline, "open", sure, sentences=finding.sentences)
    headline, certainty, sure = _recommended(names, chosen, finding, run.experiment.stop)
    # The headline may say what the first sentence does.
    start = 1 if _is_first(finding, names(chosen.configuration)) else 0
    return Answer(
        group.id,
        where,
        headline,
        certainty,
        sure,
        _bounds(chosen),
        finding.sentences[start:],
        costs=_costs(names, chosen, finding.configurations),
        strategy=_strategy(group, chosen),
    )


def _bounds(chosen: ConfigurationFinding) -> str:
    """Give the bounds of the ratio that the headline says, if it says one."""
    comparison = chosen.comparison
    if comparison is None or comparison.speed_up is None or comparison.verdict not in _JUDGED:
        return ""
    return bounds_text(comparison.speed_up)


def _is_first(finding: GroupFinding, name: str) -> bool:
    """Say whether the finding's first sentence is about what is recommended, which the headline says."""
    return bool(finding.sentences) and name.lower() in finding.sentences[0].lower()


def _recommended(
    names: Names, chosen: ConfigurationFinding, finding: GroupFinding, stop: Stop
) -> tuple[str, Certainty, str]:
    """Say what is recommended, how far that is certain, and why it is not more so."""
    name, comparison = names(chosen.configuration), chosen.comparison
    close = [
        names(row.configuration)
        for row in finding.configurations
        if row.best == "not distinguished" and row is not chosen
    ]
    not_told = _not_told(close)
    sure = (
        f"Nothing else here is more than {percent(stop.margin)} faster; "
        f"at most {percent(stop.alpha)} of such answers are wrong"
    )
    if comparison is None:
        headline = f"Stay with {name}: nothing here is shown to be faster"
        return (headline, "likely", _capital(not_told)) if close else (headline, "settled", sure)
    effect, base = comparison.speed_up, names(comparison.baseline)
    if effect is None or comparison.verdict not in _JUDGED:
        return f"{_capital(name)} looks fastest, which is not certain yet", "open", "More blocks would tell"
    ratio = f"{ratio_text(effect.ratio)} times as fast as {base}"
    if comparison.verdict == "tied":
        ratio = f"as fast as {base}, within {percent(stop.margin)}"
    headline = f"Use {name}: {ratio}"
    if close:
        return headline, "likely", f"It is {comparison.verdict} than {base}; {not_told}"
    return headline, "settled", sure


def _not_told(close: Sequence[str]) -> str:
    if 1 <= len(close) <= 3:
        are = "is" if len(close) == 1 else "are"
        return f"whether {listed(close)} {are} as fast is not known: more blocks would tell"
    return f"{len(close)} others may be as fast: more blocks would tell"


def _of_scenario(group: Group, finding: GroupFinding, where: str) -> Answer:
    """Take a scenario's first sentence: what is best of isolation, say, is not a matter of speed."""
    if not finding.sentences:
        sure = f"No verdict yet: {counted(finding.blocks, 'block')} so far"
        return Answer(group.id, where, "Not known yet: there are too few blocks", "open", sure)
    verdicts = [row.verdict for row in finding.configurations]
    unresolved = verdicts.count("unresolved")
    certainty: Certainty = "likely" if unresolved else "settled"
    rest = f"{unresolved} not known yet" if unresolved else "nothing is open"
    sure = f"{counted(finding.blocks, 'block')}; {rest}"
    headline, *sentences = finding.sentences
    return Answer(group.id, where, headline, certainty, sure, sentences=tuple(sentences))


def _costs(names: Names, chosen: ConfigurationFinding, rows: Sequence[ConfigurationFinding]) -> str:
    """Say what it takes besides time; a baseline costs nothing that the others do not, too."""
    return ", ".join(_cost_parts(names, chosen, rows)) if chosen.comparison is not None else ""


def _cost_parts(
    names: Names, chosen: ConfigurationFinding, rows: Sequence[ConfigurationFinding]
) -> Iterator[str]:
    if chosen.start_up_seconds is not None:
        yield f"{duration(chosen.start_up_seconds)} to start its pool"
    base = next(
        (r for r in rows if chosen.comparison and r.configuration == chosen.comparison.baseline), None
    )
    if base is not None and base.memory_bytes is not None and chosen.memory_bytes is not None:
        more = chosen.memory_bytes - base.memory_bytes
        word = "more" if more >= 0 else "less"
        yield f"{size(abs(more))} {word} memory than {names(base.configuration)}"


def _strategy(group: Group, row: ConfigurationFinding) -> str:
    return next((c.strategy for c in group.configurations if c.id == row.configuration), "")


def _level(row: ConfigurationFinding, finding: GroupFinding) -> str:
    if row.seconds is not None:
        return f"{duration(row.seconds.median)} a round"
    if row.level is not None:
        return quantity(row.level.median, finding.measure.unit)
    return "a time that is not known"


def _trials(row: ConfigurationFinding) -> str:
    count = row.outcomes.get("measured", 0)
    return counted(count, "trial")


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


#: settled: nothing that matters is open. likely: something is known, and something that matters is not.
#: open: no verdict yet. none: there is nothing to say anything of.
Certainty = Literal["settled", "likely", "open", "none"]


@dataclass(frozen=True)
class Answer:
    """What is to be used for one piece of work on one host, or what a run's claims came to."""

    #: Group that it is of; "" of claims.
    group: str
    #: The work, for people, with its host where a run has several; "" of claims.
    about: str
    #: In one line: "Use processes ×4 forkserver: 1.91 times as fast as serial".
    headline: str
    certainty: Certainty
    #: How sure that is, in a few words.
    sure: str
    #: Of the ratio in the headline: "95 %: 1.83–1.99, 9 blocks"; "" where it has none.
    bounds: str = ""
    #: What there is to say besides: ties, what does not help, what is not known.
    sentences: tuple[str, ...] = ()
    #: What it costs: "41.0 ms to start its pool, 31 MB more memory than serial"; "" where that is not known.
    costs: str = ""
    #: Strategy of what is to be used, by which it is coloured; "" where nothing is.
    strategy: str = ""
    #: Python to paste.
    code: tuple[str, ...] = ()

    @property
    def line(self) -> str:
        """The headline with its bounds: "… 1.91 times as fast as serial (95 %: 1.83–1.99, 9 blocks)"."""
        return f"{self.headline} ({self.bounds})" if self.bounds else self.headline
