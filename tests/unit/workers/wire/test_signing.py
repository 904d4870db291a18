"""Signatures: what is signed cannot be changed, moved, or said by another."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from parlab.workers.errors import BadInput, EnvironmentFault, SpecRefused
from parlab.workers.wire.keys import attempt_of, check_node_name
from parlab.workers.wire.lab_key import ensure_lab_key, read_lab_key
from parlab.workers.wire.signing import Signer, node_key

KEY = b"k" * 32
ONE = Signer("one", node_key(KEY, "one"))
TWO = Signer("two", node_key(KEY, "two"))
JOB = "one-7f3a-s1-a1"


def test_a_spec_that_the_lab_signed_is_accepted() -> None:
    ONE.check_spec("{}", JOB, ONE.sign_spec("{}", JOB))


@pytest.mark.parametrize(
    ("spec", "job", "signer"),
    [
        ('{"seed":2}', JOB, ONE),
        ("{}", "one-7f3a-s2-a1", ONE),
        ("{}", "one-7f3a-s1-a2", ONE),
        ("{}", JOB, TWO),
        ("{}", JOB, Signer("one", node_key(b"x" * 32, "one"))),
        ("{}", JOB, Signer("two", ONE.key)),
    ],
    ids=["changed", "another-job", "another-attempt", "another-node", "another-lab", "another-queue"],
)
def test_a_signature_holds_for_one_spec_of_one_job_of_one_node(spec: str, job: str, signer: Signer) -> None:
    with pytest.raises(SpecRefused, match="not the lab's"):
        signer.check_spec(spec, job, ONE.sign_spec("{}", JOB))


@pytest.mark.parametrize("signature", ["", "é", "0" * 64])
def test_what_is_no_signature_is_refused(signature: str) -> None:
    with pytest.raises(SpecRefused):
        ONE.check_spec("{}", JOB, signature)


def test_a_result_of_the_node_is_opened() -> None:
    assert ONE.open(ONE.seal("result", JOB, '{"trials":[]}')) == '{"trials":[]}'


def test_a_result_cannot_be_changed_moved_or_turned_into_a_loss() -> None:
    sealed = ONE.seal("result", JOB, "{}")
    changed = (
        replace(sealed, body="[]"),
        replace(sealed, job="one-7f3a-s2-a1"),
        replace(sealed, kind="lost"),
        TWO.seal("result", JOB, "{}"),
    )
    for forged in changed:
        with pytest.raises(SpecRefused, match="not that of node one"):
            ONE.open(forged)


def test_a_spec_s_signature_does_not_make_a_result() -> None:
    signature = ONE.sign_spec("{}", JOB)
    with pytest.raises(SpecRefused):
        ONE.open(replace(ONE.seal("result", JOB, "{}"), signature=signature))


def test_text_that_moves_between_parts_changes_the_signature() -> None:
    assert ONE.seal("result", "one-a", "b").signature != ONE.seal("result", "one-", "ab").signature


def test_a_signer_does_not_show_its_key() -> None:
    assert ONE.key.hex() not in repr(ONE)
    assert repr(ONE.key) not in repr(ONE)


def test_the_lab_s_key_is_made_once_and_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "home" / "lab.key"
    key = ensure_lab_key(path)
    assert len(key) == 32
    assert path.stat().st_mode & 0o777 == 0o600
    assert ensure_lab_key(path) == key == read_lab_key(path)
    assert [entry.name for entry in path.parent.iterdir()] == ["lab.key"]


def test_a_key_that_others_can_read_is_refused_with_the_cure(tmp_path: Path) -> None:
    path = tmp_path / "lab.key"
    ensure_lab_key(path)
    path.chmod(0o644)
    with pytest.raises(EnvironmentFault, match="others can read"):
        read_lab_key(path)


@pytest.mark.parametrize("text", ["", "abcd", "no key at all", "zz" * 32])
def test_a_file_that_is_no_key_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "lab.key"
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(BadInput, match="holds no lab key"):
        ensure_lab_key(path)


def test_a_missing_key_says_where_it_would_come_from(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFault, match=r"cannot read the lab's key.*\n.*Copy lab.key"):
        read_lab_key(tmp_path / "lab.key")


@pytest.mark.parametrize("name", ["a", "laptop-py311", "0" * 41])
def test_a_node_s_name_may_be(name: str) -> None:
    assert check_node_name(name) == name


@pytest.mark.parametrize("name", ["", "-a", "A", "a b", "a:b", "a/b", "a\n", "0" * 42, "é"])
def test_a_node_s_name_may_not_be(name: str) -> None:
    with pytest.raises(BadInput):
        check_node_name(name)


def test_a_job_s_id_names_its_attempt() -> None:
    assert attempt_of("one-7f3a-g1-b2-s0-a12") == 12
    for wrong in ("one-7f3a-s1", "one-7f3a-s1-a0", "one:7f3a-a1", ""):
        with pytest.raises(SpecRefused):
            attempt_of(wrong)
