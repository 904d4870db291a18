"""Docker engines: reached by the docker SDK, with errors for people."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from parlab.workers.errors import BadInput, EnvironmentFault, LabError

if TYPE_CHECKING:
    from docker import DockerClient

_LIMIT_SECONDS = 60


def connect(host: str | None = None, context: str | None = None) -> DockerClient:
    """Reach an engine: by its address, by the name of a Docker context, else as the docker command does.

    Raises:
        BadInput: both are given, or there is no such context.
        EnvironmentFault: no engine answers there.
    """
    if host is not None and context is not None:
        raise BadInput("--docker-host and --context cannot be used together", "Give one of them.")
    import docker

    with reaching(host or context or "of this machine"):
        if context is not None:
            client = _by_context(context)
        elif host is not None:
            client = docker.DockerClient(base_url=host, timeout=_LIMIT_SECONDS)
        else:
            client = docker.from_env(timeout=_LIMIT_SECONDS)
        client.ping()
    return client


@contextmanager
def reaching(where: str) -> Iterator[None]:
    """Turn what the SDK raises into errors with a cure; ``where`` names the engine.

    Raises:
        EnvironmentFault: the engine does not answer, or refuses.
    """
    import docker.errors
    import requests.exceptions

    try:
        yield
    except LabError:
        raise
    except docker.errors.APIError as error:
        refusal = str(error.explanation or error).strip().partition("\n")[0]
        raise EnvironmentFault(f"the Docker engine {where} refuses: {refusal}", _cure(refusal)) from error
    except (docker.errors.DockerException, requests.exceptions.RequestException, OSError) as error:
        raise EnvironmentFault(
            f"no Docker engine answers ({where}): {str(error).partition(chr(10))[0][:200]}",
            "Start it, or name another: --docker-host tcp://host:2376, --context NAME.",
        ) from error


def _by_context(name: str) -> DockerClient:
    import docker
    from docker.context import ContextAPI

    context = ContextAPI.get_context(name)
    if context is None:
        raise BadInput(f"there is no Docker context {name!r}", "List them: docker context ls.")
    return docker.DockerClient(base_url=context.Host, tls=context.TLSConfig, timeout=_LIMIT_SECONDS)


def _cure(refusal: str) -> str:
    if "CPUs" in refusal or "cpuset" in refusal.lower():
        return "Ask for CPUs that this engine's machine has."
    if "emory" in refusal:
        return "Ask for more memory, or for less than the machine has."
    return "docker ps shows whether the engine is well."
