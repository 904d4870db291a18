"""Warnings that a reader needs before any figure: few blocks, a disturbed host, uneven rejections."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from math import comb

from parlab.orchestrator.analysis.findings.run import ConfigurationFinding, GroupFinding, RunFinding
from parlab.orchestrator.figures import counted

#: Blocks before which no sequential interval at 5 % is finite.
LEAST_BLOCKS = 7
#: A block sd of the log ratio above this makes every interval wide.
HIGH_BLOCK_SD = 0.15
#: An autocorrelation so many standard errors from 0 is not chance.
AUTOCORRELATION_ERRORS = 3.0
#: Rejections and losses are selective where chance gives one configuration so many more of them, or so
#: many fewer, in less than this share of groups.
SELECTIVE_LEVEL = 0.01
#: A cause that took so many trials of a run, and such a share of them, is told of with what cures it.
COSTLY_COUNT = 3
COSTLY_SHARE = 0.2
#: What each cause is, and what can be done about it. Their trials say it with figures.
_CURES = {
    "load": "other programs kept the CPUs busy: stop them, or measure when they have ended",
    "other-measurement": "another measurement ran on the host: let one end before the other starts",
    "steal": "other virtual machines took CPU time: use another time or machine",
    "throttled": "something else in the control group used up its quota: give the node a group of its own",
    "clock": "the machine was suspended, or its clock was set: keep it awake",
    "disturbed": "another trial kept working during their rounds: leave out what failed as not idle",
    "died": "their processes were killed: see the memory limit, and what else ends processes there",
}


def warnings(finding: RunFinding) -> tuple[str, ...]:
    """List what limits the findings, each with its figure and what to do about it."""
    # Of what claims are about, they say themselves how many blocks there are, and what is not known.
    claimed = {group for claim in finding.claims for cell in claim.cells for group in cell.groups}
    of_groups: list[str] = []
    for group in finding.groups:
        if group.group not in claimed:
            of_groups += [*_few_blocks(group), *_noise(group)]
        of_groups += _of_group(group)
    noise = _noise_of_claims([g for g in finding.groups if g.group in claimed])
    return (*_costly(finding), *noise, *of_groups)


def _costly(finding: RunFinding) -> Iterator[str]:
    """Say what takes a large part of a run's trials: without a word it would only seem to be slow."""
    rows = [row for group in finding.groups for row in group.configurations]
    trials = sum(_counted(row) + _not_counted(row) for row in rows)
    causes = sum((Counter(row.causes) for row in rows), Counter[str]())
    for cause, count in causes.most_common():
        if cause in _CURES and count >= COSTLY_COUNT and count >= COSTLY_SHARE * trials:
            yield (
                f"{count} of {trials} trials do not count ({cause}) and are measured again: {_CURES[cause]}."
            )


def _noise_of_claims(groups: Sequence[GroupFinding]) -> Iterator[str]:
    """Say once of many groups what would be said of each."""
    sds = [sd for group in groups if (sd := _block_sd(group)) > HIGH_BLOCK_SD]
    if sds:
        yield (
            f"in {len(sds)} of {counted(len(groups), 'condition')}, ratios vary by more than "
            f"{HIGH_BLOCK_SD:.0%} "
            f"from block to block, and by up to {max(sds):.0%}. The machine is noisy: stop other programs, "
            "see parlab doctor, or give the run more time."
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
            f"{group.label}: ratios vary by {sd:.0%} from block to block (more than {HIGH_BLOCK_SD:.0%} "
            "is a lot). "
            "The machine is noisy: stop other programs, see parlab doctor, or give the run more time."
        )


def _few_blocks(group: GroupFinding) -> Iterator[str]:
    if 0 < group.blocks < LEAST_BLOCKS and any(row.comparison for row in group.configurations):
        blocks = counted(group.blocks, "block")
        yield f"{group.label}: {blocks} so far; a verdict at 5 % takes at least {LEAST_BLOCKS}."


def _of_group(group: GroupFinding) -> Iterator[str]:
    comparisons = [(row, row.comparison) for row in group.configurations if row.comparison is not None]
    for row, comparison in comparisons:
        if comparison.autocorrelation is None:
            continue
        value, error = comparison.autocorrelation
        if abs(value) > AUTOCORRELATION_ERRORS * error:
            yield (
                f"{group.label}, {row.label}: successive blocks are not independent (autocorrelation "
                f"{value:.2f} ± {error:.2f}), so the stated error rate may not hold."
            )
    yield from _selective(group)


def _selective(group: GroupFinding) -> Iterator[str]:
    """Say which configurations' trials count less often, or more often, than chance explains."""
    rows = [row for row in group.configurations if _counted(row) + _not_counted(row)]
    lost, kept = sum(map(_not_counted, rows)), sum(map(_counted, rows))
    uneven = []
    for row in rows:
        own_lost, own_kept = _not_counted(row), _counted(row)
        p_value = fisher_p(own_lost, own_kept, lost - own_lost, kept - own_kept)
        # As many looks as there are rows.
        if p_value * len(rows) >= SELECTIVE_LEVEL:
            continue
        causes = ", ".join(f"{cause} {count}" for cause, count in sorted(row.causes.items()))
        of = f"{own_lost} of {own_lost + own_kept} trials of {row.label} do not count"
        uneven.append(of + (f" ({causes})" if own_lost and causes else ""))
    if uneven:
        yield (
            f"{group.label}: rejections are uneven: {'; '.join(uneven)}; of all configurations together, "
            f"{lost} of {lost + kept}. Chance alone does not explain this: the trials that are left may "
            "not be typical."
        )


def fisher_p(lost: int, kept: int, others_lost: int, others_kept: int) -> float:
    """Give the two-sided p value of Fisher's exact test of a two by two table.

    Whether so many of these were lost, and so many of the others, if all were alike: the sum of the
    hypergeometric probabilities of all tables with these margins that are no likelier than this one.
    (Trials that one cause rejects together make the shares more alike than this assumes: fewer warnings.)
    """
    these, all_lost, total = lost + kept, lost + others_lost, lost + kept + others_lost + others_kept
    ways = [
        comb(all_lost, k) * comb(total - all_lost, these - k)
        for k in range(max(0, these - (total - all_lost)), min(these, all_lost) + 1)
    ]
    own = comb(all_lost, lost) * comb(total - all_lost, kept)
    # In whole numbers: likelihoods that are equal stay so.
    return sum(way for way in ways if way <= own) / sum(ways)


def _counted(row: ConfigurationFinding) -> int:
    return row.outcomes.get("measured", 0)


def _not_counted(row: ConfigurationFinding) -> int:
    return row.outcomes.get("rejected", 0) + row.outcomes.get("lost", 0)
