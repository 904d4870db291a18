"""The laboratory's server for the pages' tests."""

from tests.support.laboratory import build_id, lab, own_lab, shared_server

__all__ = ["build_id", "lab", "own_lab", "shared_server"]
