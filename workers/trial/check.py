"""Check of a round's results: by the workload's own check, or by the serial results' digests."""

from __future__ import annotations

import marshal
from collections.abc import Mapping, Sequence

from ..errors import TrialFault, named, shortened
from ..wire.digest import NotDigestible, combine, digest

# See errors.py: typing is not imported in a trial's interpreter.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..wire.spec import Scalar
    from ..workloads.base import Workload

#: Digests kept one by one, so that the task whose result is wrong can be named.
_HEADS = 64

#: Types of which equal bytes of ``marshal`` mean equal values, in its version 2 (no references).
_PLAIN = frozenset({type(None), bool, int, float, complex, str, bytes})
_MARSHAL_VERSION = 2


class SerialDigests:
    """What the tasks give when they are run serially; ``wire.spec.Expected`` without dataclasses."""

    __slots__ = ("combined", "heads")

    def __init__(self, combined: str, heads: Sequence[str]) -> None:
        self.combined = combined
        self.heads = tuple(heads)

    @classmethod
    def of(cls, digests: Sequence[str]) -> SerialDigests:
        """Make it of all tasks' digests, in task order."""
        return cls(combine(digests), digests[:_HEADS])

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> SerialDigests:
        """Make it of its JSON form."""
        return cls(plain["combined"], plain["heads"])

    def to_plain(self) -> dict[str, Any]:
        """Give its JSON form."""
        return {"combined": self.combined, "heads": list(self.heads)}


class Checker:
    """Checks the results of each round of one trial."""

    def __init__(self, workload: Workload, items: Sequence[Any], expected: SerialDigests | None) -> None:
        self._workload = workload
        self._items = items
        self._expected = expected
        self._known_good: bytes | None = None

    def check(self, results: list[Any]) -> None:
        """Raise :class:`TrialFault` (wrong-result, with the task's index) unless all results are right."""
        if len(results) != len(self._items):
            raise TrialFault(
                "wrong-result",
                f"{_counted(len(self._items), 'task')} gave {_counted(len(results), 'result')}",
            )
        if self._workload.check is not None:
            for index, (item, result) in enumerate(zip(self._items, results, strict=True)):
                self._check_one(index, item, result)
        else:
            self._compare(results)

    def _check_one(self, index: int, item: Any, result: Any) -> None:
        assert self._workload.check is not None
        try:
            right = self._workload.check(item, result)
        except BaseException as error:
            raise TrialFault("raised", f"the check of task {index} raised {named(error)}", error) from error
        if not right:
            raise TrialFault(
                "wrong-result",
                f"task {index} of {len(self._items)} gave {_shown(result)}, which "
                "the workload's check refuses",
            )

    def _compare(self, results: list[Any]) -> None:
        assert self._expected is not None
        plain = marshal.dumps(results, _MARSHAL_VERSION) if set(map(type, results)) <= _PLAIN else None
        # The digests of ten thousand small results take as long as a round; equal bytes need none.
        if plain is not None and plain == self._known_good:
            return
        digests = [digest_of(result, index) for index, result in enumerate(results)]
        if combine(digests) == self._expected.combined:
            self._known_good = plain
            return
        index = self._first_wrong(digests)
        if index is None:
            raise TrialFault(
                "wrong-result",
                f"a task after the first {len(self._expected.heads)} of "
                f"{len(self._items)} gave a result that differs from its serial one",
            )
        raise TrialFault(
            "wrong-result",
            f"task {index} of {len(self._items)} gave {_shown(results[index])}, "
            "which differs from its serial result",
        )

    def _first_wrong(self, digests: list[str]) -> int | None:
        assert self._expected is not None
        for index, (seen, right) in enumerate(zip(digests, self._expected.heads, strict=False)):
            if seen != right:
                return index
        for index in range(len(self._expected.heads), len(digests)):
            if digest_of(self._workload.function(self._items[index]), index) != digests[index]:
                return index
        return None


def inputs_of(workload: Workload, parameters: Mapping[str, Scalar], tasks: int) -> list[Any]:
    """Make the items of so many tasks; raises :class:`TrialFault` when the workload does not."""
    try:
        items = workload.inputs(parameters, tasks)
    except BaseException as error:
        raise TrialFault("raised", f"the inputs of {workload.name} raised {named(error)}", error) from error
    if len(items) != tasks:
        raise TrialFault(
            "raised", f"{workload.name} gave {_counted(len(items), 'input')} where {tasks} were requested"
        )
    return items


def digest_of(result: object, index: int) -> str:
    """Give the digest of a task's result; raises :class:`TrialFault` when it can have none."""
    try:
        return digest(result)
    except NotDigestible as error:
        raise TrialFault("wrong-result", f"task {index}: {error.message}. {error.hint}") from error


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'s' * (count != 1)}"


def _shown(result: object) -> str:
    try:
        return shortened(repr(result), 100)
    except Exception as error:  # noqa: BLE001 - a user's __repr__ may raise anything; the result is wrong anyway
        return f"a {type(result).__name__} whose repr raised {type(error).__name__}"
