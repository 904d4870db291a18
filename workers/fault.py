"""What ends a trial early, as its guardian is told: cause, message, traceback."""

from __future__ import annotations

# See errors.py: typing is not imported in a trial's interpreter.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    Cause = Literal["raised", "wrong-result", "unavailable", "pool-broken", "internal"]

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
