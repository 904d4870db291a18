"""Place of a user's own function on one node: its folders, and the variables that it may see."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from ..errors import SpecRefused
from ..wire.spec import OwnFunction

#: What an allow list says when anything may be run: a one-machine run's user runs their own code.
ANYTHING = "*"
#: Settings of parlab's own, among them keys and passwords, are never a function's to see.
_RESERVED = "PARLAB_"


@dataclass(frozen=True)
class FunctionPlace:
    """What an interpreter for a user's own function gets besides its site."""

    #: Folders with the user's modules, before the standard library's, as a script's folder is.
    paths: tuple[str, ...] = ()
    #: Variables that the function was said to need, by name.
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)


def place_of(
    function: OwnFunction, paths: Sequence[str], environ: Mapping[str, str], where: str
) -> FunctionPlace:
    """Give a function its place on a node.

    Raises:
        SpecRefused: it asks for a variable that holds a setting of parlab's.
    """
    for name in function.environment:
        if name.startswith(_RESERVED):
            raise SpecRefused(
                f"{function.function} asks for {name} on {where}: parlab's own settings are not passed on",
                "Leave it out of the workload's environment.",
            )
    return FunctionPlace(
        tuple(paths), {name: environ[name] for name in function.environment if name in environ}
    )


def not_allowed(function: OwnFunction, allow: Collection[str]) -> str | None:
    """Give the first module of a function that an allow list does not name; None where all may run.

    A name on the list allows the module and all below it: "shop" allows "shop.images".
    """
    if ANYTHING in allow:
        return None
    for module in function.modules():
        if not any(module == name or module.startswith(f"{name}.") for name in allow):
            return module
    return None
