"""Grafana's address, as the pages are told it, and the links that are made of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from parlab.orchestrator.serve.pages.links import GrafanaLinks
from parlab.orchestrator.serve.settings import read
from parlab.orchestrator.settings import Settings
from parlab.workers.errors import BadInput


def told(tmp_path: Path, address: str) -> str | None:
    settings = Settings(
        home=tmp_path, redis_url="redis://127.0.0.1", lab_key_path=tmp_path / "lab.key", version="1"
    )
    return read(settings, {"PARLAB_GRAFANA_URL": address}, "127.0.0.1", 8000).grafana_url


def test_an_address_of_a_web_server_is_taken(tmp_path: Path) -> None:
    assert told(tmp_path, " https://watch.example/grafana/ ") == "https://watch.example/grafana"
    assert told(tmp_path, "") is None


@pytest.mark.parametrize(
    "address",
    ["javascript:alert(1)", "127.0.0.1:3000", "file:///etc", "http://", "http://g?x=1", "http://g#x"],
)
def test_what_is_none_is_refused(tmp_path: Path, address: str) -> None:
    with pytest.raises(BadInput, match="PARLAB_GRAFANA_URL"):
        told(tmp_path, address)


def test_links_have_their_variables_whatever_these_hold() -> None:
    links = GrafanaLinks("http://g/", "http://lab:8000/")
    assert links.home() == "http://g/dashboards"
    assert links.dashboard("parlab-node", node="a&b=c d") == (
        "http://g/d/parlab-node?var-node=a%26b%3Dc+d&var-lab=http%3A%2F%2Flab%3A8000"
    )
    assert not GrafanaLinks(None)
