"""Extras of pyproject.toml: modules that are installed only where somebody asked for them."""

from __future__ import annotations

from importlib.util import find_spec

from parlab.workers.errors import EnvironmentFault

#: Modules that the extra "lab" brings.
_LAB = ("fastapi", "uvicorn", "pydantic", "prometheus_client", "docker", "httpx", "cryptography", "jinja2")
_PARQUET = ("pyarrow",)
#: What draws charts, and what the report is written with; the lab's pages use the last one, too.
_REPORT = ("altair", "vl_convert", "jinja2")


def missing_extra(error: ModuleNotFoundError) -> EnvironmentFault | None:
    """Say which extra a module that is not there belongs to; None: it is none's, and a bug."""
    module = (error.name or "").partition(".")[0]
    for extra, modules, who in (
        ("lab", _LAB, "a lab's commands need"),
        ("parquet", _PARQUET, "parquet needs"),
        ("report", _REPORT, "a report needs"),
    ):
        if module in modules:
            return _missing(extra, who, module)
    return None


def missing_for_report() -> EnvironmentFault | None:
    """Say what a report lacks here, without loading anything of it; None where it can be made."""
    module = next((name for name in _REPORT if find_spec(name) is None), None)
    return None if module is None else _missing("report", "a report needs", module)


def _missing(extra: str, who: str, module: str) -> EnvironmentFault:
    return EnvironmentFault(
        f"{who} {module}, which is not installed",
        f"Install what is missing: pip install 'parlab[{extra}]'; in a checkout "
        f".venv/bin/pip install -c constraints.txt -e '.[{extra}]'.",
    )
