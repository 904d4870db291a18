"""The way of a sitting's result into the store's tables: once, whole, and only where it was asked for."""

from __future__ import annotations

import dataclasses
import sqlite3

from parlab.orchestrator.store.observation import Observation
from parlab.orchestrator.store.records import AttemptState, Receipt
from parlab.workers.errors import SpecRefused
from parlab.workers.wire.codec import encode
from parlab.workers.wire.result import Calibration, SittingResult, TrialResult

#: A node's text is kept up to this length in an event; the whole is in the trial, where there is one.
_EVENT_CHARACTERS = 2000


def take_in(connection: sqlite3.Connection, result: SittingResult, now: float) -> Receipt:
    """Store a result with its trials and calibration, within the caller's transaction.

    ``now`` is in Unix seconds. What is refused is noted among the events; what is a duplicate
    changes nothing.
    """
    # What was stored of it before it was refused is taken back; that it was refused is noted.
    connection.execute("SAVEPOINT result")
    try:
        receipt = _take_in(connection, result, now)
    except (sqlite3.IntegrityError, SpecRefused, OverflowError) as error:
        connection.execute("ROLLBACK TO result")
        if isinstance(error, sqlite3.IntegrityError):
            receipt = Receipt("refused", f"a trial of it would count twice ({error})")
        else:
            receipt = Receipt("refused", f"a value of it cannot be stored ({error})")
    if receipt.outcome == "refused":
        what = f"{result.sitting[:200]}, attempt {result.attempt}, from node {result.node[:200]}"
        note(connection, result.run, "result-refused", f"{what}: {receipt.reason}", now)
    connection.execute("RELEASE result")
    return receipt


def _take_in(connection: sqlite3.Connection, result: SittingResult, now: float) -> Receipt:
    key = (storable(result.run), storable(result.sitting), result.attempt)
    sent = connection.execute(
        "SELECT group_id, block, node, state FROM sittings WHERE run = ? AND sitting = ? AND attempt = ?", key
    ).fetchone()
    if sent is None:
        return Receipt("refused", "no such attempt was sent")
    group, block, node, state = sent
    if node != result.node:
        return Receipt("refused", f"it was sent to node {node}")
    if state in ("accepted", "void"):
        return Receipt("duplicate", "it is stored already")
    counted = connection.execute(
        "SELECT attempt FROM sittings WHERE run = ? AND sitting = ? AND state = 'accepted'", key[:2]
    ).fetchone()
    if counted is not None:
        return Receipt("duplicate", f"attempt {counted[0]} of this sitting counts")

    # A calibration that gave none settles nothing: the next attempt must be free to.
    becomes: AttemptState = "void" if block is None and result.calibration is None else "accepted"
    connection.execute(
        "UPDATE sittings SET state = ?, ended_unix_seconds = ?, body = ?"
        " WHERE run = ? AND sitting = ? AND attempt = ?",
        (becomes, now, storable(encode(dataclasses.replace(result, trials=()))), *key),
    )
    for trial in result.trials:
        store_trial(connection, key, group, block, trial)
    # In the same transaction: the sitting is never asked for again, so this must not be missing.
    if result.calibration is not None:
        store_calibration(connection, result.run, group, result.calibration, now)
    if state == "lost":
        note(
            connection,
            result.run,
            "late-result",
            f"{result.sitting}, attempt {result.attempt}: its result arrived late",
            now,
        )
    if block is not None and _on_two_boots(connection, result, group, block):
        void_block(connection, result.run, group, block, "reboot", now)
        return Receipt("stored", voided_block=block)
    return Receipt("stored")


def _on_two_boots(connection: sqlite3.Connection, result: SittingResult, group: str, block: int) -> bool:
    """Whether an earlier sitting of the block sat on another boot: two sets of conditions."""
    query = (
        "SELECT 1 FROM sittings WHERE run = ? AND group_id = ? AND block = ? AND state = 'accepted'"
        " AND json_extract(body, '$.boot_id') <> ? LIMIT 1"
    )
    return connection.execute(query, (result.run, group, block, result.boot_id)).fetchone() is not None


def void_block(
    connection: sqlite3.Connection, run: str, group: str, block: int, cause: str, now: float
) -> bool:
    """Have a block count for nothing from now on, noted among the events; False: it was void before."""
    changed = connection.execute(
        "INSERT INTO voided_blocks (run, group_id, block, unix_seconds, cause) VALUES (?,?,?,?,?)"
        " ON CONFLICT DO NOTHING",
        (run, group, block, now, cause),
    ).rowcount
    if changed:
        note(connection, run, "block-voided", f"{group}, block {block}: {cause}", now)
    return bool(changed)


def store_calibration(
    connection: sqlite3.Connection, run: str, group: str, calibration: Calibration, now: float
) -> None:
    """Store a group's calibration in place of an earlier one."""
    connection.execute(
        "INSERT INTO calibrations (run, group_id, unix_seconds, body) VALUES (?,?,?,?)"
        " ON CONFLICT (run, group_id) DO UPDATE SET"
        " unix_seconds = excluded.unix_seconds, body = excluded.body",
        (run, group, now, encode(calibration)),
    )


def note(connection: sqlite3.Connection, run: str, kind: str, text: str, now: float) -> None:
    """Append an event."""
    connection.execute(
        "INSERT INTO events (run, unix_seconds, kind, text) VALUES (?,?,?,?)",
        (storable(run[:_EVENT_CHARACTERS]), now, kind, storable(text[:_EVENT_CHARACTERS])),
    )


def store_trial(
    connection: sqlite3.Connection,
    key: tuple[str, str, int],
    group: str,
    block: int | None,
    trial: TrialResult,
) -> None:
    """Store a trial of a sitting that is stored: ``key`` is (run, sitting, attempt)."""
    # A calibration has no block, and is no observation: its row is never read as one.
    seen = Observation.of(trial, group, block or 0, key[1])
    inserted = connection.execute(
        "INSERT INTO trials (run, sitting, attempt, trial, group_id, block, configuration, outcome, cause,"
        " reason, seconds, rounds, start_up_seconds, tear_down_seconds, readings, unread)"
        " VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
        (
            *key,
            storable(trial.trial),
            group,
            block,
            storable(trial.configuration),
            seen.outcome,
            None if seen.cause is None else storable(seen.cause),
            None if seen.reason is None else storable(seen.reason),
            seen.seconds,
            seen.rounds,
            seen.start_up_seconds,
            seen.tear_down_seconds,
            encode(seen.readings),
            storable(encode(seen.unread)),
        ),
    )
    body = storable(encode(trial))
    connection.execute("INSERT INTO trial_bodies (id, body) VALUES (?,?)", (inserted.lastrowid, body))


def storable(text: str) -> str:
    """Escape lone surrogates (bytes that were no text), which SQLite refuses; JSON reads them back."""
    return text.encode("utf-8", "backslashreplace").decode()
