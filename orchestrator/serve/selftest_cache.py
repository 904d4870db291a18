"""The newest self-test of every node and build, worked out once: when its run has ended."""

from __future__ import annotations

from collections.abc import Collection

from parlab.orchestrator.analysis.selftest.judged import found_in, is_self_test
from parlab.orchestrator.serve.snapshot import SelfTestSnapshot
from parlab.orchestrator.store.facade import Store
from parlab.orchestrator.store.records import RunRecord

#: Of so many runs, the newest, it is looked whether they are self-tests: each of them is read once.
_LOOKED_AT = 500
#: Self-tests, the newest, whose figures are exported: nodes that were measured long ago drop out.
_MOST_RUNS = 32

#: What a run that was taken further has changed.
_Version = tuple[str, float]


class SelfTestShelf:
    """Keeps what self-tests found. Used by one thread."""

    def __init__(self) -> None:
        """Begin with none."""
        self._others: set[str] = set()
        self._found: dict[str, tuple[_Version, tuple[SelfTestSnapshot, ...]]] = {}
        self._latest: tuple[SelfTestSnapshot, ...] = ()
        self._read: tuple[object, ...] = ()

    def read(self, store: Store, active: Collection[str]) -> tuple[SelfTestSnapshot, ...]:
        """Give the newest of each node and build; the same object while nothing changed.

        ``active`` are the runs that are measured now: they are looked at when they have ended.
        """
        there = store.run_ids()[-_LOOKED_AT:]
        self._others.intersection_update(there)
        records: list[RunRecord] = []
        for name in reversed(there):
            if name in self._others or len(records) == _MOST_RUNS:
                continue
            record = store.run(name)
            if is_self_test(record.experiment):
                records.append(record)
            else:
                self._others.add(name)
        ended = [record for record in records if record.id not in active and record.state != "running"]
        read = tuple((record.id, _version(record)) for record in ended)
        if read == self._read:
            return self._latest
        kept = {record.id: self._of(store, record) for record in ended}
        self._found, self._read = kept, read
        newest: dict[tuple[str, str, str | None], SelfTestSnapshot] = {}
        for _, snapshots in kept.values():
            for one in snapshots:
                newest.setdefault((one.finding.node, one.finding.python, one.finding.gil), one)
        self._latest = tuple(newest.values())
        return self._latest

    def _of(self, store: Store, record: RunRecord) -> tuple[_Version, tuple[SelfTestSnapshot, ...]]:
        before = self._found.get(record.id)
        if before is not None and before[0] == _version(record):
            return before
        found = found_in(store, record.id)
        return _version(record), tuple(
            SelfTestSnapshot(record.id, record.created_unix_seconds, finding)
            for finding in found
            # One that was stopped before its first block is no newer knowledge.
            if finding.trials
        )


def _version(record: RunRecord) -> _Version:
    return record.state, record.running_seconds
