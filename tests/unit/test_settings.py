"""The environment is read once, into one frozen object."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from parlab.orchestrator.settings import from_environment
from parlab.workers.errors import BadInput, EnvironmentFault


def test_the_home_and_what_lies_in_it_come_from_the_environment(tmp_path: Path) -> None:
    settings = from_environment({"PARLAB_HOME": str(tmp_path), "PARLAB_REDIS_URL": "redis://h:1/0"})
    assert settings.home == tmp_path
    assert settings.store_path == tmp_path / "parlab.db"
    assert settings.lab_key_path == tmp_path / "lab.key"
    assert settings.redis_url == "redis://h:1/0"


def test_without_a_home_the_platform_says_where_a_users_data_goes() -> None:
    settings = from_environment({})
    assert settings.home.is_absolute()
    assert settings.home.name == "parlab"
    assert settings.redis_url is None


def test_a_relative_or_tilde_home_is_made_absolute(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert from_environment({"PARLAB_HOME": "here"}).home == tmp_path / "here"
    assert from_environment({"PARLAB_HOME": "~/lab"}).home == Path.home() / "lab"


def test_the_home_of_nobody_is_refused_with_a_cure() -> None:
    with pytest.raises(BadInput, match="PARLAB_HOME") as refused:
        from_environment({"PARLAB_HOME": "~nobody-of-that-name/lab"})
    assert refused.value.hint


def test_settings_cannot_be_changed(tmp_path: Path) -> None:
    settings = from_environment({"PARLAB_HOME": str(tmp_path)})
    with pytest.raises(dataclasses.FrozenInstanceError):
        settings.home = Path("/elsewhere")  # type: ignore[misc]


def test_secrets_may_come_by_files(tmp_path: Path) -> None:
    (tmp_path / "url").write_text("redis://u:p@h:1/0\nsecond line\n")
    (tmp_path / "token").write_text("  secret \n")
    settings = from_environment(
        {"PARLAB_REDIS_URL_FILE": str(tmp_path / "url"), "PARLAB_TOKEN_FILE": str(tmp_path / "token")}
    )
    assert settings.redis_url == "redis://u:p@h:1/0"
    assert settings.token == "secret"
    both = from_environment({"PARLAB_TOKEN": "own", "PARLAB_TOKEN_FILE": str(tmp_path / "token")})
    assert both.token == "own"
    with pytest.raises(EnvironmentFault, match="PARLAB_TOKEN_FILE"):
        from_environment({"PARLAB_TOKEN_FILE": str(tmp_path / "nowhere")})


def test_a_report_is_made_unless_it_is_turned_off() -> None:
    assert from_environment({}).report
    assert from_environment({"PARLAB_REPORT": "on"}).report
    assert not from_environment({"PARLAB_REPORT": "OFF"}).report
    with pytest.raises(BadInput, match="PARLAB_REPORT=maybe") as refused:
        from_environment({"PARLAB_REPORT": "maybe"})
    assert "PARLAB_REPORT=off" in refused.value.hint
