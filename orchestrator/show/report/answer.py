"""The answer, in one line and in how far it is sure: what a reader takes away within ten seconds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

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
