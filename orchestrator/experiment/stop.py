"""The [stop] table, and the command line's stop options: read, each fault noted."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, cast

from parlab.orchestrator.experiment import quantities
from parlab.orchestrator.experiment.model import Goal, Rule, Stop
from parlab.orchestrator.experiment.reader import TableReader
from parlab.orchestrator.figures import counted
from parlab.orchestrator.statistics.inference import sequential_rank

_KEYS = (
    *("rule", "precision", "budget", "budget_per", "blocks", "margin", "alpha"),
    *("until", "goal", "max_memory"),
)


def read_stop(
    reader: TableReader, table: Mapping[str, Any], base: Stop, called: Callable[[str], str]
) -> Stop:
    """Read a stop rule over what it was before; faults are noted with ``reader``.

    Args:
        reader: notes the problems.
        table: as the document, or the command line, has it.
        base: what holds where the table says nothing.
        called: gives a key's name in messages.
    """
    reader.unknown(table, _KEYS, "stop")
    rule = _word(reader, table, "rule", called, ("sequential", "fixed"), base.rule)
    # A budget without a word of what it is for is the run's.
    per = "run" if "budget" in table else base.budget_per
    per = cast('Literal["run", "build"]', _word(reader, table, "budget_per", called, ("run", "build"), per))
    until = _word(reader, table, "until", called, ("verdicts", "best"), base.until)
    if rule == "fixed" and until == "best":
        reader.problem(called("until"), '"best" stops early, and rule fixed does not: leave one of them out')
    goal = _word(reader, table, "goal", called, ("throughput", "latency", "memory"), base.goal)
    blocks = reader.integer(table, "blocks", called("blocks"), (1, 100_000), base.blocks)
    alpha = reader.number(table, "alpha", called("alpha"), quantities.ratio, base.alpha)
    if rule == "fixed" and blocks is None:
        reader.problem(called("blocks"), "rule fixed needs a number of blocks: blocks = 20")
    if rule == "sequential" and blocks is not None and sequential_rank(blocks, alpha) == 0:
        least = next(n for n in itertools.count(blocks) if sequential_rank(n, alpha) > 0)
        reader.problem(
            called("blocks"),
            f"{counted(blocks, 'block')} cannot give a verdict at {alpha:.3g}: rule sequential needs at "
            f"least {least}",
        )
    return Stop(
        rule=cast("Rule", rule),
        precision=reader.number(table, "precision", called("precision"), quantities.ratio, base.precision),
        budget_seconds=reader.number(
            table, "budget", called("budget"), quantities.seconds, base.budget_seconds
        ),
        budget_per=per,
        blocks=blocks,
        margin=reader.number(table, "margin", called("margin"), quantities.ratio, base.margin),
        alpha=alpha,
        until=cast('Literal["verdicts", "best"]', until),
        goal=cast("Goal", goal),
        memory_limit_bytes=_memory(reader, table, called("max_memory"), base.memory_limit_bytes),
    )


def _word(
    reader: TableReader,
    table: Mapping[str, Any],
    key: str,
    called: Callable[[str], str],
    words: Sequence[str],
    default: str,
) -> str:
    word = table.get(key, default)
    if word in words:
        return str(word)
    quoted = [f'"{allowed}"' for allowed in words]
    reader.problem(called(key), f"{word!r}: it must be {', '.join(quoted[:-1])} or {quoted[-1]}")
    return default


def _memory(reader: TableReader, table: Mapping[str, Any], called: str, default: int | None) -> int | None:
    if "max_memory" not in table:
        return default
    try:
        return quantities.memory_bytes(str(table["max_memory"]))
    except ValueError as error:
        reader.problem(called, str(error))
        return default
