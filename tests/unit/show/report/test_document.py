"""A report as a reader gets it: whole, safe, in order; what names hold cannot become part of the page."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from html.parser import HTMLParser
from itertools import pairwise
from typing import Any

import pytest

from parlab.orchestrator.analysis.view import RunView
from parlab.orchestrator.show.charts import base as charts
from parlab.orchestrator.show.charts.base import Chart, ChartKind
from parlab.orchestrator.show.report.document import run_report
from parlab.orchestrator.show.report.pictures import MOST_OF_A_KIND, data_uri, pictures_of
from parlab.orchestrator.show.report.writer import make_html
from tests.support.derived_cases import advised, break_even, curve

EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)> & {{ 7*7 }}"
RIGHT_TO_LEFT = "מדידה של עבודה"
VOID = {"meta", "img", "br", "hr", "link"}


@dataclass
class Element:
    tag: str
    attributes: dict[str, str | None]


class Page(HTMLParser):
    """Elements and texts of a page; what is not closed in order is refused."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[Element] = []
        self.texts: list[str] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        self.elements.append(Element(tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.texts.append(data)

    def all(self, tag: str) -> Iterator[Element]:
        return (element for element in self.elements if element.tag == tag)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())


def chart(number: int = 1, finding: str = "Processes are fastest.", title: str = "Speed-up") -> Chart:
    spec: dict[str, Any] = {
        "data": {"values": [{"x": 1}]},
        "mark": "point",
        "encoding": {"x": {"field": "x", "type": "quantitative"}},
    }
    return Chart(f"speed-up-{number}", title, finding, spec)


def only(monkeypatch: pytest.MonkeyPatch, *made: Chart) -> None:
    """Have one kind of chart, which makes these."""
    kind = ChartKind("speed_up", "", lambda _: made, 1)
    monkeypatch.setattr(charts, "names", lambda: ["speed_up"])
    monkeypatch.setattr(charts, "kind", lambda _: kind)


def page(run: RunView, *others: RunView) -> Page:
    return Page(make_html([run, *others], "1.0", 1_790_000_100.0))


def test_the_answer_comes_before_everything_else(article: RunView, monkeypatch: pytest.MonkeyPatch) -> None:
    only(monkeypatch, chart())
    found = page(article)
    text = found.text
    # The links to the parts stand before them.
    places = [
        text.rindex(part)
        for part in (
            "7f3a · done do threads or processes speed this work up?",
            "Use hybrid 2×2: 1.89 times as fast as serial",
            "Nothing else here is more than 5 % faster",
            "Where it was measured",
            "How it was measured",
            "What does not count",
            "parlab run article --seed 42",
        )
    ]
    assert places == sorted(places)


def test_it_needs_no_network_and_no_script(article: RunView, monkeypatch: pytest.MonkeyPatch) -> None:
    only(monkeypatch, chart())
    found = page(article)
    (policy,) = (m for m in found.all("meta") if m.attributes.get("http-equiv") == "Content-Security-Policy")
    assert str(policy.attributes["content"]).startswith(
        "default-src 'none'; img-src data:; style-src 'sha256-"
    )
    assert not [*found.all("script"), *found.all("link"), *found.all("iframe")]
    for image in found.all("img"):
        assert str(image.attributes["src"]).startswith("data:image/svg+xml;base64,")
    for link in found.all("a"):
        assert str(link.attributes["href"]).startswith("#")
    assert not [
        e for e in found.elements if "style" in e.attributes or any(n.startswith("on") for n in e.attributes)
    ]


def test_every_link_leads_somewhere_and_every_id_is_one_things(
    article: RunView, troubled: RunView, monkeypatch: pytest.MonkeyPatch
) -> None:
    only(monkeypatch, chart())
    found = page(article, replace(troubled, run="81c0"))
    ids = [str(e.attributes["id"]) for e in found.elements if "id" in e.attributes]
    assert len(ids) == len(set(ids))
    targets = [str(a.attributes["href"])[1:] for a in found.all("a")]
    targets += [
        str(e.attributes["aria-labelledby"]) for e in found.elements if "aria-labelledby" in e.attributes
    ]
    assert set(targets) <= set(ids)


def test_headings_are_in_order_and_there_is_one_title(article: RunView, troubled: RunView) -> None:
    derived = replace(article.finding, scaling=(curve(),), break_evens=(break_even(),))
    for found in (page(replace(article, finding=derived)), page(article, replace(troubled, run="81c0"))):
        levels = [int(e.tag[1]) for e in found.elements if re.fullmatch("h[1-6]", e.tag)]
        assert levels.count(1) == 1
        assert levels[0] == 1
        assert all(after <= before + 1 for before, after in pairwise(levels))


def test_a_picture_bears_its_words_and_its_size(article: RunView, monkeypatch: pytest.MonkeyPatch) -> None:
    only(monkeypatch, chart(finding='Says "more" & <less>'))
    (image,) = page(article).all("img")
    assert image.attributes["alt"] == 'Says "more" & <less>'
    assert int(str(image.attributes["width"])) > 10
    assert int(str(image.attributes["height"])) > 10


@pytest.mark.parametrize("name", [EVIL, RIGHT_TO_LEFT, "x" * 200, "\u202eevil\x1b[31m"])
def test_names_can_hold_anything(article: RunView, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    only(monkeypatch, chart(finding=name, title=name))
    group, finding = article.plan.groups[0], article.finding.groups[0]
    rows = tuple(replace(row, label=name) for row in finding.configurations)
    configurations = tuple(replace(c, label=name) for c in group.configurations)
    named = replace(
        article,
        experiment=replace(article.experiment, name=name, question=name),
        plan=replace(article.plan, groups=(replace(group, label=name, configurations=configurations),)),
        finding=replace(
            article.finding,
            groups=(replace(finding, label=name, configurations=rows, sentences=(name,)),),
            warnings=(name,),
        ),
        registrations=(
            replace(article.registrations[0], node=article.registrations[0].node, parlab_version=name),
        ),
        command=("run", name),
        reason=name,
    )
    found = page(named)
    assert not [*found.all("script")]
    assert all(str(image.attributes["src"]).startswith("data:") for image in found.all("img"))
    shown = "".join(c if c.isprintable() else "?" for c in name)
    assert shown in "".join(found.texts)
    assert "\x1b" not in "".join(found.texts)


def test_what_fails_among_the_charts_costs_only_itself(
    article: RunView, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: RunView) -> Sequence[Chart]:
        raise ZeroDivisionError("a bug")

    kinds = {
        "rounds": ChartKind("rounds", "", broken, 1),
        "speed_up": ChartKind("speed_up", "", lambda _: (chart(), replace(chart(2), spec={"mark": 7})), 2),
    }
    monkeypatch.setattr(charts, "names", lambda: list(kinds))
    monkeypatch.setattr(charts, "kind", kinds.__getitem__)
    found = pictures_of(article)
    assert [picture.name for picture in found.shown] == ["speed-up-1"]
    assert found.notes[0] == "chart rounds failed: ZeroDivisionError: a bug"
    assert found.notes[1].startswith("chart speed-up-2 could not be drawn")


def test_no_more_pictures_than_can_be_read_and_the_others_are_said(
    article: RunView, monkeypatch: pytest.MonkeyPatch
) -> None:
    only(monkeypatch, *(chart(number) for number in range(MOST_OF_A_KIND + 3)))
    found = pictures_of(article)
    assert len(found.shown) == MOST_OF_A_KIND
    assert found.notes == ("3 more charts, as files: parlab report 7f3a --format svg -o DIR",)


def test_troubles_are_told_before_and_after(troubled: RunView) -> None:
    found = run_report(troubled)
    assert found.warnings == troubled.finding.warnings
    rows = {row.cells[0].text: [cell.text for cell in row.cells[1:]] for row in found.left_out.rows}
    assert rows["threads ×4 on 3.11.7"] == ["12", "9", "3", "steal 2, died 1"]
    assert "serial on 3.11.7" not in rows
    assert any("taken out of the run: ValueError: broken" in note for note in found.left_out.notes)


def test_where_all_trials_count_that_is_said(article: RunView) -> None:
    found = run_report(article)
    assert found.left_out.sentences == ("All 36 trials count.",)
    assert found.left_out.headers == ()


def test_what_differs_between_nodes_is_marked(article: RunView) -> None:
    first = article.registrations[0]
    other = replace(first, node="desk", host=replace(first.host, id="h2", hostname="desk", kernel="6.1"))
    nodes = run_report(replace(article, registrations=(first, other))).environment[0]
    rows = {row.cells[0].text: [cell.text for cell in row.cells[1:]] for row in nodes.rows}
    assert rows["≠ kernel"] == ["6.8", "6.1"]
    assert rows["CPU"] == ["Some CPU", "Some CPU"]


def test_advice_shows_its_code_and_keeps_what_it_stands_on(article: RunView) -> None:
    advice = advised()
    found = run_report(replace(article, finding=replace(article.finding, advice=(advice,))))
    assert advice.recipe is not None
    assert found.answers[0].code == advice.recipe.lines
    assert [table.title for table in found.behind] == ["integer_sum(10⁷) × 4"]
    assert found.tables[0].title.startswith("Advice for shop:thumbnail")


def test_several_runs_are_compared_first(article: RunView, troubled: RunView) -> None:
    found = page(article, replace(troubled, run="81c0"))
    assert found.text.index("Side by side") < found.text.index("Use hybrid 2×2")
    assert [a.attributes.get("class") for a in found.all("article")] == ["run", "run"]


def test_commands_measure_again_with_the_same_seed(article: RunView) -> None:
    lines = [command.line for command in run_report(article).commands]
    assert lines[0] == "parlab run article --seed 42"
    assert "parlab resume 7f3a --precision 5%" in lines
    seeded = replace(article, command=("run", "my file.toml", "--seed", "9"))
    assert run_report(seeded).commands[0].line == "parlab run 'my file.toml' --seed 9"


def test_what_an_image_does_not_show_is_left_out_and_its_words_stay() -> None:
    mark = '<g role="x" aria-label="1.2345" transform="translate(1.23456,2)"><text>0.0312345</text></g>'
    drawn = f'<svg width="10">{mark}</svg>'
    kept = base64.b64decode(data_uri(drawn).partition(",")[2]).decode()
    assert kept == '<svg width="10"><g transform="translate(1.23,2)"><text>0.0312345</text></g></svg>'
