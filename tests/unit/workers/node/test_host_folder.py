"""The folder by which nodes of one machine know that they are on one machine."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

import pytest

from parlab.workers.errors import EnvironmentFault
from parlab.workers.node.identity import shared_host_id, shared_lock


def test_the_first_node_names_the_machine_and_all_others_agree(tmp_path: Path) -> None:
    folder = tmp_path / "host"
    named = shared_host_id(folder)
    assert named.startswith("h")
    assert shared_host_id(folder) == named
    assert [path.name for path in folder.iterdir()] == ["host-id"]
    assert shared_lock(folder).parent == folder
    assert shared_host_id(tmp_path / "another") != named


def test_nodes_that_begin_at_once_agree(tmp_path: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        found = pool.map(shared_host_id, [tmp_path / "host"] * 32, chunksize=1)
    assert len(set(found)) == 1


def test_a_folder_that_cannot_be_used_is_said_with_its_cure(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(EnvironmentFault, match="file") as refused:
        shared_host_id(tmp_path / "file")
    assert "PARLAB_HOST_DIR" in refused.value.hint
    (tmp_path / "host").mkdir()
    (tmp_path / "host" / "host-id").write_bytes(b"\xff\xfe")
    with pytest.raises(EnvironmentFault, match="not text"):
        shared_host_id(tmp_path / "host")
