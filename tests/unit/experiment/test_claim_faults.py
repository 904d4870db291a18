"""Faults of a claim, said at once: where, what, and the cure."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from parlab.orchestrator.experiment.model import Experiment
from parlab.workers.errors import BadInput
from tests.support.claim_cases import HEAD

LoadText = Callable[..., Experiment]

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


def changed(text: str, old: str, new: str) -> str:
    assert old in text
    return text.replace(old, new, 1)


WHOLE = CLAIM + OWN + CONTRAST
SCENARIO = CLAIM + COUNTER + VALUE
FAULTS = {
    "no id": (changed(WHOLE, 'id = "mine"\n', ""), 'claim[0].id: it is missing: id = "…"'),
    "no text": (changed(WHOLE, 'text = "Threads help."\n', ""), 'claim[0].text: it is missing: text = "…"'),
    "bad id": (changed(WHOLE, '"mine"', '"my own"'), "claim[0].id: 'my own': use letters, digits, - _ and ."),
    "long id": (changed(WHOLE, "mine", "m" * 33), "at most 32 characters"),
    "bad title": (changed(WHOLE, "text =", "title = 7\ntext ="), "claim[0].title: '7' is not a text"),
    "unknown key": (
        changed(WHOLE, "text =", "texts = 7\ntext ="),
        "claim[0].texts: unknown key (did you mean text?)",
    ),
    "one bracket": (changed(WHOLE, "[[claim]]", "[claim]"), "claim: write it with two brackets: [[claim]]"),
    "no contrast": (CLAIM + OWN, "claim[0].contrast: there is no contrast: add a [[contrast]]"),
    "nothing to measure": (CLAIM + CONTRAST, "claim[0].contrast[0]: it covers nothing"),
    "unknown workload": (
        changed(WHOLE, "integer_sum", "integer_sums"),
        "claim[0].workload[0].name: there is no workload 'integer_sums' (did you mean integer_sum?)",
    ),
    "unknown scenario": (
        changed(SCENARIO, "counter", "counters"),
        "claim[0].scenario[0].name: there is no scenario 'counters' (did you mean counter?)",
    ),
    "unknown parameter": (
        changed(WHOLE, "steps =", "step ="),
        "claim[0].workload[0].step: unknown key (did you mean steps?)",
    ),
    "unknown contrast key": (
        WHOLE + "bounds = 2\n",
        "claim[0].contrast[0].bounds: unknown key (did you mean bound?)",
    ),
    "no side": (
        changed(WHOLE, 'supports = "above"\n', ""),
        'claim[0].contrast[0].supports: it is missing: it must be "above" or "below", the side',
    ),
    "no such side": (
        changed(WHOLE, '"above"', '"over"'),
        "claim[0].contrast[0].supports: 'over': it must be",
    ),
    "unknown rule": (
        WHOLE + 'rule = "trends"\n',
        "claim[0].contrast[0].rule: 'trends' (did you mean trend?): it must be one of ratio, value, trend",
    ),
    "no bound": (changed(WHOLE, "bound = 1.1\n", ""), "claim[0].contrast[0].bound: it is missing: bound = 1"),
    "bound of words": (
        changed(WHOLE, "1.1", '"much"'),
        "claim[0].contrast[0].bound: 'much' is not a bound: write 1.1 or \"0.7*cpus\"",
    ),
    "bound of nothing": (changed(WHOLE, "1.1", '"0*cpus"'), "'0*cpus' is not a bound"),
    "bound that is true": (changed(WHOLE, "1.1", "true"), "True is not a bound"),
    "endless bound": (changed(WHOLE, "1.1", "inf"), "inf is not a bound"),
    "ratio of nothing": (
        changed(WHOLE, "1.1", "0"),
        "claim[0].contrast[0].bound: 0: a ratio's bound is above",
    ),
    "no one": (
        changed(WHOLE, 'of = "threads"\n', ""),
        'claim[0].contrast[0].of: it is missing: of = "threads"',
    ),
    "against no one": (
        changed(WHOLE, 'against = "serial"\n', ""),
        "claim[0].contrast[0].against: it is missing",
    ),
    "unknown strategy": (
        changed(WHOLE, 'of = "threads"', 'of = "thread"'),
        "claim[0].contrast[0].of.name: there is no strategy 'thread' (did you mean threads?)",
    ),
    "unknown option": (
        changed(WHOLE, 'of = "threads"', 'of = { name = "threads", workers = 4 }'),
        "claim[0].contrast[0].of.workers: unknown key",
    ),
    "a number of ways": (
        changed(WHOLE, 'of = "threads"', "of = 4"),
        'claim[0].contrast[0].of: 4: write "threads" or { name = "threads", max_workers = 4 }',
    ),
    "unknown variant": (
        changed(SCENARIO, '"thread"', '"threads"'),
        "claim[0].contrast[0].of: there is no variant 'threads' (did you mean thread?); there are thread, ",
    ),
    "a variant with a width": (
        changed(SCENARIO, 'of = "thread"', 'of = { name = "thread" }'),
        "claim[0].contrast[0].of: there is no variant {'name': 'thread'}",
    ),
    "value against": (
        SCENARIO + 'against = "value"\n',
        "claim[0].contrast[0].against: a value is compared only with its bound: leave this key out",
    ),
    "value of two": (
        changed(SCENARIO, 'of = "thread"', 'of = ["thread", "value"]'),
        "claim[0].contrast[0].of: a value belongs to one way: write a [[contrast]] for each",
    ),
    "value of two widths": (
        CLAIM + OWN + '[[claim.contrast]]\nof = { name = "threads", max_workers = [1, 2] }\nrule = "value"\n'
        'measure = "cpu_user"\nbound = 1\nsupports = "above"\n',
        "claim[0].contrast[0].of: a value belongs to one way",
    ),
    "value of nothing": (
        CLAIM + OWN + '[[claim.contrast]]\nof = "threads"\nrule = "value"\nbound = 1\nsupports = "above"\n',
        'claim[0].contrast[0].measure: it is missing: measure = "cpu_user"',
    ),
    "unknown measure": (
        changed(SCENARIO, "lost_updates", "lost_update"),
        "claim[0].contrast[0].measure: there is no measure 'lost_update' (did you mean lost_updates?); there",
    ),
    "ratio of a share": (
        changed(changed(SCENARIO, 'rule = "value"', 'against = "value"'), "bound = 0", "bound = 1"),
        "claim[0].contrast[0]: lost_updates may be 0, so ratios of it have no meaning: write rule",
    ),
    "measure of few blocks": (
        WHOLE + 'measure = "memory_peak"\n',
        "claim[0].contrast[0].measure: memory_peak is read only in the first blocks, which are too few",
    ),
    "over without trend": (
        WHOLE + 'over = "steps"\n',
        'claim[0].contrast[0].over: only a trend has this key: write rule = "trend", or leave it out',
    ),
    "trend over nothing": (
        WHOLE + 'rule = "trend"\n',
        'claim[0].contrast[0].over: it is missing: over = "…"',
    ),
    "trend over one value": (
        changed(CLAIM + PAYLOAD + TREND, "[1000, 100000, 1000000]", "[1000]"),
        "claim[0].contrast[0].over: 'bytes_in' needs two numbers here: bytes_in = [1_000, 1_000_000]",
    ),
    "trend over text": (
        CLAIM + COUNTER + '[[claim.contrast]]\nof = "thread"\nagainst = "value"\nmeasure = "increment"\n'
        'rule = "trend"\nover = "form"\nbound = 1\nsupports = "above"\n',
        "claim[0].contrast[0].over: 'form' needs two numbers here",
    ),
    "trend where some have no such parameter": (
        CLAIM + PAYLOAD + '[[claim.workload]]\nname = "wait"\n' + TREND,
        "claim[0].contrast[0].over: 'bytes_in' needs two numbers here",
    ),
    "least cpus": (
        WHOLE + "least_cpus = 0\n",
        "claim[0].contrast[0].least_cpus: 0: it must be a whole number from 1 to 4096",
    ),
    "workload and scenario": (
        WHOLE + 'workload = "wait"\nscenario = "counter"\n',
        "claim[0].contrast[0]: it has both a workload and a scenario: leave one of them out",
    ),
    "another workload": (
        WHOLE + 'workload = "integer_sun"\n',
        "claim[0].contrast[0].workload: 'integer_sun' (did you mean integer_sum?) is not part of the claim",
    ),
    "a workload as a scenario": (
        WHOLE + 'scenario = "integer_sum"\n',
        "claim[0].contrast[0].scenario: 'integer_sum' is not part of the claim; it has no scenario",
    ),
    "work of two kinds": (
        CLAIM + OWN + COUNTER + CONTRAST,
        "claim[0].contrast[0]: it covers several kinds: choose one with workload = … or scenario = …",
    ),
    "unknown condition": (
        WHOLE + "where = { step = 1000 }\n",
        "claim[0].contrast[0].where.step: unknown parameter (did you mean steps?); known are steps",
    ),
    "a condition that no work has": (
        WHOLE + "where = { steps = 7 }\n",
        "claim[0].contrast[0]: it covers nothing: its workload and where match none of",
    ),
    "where is no table": (
        WHOLE + 'where = "steps"\n',
        "claim[0].contrast[0].where: write it as a table: where = { size = 1000 }",
    ),
    "work for nothing": (
        changed(SCENARIO, 'of = "thread"', 'where = { form = "call" }\nof = "thread"'),
        "claim[0].scenario: no contrast is about counter(form=augmented), so it would be measured for",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_what_is_wrong_is_said_with_its_file_its_key_and_the_cure(load_text: LoadText, name: str) -> None:
    lines, expected = FAULTS[name]
    with pytest.raises(BadInput) as refused:
        load_text(HEAD + lines)
    # It is the one line: nothing is said of what only follows from it.
    _, line = refused.value.message.splitlines()
    assert expected in line
    assert "cpu.toml: claim" in line


def test_all_faults_are_listed_together(load_text: LoadText) -> None:
    lines = changed(changed(WHOLE, '"above"', '"over"'), "1.1", '"much"')
    with pytest.raises(BadInput, match="3 faults"):
        load_text(HEAD + 'claims = "C99"\n' + lines)
