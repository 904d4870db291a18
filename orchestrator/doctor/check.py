"""One finding of the doctor, and how a check that fails itself is told."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from parlab.workers.errors import LabError

#: ok: nothing to do. warn: it can be measured, with care. problem: a run would not work.
Status = Literal["ok", "warn", "problem"]


@dataclass(frozen=True)
class Check:
    """One thing that was looked at."""

    name: str
    status: Status
    #: What was found, with figures.
    finding: str
    #: What to do about it; empty where there is nothing to do.
    cure: str = ""


def unless(bad: bool, name: str, finding: str, cure: str, status: Status = "warn") -> Check:  # noqa: FBT001 - reads so
    """Give what is ok unless it is ``bad``: then there is a cure to name."""
    return Check(name, status, finding, cure) if bad else Check(name, "ok", finding)


def carefully(check: Callable[[], Iterable[Check]]) -> list[Check]:
    """Make one check; what it cannot read is a finding, not the end of the others."""
    try:
        return list(check())
    except LabError as error:
        return [Check(_name(check), "problem", error.message, error.hint)]
    except OSError as error:
        return [Check(_name(check), "warn", f"could not be checked: {error}")]


def _name(check: Callable[[], Iterable[Check]]) -> str:
    function = getattr(check, "func", check)
    return str(getattr(function, "__name__", "check")).strip("_").replace("_", " ")
