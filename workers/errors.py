"""The one error tree: what went wrong, where, and the cure.

Nothing a user can cause ends in a traceback. A ``LabError`` carries a sentence that says what and
where, a hint that says what to do about it, and the exit code of the command it ends.
"""

from __future__ import annotations

# Not from typing import TYPE_CHECKING: a trial's interpreter imports this module, and typing costs it 5 ms.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import ClassVar, Literal

    Cause = Literal["raised", "wrong-result", "unavailable", "pool-broken", "internal"]


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


#: A traceback or message may carry a user's data of any size; their ends say most.
_TRACEBACK_CHARACTERS = 16_384

_MESSAGE_CHARACTERS = 1_000


class TrialFault(Exception):
    """Why a trial cannot go on."""

    def __init__(self, cause: Cause, message: str, error: BaseException | None = None) -> None:
        super().__init__(message)
        self.cause = cause
        self.message = shortened(message, _MESSAGE_CHARACTERS)
        self.traceback = None if error is None else _traceback_of(error)

    def answer(self) -> dict[str, dict[str, str | None]]:
        """Give it as the answer to a command."""
        return {"error": {"cause": self.cause, "message": self.message, "traceback": self.traceback}}


def named(error: BaseException) -> str:
    """Say an exception in one line: "ValueError: no such thing"."""
    from traceback import format_exception_only

    return shortened("".join(format_exception_only(error)).strip(), _MESSAGE_CHARACTERS)


def shortened(text: str, limit: int) -> str:
    """Cut ``text`` to ``limit`` characters and say so."""
    return text if len(text) <= limit else f"{text[:limit]}… ({len(text)} characters)"


def _traceback_of(error: BaseException) -> str:
    from traceback import format_exception

    text = "".join(format_exception(error))
    return text if len(text) <= _TRACEBACK_CHARACTERS else f"…{text[-_TRACEBACK_CHARACTERS:]}"
