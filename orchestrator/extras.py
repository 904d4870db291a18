"""What is installed only where somebody asked for it: the extras of pyproject.toml."""

from __future__ import annotations

from workers.errors import EnvironmentFault

#: Modules that the extra "lab" brings.
_LAB = ("fastapi", "uvicorn", "pydantic", "prometheus_client", "docker", "httpx", "cryptography")
_PARQUET = ("pyarrow",)


def missing_extra(error: ModuleNotFoundError) -> EnvironmentFault | None:
    """Say which extra a module that is not there belongs to; None: it is none's, and a bug."""
    module = (error.name or "").partition(".")[0]
    for extra, modules, who in (
        ("lab", _LAB, "a lab's commands need"),
        ("parquet", _PARQUET, "parquet needs"),
    ):
        if module in modules:
            return EnvironmentFault(
                f"{who} {module}, which is not installed",
                f"Install what is missing: pip install 'parlab[{extra}]'; in a checkout "
                f".venv/bin/pip install -c constraints.txt -e '.[{extra}]'.",
            )
    return None
