"""Words of the doctor about a self-test: tables, sentences, what to do, and the exit code."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path

import pytest

from parlab.orchestrator.analysis.findings.selftest import SelfTestFinding
from parlab.orchestrator.analysis.selftest.judged import self_tests
from parlab.orchestrator.analysis.selftest.rates import rate
from parlab.orchestrator.cli.doctor import doctor
from parlab.orchestrator.doctor import selftest as doctor_selftest
from parlab.orchestrator.doctor.check import Check
from parlab.orchestrator.doctor.selftest import SelfTest
from parlab.workers.errors import BadInput, EnvironmentFault
from tests.support.selftest_cases import observations, plan_of, sittings

PLAN = plan_of()


def finding(blocks: int, **how: float) -> SelfTestFinding:
    seen = observations(PLAN, blocks, **how)  # type: ignore[arg-type]
    return self_tests(PLAN, seen, sittings(seen))[0]


@pytest.fixture(scope="module")
def good() -> SelfTestFinding:
    return finding(120, sd=0.04)


def checks(found: SelfTestFinding) -> dict[str, Check]:
    return {check.name: check for check in doctor_selftest.checks_of(found)}


def written(*findings: SelfTestFinding, stopped: int | None = None, encoding: str = "utf-8") -> str:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding)
    doctor_selftest.write(SelfTest("5e1f", 7, 300.0, findings, stopped), stream)
    stream.flush()
    return raw.getvalue().decode(encoding)


def code(*findings: SelfTestFinding, stopped: int | None = None) -> int:
    return doctor_selftest.exit_code(SelfTest("5e1f", 7, 300.0, findings, stopped))


def test_the_tables_have_the_figures_of_the_finding(good: SelfTestFinding) -> None:
    text = written(good)
    lines = {line.partition("  ")[0]: line for line in text.splitlines()}
    for pair in good.pairs:
        assert str(pair.blocks) in lines[pair.label]
        assert doctor_selftest.share(pair.wrong) in lines[pair.label]
    assert good.wrong is not None
    assert f"{good.wrong.count} of 24 (0–" in lines["all"]
    assert "within 40" in lines["10 % slower"]
    assert "within 120" in lines["2 % slower"]
    assert "within 200" in lines["2 % slower"]
    assert "run 5e1f, 5 min, seed 7" in text
    assert all(line == line.rstrip() for line in text.splitlines())
    assert "\x1b" not in text


def test_a_stream_that_knows_ascii_only_gets_ascii(good: SelfTestFinding) -> None:
    text = written(good, encoding="ascii")
    assert "processes x2 forkserver" in text
    assert "seed 7" in text


def test_every_sentence_that_is_not_well_says_what_to_do() -> None:
    for found in (finding(6), finding(60, sd=0.3), finding(300, follows=0.7), finding(200, twice_slower=0.1)):
        for check in doctor_selftest.checks_of(found):
            assert check.cure or check.status == "ok", check


def test_a_quiet_machine_has_nothing_to_do(good: SelfTestFinding) -> None:
    assert {check.status for check in checks(good).values()} == {"ok"}
    assert code(good) == 0
    assert "60 s (" in checks(good)["precision"].finding
    assert "15 min (" in checks(good)["precision"].finding


def test_verdicts_that_are_wrong_too_often_are_a_problem_and_the_exit_code_says_so() -> None:
    bad = finding(200, twice_slower=0.05)
    assert checks(bad)["wrong verdicts"].status == "problem"
    assert "cannot be trusted" in doctor_selftest.summary(bad)
    assert code(bad) == 3
    assert code(finding(40), bad) == 3


def test_what_came_out_faster_though_it_is_slower_is_a_problem(good: SelfTestFinding) -> None:
    turned = replace(good, planted=(replace(good.planted[0], wrong_sign=rate(9, 10)), *good.planted[1:]))
    assert checks(turned)["wrong sign"].status == "problem"
    assert code(turned) == 3


def test_few_tries_are_said_to_prove_little_and_many_to_prove_it(good: SelfTestFinding) -> None:
    few = replace(good, wrong=rate(0, 4))
    assert "cannot rule out 60 %" in doctor_selftest.summary(few)
    many = replace(good, wrong=rate(2, 300))
    assert "no more often than promised" in doctor_selftest.summary(many)


def test_too_little_is_said_to_be_too_little_and_no_figure_is_made_of_it() -> None:
    few = finding(6)
    assert checks(few)["wrong verdicts"].status == "warn"
    assert checks(few)["wrong verdicts"].finding.endswith("This takes 20 blocks; there were 6")
    assert not {"found", "precision", "block sd", "independence"} & checks(few).keys()
    assert "0 of 0" not in written(few)
    assert code(few) == 0


def test_noise_and_blocks_that_follow_each_other_are_warned_of() -> None:
    assert checks(finding(60, sd=0.3))["block sd"].status == "warn"
    following = checks(finding(300, follows=0.7))["independence"]
    assert following.status == "warn"
    assert "serial 0.6" in following.finding or "serial 0.7" in following.finding


def test_rejections_are_counted_by_cause_and_many_are_warned_of(good: SelfTestFinding) -> None:
    some = replace(good, not_counted={"throttled": 1, "steal": 2})
    assert checks(some)["rejections"].finding.endswith("do not count: steal 2, throttled 1")
    assert checks(some)["rejections"].status == "ok"
    many = replace(good, not_counted={"steal": good.trials // 10})
    assert checks(many)["rejections"].status == "warn"


def test_an_early_end_is_told_and_its_exit_code_kept(good: SelfTestFinding) -> None:
    assert "stopped; what was measured so far counts" in written(good, stopped=130)
    assert code(good, stopped=130) == 130


def test_the_file_holds_figures_bounds_and_checks(good: SelfTestFinding, tmp_path: Path) -> None:
    path = tmp_path / "self-test.json"
    test = SelfTest("5e1f", 7, 300.0, (good, finding(6)))
    doctor_selftest.write_json(test, [Check("CPU", "ok", "new")], path)
    document = json.loads(path.read_text())
    assert document["schema"] == "parlab/self-test/1"
    assert document["complete"] is True
    assert document["checks"][0]["name"] == "CPU"
    first, second = document["self_tests"]
    assert good.wrong is not None
    bounds = {"low": good.wrong.low, "high": good.wrong.high}
    assert first["wrong"] == {"count": good.wrong.count, "tried": 24, **bounds}
    assert first["checks"][0]["name"] == "wrong verdicts"
    assert second["wrong"] is None
    with pytest.raises(EnvironmentFault, match="cannot write"):
        doctor_selftest.write_json(test, [], tmp_path / "none" / "x.json")


def test_options_of_a_self_test_are_refused_without_one() -> None:
    with pytest.raises(BadInput, match="--self-test"):
        doctor(budget="5m")
