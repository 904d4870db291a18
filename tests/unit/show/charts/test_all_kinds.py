"""Every kind of chart that the scan finds, over runs good and bad."""

from __future__ import annotations

import io
import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import cache
from typing import Any

import altair as alt
import pytest
from altair.utils.schemapi import validate_jsonschema
from PIL import Image

from parlab.orchestrator.analysis.claims.judging import claims_of
from parlab.orchestrator.analysis.measurements import Measurements
from parlab.orchestrator.analysis.view import RunView
from parlab.orchestrator.plan.model import PlannedHost
from parlab.orchestrator.show.charts._kit.drawing import Scheme, png, svg, whole_spec
from parlab.orchestrator.show.charts._kit.palette import INKS, PAPER, STRATEGY_COLOURS, WORD_COLOURS
from parlab.orchestrator.show.charts.base import Chart, kind, names
from parlab.orchestrator.show.charts.hosts import COLOURS
from tests.support import derived_cases, views
from tests.support.claim_cases import FOUR, ONE, faster, node, plan_of, trials_of

MARKUP = "<script>alert('&')</script>\"" * 8
RIGHT_TO_LEFT = "שרת הבדיקה של القاهرة"
#: What a quantity is counted or measured in: in brackets or after a comma, or its title is just that.
UNIT = re.compile(
    r"\((?:.*\b)?(times|s|ms|µs|ns|%|bytes|[kMG]?B|workers|tasks|count|blocks|UTC)\b.*\)"
    r"|\(%\)|, (s|ms|µs|%|MB|kB|GB)$|^(blocks|seconds|trials)$"
)


def _article() -> RunView:
    made: RunView = views.article.__wrapped__()  # type: ignore[attr-defined]  # the fixture's own function
    return made


def _troubled() -> RunView:
    made: RunView = views.troubled.__wrapped__(_article())  # type: ignore[attr-defined]  # as above
    return _with_derived(made)


def _claimed() -> RunView:
    plan = plan_of(FOUR + ONE, node(versions=("3.11.7", "3.13.5t")))
    claims = claims_of(Measurements(plan, trials_of(plan, 14, faster(zlib=2.0, bz2=1.0, integer_sum=1.0))))
    run = _article()
    finding = replace(run.finding, groups=(), claims=claims)
    return replace(run, plan=plan, registrations=(), trials=(), sittings=(), finding=finding)


def _alone() -> RunView:
    run = _article()
    return _with_rows(run, run.finding.groups[0].configurations[0])


def _unmeasured() -> RunView:
    run = _article()
    nothing: dict[str, Any] = dict.fromkeys(("seconds", "level", "comparison", "best", "memory_bytes"))
    rows = [replace(row, recommended=False, **nothing) for row in run.finding.groups[0].configurations]
    return replace(_with_rows(run, *rows), trials=(), sittings=(), calibrations={})


def _with_derived(run: RunView) -> RunView:
    finding = replace(
        run.finding,
        scaling=(derived_cases.curve(),),
        break_evens=(derived_cases.break_even(),),
        narrowing=(derived_cases.narrowed(),),
    )
    return replace(run, finding=finding)


def _with_rows(run: RunView, *rows: Any) -> RunView:
    group = replace(run.finding.groups[0], configurations=rows, sentences=())
    return replace(run, finding=replace(run.finding, groups=(group,)))


def _on_two_hosts(run: RunView) -> RunView:
    group, found, own = run.plan.groups[0], run.finding.groups[0], run.registrations[0]
    other = replace(own, node="desk", host=replace(own.host, id="h2", hostname="desk"))
    moved = replace(
        group,
        id="h2-x",
        host="h2",
        configurations=tuple(replace(c, node="desk") for c in group.configurations),
    )
    return replace(
        run,
        plan=replace(
            run.plan,
            hosts=(*run.plan.hosts, PlannedHost("h2", ("desk",), own.host.effective_cpus)),
            groups=(group, moved),
        ),
        registrations=(own, other),
        finding=replace(run.finding, groups=(found, replace(found, group="h2-x", host="h2"))),
    )


def _renamed(run: RunView) -> RunView:
    """The same with names that hold markup, are 200 characters long, or are written from the right."""
    group, found = run.plan.groups[0], run.finding.groups[0]
    labels = dict(
        zip(
            (c.id for c in group.configurations), (MARKUP, RIGHT_TO_LEFT, "x" * 200, "a\x1b[2Jb"), strict=True
        )
    )
    planned = tuple(replace(c, label=labels[c.id]) for c in group.configurations)
    rows = tuple(replace(row, label=labels[row.configuration]) for row in found.configurations)
    host = replace(run.registrations[0].host, hostname=MARKUP)
    named = replace(
        run,
        plan=replace(run.plan, groups=(replace(group, label=MARKUP, configurations=planned),)),
        registrations=(replace(run.registrations[0], host=host),),
        finding=replace(
            run.finding,
            groups=(replace(found, label=MARKUP, configurations=rows, sentences=(RIGHT_TO_LEFT,)),),
        ),
    )
    curve = replace(derived_cases.curve(), label=MARKUP, work=RIGHT_TO_LEFT, reference=MARKUP)
    pays = derived_cases.break_even()
    pays = replace(pays, workload=MARKUP, strategies=(replace(pays.strategies[0], label=RIGHT_TO_LEFT),))
    return replace(named, finding=replace(named.finding, scaling=(curve,), break_evens=(pays,)))


RUNS: dict[str, Callable[[], RunView]] = {
    "article": lambda: _with_derived(_article()),
    "troubled": _troubled,
    "hosts": lambda: _on_two_hosts(_article()),
    "claims": _claimed,
    "names": lambda: _renamed(_article()),
    "alone": _alone,
    "unmeasured": _unmeasured,
}
#: What has little to be seen, or nothing.
BAD = ("alone", "unmeasured")


@cache
def run_of(name: str) -> RunView:
    return RUNS[name]()


@cache
def drawn_of(name: str) -> tuple[Chart, ...]:
    run, kinds = run_of(name), sorted(map(kind, names()), key=lambda one: one.order)
    return tuple(chart for one in kinds for chart in one.make(run))


ALL = [pytest.param(run, chart, id=f"{run}-{chart.name}") for run in RUNS for chart in drawn_of(run)]


#: One picture of each kind: what is the same of all that look alike is tried on these.
FIRST = {
    chart.name.partition("-")[0]: pytest.param(run, chart, id=f"{run}-{chart.name}")
    for run in reversed(RUNS)
    for chart in reversed(drawn_of(run))
}.values()

#: What a whole specification can be, by what it is put together with.
FORMS = {
    "layer": "TopLevelLayerSpec", "vconcat": "TopLevelVConcatSpec", "hconcat": "TopLevelHConcatSpec",
    "concat": "TopLevelConcatSpec", "facet": "TopLevelFacetSpec", "spec": "TopLevelRepeatSpec",
    "mark": "TopLevelUnitSpec",
}  # fmt: skip


def faults(spec: Mapping[str, Any]) -> list[str]:
    """Say what is not as Vega-Lite's schema has it, which Altair ships.

    Its Chart.from_dict() checks the same, and takes ten times as long over what it makes of it.
    """
    form = next((form for key, form in FORMS.items() if key in spec), "TopLevelUnitSpec")
    found = validate_jsonschema(
        spec, {"$ref": f"#/definitions/{form}"}, rootschema=alt.load_schema(), raise_error=False
    )
    return [] if found is None else [str(found)[:300]]


def pixels(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data)).convert("RGB")


def encodings(part: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Give channel and definition of all encodings in a specification."""
    if isinstance(part, Mapping):
        if isinstance(part.get("encoding"), Mapping):
            yield from part["encoding"].items()
        for key, one in part.items():
            if key != "datasets":
                yield from encodings(one)
    elif isinstance(part, list):
        for one in part:
            yield from encodings(one)


@pytest.mark.parametrize("name", names())
def test_every_file_holds_a_kind_that_is_named_as_it_is_and_says_what_it_shows(name: str) -> None:
    found = kind(name)
    assert found.name == name
    assert found.summary
    assert not found.summary.endswith(".")


def test_the_kinds_stand_in_the_order_in_which_they_are_read() -> None:
    orders = [kind(name).order for name in names()]
    assert len(set(orders)) == len(orders)
    assert min(names(), key=lambda name: kind(name).order) == "speed_up"


@pytest.mark.parametrize("name", ["speed_up", "scaling", "phases", "break_even", "rounds"])
def test_the_article_has_a_picture_of_each_that_it_has_figures_for(name: str) -> None:
    assert kind(name).make(run_of("article"))


@pytest.mark.parametrize(("run", "chart"), ALL)
def test_a_specification_is_vega_lites(run: str, chart: Chart) -> None:
    del run
    assert faults(whole_spec(chart)) == []


def test_a_specification_that_is_not_vega_lites_is_found_out() -> None:
    spec = json.loads(json.dumps(whole_spec(drawn_of("article")[0])))
    spec["layer"][0]["mark"]["type"] = "no such mark"
    assert faults(spec)
    assert faults({key: value for key, value in whole_spec(drawn_of("article")[0]).items() if key != "layer"})


@pytest.mark.parametrize(("run", "chart"), ALL)
def test_its_axes_say_what_they_are_of_and_in_which_unit(run: str, chart: Chart) -> None:
    del run
    for channel, encoding in encodings(chart.spec):
        if channel not in ("x", "y") or encoding.get("type") != "quantitative":
            continue
        axis = encoding.get("axis", {})
        if axis is None or axis.get("labels") is False:
            continue
        title = axis.get("title", encoding.get("title"))
        said = " ".join(title) if isinstance(title, list) else title
        assert said, f"{channel} of {encoding}"
        assert UNIT.search(said), said


@pytest.mark.parametrize(("run", "chart"), ALL)
def test_it_is_told_in_words_and_named_fit_for_a_file(run: str, chart: Chart) -> None:
    assert len(chart.finding) > 40
    assert chart.finding == chart.finding.strip()
    assert chart.finding.endswith((".", "!", "?"))
    assert chart.title
    assert re.fullmatch("[a-z0-9-]{1,100}", chart.name)
    assert [other.name for other in drawn_of(run)].count(chart.name) == 1
    groups = {group.id for group in run_of(run).plan.groups} | {""}
    assert chart.group in groups or run in ("names", "article", "troubled", "hosts")
    assert not {"\x1b", "\n"} & set(chart.finding)


@pytest.mark.parametrize(("run", "chart"), ALL)
def test_it_needs_nothing_from_elsewhere_and_is_small(run: str, chart: Chart) -> None:
    del run
    text = json.dumps(chart.spec)
    assert len(text) < 150_000
    assert '"url"' not in text
    assert "NaN" not in text
    assert "Infinity" not in text


@pytest.mark.parametrize(("run", "chart"), ALL)
def test_its_colours_are_the_palettes(run: str, chart: Chart) -> None:
    del run
    spec = {key: value for key, value in chart.spec.items() if key != "datasets"}
    found = {c.lower() for c in re.findall(r'"(#[0-9a-fA-F]{3,8})"', json.dumps(spec))}
    own = {ink.light for ink in INKS} | {
        *STRATEGY_COLOURS.values(),
        *WORD_COLOURS.values(),
        "#000000",
        "#ffffff",
    }
    assert found <= {colour.lower() for colour in (*own, *COLOURS)}


@pytest.mark.parametrize(("run", "chart"), ALL)
def test_it_is_drawn_and_neither_blank_nor_cut(run: str, chart: Chart) -> None:
    del run
    assert_drawn(chart, "light")


@pytest.mark.parametrize(("run", "chart"), FIRST)
def test_it_is_drawn_on_dark_ground_too(run: str, chart: Chart) -> None:
    del run
    assert_drawn(chart, "dark")


def assert_drawn(chart: Chart, scheme: Scheme) -> None:
    image = pixels(png(chart, scheme, scale=1))
    paper = PAPER.light if scheme == "light" else PAPER.dark
    ground = tuple(int(paper[at : at + 2], 16) for at in (1, 3, 5))
    counts = image.getcolors(image.width * image.height) or []
    assert max(counts)[1] == ground
    marked = 1 - max(counts)[0] / (image.width * image.height)
    assert 0.01 < marked < 0.7
    assert len(counts) > 20
    # What is drawn to the edge is cut.
    edge = [image.getpixel((x, y)) for x in range(image.width) for y in (0, image.height - 1)]
    edge += [image.getpixel((x, y)) for y in range(image.height) for x in (0, image.width - 1)]
    assert set(edge) == {ground}


@pytest.mark.parametrize(("run", "chart"), ALL)
def test_its_svg_is_well_formed_has_the_finding_and_no_markup_of_names(run: str, chart: Chart) -> None:
    text = svg(chart)
    root = ET.fromstring(text)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert root.findtext("{http://www.w3.org/2000/svg}title") == chart.finding
    assert root.find(".//{http://www.w3.org/2000/svg}script") is None
    assert "NaN" not in text
    assert "undefined" not in text
    assert not re.search(r'(href|src)="(?!#)', text)
    assert "prefers-color-scheme:dark" in text
    width = float(root.get("width", "0"))
    assert 200 < width < 1000, run


@pytest.mark.parametrize("run", BAD)
def test_runs_with_nothing_to_compare_have_no_picture_of_it_and_raise_nothing(run: str) -> None:
    shown = {chart.name.rpartition("-")[0] for chart in drawn_of(run)}
    assert "speed-up" not in shown
    if run == "unmeasured":
        assert not shown & {"phases", "rounds", "scaling", "break-even"}
    else:
        assert {"phases", "rounds"} <= shown
