"""The report as Markdown, for a page or a repository: the answer, the pictures beside it, the tables."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from urllib.parse import quote

from parlab.orchestrator.analysis.view import RunView
from parlab.orchestrator.figures import printable
from parlab.orchestrator.show.formats.markdown import OUTPUT
from parlab.orchestrator.show.report.answers import answers
from parlab.orchestrator.show.report.document import report, run_report
from parlab.orchestrator.show.report.files import PictureFile
from parlab.orchestrator.show.report.method import commands, method
from parlab.orchestrator.show.report.writer import compared
from parlab.orchestrator.show.text.comparison import sections_of
from parlab.orchestrator.show.text.sections import safe, section_lines


def markdown(
    runs: Sequence[RunView],
    files: Sequence[PictureFile],
    folder: str,
    parlab_version: str,
    made_unix_seconds: float,
) -> str:
    """Write a report.

    Args:
        runs: one or several, with their trials.
        files: their pictures.
        folder: the pictures' folder, as it is found from the report.
        parlab_version: of what makes it.
        made_unix_seconds: when it is made.
    """
    comparison = compared(runs)
    document = report([run_report(run) for run in runs], comparison, parlab_version, made_unix_seconds)
    lines = [
        f"<!-- parlab report, parlab {parlab_version}, {document.made} -->",
        "",
        f"# {safe(document.title)}",
    ]
    if document.comparison is not None:
        lines += ["", f"**{safe(document.comparison.headline)}**"]
    if comparison is not None and not isinstance(comparison, str):
        for section in sections_of(comparison):
            lines += section_lines(section)
    for run in runs:
        own = [picture for picture in files if picture.run == run.run]
        lines += _run(run, own, folder, several=len(runs) > 1)
    return "\n".join(lines) + "\n"


def _run(run: RunView, files: Sequence[PictureFile], folder: str, *, several: bool) -> Iterator[str]:
    if several:
        yield from ("", f"# Run {run.run}: {safe(run.experiment.question or run.experiment.name)}")
    for answer in answers(run):
        about = f"{safe(answer.about)}: " if answer.about else ""
        yield from ("", f"> {about}**{safe(answer.line)}**", ">", f"> {safe(answer.sure)}.")
        if answer.costs:
            yield from (">", f"> It costs {safe(answer.costs)}.")
        if answer.sentences:
            yield from ("", safe(" ".join(answer.sentences)))
    for picture in files:
        place = f"{quote(folder)}/{quote(picture.file)}"
        yield from ("", f"![{safe(picture.chart.finding)}]({place})", "", f"*{safe(picture.chart.finding)}*")
    # The tables as the export has them; its title and question are said above.
    whole = io.StringIO()
    OUTPUT.write(run, whole)
    kept = whole.getvalue().rstrip().split("\n")
    yield from kept[3:] if run.experiment.question else kept[1:]
    yield from ("", "## How it was measured")
    for paragraph in method(run):
        yield from ("", safe(paragraph))
    yield from ("", "## Do it again")
    for command in commands(run):
        yield from ("", f"{safe(command.what)}:", "", "```", printable(command.line), "```")
