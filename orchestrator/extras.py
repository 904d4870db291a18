"""What is installed only where somebody asked for it: the extras of pyproject.toml."""

from __future__ import annotations

from workers.errors import EnvironmentFault

#: Modules that the extra "lab" brings.
_LAB = ("fastapi", "uvicorn", "pydantic", "prometheus_client", "docker", "httpx", "cryptography")


def missing_extra(error: ModuleNotFoundError) -> EnvironmentFault | None:
    """Say which extra a module that is not there belongs to; None: it is none's, and a bug."""
    module = (error.name or "").partition(".")[0]
    if module not in _LAB:
        return None
    return EnvironmentFault(
        f"a lab's commands need {module}, which is not installed",
        "Install what they need: pip install 'parlab[lab]'; in a checkout "
        ".venv/bin/pip install -c constraints.txt -e '.[lab]'.",
    )
