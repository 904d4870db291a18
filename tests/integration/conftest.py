"""The laboratory's and the guardian's fixtures, for this folder."""

from tests.support.laboratory import build_id, lab, own_lab, shared_server
from tests.support.served import served
from tests.support.sittings import bench, sitting_trialpath

__all__ = ["bench", "build_id", "lab", "own_lab", "served", "shared_server", "sitting_trialpath"]
