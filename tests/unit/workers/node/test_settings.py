"""Joining a lab: tokens, names, addresses, and what the settings make of them."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parlab.workers.errors import BadInput, EnvironmentFault
from parlab.workers.node import settings as joining
from parlab.workers.node import settings as node_settings
from parlab.workers.wire.join_token import JoinToken, decode_token
from parlab.workers.wire.signing import group_key, node_key

LAB_KEY = bytes(range(32))
TOKEN = JoinToken("n1", group=False, password="p/w@1", key_hex=node_key(LAB_KEY, "n1").hex())
GROUP = JoinToken("swarm", group=True, password="pw", key_hex=group_key(LAB_KEY, "swarm").hex())


@given(
    st.from_regex(r"[a-z0-9][a-z0-9-]{0,40}", fullmatch=True),
    st.booleans(),
    st.text(st.characters(codec="utf-8"), max_size=40),
    st.binary(min_size=32, max_size=32),
)
def test_a_token_is_read_as_it_was_written(name: str, group: bool, password: str, key: bytes) -> None:
    token = JoinToken(name, group, password, key.hex(), "Q0E=")
    assert decode_token(f"  {token.encode()}\n") == token


def test_a_token_does_not_show_its_secrets() -> None:
    assert TOKEN.password not in repr(TOKEN)
    assert TOKEN.key_hex not in repr(TOKEN)


@pytest.mark.parametrize(
    "text",
    [
        "", "parlab1.", "parlab2." + TOKEN.encode()[8:], TOKEN.encode()[:-5], "parlab1.%%%", "x" * 10_000,
        "parlab1." + base64.urlsafe_b64encode(b"[]").decode(),
        "parlab1." + base64.urlsafe_b64encode(json.dumps({"name": "UPPER"}).encode()).decode(),
    ],
)  # fmt: skip
def test_what_is_no_token_is_refused_with_a_cure(text: str) -> None:
    with pytest.raises(BadInput, match="cannot be read") as refused:
        decode_token(text)
    assert "parlab nodes add" in refused.value.hint
    assert len(text) < 9 or text[-20:] not in str(refused.value)


@pytest.mark.parametrize(
    ("address", "ca", "url"),
    [
        ("lab.example", "", "redis://n1:p%2Fw%401@lab.example:6379"),
        ("lab.example", "x", "rediss://n1:p%2Fw%401@lab.example:6380"),
        ("lab.example:7000", "x", "rediss://n1:p%2Fw%401@lab.example:7000"),
        ("[::1]", "x", "rediss://n1:p%2Fw%401@[::1]:6380"),
        ("redis://h:1/0", "x", "redis://n1:p%2Fw%401@h:1/0"),
        ("unix:///run/s.sock", "", "unix://n1:p%2Fw%401@/run/s.sock"),
    ],
)
def test_an_address_becomes_a_url_with_the_tokens_user(address: str, ca: str, url: str) -> None:
    assert joining.server_url(address, replace(TOKEN, ca=ca)) == url


@pytest.mark.parametrize("address", ["http://h", "redis://me:secret@h", "a b", "redis://"])
def test_what_is_no_address_is_refused_without_its_password(address: str) -> None:
    with pytest.raises(BadInput) as refused:
        joining.server_url(address, TOKEN)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    ("hostname", "name"),
    [
        ("Rack-7.example.org", "swarm--rack-7-example-org"),
        ("___", "swarm--node"),
        ("x" * 60, "swarm--" + "x" * 34),
    ],
)
def test_a_node_of_a_group_is_named_after_its_host(hostname: str, name: str) -> None:
    assert joining.node_name(GROUP, None, hostname) == name
    assert GROUP.key_of(name) == node_key(LAB_KEY, name)


def test_a_token_gives_the_key_of_its_own_node_only() -> None:
    assert TOKEN.key_of("n1") == node_key(LAB_KEY, "n1")
    for token, name in ((TOKEN, "n2"), (GROUP, "n1"), (GROUP, "swarm"), (GROUP, "swarmer--x")):
        with pytest.raises(BadInput):
            token.key_of(name)


def test_the_settings_of_a_container_come_from_its_environment(tmp_path: Path) -> None:
    join = tmp_path / "join"
    join.write_text(TOKEN.encode() + "\n")
    found = node_settings.read(
        [],
        {
            "PARLAB_JOIN_FILE": str(join),
            "PARLAB_REDIS": "redis:6380",
            "PARLAB_HOME": str(tmp_path),
            "PARLAB_PYTHON": "/a/python, /b/python",
            "PARLAB_HOST": "alpha",
            "PARLAB_HOST_DIR": str(tmp_path / "host"),
            "PARLAB_ALLOW": "mine.tasks,other",
            "PARLAB_WAIT_SECONDS": "60",
            "PARLAB_ALIVE_FILE": str(tmp_path / "alive"),
        },
    )
    assert found.name == "n1"
    assert found.redis_url == "redis://n1:p%2Fw%401@redis:6380"
    assert found.key == node_key(LAB_KEY, "n1")
    assert found.pythons == ("/a/python", "/b/python")
    assert (found.host, found.host_folder) == ("alpha", tmp_path / "host")
    assert found.allow == ("mine.tasks", "other")
    assert (found.wait_seconds, found.alive) == (60.0, tmp_path / "alive")
    assert found.spool == tmp_path / "nodes" / "n1" / "spool"
    assert "p%2Fw" not in repr(found)
    assert found.key.hex() not in repr(found)


def test_a_swarms_template_that_nobody_filled_in_is_no_hostname(tmp_path: Path) -> None:
    environ = {"PARLAB_JOIN": GROUP.encode(), "PARLAB_REDIS": "h", "PARLAB_HOME": str(tmp_path)}
    filled = node_settings.read([], {**environ, "PARLAB_HOSTNAME": "worker1"})
    assert filled.name == "swarm--worker1"
    bare = node_settings.read([], {**environ, "PARLAB_HOSTNAME": "{{.Node.Hostname}}"})
    assert bare.name == joining.node_name(GROUP, None)


@pytest.mark.parametrize(
    ("environ", "says"),
    [
        ({}, "needs a name"),
        ({"PARLAB_NODE_NAME": "n1"}, "needs a server"),
        ({"PARLAB_JOIN": TOKEN.encode()}, "needs a server"),
        ({"PARLAB_JOIN": TOKEN.encode(), "PARLAB_REDIS": "h", "PARLAB_WAIT_SECONDS": "soon"}, "WAIT_SECONDS"),
        ({"PARLAB_JOIN": TOKEN.encode(), "PARLAB_REDIS": "h", "PARLAB_NODE_NAME": "other"}, "not of other"),
        ({"PARLAB_JOIN": replace(TOKEN, ca="!").encode(), "PARLAB_REDIS": "h"}, "certificate"),
        ({"PARLAB_NODE_NAME": "n1", "PARLAB_REDIS_URL": "redis://h", "PARLAB_NODE_KEY": "zz"}, "hexadecimal"),
    ],
)
def test_what_is_missing_or_wrong_is_said_with_a_cure(
    environ: dict[str, str], says: str, tmp_path: Path
) -> None:
    with pytest.raises(BadInput, match=says) as refused:
        node_settings.read([], {"PARLAB_HOME": str(tmp_path), **environ})
    assert refused.value.hint


def test_a_token_that_cannot_be_read_names_its_file(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFault, match="nowhere"):
        joining.read_token(tmp_path / "nowhere")
