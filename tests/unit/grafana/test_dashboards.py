"""The committed dashboards: what the code makes, whole, and as Grafana's own models have it."""

from __future__ import annotations

import itertools
import json
import re
from typing import Any, get_args

import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard

from grafana.build import FOLDER, render
from grafana.pages import PAGES
from grafana.shape import COLUMNS, STRATEGY_COLOURS
from grafana.variables import DATASOURCE_UID, LAB_ADDRESS
from grafana.words import SIDE_COLOURS, WORD_COLOURS
from parlab.orchestrator.analysis.findings.claims import CellSide, ClaimWord
from tests.support import dashboard_queries as queries
from tests.support.checkout import CHECKOUT

FILES = sorted(path.stem for path in FOLDER.glob("*.json"))


def load(name: str) -> dict[str, Any]:
    return dict(json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8")))


def panels() -> list[tuple[str, dict[str, Any]]]:
    return [(name, panel) for name in FILES for panel in load(name)["panels"]]


def test_there_are_the_six_and_no_other() -> None:
    assert sorted(PAGES) == FILES
    assert len(FILES) == 6


@pytest.mark.parametrize("name", sorted(PAGES))
def test_what_is_committed_is_what_the_code_makes(name: str) -> None:
    committed = (FOLDER / f"{name}.json").read_text(encoding="utf-8")
    assert render(name) == committed, "write them again: python -m grafana.build"


@pytest.mark.parametrize("name", sorted(PAGES))
def test_grafanas_models_read_every_field_of_it(name: str) -> None:
    plain = load(name)
    again = json.loads(JSONEncoder(sort_keys=True).encode(Dashboard.from_json(plain)))
    assert again == plain


@pytest.mark.parametrize(("name", "panel"), panels(), ids=lambda v: v["title"] if isinstance(v, dict) else v)
def test_each_panel_says_what_it_shows_and_in_which_unit(name: str, panel: dict[str, Any]) -> None:
    assert panel["title"]
    assert panel["description"].endswith(".")
    assert panel["fieldConfig"]["defaults"]["unit"]
    assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
    assert panel["targets"]
    if panel["type"] in ("timeseries", "state-timeline"):
        assert panel["options"]["legend"]["showLegend"] is True
        assert all(target["legendFormat"] for target in panel["targets"])
    elif panel["type"] == "xychart":
        assert panel["options"]["legend"]["showLegend"] is True
    elif panel["type"] == "table":
        # Its column heads are its legend.
        assert panel["options"]["showHeader"] is True
        if panel["transformations"][-1]["id"] == "groupingToMatrix":
            return
        named = next(t for t in panel["transformations"] if t["id"] == "organize")["options"]["renameByName"]
        assert len(named) == len(panel["targets"])
    else:
        assert panel["type"] in ("stat", "heatmap")


@pytest.mark.parametrize("name", sorted(PAGES))
def test_no_two_panels_overlap_and_none_is_too_narrow_to_read(name: str) -> None:
    taken: dict[tuple[int, int], str] = {}
    for panel in load(name)["panels"]:
        place = panel["gridPos"]
        assert place["x"] >= 0
        assert place["x"] + place["w"] <= COLUMNS
        # At 1280 px a column is about 50 px.
        assert place["w"] >= (4 if panel["type"] == "stat" else 8), panel["title"]
        for cell in itertools.product(
            range(place["x"], place["x"] + place["w"]), range(place["y"], place["y"] + place["h"])
        ):
            assert cell not in taken, f"{panel['title']} lies on {taken[cell]}"
            taken[cell] = panel["title"]
    ids = [panel["id"] for panel in load(name)["panels"]]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("name", sorted(PAGES))
def test_the_variables_narrow_down_from_the_data_source_to_strategy_or_claim(name: str) -> None:
    variables = load(name)["templating"]["list"]
    last = ["python", "claim"] if name == "claims" else ["workload", "strategy"]
    assert [v["name"] for v in variables] == ["datasource", "run", "host", "node", *last, "lab"]
    assert variables[0]["type"] == "datasource"
    assert variables[0]["current"]["value"] == DATASOURCE_UID
    for variable in variables[1:-1]:
        assert variable["type"] == "query"
        assert variable["multi"] is True
        assert variable["includeAll"] is True
        assert variable["allValue"] == ".*"
    link, _ = load(name)["links"]
    assert (link["type"], link["includeVars"], link["keepTime"]) == ("dashboards", True, True)
    assert link["tags"] == load(name)["tags"] == ["parlab"]


@pytest.mark.parametrize("name", sorted(PAGES))
def test_dashboards_lead_back_to_the_labs_pages_wherever_these_are(name: str) -> None:
    lab = load(name)["templating"]["list"][-1]
    # Hidden, and read from the address of a dashboard: the pages' links to it fill it in.
    assert (lab["name"], lab["type"], lab["hide"], lab["query"]) == ("lab", "textbox", 2, LAB_ADDRESS)
    back = load(name)["links"][1]
    assert (back["type"], back["url"]) == ("link", "${lab:raw}/")
    port = re.search(r"PARLAB_PORT:-(\d+)", (CHECKOUT / "docker-compose.yml").read_text())
    assert port is not None
    assert f"http://127.0.0.1:{port[1]}" == LAB_ADDRESS


def test_a_run_or_a_node_in_a_table_leads_to_its_page() -> None:
    found: dict[str, set[str]] = {"run": set(), "node": set()}
    for _, panel in panels():
        for override in panel["fieldConfig"]["overrides"]:
            for one in override["properties"]:
                if one["id"] == "links":
                    found[override["matcher"]["options"]].add(one["value"][0]["url"])
    assert found == {
        "run": {"${lab:raw}/runs/${__value.raw:percentencode}"},
        "node": {"${lab:raw}/nodes/${__value.raw:percentencode}"},
    }


def test_the_data_source_that_is_provisioned_is_the_one_that_is_asked() -> None:
    text = (CHECKOUT / "grafana/provisioning/datasources/prometheus.yml").read_text()
    assert f"uid: {DATASOURCE_UID}" in text
    dashboards = (CHECKOUT / "grafana/provisioning/dashboards/parlab.yml").read_text()
    mounted = re.search(r"path: (\S+)", dashboards)
    assert mounted is not None
    assert f"./grafana/dashboards:{mounted[1]}:ro" in (CHECKOUT / "docker-compose.yml").read_text()


def test_no_query_is_left_with_a_variable_and_none_is_of_everything() -> None:
    every = list(queries.all_queries())
    assert len(every) > 50
    for query in every:
        assert "$" not in query.expr, query
    node = {q.expr for q in queries.all_queries({"node": "n1"}) if q.dashboard == "node"}
    assert all('node=~"n1"' in expr for expr in node if "parlab_node_" in expr)


def colours_of(panel: dict[str, Any]) -> dict[str, str]:
    return {
        one["matcher"]["options"]: one["properties"][0]["value"]["fixedColor"]
        for one in panel["fieldConfig"]["overrides"]
        if one["properties"][0]["id"] == "color"
    }


def test_strategies_and_words_are_told_apart_by_colour_and_have_the_same_one_everywhere() -> None:
    for colours in (STRATEGY_COLOURS, WORD_COLOURS, SIDE_COLOURS):
        assert len(set(colours.values())) == len(colours)
    for name, panel in panels():
        if panel["type"] in ("timeseries", "xychart"):
            words = all(target.get("legendFormat") == "{{verdict}}" for target in panel["targets"])
            wanted = WORD_COLOURS if words else STRATEGY_COLOURS
            assert colours_of(panel) == {f"/^{s}\\b/": c for s, c in wanted.items()}, (name, panel["title"])


def mapped(override: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """What a column's words are shown as, by their pattern, or by what else they are matched by."""
    (mappings,) = [one["value"] for one in override["properties"] if one["id"] == "mappings"]
    found = [mapping["options"] for mapping in mappings]
    return {options.get("pattern") or options["match"]: options["result"] for options in found}


def test_every_word_of_a_claim_is_shown_as_it_is_on_a_colour_of_its_own() -> None:
    assert tuple(WORD_COLOURS) == get_args(ClaimWord)
    assert tuple(SIDE_COLOURS) == get_args(CellSide)
    matrix, cells, *_ = load("claims")["panels"]
    (words,) = [o for o in matrix["fieldConfig"]["overrides"] if o["matcher"]["id"] == "byType"]
    (sides,) = [o for o in cells["fieldConfig"]["overrides"] if o["matcher"]["options"] == "side"]
    for override, colours in ((words, WORD_COLOURS), (sides, SIDE_COLOURS)):
        shown = mapped(override)
        for word, colour in colours.items():
            result = shown.pop(f"/^{word}\\b/")
            # No other text: the word itself stays, also with what it depends on.
            assert (result["color"], result.get("text")) == (colour, None)
        assert shown.keys() <= {"null"}
        assert all(result["text"] for result in shown.values())


def test_the_matrix_of_claims_has_the_labels_that_its_query_makes() -> None:
    matrix = load("claims")["panels"][0]
    (grouping,) = [t["options"] for t in matrix["transformations"] if t["id"] == "groupingToMatrix"]
    (target,) = matrix["targets"]
    made = set(re.findall(r', "(\w+)", "(?: · | on |)", ', target["expr"]))
    assert {grouping["rowField"], grouping["columnField"], grouping["valueField"]} == made
