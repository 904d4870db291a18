"""Parameters of workloads, scenarios and strategies: kind, limits, default; the check of what is given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from sys import float_info

from .errors import BadInput

# See errors.py: typing is not imported in a trial's interpreter. Dataclasses are not, either (14 ms).
TYPE_CHECKING = False
if TYPE_CHECKING:
    from .wire.spec import Scalar


class Parameter:
    """One thing that can be set, with its limits."""

    __slots__ = ("choices", "default", "kind", "maximum", "minimum", "summary", "unit")

    def __init__(
        self,
        kind: type[int | float | str | bool],
        default: Scalar,
        *,
        minimum: float | None = None,
        maximum: float | None = None,
        choices: Sequence[Scalar] = (),
        unit: str = "",
        summary: str = "",
    ) -> None:
        #: int, float, str or bool. A float also takes an integer; nothing takes a bool for a number.
        self.kind = kind
        #: Used when nothing is given; None: worked out by what it belongs to.
        self.default = default
        #: Least and greatest number that is accepted; None: no limit.
        self.minimum = minimum
        self.maximum = maximum
        #: The only values that are accepted; empty: all of the kind.
        self.choices = tuple(choices)
        #: For people and for labels: "seconds", "steps".
        self.unit = unit
        #: One line for a listing.
        self.summary = summary

    def refusal(self, value: Scalar) -> str | None:
        """Say why ``value`` cannot be used ("must be at least 1, not 0"), or None when it can."""
        if value is None and self.default is None:
            return None
        wanted = None
        if not self._is_of_kind(value):
            wanted = _KINDS[self.kind]
        elif self.choices and value not in self.choices:
            wanted = f"one of {', '.join(map(str, self.choices))}"
        elif isinstance(value, (int, float)):
            wanted = self._limit_broken_by(value)
        return None if wanted is None else f"must be {wanted}, not {value!r}"

    def _is_of_kind(self, value: Scalar) -> bool:
        if isinstance(value, bool):
            return self.kind is bool
        return isinstance(value, (int, float) if self.kind is float else self.kind)

    def _limit_broken_by(self, value: float) -> str | None:
        # Not isfinite(), which fails on an integer that no float can hold; NaN compares as false.
        if self.kind is float and not -float_info.max <= value <= float_info.max:
            return "a finite number"
        if self.minimum is not None and value < self.minimum:
            return f"at least {self.minimum:g}"
        if self.maximum is not None and value > self.maximum:
            return f"at most {self.maximum:g}"
        return None


_KINDS: dict[type, str] = {int: "an integer", float: "a number", str: "a string", bool: "true or false"}


def settle(declared: Mapping[str, Parameter], given: Mapping[str, Scalar], where: str) -> dict[str, Scalar]:
    """Give every declared parameter its value: what is given, else the default.

    ``where`` names what the parameters belong to ("workload integer_sum"). Raises :class:`BadInput`
    on a name that is not declared or a value that is refused.
    """
    for name in given:
        if name not in declared:
            raise BadInput(
                f"{where}: there is no parameter {name!r}",
                f"It has: {', '.join(declared)}." if declared else "It has none.",
            )
    settled = {}
    for name, parameter in declared.items():
        value = given.get(name, parameter.default)
        refusal = parameter.refusal(value)
        if refusal is not None:
            raise BadInput(f"{where}: {name} {refusal}", parameter.summary)
        settled[name] = float(value) if parameter.kind is float and isinstance(value, int) else value
    return settled
