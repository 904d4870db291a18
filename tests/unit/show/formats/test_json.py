"""The JSON export: what docs/result-schema.md says of it is so, field by field."""

from __future__ import annotations

import io
import json
import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from parlab.orchestrator.analysis.claims.judging import claims_of
from parlab.orchestrator.analysis.findings.run import ValueInterval
from parlab.orchestrator.analysis.measurements import Measurements
from parlab.orchestrator.analysis.view import RunView
from parlab.orchestrator.experiment.model import NodeLimits
from parlab.orchestrator.show.formats import base
from parlab.orchestrator.show.formats.base import write_file
from parlab.orchestrator.show.formats.json import OUTPUT
from parlab.workers.errors import BadInput, EnvironmentFault
from tests.support.checkout import CHECKOUT
from tests.support.claim_cases import FOUR, faster, plan_of, trials_of
from tests.support.derived_cases import advised, break_even, curve, narrowed

DOCUMENTATION = CHECKOUT / "docs" / "result-schema.md"
SCALARS: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
}


@dataclass
class Documented:
    """The page's tables: table → field → type; and which fields a document was seen to have."""

    tables: dict[str, dict[str, str]]
    seen: set[tuple[str, str]] = field(default_factory=set)
    #: An excerpt leaves fields out.
    whole: bool = True

    def check(self, value: Any, kind: str, where: str = "") -> None:
        """Fail where ``value`` is not what the page says of ``kind``."""
        inside = re.fullmatch(r"(list|map) of (.+)", kind)
        if inside is None and " or " in kind:
            choices = kind.split(" or ")
            kind = "null" if value is None else next(c for c in choices if c != "null" and self._is(value, c))
        if inside is not None:
            if value is None:
                assert kind.endswith(" or null"), where
                return
            assert isinstance(value, list if inside[1] == "list" else dict), where
            for key, item in enumerate(value) if isinstance(value, list) else value.items():
                self.check(item, inside[2], f"{where}[{key}]")
        elif kind.startswith("`"):
            self._check_table(value, kind.strip("`"), where)
        else:
            assert self._is(value, kind), f"{where}: {value!r} is no {kind}"

    def _check_table(self, value: Any, name: str, where: str) -> None:
        table = self.tables[name]
        assert isinstance(value, dict), where
        unknown = value.keys() - table.keys()
        assert not unknown, f"{where}: {unknown} is not documented in {name}"
        if self.whole:
            missing = table.keys() - value.keys()
            assert not missing, f"{where}: {missing} of {name} is missing"
        for key, item in value.items():
            self.seen.add((name, key))
            self.check(item, table[key], f"{where}.{key}")

    @staticmethod
    def _is(value: Any, kind: str) -> bool:
        if kind == "null":
            return value is None
        if kind == "scalar":
            return value is None or isinstance(value, (str, int, float))
        if kind.startswith("`"):
            return isinstance(value, dict)
        if isinstance(value, bool):
            return kind == "boolean"
        return isinstance(value, SCALARS[kind])


def documented(*, whole: bool = True) -> Documented:
    tables: dict[str, dict[str, str]] = {}
    rows: dict[str, str] = {}
    for line in DOCUMENTATION.read_text(encoding="utf-8").splitlines():
        if heading := re.fullmatch(r"### `(.+)`", line):
            rows = tables.setdefault(heading[1], {})
        elif row := re.fullmatch(r"\| `(\w+)` \| (.+?) \| .+ \|", line):
            rows[row[1]] = row[2]
    return Documented(tables, whole=whole)


def exported(run: RunView) -> Any:
    stream = io.StringIO()
    OUTPUT.write(run, stream)
    return json.loads(stream.getvalue(), parse_constant=pytest.fail)


def test_every_field_of_an_export_is_documented_and_every_documented_field_is_exported(
    article: RunView, troubled: RunView
) -> None:
    page = documented()
    page.check(exported(article), "`document`")
    plan = plan_of(FOUR)
    found = claims_of(Measurements(plan, trials_of(plan, 1, faster(zlib=2.0, bz2=1.0))))
    made = replace(troubled.experiment, fleet=(NodeLimits(cpus=0.5),), claims=plan.experiment.claims)
    first, *others = troubled.finding.groups
    share = replace(first.configurations[0], value=ValueInterval(0.31, 0.28, None, 0.95, 9))
    groups = (replace(first, configurations=(share, *first.configurations[1:])), *others)
    finding = replace(
        troubled.finding,
        groups=groups,
        claims=found,
        scaling=(curve(),),
        break_evens=(break_even(),),
        advice=(advised(),),
        narrowing=(narrowed(),),
    )
    page.check(exported(replace(troubled, experiment=made, finding=finding)), "`document`")
    every = {(table, name) for table, rows in page.tables.items() for name in rows}
    assert every - page.seen == set()


def test_the_pages_excerpt_is_what_an_export_looks_like() -> None:
    excerpt = re.search(r"```json\n(.+?)```", DOCUMENTATION.read_text(encoding="utf-8"), re.DOTALL)
    assert excerpt is not None
    documented(whole=False).check(json.loads(excerpt[1]), "`document`")


def test_an_undocumented_field_would_be_noticed(article: RunView) -> None:
    with pytest.raises(AssertionError, match="not documented"):
        documented().check({**exported(article), "surprise": 1}, "`document`")
    with pytest.raises(AssertionError, match="is no string"):
        documented().check({**exported(article), "run": 1}, "`document`")


def test_the_effect_of_a_block_can_be_read_off_its_seconds(article: RunView) -> None:
    blocks = exported(article)["blocks"]
    seconds = {"c0": 2.08, "c2": 1.09}
    # One round each, so that what is compared is the same.
    block = {"group": "h1-integer_sum-9f2c41", "block": 0, "seconds": seconds, "levels": seconds}
    assert blocks == [{**block, "void": None}]


def test_a_trial_that_was_not_measured_has_no_seconds_whatever_its_rounds_took(article: RunView) -> None:
    *others, last = article.trials
    rejected = replace(
        last, result=replace(last.result, outcome="rejected", cause="steal", reason="steal 9 %")
    )
    document = exported(replace(article, trials=(*others, rejected)))
    assert document["blocks"][0]["seconds"]["c2"] is None
    assert document["trials"][-1]["seconds"] is None
    assert document["trials"][-1]["rounds"][0]["seconds"] == 1.09


@pytest.mark.parametrize("order", [1, -1])
def test_a_trial_that_was_tried_again_counts_once_it_was_measured(article: RunView, order: int) -> None:
    *others, last = article.trials
    lost = replace(last, result=replace(last.result, outcome="lost", cause="died", rounds=()))
    again = replace(last, attempt=2)
    document = exported(replace(article, trials=(*others, *[lost, again][::order])))
    assert document["blocks"][0]["seconds"]["c2"] == 1.09


def test_what_json_has_no_number_for_is_null(article: RunView) -> None:
    group = article.finding.groups[0]
    first, second, *rest = group.configurations
    assert second.comparison is not None
    odd = replace(
        second, comparison=replace(second.comparison, e_value=float("inf")), efficiency=float("nan")
    )
    finding = replace(article.finding, groups=(replace(group, configurations=(first, odd, *rest)),))
    shown = exported(replace(article, finding=finding))["finding"]["groups"][0]["configurations"][1]
    assert shown["comparison"]["e_value"] is None
    assert shown["efficiency"] is None


def test_an_export_is_ascii_so_that_any_locale_can_take_it(article: RunView) -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    OUTPUT.write(article, stream)


def test_outputs_are_found_by_their_files() -> None:
    assert base.names() == ["advice", "csv", "json", "markdown", "parquet", "pyperf", "terminal"]
    assert all(base.output(name).summary for name in base.names())


@pytest.mark.parametrize("name", ["figures", "base", "os", "../json", ""])
def test_a_name_that_is_no_outputs_is_refused(name: str) -> None:
    with pytest.raises(BadInput, match="there is no output"):
        base.output(name)


def half(run: RunView, stream: Any) -> None:
    stream.write(f"half of {run.run}")
    raise KeyError("colour")


#: An output as anybody might write one.
BROKEN = base.Output("broken", "fails half-way", half)


def test_an_output_that_fails_is_told_and_breaks_nothing(article: RunView) -> None:
    assert base.attempt(BROKEN, article, io.StringIO()) == "output broken failed: KeyError: 'colour'"
    assert base.attempt(OUTPUT, article, io.StringIO()) is None


def test_a_file_is_whole_or_as_it_was_before(article: RunView, tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    write_file(OUTPUT, article, path)
    before = path.read_text(encoding="ascii")
    assert json.loads(before)["run"] == article.run
    with pytest.raises(KeyError):
        write_file(BROKEN, article, path)
    assert path.read_text(encoding="ascii") == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_stays_a_link_and_a_device_is_written_to(article: RunView, tmp_path: Path) -> None:
    target = tmp_path / "target.json"
    target.write_text("")
    link = tmp_path / "link.json"
    link.symlink_to(target)
    write_file(OUTPUT, article, link)
    assert link.is_symlink()
    assert json.loads(target.read_text(encoding="ascii"))["run"] == article.run
    write_file(OUTPUT, article, Path("/dev/null"))
    assert Path("/dev/null").is_char_device()


def test_a_file_that_cannot_be_written_says_so_and_how_to_go_on(article: RunView, tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFault) as raised:
        write_file(OUTPUT, article, tmp_path / "missing" / "run.json")
    assert "No such file" in raised.value.message
    assert "parlab export 7f3a" in raised.value.hint
