"""Matrix of claims by builds: what is said of each, as a word on its colour."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from parlab.orchestrator.analysis.findings.claims import ClaimFinding
from parlab.orchestrator.analysis.view import RunView
from parlab.orchestrator.figures import counted, listing, printable
from parlab.orchestrator.show.charts._kit.matrix import Matrix, MatrixCell, drawn
from parlab.orchestrator.show.charts._kit.palette import WORD_COLOURS
from parlab.orchestrator.show.charts.base import Chart, ChartKind
from parlab.orchestrator.show.text.builds import build_names, place_key

_WORDS = ("supported", "refuted", "depends", "unresolved", "skipped")
#: So many claims are told in the text alternative; the picture has all of them.
_MOST_TOLD = 12
_MOST_COLUMNS = 12
_NOTE = "depends: so in some conditions, not so in others; skipped: this build cannot do it"


def make(run: RunView) -> list[Chart]:
    """Draw a run's claims; nothing where it has none."""
    builds = build_names(run)
    drawn = chart((builds.get(place_key(c.node, c.python, c.gil), c.build), c) for c in run.finding.claims)
    return [] if drawn is None else [drawn]


def chart(
    claims: Iterable[tuple[str, ClaimFinding]],
    *,
    name: str = "claims",
    title: str = "Claims by build",
    most_columns: int = _MOST_COLUMNS,
) -> Chart | None:
    """Draw claims of one run or of several; None where there are none.

    Args:
        claims: what is said, with the name of its column: a build, or a build with its host or run. Columns
            and claims stand in the order in which they come first; of two in the same cell the last counts.
        name: the chart's.
        title: what it is headed with.
        most_columns: more columns than these are left out, the last ones, and told.
    """
    words: dict[tuple[str, str], str] = {}
    rows: dict[str, str] = {}
    columns: dict[str, None] = {}
    for column, claim in claims:
        rows.setdefault(claim.claim, printable(f"{claim.claim} {claim.title}".strip()))
        columns.setdefault(printable(column))
        words[claim.claim, printable(column)] = claim.word
    if not words:
        return None
    title = printable(title)
    shown, left_out = list(columns)[:most_columns], len(columns) - most_columns
    cells = tuple(
        _cell(i, j, words.get((claim, column)))
        for i, claim in enumerate(rows)
        for j, column in enumerate(shown)
    )
    notes = [_NOTE, *(["empty: not tested there"] if any(cell.fill is None for cell in cells) else [])]
    if left_out > 0:
        notes.append(f"{left_out} more builds are not shown")
    counts = Counter(word for (_, column), word in words.items() if column in shown)
    answer = f"{counted(len(rows), 'claim')} on {counted(len(shown), 'build')}: {_words(counts)}."
    matrix = Matrix(tuple(rows.values()), tuple(shown), cells, notes=tuple(notes))
    return Chart(
        name=name,
        title=title,
        finding=f"{title}. {answer} {_told(rows, shown, words)}",
        spec=drawn(matrix, title, answer),
    )


def _cell(row: int, column: int, word: str | None) -> MatrixCell:
    return MatrixCell(row, column, word or "–", WORD_COLOURS[word] if word is not None else None)


def _words(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{counts[word]} {word}" for word in _WORDS if counts.get(word))


def _told(rows: Mapping[str, str], columns: list[str], words: Mapping[tuple[str, str], str]) -> str:
    """Say what each claim is: in one word where it is the same everywhere, else build by build."""
    said_of = []
    for claim, label in rows.items():
        own = {column: words[claim, column] for column in columns if (claim, column) in words}
        if not own:
            continue
        if len(set(own.values())) == 1 and len(own) == len(columns):
            said_of.append(f"{label}: {next(iter(own.values()))}")
        else:
            places = {
                word: " and ".join(c for c, spoken in own.items() if spoken == word) for word in own.values()
            }
            said_of.append(f"{label}: {', '.join(f'{word} on {place}' for word, place in places.items())}")
    return f"{listing(said_of, _MOST_TOLD)}."


CHART = ChartKind("claims", "the word for each claim on each build", make, 15)
