"""One node's container: what it may do, what it is told, and how it is found again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from parlab.orchestrator.experiment.model import NodeLimits
from parlab.orchestrator.lab.fleet.engine import reaching
from parlab.workers.errors import EnvironmentFault

if TYPE_CHECKING:
    from docker import DockerClient
    from docker.models.containers import Container

#: Labels by which a fleet's containers are found again.
FLEET, NODE, KIND, RUN, HOME = (
    "parlab.fleet",
    "parlab.fleet.node",
    "parlab.fleet.kind",
    "parlab.fleet.run",
    "parlab.fleet.home",
)
_STOP_SECONDS = 15


@dataclass(frozen=True)
class NodeContainer:
    """A container to be started."""

    #: Of the node in its lab.
    node: str
    #: Of the fleet that it belongs to.
    fleet: str
    limits: NodeLimits
    #: What the node is told; it may hold secrets.
    environment: Mapping[str, str] = field(repr=False)
    #: Network to be in; None: none at all.
    network: str | None = None
    #: Folders of this machine that it sees, by its own path.
    mounts: Mapping[str, str] = field(default_factory=dict)
    #: Volumes, by path.
    volumes: Mapping[str, str] = field(default_factory=dict)
    #: Paths that the node writes to and finds again after a restart; they go with the container.
    kept: tuple[str, ...] = ()
    #: "uid:gid"; None: the image's.
    user: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    restart: bool = True

    @property
    def name(self) -> str:
        """Of the container."""
        return f"parlab-{self.fleet}-{self.node}"

    def start(self, client: DockerClient, image: str) -> Container:
        """Start it; nothing is left where that fails.

        Raises:
            EnvironmentFault: the engine refuses, or a container of that name is another's.
        """
        import docker.errors

        with reaching("of the fleet"):
            try:
                container = client.containers.create(image, **self._options())
            except docker.errors.APIError as error:
                if error.status_code == 409:
                    raise EnvironmentFault(
                        f"there is a container {self.name} already", f"Remove it: docker rm -f {self.name}."
                    ) from error
                raise
            try:
                container.start()
            except BaseException:
                container.remove(force=True, v=True)
                raise
        return container

    def _options(self) -> dict[str, Any]:
        limits = self.limits
        binds = {path: {"bind": at, "mode": "rw"} for at, path in self.mounts.items()}
        binds |= {volume: {"bind": at, "mode": "rw"} for at, volume in self.volumes.items()}
        return {
            "name": self.name,
            "hostname": self.node,
            "environment": dict(self.environment),
            "labels": {FLEET: self.fleet, NODE: self.node, KIND: limits.fingerprint, **self.labels},
            "init": True,
            "read_only": True,
            "cap_drop": ["ALL"],
            "security_opt": ["no-new-privileges:true"],
            "tmpfs": {"/tmp": "mode=1777,size=256m"},  # noqa: S108 - the container's own
            "network_mode": None if self.network is not None else "none",
            "network": self.network,
            "volumes": binds,
            "mounts": [{"Type": "volume", "Target": path} for path in self.kept],
            "user": self.user,
            "nano_cpus": round(limits.cpus * 1e9) if limits.cpus is not None else None,
            "mem_limit": limits.memory_bytes,
            "memswap_limit": limits.memory_bytes,
            "cpuset_cpus": limits.cpuset,
            "restart_policy": {"Name": "always"} if self.restart else None,
        }


def find(client: DockerClient, *labels: str) -> list[Container]:
    """Find containers by labels ("name" or "name=value"), stopped ones too."""
    with reaching("of the fleet"):
        containers: list[Container] = client.containers.list(all=True, filters={"label": list(labels)})
    return sorted(containers, key=lambda container: str(container.name))


def remove(container: Container) -> None:
    """Stop a container as a node wants to be stopped, and remove it; one that is gone is no error."""
    import docker.errors

    with reaching("of the fleet"):
        try:
            container.stop(timeout=_STOP_SECONDS)
            container.remove(force=True, v=True)
        except docker.errors.NotFound:
            return
        except docker.errors.APIError as error:
            # Another command is removing it just now.
            if error.status_code != 409:
                raise


def last_words(container: Container) -> str:
    """Give the end of what a container printed."""
    with reaching("of the fleet"):
        text = container.logs(tail=5).decode("utf-8", "replace").strip()
    return " / ".join(text.splitlines())[-500:] or "it printed nothing"
