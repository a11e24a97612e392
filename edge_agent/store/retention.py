"""What is deleted when: by age, then for space; and how the space goes back to the disk.

What is shed is shed in a declared order (promise G3): readings, then verdicts, then messages that were sent, then
history that was not; alarm events and unsent alarms never. The newest block and the newest message stay: SQLite would
give their ids again, and a snapshot would seem newer than the readings after it.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from edge_agent.store.database import DAY_S, StoreSettings, cap_pages, page_numbers, transaction

SENT_S = DAY_S  # how long a message stays after it was sent, so that its key still makes a repeat harmless
FULL = 0.9  # of the pages allowed: from here on readings make way
_CHUNK = 1000  # rows a transaction, so that no lock and no log grows with what there is to delete
_MAX_CHUNKS = 20  # of one table in one call, half a second here, seconds on a small card; the next call goes on
_UNTOUCHED_CHUNKS = 5  # rows lie in order of time but for late ones: after so many chunks without an old row, stop
_SPACE_STEPS = 50  # part of a table that goes in one transaction: few fsyncs in a large one, little lost in a small one
_VACUUM_PAGES = 1000
_VACUUM_ROUNDS = 4  # 16 MB a call
_SLACK = 64  # one page in so many may stay free: the next readings need it, and vacuuming writes to flash


@dataclass(frozen=True, slots=True)
class _Walk:
    """How to go through a table without an index on time: oldest row first, a chunk at a time."""

    keep: str  # the one row that stays
    look: str
    delete: str


@dataclass(frozen=True, slots=True)
class _Shed:
    """How to make room in a table: about how many rows it has, and how its oldest go."""

    span: str  # min and max apart: asked for in one SELECT they read the whole table (measured: 10 s in 400 MB)
    delete: str


_BLOCKS = _Walk(
    "SELECT max(id) FROM reading_block",
    "SELECT id, last < ? FROM reading_block WHERE id > ? ORDER BY id LIMIT ?",
    "DELETE FROM reading_block WHERE id = ?",
)
_VERDICTS = _Walk(
    "SELECT NULL",
    "SELECT id, time < ? FROM verdict WHERE id > ? ORDER BY id LIMIT ?",
    "DELETE FROM verdict WHERE id = ?",
)
_SENT = _Walk(
    "SELECT max(id) FROM outbox",
    "SELECT id, sent < ? FROM outbox WHERE id > ? ORDER BY id LIMIT ?",
    "DELETE FROM outbox WHERE id = ?",
)
_OLD_LOGS = "DELETE FROM log_line WHERE rowid IN (SELECT rowid FROM log_line WHERE time < ? LIMIT ?)"
_OLD_EVENTS = """
DELETE FROM alarm_event WHERE rowid IN (
    SELECT rowid FROM alarm_event AS old WHERE time < ? AND (active = 0 OR EXISTS (
        SELECT 1 FROM alarm_event AS new WHERE new.alarm_id = old.alarm_id AND new.rev > old.rev
    )) LIMIT ?
)
"""  # the last word on an alarm that is still active stays
_OUTBOX_SPAN = "SELECT (SELECT max(id) FROM outbox) - (SELECT min(id) FROM outbox)"
_FOR_SPACE = (
    _Shed(
        "SELECT (SELECT max(id) FROM reading_block) - (SELECT min(id) FROM reading_block)",
        """DELETE FROM reading_block WHERE id IN (SELECT id FROM reading_block
        WHERE id < (SELECT max(id) FROM reading_block) ORDER BY id LIMIT ?)""",
    ),
    _Shed(
        "SELECT (SELECT max(id) FROM verdict) - (SELECT min(id) FROM verdict)",
        "DELETE FROM verdict WHERE id IN (SELECT id FROM verdict ORDER BY id LIMIT ?)",
    ),
    _Shed(
        _OUTBOX_SPAN,
        """DELETE FROM outbox WHERE id IN (SELECT id FROM outbox
        WHERE sent IS NOT NULL AND id < (SELECT max(id) FROM outbox) ORDER BY id LIMIT ?)""",
    ),
    _Shed(
        _OUTBOX_SPAN,
        """DELETE FROM outbox WHERE id IN (SELECT id FROM outbox
        WHERE sent IS NULL AND lane = 2 AND id < (SELECT max(id) FROM outbox) ORDER BY id LIMIT ?)""",
    ),
)


def prune(conn: sqlite3.Connection, settings: StoreSettings, now: float) -> int:
    """Number of rows deleted, by age and for space; free pages go back to the disk.

    Raises:
        sqlite3.Error: it could not be finished; what was deleted until then stays so.
    """
    deleted = (
        _walk(conn, _BLOCKS, now - settings.retention_readings_s)
        + _walk(conn, _VERDICTS, now - settings.retention_verdicts_s)
        + _delete_old(conn, _OLD_LOGS, now - settings.retention_events_s)
        + _delete_old(conn, _OLD_EVENTS, now - settings.retention_events_s)
        + _walk(conn, _SENT, now - SENT_S)
        + make_room(conn, settings.max_bytes)
    )
    _give_back(conn, settings.max_bytes)
    return deleted


def make_room(conn: sqlite3.Connection, max_bytes: int) -> int:
    """Number of rows deleted, in the declared order, until less than `FULL` is in use or the call has done its share.

    Raises:
        sqlite3.Error: it could not be finished.
    """
    enough, steps, deleted = FULL * cap_pages(conn, max_bytes), _MAX_CHUNKS, 0
    for shed in _FOR_SPACE:
        count = chunk = (conn.execute(shed.span).fetchall()[0][0] or 0) // _SPACE_STEPS + 1
        while count == chunk and steps and page_numbers(conn)[0] > enough:
            with transaction(conn):
                count = conn.execute(shed.delete, (chunk,)).rowcount
            deleted += count
            steps -= 1
    return deleted


def _walk(conn: sqlite3.Connection, walk: _Walk, before: float) -> int:
    """Number of rows deleted whose time lies before; a row without a time is not old."""
    keep = conn.execute(walk.keep).fetchall()[0][0]
    deleted = after = untouched = 0
    for _ in range(_MAX_CHUNKS):
        rows = conn.execute(walk.look, (before, after, _CHUNK)).fetchall()
        old = [(row,) for row, is_old in rows if is_old and row != keep]
        if old:
            with transaction(conn):
                conn.executemany(walk.delete, old)
            deleted += len(old)
        else:
            untouched += 1
        if len(rows) < _CHUNK or untouched == _UNTOUCHED_CHUNKS:
            break
        after = rows[-1][0]
    return deleted


def _delete_old(conn: sqlite3.Connection, statement: str, before: float) -> int:
    deleted = 0
    for _ in range(_MAX_CHUNKS):
        with transaction(conn):
            count = conn.execute(statement, (before, _CHUNK)).rowcount
        deleted += count
        if count < _CHUNK:
            break
    return deleted


def _give_back(conn: sqlite3.Connection, max_bytes: int) -> None:
    """Cut free pages off the file, in rounds so that the log stays small, and let a checkpoint shrink the file."""
    slack = cap_pages(conn, max_bytes) // _SLACK
    for _ in range(_VACUUM_ROUNDS):
        if page_numbers(conn)[1] <= slack:
            break
        conn.executescript(f"PRAGMA incremental_vacuum({_VACUUM_PAGES});")  # by execute() it frees one page (measured)
    conn.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()  # passive: never waits for a reader
