"""The laboratory's and the guardian's fixtures, for this folder."""

from tests.laboratory import build_id, lab, own_lab, shared_server
from tests.served import served
from tests.sittings import bench, sitting_trialpath

__all__ = ["bench", "build_id", "lab", "own_lab", "served", "shared_server", "sitting_trialpath"]
