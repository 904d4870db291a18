"""A folder whose files each hold one thing under one constant: outputs, and kinds of charts."""

from __future__ import annotations

import pkgutil
from dataclasses import dataclass
from importlib import import_module
from typing import Generic, Protocol, TypeVar

from parlab.workers.errors import BadInput, LabError


class OutputFault(LabError):
    """A file in a folder does not hold what it should: a bug in it."""


class Named(Protocol):
    """What a file holds."""

    @property
    def name(self) -> str:
        """Its file's."""
        ...


T = TypeVar("T", bound=Named)


@dataclass(frozen=True)
class Folder(Generic[T]):
    """Finds things by the names of their files."""

    #: "parlab.orchestrator.show.formats".
    package: str
    #: Name of the constant in each file; what it holds has a ``name``, which is the file's.
    constant: str
    #: What one of them is called: "output".
    what: str

    def names(self) -> list[str]:
        """List them by name, without importing them."""
        modules = pkgutil.iter_modules(import_module(self.package).__path__)
        # What they are made of lies beside them.
        return sorted(m.name for m in modules if not m.name.startswith("_") and m.name != "base")

    def load(self, name: str) -> T:
        """Load one.

        Raises:
            BadInput: there is none of that name.
            OutputFault: its file does not hold one.
        """
        # A name comes from the command line or an address: it must not reach another module.
        names = self.names()
        if name not in names:
            raise BadInput(f"there is no {self.what} {name!r}", f"There are: {', '.join(names)}.")
        entry: T | None = getattr(import_module(f"{self.package}.{name}"), self.constant, None)
        where = f"{self.package.partition('.')[2].replace('.', '/')}/{name}.py"
        if entry is None:
            raise OutputFault(f"{where}: it has no constant {self.constant}", "Add it, or move the file.")
        if entry.name != name:
            raise OutputFault(f"{where}: what it holds is named {entry.name!r}", f"Name it {name!r}.")
        return entry
