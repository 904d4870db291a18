"""What a reader must know before any figure: few blocks, a disturbed host, selective rejections."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .findings import ConfigurationFinding, GroupFinding, RunFinding

#: Blocks before which no sequential interval at 5 % is finite.
LEAST_BLOCKS = 7
#: A block sd of the log ratio above this makes every interval wide.
HIGH_BLOCK_SD = 0.15
#: An autocorrelation so many standard errors from 0 is not chance.
AUTOCORRELATION_ERRORS = 3.0
#: Rejections and losses are selective when one configuration's share exceeds another's by so much, and …
SELECTIVE_SHARE = 0.2
#: … there are so many of them.
SELECTIVE_COUNT = 3


def warnings(finding: RunFinding) -> tuple[str, ...]:
    """List what limits the findings, each with its figure and what to do about it."""
    # Of what claims are about, they say themselves how many blocks there are, and what is not known.
    claimed = {group for claim in finding.claims for cell in claim.cells for group in cell.groups}
    found: list[str] = []
    for group in finding.groups:
        if group.group not in claimed:
            found += [*_few_blocks(group), *_noise(group)]
        found += _of_group(group)
    return (*_noise_of_claims([g for g in finding.groups if g.group in claimed]), *found)


def _noise_of_claims(groups: Sequence[GroupFinding]) -> Iterator[str]:
    """Say once of many groups what would be said of each."""
    sds = [sd for group in groups if (sd := _block_sd(group)) > HIGH_BLOCK_SD]
    if sds:
        yield (
            f"in {len(sds)} of {len(groups)} conditions ratios vary by more than {HIGH_BLOCK_SD:.0%} from "
            f"block to block, at most by {max(sds):.0%}: the machine is noisy; stop other programs, see "
            "parlab doctor, or give the run more time."
        )


def _block_sd(group: GroupFinding) -> float:
    """Give the largest block sd of a group's comparisons with blocks enough to tell; 0: none has."""
    comparisons = [row.comparison for row in group.configurations if row.comparison is not None]
    return max(
        (
            c.block_sd or 0.0
            for c in comparisons
            if c.speed_up is not None and c.speed_up.blocks >= LEAST_BLOCKS
        ),
        default=0.0,
    )


def _noise(group: GroupFinding) -> Iterator[str]:
    sd = _block_sd(group)
    if sd > HIGH_BLOCK_SD:
        yield (
            f"{group.label}: ratios vary by {sd:.0%} from block to block, and {HIGH_BLOCK_SD:.0%} is "
            "much: the machine is noisy; stop other programs, see parlab doctor, or give the run more time."
        )


def _few_blocks(group: GroupFinding) -> Iterator[str]:
    if 0 < group.blocks < LEAST_BLOCKS and any(row.comparison for row in group.configurations):
        blocks = f"{group.blocks} block{'' if group.blocks == 1 else 's'}"
        yield f"{group.label}: {blocks} so far; before {LEAST_BLOCKS} there is no verdict at 5 %."


def _of_group(group: GroupFinding) -> Iterator[str]:
    comparisons = [(row, row.comparison) for row in group.configurations if row.comparison is not None]
    for row, comparison in comparisons:
        if comparison.autocorrelation is None:
            continue
        value, error = comparison.autocorrelation
        if abs(value) > AUTOCORRELATION_ERRORS * error:
            yield (
                f"{group.label}, {row.label}: successive blocks are not independent (autocorrelation "
                f"{value:.2f} ± {error:.2f}): its stated error rate may not hold."
            )
    yield from _selective(group)


def _selective(group: GroupFinding) -> Iterator[str]:
    shares = [(_share_not_counted(row), row) for row in group.configurations if sum(row.outcomes.values())]
    if not shares:
        return
    most, row = max(shares, key=lambda pair: pair[0])
    least, other = min(shares, key=lambda pair: pair[0])
    if _not_counted(row) >= SELECTIVE_COUNT and most - least > SELECTIVE_SHARE:
        causes = ", ".join(f"{cause} {count}" for cause, count in sorted(row.causes.items()))
        yield (
            f"{group.label}: {_not_counted(row)} of {sum(row.outcomes.values())} trials of {row.label} "
            f"do not count ({causes}), and {_not_counted(other)} of {sum(other.outcomes.values())} of "
            f"{other.label}: what is left may not be typical."
        )


def _not_counted(row: ConfigurationFinding) -> int:
    return row.outcomes.get("rejected", 0) + row.outcomes.get("lost", 0)


def _share_not_counted(row: ConfigurationFinding) -> float:
    return _not_counted(row) / sum(row.outcomes.values())
