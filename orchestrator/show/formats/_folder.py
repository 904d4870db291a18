"""A folder whose files each hold one thing under one constant: outputs, and kinds of charts."""

from __future__ import annotations

import pkgutil
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from parlab.workers.errors import BadInput, LabError


class OutputFault(LabError):
    """A file in a folder does not hold what it should: a bug in it."""


def _is_one(name: str) -> bool:
    """Whether a module is one of its folder's kind, not what they are made of."""
    return not name.startswith("_") and name != "base"


@dataclass(frozen=True)
class Folder:
    """Finds things by the names of their files."""

    #: "parlab.orchestrator.show.formats".
    package: str
    #: Name of the constant in each file; what it holds has a ``name``, which is the file's.
    constant: str
    #: What one of them is called: "output".
    what: str

    def names(self) -> list[str]:
        """List them by name, without importing them."""
        found = pkgutil.iter_modules(import_module(self.package).__path__)
        return sorted(module.name for module in found if _is_one(module.name))

    def load(self, name: str) -> Any:
        """Load one.

        Raises:
            BadInput: there is none of that name.
            OutputFault: its file does not hold one.
        """
        # A name comes from the command line or an address: it must not reach another module.
        names = self.names()
        if name not in names:
            raise BadInput(f"there is no {self.what} {name!r}", f"There are: {', '.join(names)}.")
        found = getattr(import_module(f"{self.package}.{name}"), self.constant, None)
        where = f"{self.package.partition('.')[2].replace('.', '/')}/{name}.py"
        if found is None:
            raise OutputFault(f"{where}: it has no constant {self.constant}", "Add it, or move the file.")
        if found.name != name:
            raise OutputFault(f"{where}: what it holds is named {found.name!r}", f"Name it {name!r}.")
        return found
