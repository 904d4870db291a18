"""Sittings and trials in the store: what was sent, what came back, what was given up."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from types import MappingProxyType

from parlab.orchestrator.store.database import Database
from parlab.orchestrator.store.observation import Observation
from parlab.orchestrator.store.records import Attempt, Receipt, StoredSitting, StoredTrial, VoidedBlock
from parlab.orchestrator.store.writing import note, storable, take_in, void_block
from parlab.workers.clock import Clock
from parlab.workers.errors import LabError
from parlab.workers.wire.result import SittingResult, TrialResult

_ATTEMPT = (
    "sitting, attempt, group_id, block, node, job_id, dispatched_unix_seconds, state, ended_unix_seconds,"
    " lost_reason"
)

_OWN_FAULT = "This is a bug in parlab: please report it."
_PAGE_TRIALS = 500


class Sittings:
    """Sittings, their attempts, and their trials (a part of :class:`Store`, which says what is raised)."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def dispatched(
        self,
        run: str,
        sitting: str,
        attempt: int,
        group: str,
        block: int | None,
        node: str,
        job_id: str,
        unix_seconds: float,
        members: Sequence[str] | None = None,
    ) -> None:
        """Note that an attempt is being sent. Call it before sending: results of unknown ones are refused.

        ``block`` is None for a calibration. ``members`` are the configurations that its block holds; None:
        all of its group. The same call again changes nothing; with another
        group, block, node or job it raises :class:`LabError`.
        """
        with self._database.writing() as connection:
            row = connection.execute(
                "SELECT group_id, block, node, job_id FROM sittings"
                " WHERE run = ? AND sitting = ? AND attempt = ?",
                (run, sitting, attempt),
            ).fetchone()
            if row is None:
                connection.execute(
                    "INSERT INTO sittings (run, sitting, attempt, group_id, block, node, job_id,"
                    " dispatched_unix_seconds) VALUES (?,?,?,?,?,?,?,?)",
                    (run, sitting, attempt, group, block, node, job_id, unix_seconds),
                )
                if members is not None:
                    connection.execute(
                        "INSERT INTO block_members (run, group_id, block, configurations) VALUES (?,?,?,?)"
                        " ON CONFLICT DO NOTHING",
                        (run, group, block, " ".join(members)),
                    )
            elif row != (group, block, node, job_id):
                raise LabError(
                    f"run {run}: attempt {attempt} of {sitting} was sent to {row[2]} as {row[3]} before",
                    _OWN_FAULT,
                )

    def record(self, result: SittingResult) -> Receipt:
        """Store a sitting's result with all its trials and its calibration, or nothing of it.

        True where this call stored it. False, changing nothing, where it is stored already or
        another attempt of its sitting counts ("duplicate"), or where no such attempt was sent to
        that node ("refused"; noted among the events). A late result of an attempt that was given up
        counts like any other.
        """
        with self._database.writing() as connection:
            return take_in(connection, result, self._clock.unix_seconds())

    def lost(self, run: str, sitting: str, attempt: int, reason: str) -> bool:
        """Give an open attempt up, noted among the events; False where it is not open (any more)."""
        now = self._clock.unix_seconds()
        with self._database.writing() as connection:
            changed = connection.execute(
                "UPDATE sittings SET state = 'lost', ended_unix_seconds = ?, lost_reason = ?"
                " WHERE run = ? AND sitting = ? AND attempt = ? AND state = 'open'",
                (now, storable(reason), run, sitting, attempt),
            ).rowcount
            if changed:
                note(connection, run, "sitting-lost", f"{sitting}, attempt {attempt}: {reason}", now)
            return bool(changed)

    def open(self, run: str) -> list[Attempt]:
        """Attempts that a result is awaited from: sent, not given up, and none of their sitting counts."""
        return self._attempts(
            "WHERE run = ? AND state = 'open' AND NOT EXISTS (SELECT 1 FROM sittings AS other WHERE"
            " other.run = sittings.run AND other.sitting = sittings.sitting AND other.state = 'accepted')"
            " ORDER BY dispatched_unix_seconds, sitting, attempt",
            run,
        )

    def attempts(self, run: str, sitting: str) -> list[Attempt]:
        """All attempts of a sitting, first to last."""
        return self._attempts("WHERE run = ? AND sitting = ? ORDER BY attempt", run, sitting)

    def group_of(self, run: str, sitting: str) -> str:
        """Group of a sitting that was sent; :class:`LabError` for another."""
        rows = self._database.rows(
            "SELECT group_id FROM sittings WHERE run = ? AND sitting = ? LIMIT 1", run, sitting
        )
        if not rows:
            raise LabError(f"run {run}: no sitting {sitting} was sent", _OWN_FAULT)
        group: str = rows[0][0]
        return group

    def accepted(self, run: str) -> set[str]:
        """Ids of the sittings whose trials count."""
        query = "SELECT sitting FROM sittings WHERE run = ? AND state = 'accepted'"
        return {sitting for (sitting,) in self._database.rows(query, run)}

    def blocks_begun(self, run: str) -> dict[str, int]:
        """Number of blocks of which a sitting was sent, by group; groups without one are absent."""
        query = (
            "SELECT group_id, max(block) + 1 FROM sittings"
            " WHERE run = ? AND block IS NOT NULL GROUP BY group_id"
        )
        return dict(self._database.rows(query, run))

    def block_members(self, run: str) -> dict[tuple[str, int], tuple[str, ...]]:
        """Configurations of each block, by (group, block), that does not hold all of its group."""
        query = "SELECT group_id, block, configurations FROM block_members WHERE run = ?"
        rows = self._database.rows(query, run)
        return {(group, block): tuple(names.split()) for group, block, names in rows}

    def void_block(self, run: str, group: str, block: int, cause: str) -> bool:
        """Have a block count for nothing from now on; what was measured of it stays. False: it was void.

        ``cause`` is short and fixed: "reboot".
        """
        now = self._clock.unix_seconds()
        with self._database.writing() as connection:
            return void_block(connection, run, group, block, cause, now)

    def voided_blocks(self, run: str) -> list[VoidedBlock]:
        """Blocks that count for nothing, in the order in which they were voided."""
        query = "SELECT group_id, block, cause FROM voided_blocks WHERE run = ? ORDER BY unix_seconds"
        return [VoidedBlock(*row) for row in self._database.rows(query, run)]

    def stored(self, run: str) -> list[StoredSitting]:
        """All stored attempts with what their guardians said, without their trials, as they came in."""
        query = (
            f"SELECT {_ATTEMPT}, body FROM sittings"  # noqa: S608 - own text
            " WHERE run = ? AND body IS NOT NULL ORDER BY ended_unix_seconds, sitting, attempt"
        )
        return [
            StoredSitting(
                Attempt(*row), self._database.decoded(SittingResult, body, f"run {run}, sitting {row[0]}")
            )
            for *row, body in self._database.rows(query, run)
        ]

    def observations(self, run: str) -> list[Observation]:
        """All of a run's trials as the analysis takes them, in the order they were stored."""
        return self.observations_since(run, 0)[0]

    def observations_since(self, run: str, cursor: int) -> tuple[list[Observation], int]:
        """Trials of blocks that count, stored after ``cursor`` (0: all), and the cursor for the next time."""
        rows = self._database.rows(
            "SELECT id, group_id, block, sitting, configuration, outcome, cause, reason, seconds, rounds,"
            " start_up_seconds, tear_down_seconds, readings, unread"
            " FROM trials WHERE run = ? AND id > ? AND block IS NOT NULL AND NOT EXISTS (SELECT 1"
            " FROM voided_blocks AS void WHERE void.run = trials.run AND void.group_id = trials.group_id"
            " AND void.block = trials.block) ORDER BY id",
            run,
            cursor,
        )
        # One parse for all is faster than one each; equal texts (most of unread) share a mapping.
        readings = json.loads(f"[{','.join(row[-2] for row in rows)}]")
        unread = {text: MappingProxyType(json.loads(text)) for text in {row[-1] for row in rows}}
        observations = [
            Observation(*(*row[1:-2], values, unread[row[-1]]))
            for row, values in zip(rows, readings, strict=True)
        ]
        return observations, rows[-1][0] if rows else cursor

    def trials(self, run: str) -> Iterator[StoredTrial]:
        """All of a run's trials, calibrations' too, in the order they were stored."""
        cursor = 0
        # In pages: a query that stays open for long would keep the WAL from being emptied.
        while rows := self._database.rows(
            "SELECT id, trials.group_id, trials.block, sitting, attempt, node, trial_bodies.body"
            " FROM trials JOIN trial_bodies USING (id) JOIN sittings USING (run, sitting, attempt)"
            " WHERE run = ? AND id > ? ORDER BY id LIMIT ?",
            run,
            cursor,
            _PAGE_TRIALS,
        ):
            for identifier, *place, body in rows:
                result = self._database.decoded(TrialResult, body, f"run {run}, trial {identifier}")
                yield StoredTrial(*(*place, result))
            cursor = rows[-1][0]

    def _attempts(self, rest: str, *values: object) -> list[Attempt]:
        rows = self._database.rows(f"SELECT {_ATTEMPT} FROM sittings {rest}", *values)  # noqa: S608 - own text
        return [Attempt(*row) for row in rows]
