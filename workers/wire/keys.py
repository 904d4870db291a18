"""Names of what the lab keeps in Redis, and of its jobs: both sides must spell them alike."""

from __future__ import annotations

import re

from ..errors import BadInput, SpecRefused
from .spec import SittingSpec

#: Set of the names of all nodes that ever registered; their result streams may hold something.
NODES = "parlab:nodes"

#: Set of the nodes that are paused: they get no further sittings.
PAUSED = "parlab:paused"

#: Who controls the lab's runs now; it expires when that one falls silent.
CONTROLLER = "parlab:controller"

#: Between a group's name and the rest of a node's: "swarm--host1" is a node of the group "swarm".
GROUP_MARK = "--"

_NODE_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,40}")
_JOB_ID = re.compile(r"[A-Za-z0-9_-]+-a(?P<attempt>[1-9][0-9]{0,8})")


def check_node_name(name: str) -> str:
    """Return a node's name if it can be one; it is its queue's name and begins its job ids.

    Raises:
        BadInput: it has other characters than these, or is too long.
    """
    if not _NODE_NAME.fullmatch(name):
        raise BadInput(
            f"{name!r} cannot be a node's name",
            "Use at most 41 small letters, digits and hyphens, beginning with a letter or digit.",
        )
    return name


def group_of(name: str) -> str | None:
    """Return the group that a node's name puts it into, or None: one join token serves a whole group."""
    group, mark, _ = name.partition(GROUP_MARK)
    return group if mark and group else None


def job_id(spec: SittingSpec) -> str:
    """Return the id of a sitting's job: ``<node>-<run>-<sitting>-a<attempt>``.

    It begins with the node's name, so that an ACL can be per node.

    Raises:
        SpecRefused: the parts do not make an id that RQ takes.
    """
    identity = f"{spec.node}-{spec.run}-{spec.sitting}-a{spec.attempt}"
    if not _JOB_ID.fullmatch(identity):
        raise SpecRefused(
            f"{identity!r} cannot be a job's id", "Runs and sittings have letters, digits, _ and - only."
        )
    return identity


def attempt_of(identity: str) -> int:
    """Return the attempt that a job id names.

    Raises:
        SpecRefused: it is no id of a sitting's job.
    """
    match = _JOB_ID.fullmatch(identity)
    if match is None:
        raise SpecRefused(f"{identity[:80]!r} is not the job id of a sitting")
    return int(match["attempt"])


def node_hash(name: str) -> str:
    """Key of a node's registration and heartbeat; it expires when the node falls silent."""
    return f"parlab:node:{name}"


def result_stream(name: str) -> str:
    """Key of a node's results: one stream per node, so that an ACL keeps the others from it."""
    return f"parlab:results:{name}"


def slot(boot_id: str) -> str:
    """Key of a host's slot: who measures on it now."""
    return f"parlab:slot:{boot_id}"


def slot_counter(boot_id: str) -> str:
    """Key of the number of a host's latest slot; it only grows."""
    return f"parlab:slot:{boot_id}:fence"
