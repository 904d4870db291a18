"""The one error tree: what went wrong, where, and the cure.

Nothing a user can cause ends in a traceback. A ``LabError`` carries a sentence that says what and
where, a hint that says what to do about it, and the exit code of the command it ends.
"""

from __future__ import annotations

# Not from typing import TYPE_CHECKING: a trial's interpreter imports this module, and typing costs it 5 ms.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import ClassVar


class LabError(Exception):
    """What went wrong (and where), with its cure.

    ``message`` names what and where: file, key, node or trial. ``hint`` is the cure, a sentence in
    the imperative. ``exit_code`` is what the command ends with (``docs/exit-codes.md``).
    """

    exit_code: ClassVar[int] = 70

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n  {self.hint}" if self.hint else self.message


class ConfigurationFailed(LabError):
    """A workload failed under a configuration; what was measured besides is kept."""

    exit_code = 1


class BadInput(LabError):
    """An argument, an experiment file or a setting cannot be used."""

    exit_code = 2


class EnvironmentFault(LabError):
    """The surroundings are not up to it: server, node, interpreter, disk."""

    exit_code = 3


class ServerUnreachable(EnvironmentFault):
    """The Redis server does not answer, or refuses the password."""


class ServerRefuses(ServerUnreachable):
    """It is there, and waiting does not help: another password, another certificate."""


class InterpreterUnusable(EnvironmentFault):
    """A trial interpreter is missing, too old, or not a Python."""


class StorageFull(EnvironmentFault):
    """The disk or volume that results are stored on is full."""


class SpecRefused(LabError):
    """A spec or result whose signature, schema version or content is not acceptable."""

    exit_code = 3


class NotReadable(LabError):
    """A probe's value that cannot be read here; the message is the reason that is shown."""
