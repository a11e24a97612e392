"""What is deleted at which age, and how its space goes back to the disk. What makes way for space is in `shedding`.

The newest block and the newest message stay: SQLite would give their ids again, and a snapshot would seem newer than
the readings after it. Of what the broker was given to keep, the newest message of each topic stays as well: a broker
that has lost it is given it again.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from edge_agent.store.database import DAY_S, StoreSettings, cap_pages, page_numbers, transaction
from edge_agent.store.shedding import Shed, keep_to_outbox_budget, make_room

SENT_S = DAY_S  # how long a message stays after it was sent, so that its key still makes a repeat harmless
_CHUNK = 1000  # rows a transaction, so that no lock and no log grows with what there is to delete
_MAX_CHUNKS = 20  # with deletions in one table and call, half a second here, seconds on a small card; the next goes on
_UNTOUCHED_CHUNKS = 5  # rows lie in order of time but for late ones: after so many chunks without an old row, stop
_VACUUM_PAGES = 1000
_VACUUM_ROUNDS = 4  # 16 MB a call
_SLACK = 64  # one page in so many may stay free: the next readings need it, and vacuuming writes to flash


@dataclass(frozen=True, slots=True)
class _Walk:
    """How to go through a table without an index on time: oldest row first, a chunk at a time."""

    keep: str  # the rows that stay at any age
    look: str
    delete: str


_BLOCKS = _Walk(
    "SELECT max(id) FROM reading_block",
    "SELECT id, last < ? FROM reading_block WHERE id > ? ORDER BY id LIMIT ?",
    "DELETE FROM reading_block WHERE id = ?",
)
_VERDICTS = _Walk(
    "SELECT NULL WHERE false",
    "SELECT id, time < ? FROM verdict WHERE id > ? ORDER BY id LIMIT ?",
    "DELETE FROM verdict WHERE id = ?",
)
_SENT = _Walk(
    """SELECT max(id) FROM outbox UNION SELECT id FROM (
        SELECT max(id) AS id, length(payload) AS size FROM outbox WHERE retain = 1 GROUP BY topic
    ) WHERE size""",
    "SELECT id, sent < ? FROM outbox WHERE id > ? AND sent IS NOT NULL ORDER BY id LIMIT ?",
    "DELETE FROM outbox WHERE id = ?",
)
_OLD_LOGS = "DELETE FROM log_line WHERE rowid IN (SELECT rowid FROM log_line WHERE time < ? LIMIT ?)"
_OLD_EVENTS = """
DELETE FROM alarm_event WHERE rowid IN (
    SELECT rowid FROM alarm_event AS old WHERE time < ? AND (
        (active = 0 AND instr(event, '"open":true') = 0) OR EXISTS (
            SELECT 1 FROM alarm_event AS new WHERE new.alarm_id = old.alarm_id AND new.rev > old.rev
        )
    ) LIMIT ?
)
"""  # the last word on an alarm that is active or to be acknowledged stays; no text of an event has bare quotes
_OLD_COMMANDS = "DELETE FROM command WHERE rowid IN (SELECT rowid FROM command WHERE received < ? LIMIT ?)"
_SUPERSEDED = """
DELETE FROM outbox WHERE id IN (
    SELECT id FROM outbox WHERE sent IS NOT NULL AND lane = 1 AND id NOT IN (
        SELECT max(id) FROM outbox WHERE lane = 1 GROUP BY grp
    ) AND id < (SELECT max(id) FROM outbox) LIMIT ?
)
"""  # a state that was sent and has a newer one is worth nothing, and there is one a window and asset


def prune(conn: sqlite3.Connection, settings: StoreSettings, now: float, on_shed: Shed) -> int:
    """Number of rows deleted, by age and for space; free pages go back to the disk.

    Raises:
        sqlite3.Error: it could not be finished; what was deleted until then stays so.
    """
    deleted = (
        _walk(conn, _BLOCKS, now - settings.retention_readings_s)
        + _walk(conn, _VERDICTS, now - settings.retention_verdicts_s)
        + _delete(conn, _OLD_LOGS, now - settings.retention_events_s)
        + _delete(conn, _OLD_EVENTS, now - settings.retention_events_s)
        + _delete(conn, _OLD_COMMANDS, now - settings.retention_events_s)
        + _walk(conn, _SENT, now - SENT_S)
        + _delete(conn, _SUPERSEDED)
        + keep_to_outbox_budget(conn, settings, on_shed)
        + make_room(conn, settings.max_bytes, on_shed)
    )
    _give_back(conn, settings.max_bytes)
    return deleted


def _walk(conn: sqlite3.Connection, walk: _Walk, before: float) -> int:
    """Number of rows deleted whose time lies before; a row without a time is not old."""
    keep = {row for (row,) in conn.execute(walk.keep).fetchall()}
    deleted = after = touched = untouched = 0
    while touched < _MAX_CHUNKS and untouched < _UNTOUCHED_CHUNKS:
        rows = conn.execute(walk.look, (before, after, _CHUNK)).fetchall()
        old = [(row,) for row, is_old in rows if is_old and row not in keep]
        if old:
            with transaction(conn):
                conn.executemany(walk.delete, old)
            deleted, touched = deleted + len(old), touched + 1
        untouched += not any(is_old for _, is_old in rows)  # rows that stay although they are old are passed by
        if len(rows) < _CHUNK:
            break
        after = rows[-1][0]
    return deleted


def _delete(conn: sqlite3.Connection, statement: str, *arguments: float) -> int:
    deleted = 0
    for _ in range(_MAX_CHUNKS):
        with transaction(conn):
            count = conn.execute(statement, (*arguments, _CHUNK)).rowcount
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
