"""Claims in files: read whole, with what they want measured, and everything that is wrong is said at once."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from importlib import resources
from pathlib import Path

import pytest

from parlab.orchestrator.experiment.claims import shipped_claims
from parlab.orchestrator.experiment.file import load, parse
from parlab.orchestrator.experiment.model import Claim, Experiment, StrategyChoice, bound_on
from parlab.orchestrator.experiment.tables import document as document_of
from parlab.orchestrator.plan.planner import make_plan
from parlab.workers import catalog
from parlab.workers.errors import BadInput
from parlab.workers.wire.codec import decode, encode
from tests.support.claim_cases import HEAD, experiment_of, node

LoadText = Callable[..., Experiment]

DEFAULT_STEPS = int(str(catalog.workload("integer_sum").parameters["steps"].default))
STRATEGIES = '[[strategy]]\nname = "serial"\n[[strategy]]\nname = "threads"\n'
WAIT = '[[workload]]\nname = "wait"\nseconds = [0.01, 0.1]\n' + STRATEGIES
CLAIM = '[[claim]]\nid = "mine"\ntext = "Threads help."\n'
OWN = '[[claim.workload]]\nname = "integer_sum"\nsteps = [1000, 2000]\n'
CONTRAST = '[[claim.contrast]]\nof = "threads"\nagainst = "serial"\nbound = 1.1\nsupports = "above"\n'
COUNTER = '[[claim.scenario]]\nname = "counter"\nform = ["augmented", "call"]\n'
VALUE = (
    '[[claim.contrast]]\nof = "thread"\nrule = "value"\nmeasure = "lost_updates"\nbound = 0\n'
    'supports = "above"\n'
)
PAYLOAD = '[[claim.workload]]\nname = "payload"\nbytes_in = [1000, 100000, 1000000]\n'
TREND = CONTRAST + 'rule = "trend"\nover = "bytes_in"\n'


def only(experiment: Experiment) -> Claim:
    (claim,) = experiment.claims
    return claim


# What ships


#: What each claim of the article is about: workloads and scenarios, whatever their sizes are.
ABOUT = {
    "C1": {"integer_sum", "matrix_multiply"},
    "C2": {"integer_sum", "matrix_multiply"},
    "C3": {"creation"},
    "C4": {"switching"},
    "C5": {"wait", "http_get", "file_write_read", "sqlite_query"},
    "C6": {"wait", "http_get"},
    "C7": {"integer_sum", "matrix_multiply"},
    "C8": {"compress", "image_resize"},
    "C9": {"counter"},
    "C10": {"counter"},
    "C11": {"memory"},
    "C12": {"isolation"},
    "C13": {"interrupt"},
    "C14": {"mixed"},
    "C15": {"wait", "http_get"},
    "C16": {"payload", "ipc"},
}


def test_all_sixteen_claims_ship_and_are_about_what_the_article_says() -> None:
    experiment = load("claims")
    assert {c.id: {cell.workload for cell in c.contrasts} for c in experiment.claims} == ABOUT
    assert [c.id for c in experiment.claims] == [f"C{n}" for n in range(1, 17)]
    assert len({c.text for c in experiment.claims}) == len({c.title for c in experiment.claims}) == 16
    assert all(len(c.title) <= 40 for c in experiment.claims), "a matrix has a column for titles"


@pytest.mark.parametrize("name", shipped_claims())
def test_each_claim_that_ships_can_be_tried_alone(name: str) -> None:
    experiment = parse("f.toml", {"experiment": {"name": "one", "claims": [name]}})
    claim = only(experiment)
    assert claim.id == name
    plan = make_plan("ab12", experiment, [node()], 1)
    assert {group.workload.name for group in plan.groups} == ABOUT[name]
    # Nothing is measured that no contrast is about, but what others are compared with.
    named = {way.name for cell in claim.contrasts for way in (*cell.of, *cell.against)}
    assert {s.name for w in experiment.workloads for s in w.strategies} <= named | {"serial"}


def test_a_files_number_is_its_claims(root: Path) -> None:
    folder = root / "orchestrator" / "experiment" / "shipped" / "claims"
    assert {p.name for p in folder.iterdir()} == set(shipped_claims().values())
    for name, file in shipped_claims().items():
        text = (resources.files("parlab.orchestrator.experiment.shipped") / "claims" / file).read_text(
            encoding="utf-8"
        )
        assert f'id = "{name}"' in text.splitlines()


def test_the_experiment_claims_says_how_long_it_takes_at_most() -> None:
    experiment = load("claims")
    assert (experiment.stop.budget_seconds, experiment.stop.budget_per) == (900.0, "build")
    nodes = [node(versions=("3.11.7", "3.13.5t", "3.14.0"))]
    assert make_plan("ab12", experiment, nodes, 1).experiment.stop.budget_seconds == 2700.0


def test_the_pages_example_is_an_experiment_with_claims(root: Path, load_text: LoadText) -> None:
    page = (root / "docs" / "claims.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```toml\n(.+?)```", page, re.DOTALL)
    experiment = load_text(example)
    assert [(claim.id, len(claim.contrasts)) for claim in experiment.claims] == [
        ("C8", 4),
        ("zip-in-threads", 4),
    ]
    # The shipped one is about some of the same work, which is measured once.
    assert len({encode(dict(w.parameters)) for w in experiment.workloads}) == len(experiment.workloads)


def test_the_page_lists_the_claims_that_ship(root: Path) -> None:
    page = (root / "docs" / "claims.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| (C\d+) \|", page, re.MULTILINE) == list(shipped_claims())


# Which


def test_claims_are_chosen_by_their_ids_and_come_in_their_order(load_text: LoadText) -> None:
    assert [c.id for c in load_text(HEAD + 'claims = ["C10", "C1"]\n').claims] == ["C1", "C10"]
    assert [c.id for c in load_text(HEAD + 'claims = "C3"\n').claims] == ["C3"]
    assert len(load_text(HEAD + 'claims = "all"\n').claims) == 16
    assert load_text(HEAD + WAIT).claims == ()


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ('"C17"', "there is no claim 'C17' (did you mean C7?)"),
        ('["C1", "c2"]', "there is no claim 'c2'; write \"all\", or some of C1, C2"),
        ('["all"]', "there is no claim 'all'"),
        ("1", "there is no claim 1"),
        ('[["C1"]]', "there is no claim ['C1']"),
        ("{ C1 = true }", "there is no claim {'C1': True}"),
    ],
)
def test_an_id_that_is_none_is_refused(load_text: LoadText, given: str, expected: str) -> None:
    with pytest.raises(BadInput) as refused:
        load_text(f"{HEAD}claims = {given}\n")
    assert "experiment.claims: " + expected in refused.value.message


def test_no_claims_are_nothing_to_measure(load_text: LoadText) -> None:
    with pytest.raises(BadInput, match="workload: there is no workload"):
        load_text(HEAD + "claims = []\n")


def test_an_id_is_given_once(load_text: LoadText) -> None:
    with pytest.raises(BadInput) as refused:
        load_text(HEAD + 'claims = ["C1"]\n' + CLAIM.replace("mine", "C1") + OWN + CONTRAST)
    assert "claim[0].id: the same is already there, in experiment.claims: give each claim an id" in str(
        refused.value
    )


# What is measured


def test_a_claim_with_work_of_its_own_has_it_measured_its_ways_and_what_they_are_compared_with() -> None:
    experiment = experiment_of(CLAIM + OWN + CONTRAST.replace('"serial"', '"processes"'))
    assert [w.parameters for w in experiment.workloads] == [{"steps": 1000}, {"steps": 2000}]
    for choice in experiment.workloads:
        assert [s.name for s in choice.strategies] == ["serial", "threads", "processes"]
    assert [cell.parameters for cell in only(experiment).contrasts] == [{"steps": 1000}, {"steps": 2000}]


def test_of_a_scenario_only_the_variants_are_measured_that_a_contrast_names() -> None:
    experiment = experiment_of(CLAIM + COUNTER + VALUE)
    assert [[s.name for s in w.strategies] for w in experiment.workloads] == [["thread"], ["thread"]]
    assert [cell.parameters["form"] for cell in only(experiment).contrasts] == ["augmented", "call"]


def test_what_two_claims_are_about_is_measured_once_with_all_their_ways() -> None:
    other = CLAIM.replace("mine", "other") + OWN + CONTRAST.replace('"threads"', '"processes"')
    experiment = experiment_of(CLAIM + OWN + CONTRAST + other)
    assert [w.parameters["steps"] for w in experiment.workloads] == [1000, 2000]
    for choice in experiment.workloads:
        assert {s.name for s in choice.strategies} == {"serial", "threads", "processes"}


def test_a_claims_work_is_the_experiments_where_that_says_a_default_in_full() -> None:
    lines = f'[[workload]]\nname = "integer_sum"\nsteps = {DEFAULT_STEPS}\n' + STRATEGIES + CLAIM
    own = '[[claim.workload]]\nname = "integer_sum"\n' + CONTRAST.replace("threads", "processes")
    experiment = experiment_of(lines + own)
    (choice,) = experiment.workloads
    # The experiment's strategies, which it had by saying nothing, and the claim's.
    assert [s.name for s in choice.strategies] == ["serial", "threads", "processes"]
    assert only(experiment).contrasts[0].parameters == choice.parameters
    others = experiment_of(lines.replace(str(DEFAULT_STEPS), str(DEFAULT_STEPS + 1)) + own).workloads
    assert [[s.name for s in w.strategies] for w in others] == [[], ["processes", "serial"]]


def test_the_same_way_said_otherwise_is_one_way() -> None:
    full = CONTRAST.replace('"threads"', '{ name = "threads", max_workers = "cpus" }')
    other = CONTRAST.replace('"threads"', '{ name = "threads", max_workers = 2 }')
    experiment = experiment_of(CLAIM + OWN + CONTRAST + full + other)
    ways = {(s.name, s.max_workers) for s in experiment.workloads[0].strategies}
    assert ways == {("serial", 1), ("threads", "cpus"), ("threads", 2)}
    assert len(experiment.workloads[0].strategies) == 3


def test_a_claim_without_work_is_about_all_that_the_experiment_measures() -> None:
    experiment = experiment_of(WAIT + CLAIM + CONTRAST)
    assert [cell.parameters["seconds"] for cell in only(experiment).contrasts] == [0.01, 0.1]
    assert all(w.strategies == () for w in experiment.workloads), "they are measured as they were"


def test_a_way_that_the_experiment_does_not_measure_is_refused() -> None:
    with pytest.raises(BadInput) as refused:
        experiment_of(WAIT + CLAIM + CONTRAST.replace('"threads"', '{ name = "threads", max_workers = 3 }'))
    assert (
        "claim[0].contrast[0]: threads with max_workers = 3 is not measured with wait: add it to the "
        "experiment, or give the claim a [[workload]] of its own"
    ) in refused.value.message


def test_a_contrast_can_be_about_a_part_of_the_work() -> None:
    lines = CLAIM + OWN + '[[claim.workload]]\nname = "wait"\n' + CONTRAST
    part = CONTRAST.replace("bound", 'workload = "wait"\nbound')
    cells = only(experiment_of(lines + part)).contrasts
    assert [cell.workload for cell in cells] == ["integer_sum", "integer_sum", "wait", "wait"]
    where = CONTRAST.replace("bound", "where = { steps = [2000] }\nbound")
    cells = only(experiment_of(lines + where)).contrasts
    assert [dict(cell.parameters) for cell in cells if cell.workload == "integer_sum"] == [
        {"steps": 1000},
        {"steps": 2000},
        {"steps": 2000},
    ]


def test_a_set_is_written_as_a_list_or_by_a_list_of_widths() -> None:
    ways = '[{ name = "threads", max_workers = ["cpus", "2*cpus"] }, "processes"]'
    cell = only(experiment_of(CLAIM + OWN + CONTRAST.replace('"threads"', ways))).contrasts[0]
    assert cell.of == (
        StrategyChoice("threads", {}, "cpus"),
        StrategyChoice("threads", {}, "2*cpus"),
        StrategyChoice("processes", {}, "cpus"),
    )
    assert cell.against == (StrategyChoice("serial", {}, 1),)


def test_a_trend_goes_from_the_smallest_to_the_largest_all_else_being_equal() -> None:
    lines = PAYLOAD + "bytes_out = [1, 2]\n"
    cells = only(experiment_of(CLAIM + lines + TREND)).contrasts
    assert [(c.parameters["bytes_in"], c.over, c.end) for c in cells] == [(1000, "bytes_in", 1000000)] * 2
    assert [c.parameters["bytes_out"] for c in cells] == [1, 2]


# Bounds


@pytest.mark.parametrize(
    ("written", "cpus", "bound"),
    [(1.1, 8, 1.1), ("0.7*cpus", 2, 1.4), ("0.7 * cpus", 16, 11.2), ("2*cpus", 3, 6.0)],
)
def test_a_bound_is_a_number_or_a_factor_of_the_cpus(written: float | str, cpus: int, bound: float) -> None:
    assert bound_on(written, cpus) == pytest.approx(bound)


@pytest.mark.parametrize("written", ["cpus", "cpus*2", "-1*cpus", "1e3*cpus", "٢*cpus", ""])
def test_anything_else_is_none(written: str) -> None:
    assert bound_on(written, 2) != bound_on(written, 2), "not a number"


# As it is sent


def test_the_claims_that_ship_read_back_as_the_same() -> None:
    experiment = load("claims")
    sent = json.loads(json.dumps(document_of(experiment)))
    assert parse("sent", sent) == experiment
    assert decode(Experiment, encode(experiment)) == experiment


def test_a_function_of_ones_own_can_be_what_a_claim_is_about() -> None:
    work = '[[claim.workload]]\nfunction = "shop.carts:total"\ninputs = [[1, 2], [3]]\ninputs_name = "c"\n'
    experiment = experiment_of(CLAIM + work + CONTRAST)
    (cell,) = only(experiment).contrasts
    assert cell.workload == "shop.carts:total"
    sent = json.loads(json.dumps(document_of(experiment)))
    assert parse("sent", sent) == experiment
