"""What makes way where there is no room, in the declared order (promise G3); every loss is counted by cause.

For the size of the file: readings, verdicts, messages that were sent, states that were not, history that was not, log
lines, commands; alarm events and unsent alarms never. For the budget of the outbox: states, then history; unsent alarms
never. The newest block and the newest message stay: SQLite would give their ids again, and a snapshot would seem newer
than the readings after it, or a message be marked as sent that was not.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass

from edge_agent.core.wire import LANE_HISTORY, LANE_STATE
from edge_agent.store.database import StoreSettings, cap_pages, page_numbers, transaction

FULL = 0.9  # of the pages allowed: from here on readings make way
MOST_STEPS = 20  # of one call, half a second here, seconds on a small card; the next call goes on
_SPACE_STEPS = 50  # part of a table that goes in one transaction: few fsyncs in a large one, little lost in a small one
_OUTBOX_CHUNK = 1000  # rows

Shed = Callable[[str, int], None]  # cause, how much was lost


@dataclass(frozen=True, slots=True)
class _Way:
    """How to make room in a table: about how many rows it has, and how its oldest go."""

    cause: str  # empty: nothing is lost by it
    span: str  # min and max apart: asked for in one SELECT they read the whole table (measured: 10 s in 400 MB)
    delete: str  # gives for each row what it counts for


_OUTBOX_SPAN = "SELECT (SELECT max(id) FROM outbox) - (SELECT min(id) FROM outbox)"
_DELETE_UNSENT = """
DELETE FROM outbox WHERE id IN (SELECT id FROM outbox
WHERE sent IS NULL AND lane = {lane} AND id < (SELECT max(id) FROM outbox) ORDER BY id LIMIT ?)
RETURNING {counts}
"""
_FOR_SPACE = (
    _Way(
        "space_readings",
        "SELECT (SELECT max(id) FROM reading_block) - (SELECT min(id) FROM reading_block)",
        """DELETE FROM reading_block WHERE id IN (SELECT id FROM reading_block
        WHERE id < (SELECT max(id) FROM reading_block) ORDER BY id LIMIT ?) RETURNING readings""",
    ),
    _Way(
        "space_verdicts",
        "SELECT (SELECT max(id) FROM verdict) - (SELECT min(id) FROM verdict)",
        "DELETE FROM verdict WHERE id IN (SELECT id FROM verdict ORDER BY id LIMIT ?) RETURNING 1",
    ),
    _Way(
        "",
        _OUTBOX_SPAN,
        """DELETE FROM outbox WHERE id IN (SELECT id FROM outbox
        WHERE sent IS NOT NULL AND id < (SELECT max(id) FROM outbox) ORDER BY id LIMIT ?) RETURNING 1""",
    ),
    _Way("space_states", _OUTBOX_SPAN, _DELETE_UNSENT.format(lane=LANE_STATE, counts=1)),
    _Way("space_history", _OUTBOX_SPAN, _DELETE_UNSENT.format(lane=LANE_HISTORY, counts=1)),
    _Way(
        "space_logs",
        "SELECT (SELECT max(rowid) FROM log_line) - (SELECT min(rowid) FROM log_line)",
        "DELETE FROM log_line WHERE rowid IN (SELECT rowid FROM log_line ORDER BY time LIMIT ?) RETURNING 1",
    ),
    _Way(
        "space_commands",
        "SELECT (SELECT max(rowid) FROM command) - (SELECT min(rowid) FROM command)",
        "DELETE FROM command WHERE rowid IN (SELECT rowid FROM command ORDER BY rowid LIMIT ?) RETURNING 1",
    ),
)
_UNSENT = "SELECT count(*), coalesce(sum(length(payload)), 0) FROM outbox WHERE sent IS NULL"
_FOR_OUTBOX = (
    ("outbox_states", _DELETE_UNSENT.format(lane=LANE_STATE, counts="length(payload)")),
    ("outbox_history", _DELETE_UNSENT.format(lane=LANE_HISTORY, counts="length(payload)")),
)


def make_room(conn: sqlite3.Connection, max_bytes: int, on_shed: Shed) -> int:
    """Number of rows deleted, in the declared order, until less than `FULL` is in use or the call has done its share.

    Raises:
        sqlite3.Error: it could not be finished.
    """
    enough, steps, deleted = FULL * cap_pages(conn, max_bytes), MOST_STEPS, 0
    for way in _FOR_SPACE:
        count = chunk = (conn.execute(way.span).fetchall()[0][0] or 0) // _SPACE_STEPS + 1
        while count == chunk and steps and page_numbers(conn)[0] > enough:
            with transaction(conn):
                gone = conn.execute(way.delete, (chunk,)).fetchall()
            count, steps = len(gone), steps - 1
            deleted += count
            if way.cause and gone:
                on_shed(way.cause, sum(counts for (counts,) in gone))
    return deleted


def keep_to_outbox_budget(conn: sqlite3.Connection, settings: StoreSettings, on_shed: Shed) -> int:
    """Number of unsent messages deleted so that the others fit; alarms stay although they alone were too many.

    Raises:
        sqlite3.Error: it could not be finished.
    """
    rows, size = conn.execute(_UNSENT).fetchall()[0]
    deleted = 0
    for cause, delete in _FOR_OUTBOX:
        count = chunk = _OUTBOX_CHUNK
        while count == chunk:
            over = rows - settings.outbox_rows
            if over <= 0 and size <= settings.outbox_bytes:
                return deleted
            chunk = min(over, _OUTBOX_CHUNK) if over > 0 else max(_OUTBOX_CHUNK // 10, 1)
            with transaction(conn):
                gone = conn.execute(delete, (chunk,)).fetchall()
            count = len(gone)
            rows, size, deleted = rows - count, size - sum(length for (length,) in gone), deleted + count
            if gone:
                on_shed(cause, count)
    return deleted
