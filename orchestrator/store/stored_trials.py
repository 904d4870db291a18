"""Reads stored trials: figures for the analysis, all at once and fast; whole trials one by one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from types import MappingProxyType

from parlab.orchestrator.store.database import Database
from parlab.orchestrator.store.observation import Observation
from parlab.orchestrator.store.records import StoredTrial
from parlab.workers.wire.result import TrialResult

_PAGE_TRIALS = 500


def read_observations(database: Database, run: str, cursor: int) -> tuple[list[Observation], int]:
    """Give the trials of blocks that count and were stored after ``cursor`` (0: all), and the new cursor."""
    rows = database.rows(
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
    found = [
        Observation(*(*row[1:-2], values, unread[row[-1]]))
        for row, values in zip(rows, readings, strict=True)
    ]
    return found, rows[-1][0] if rows else cursor


def read_trials(database: Database, run: str) -> Iterator[StoredTrial]:
    """Give all of a run's trials, calibrations' too, in the order they were stored."""
    cursor = 0
    # In pages: a query that stays open for long would keep the WAL from being emptied.
    while rows := database.rows(
        "SELECT id, trials.group_id, trials.block, sitting, attempt, node, trial_bodies.body"
        " FROM trials JOIN trial_bodies USING (id) JOIN sittings USING (run, sitting, attempt)"
        " WHERE run = ? AND id > ? ORDER BY id LIMIT ?",
        run,
        cursor,
        _PAGE_TRIALS,
    ):
        for identifier, *place, body in rows:
            result = database.decoded(TrialResult, body, f"run {run}, trial {identifier}")
            yield StoredTrial(*(*place, result))
        cursor = rows[-1][0]
