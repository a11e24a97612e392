"""What can still be read of a damaged journal goes into the new one, so that work goes on where it was (promise G4).

That is what the agent needs to go on: states (baselines, alarm conditions), messages not sent yet, marks of
redelivery, readings since the last snapshot, the newest log lines, alarm events and commands. All other history stays
in the file set aside, which is only read here. Values are checked where they are used: blobs bear checksums or are read
strictly.
Readings are checked here: a block names its channels by number, and a number whose name is lost will be given anew.
What was saved before a stop is not saved twice, so a salvage can be done again from the beginning.
"""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import Iterable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from edge_agent.store import blocks
from edge_agent.store.database import connect_readonly, transaction
from edge_agent.store.records import Row
from edge_agent.store.stored_blocks import read_names

logger = logging.getLogger(__name__)

_UNREADABLE: Final = (sqlite3.Error, UnicodeDecodeError)  # what SQLite found may be no text itself
SALVAGE_S: Final = 5.0  # of a start; what is not read by then stays where it is


@dataclass(frozen=True, slots=True)
class _Part:
    """What of a table is wanted; found by row ids, since an index may be what is damaged."""

    table: str
    columns: str
    condition: str = "1"
    newest: int = -1  # rows; all of them

    def select(self, direction: str) -> str:
        """The rows with their ids, from the id that is the first parameter on; the second limits their number."""
        return (
            f"SELECT rowid, {self.columns} FROM {self.table} NOT INDEXED "  # noqa: S608 - names of this module
            f"WHERE rowid > ? AND {self.condition} ORDER BY rowid {direction} LIMIT ?"
        )

    def insert(self) -> str:
        """A row with its id; one that is there already stays."""
        places = ", ?" * len(self.columns.split(","))
        return f"INSERT OR IGNORE INTO {self.table}(rowid, {self.columns}) VALUES (?{places})"  # noqa: S608 - as above


# `tracks_block` is what the engine calls the newest block of readings in its snapshot
_SINCE_SNAPSHOT = "id > coalesce((SELECT CAST(data AS INTEGER) FROM state NOT INDEXED WHERE name = 'tracks_block'), 0)"
_MESSAGE: Final = "key, topic, qos, retain, lane, grp, created, sent, tries, payload"
_PARTS: Final = (  # what is needed most comes first
    _Part("asset", "name"),
    _Part("channel", "name"),
    _Part("state", "name, data"),
    _Part("outbox", f"{_MESSAGE}, correlation", "sent IS NULL AND correlation IS NOT NULL", newest=5000),
    _Part("outbox", _MESSAGE, "sent IS NULL"),  # by itself: an older file has no correlation
    _Part("seen_block", "data"),
    _Part("reading_block", "asset_count, first, last, clock, readings, data", _SINCE_SNAPSHOT),
    _Part("log_line", "id, asset, time, text, author, work_order, clock", newest=1000),
    _Part(
        "alarm_event",
        "alarm_id, rev, asset, kind, transition, time, active, severity, risk, mode, summary, clock, event",
        newest=5000,
    ),
    _Part(
        "command",
        "request_id, received, issued, name, asset, kind, alarm_id, actor, via, accepted, answer, label, comment,"
        " clock, request",
        newest=5000,
    ),
)
_FIRST: Final = -(2**63)
_ALL: Final = -1  # of LIMIT
_NEWEST_BLOCK = "SELECT coalesce(max(id), 0) FROM reading_block"
# the ids of new blocks begin behind the newest one that was saved: the snapshot must not seem newer than they are
_STEP_BACK = f"""
UPDATE state SET data = CAST(CAST(({_NEWEST_BLOCK}) AS TEXT) AS BLOB)
WHERE name = 'tracks_block' AND CAST(data AS INTEGER) > ({_NEWEST_BLOCK})
"""  # noqa: S608 - both of this module


def salvage(bad: Path, conn: sqlite3.Connection, *, limit_s: float = SALVAGE_S) -> int:
    """Number of rows saved from a file set aside into the empty journal on the connection: all that could be."""
    deadline = time.monotonic() + limit_s
    saved = 0
    try:
        with closing(connect_readonly(bad)) as old:
            try:
                for part in _PARTS:  # each by itself: what is needed most stays when a later one finds no room
                    with transaction(conn):
                        count = _save(part, old, conn, deadline)
                    saved += count
            finally:
                with transaction(conn):
                    conn.execute(_STEP_BACK)
    except _UNREADABLE as error:
        logger.warning("store_not_salvaged bad=%s rows=%d error=%s", bad, saved, error)
        return saved
    logger.info("store_salvaged bad=%s rows=%d", bad, saved)
    return saved


def _save(part: _Part, old: sqlite3.Connection, new: sqlite3.Connection, deadline: float) -> int:
    saved = 0
    rows = _rows(part, old)
    for row in _named(rows, new) if part.table == "reading_block" else rows:
        with suppress(sqlite3.IntegrityError):  # other types than the table's: not a row of it
            saved += new.execute(part.insert(), row).rowcount
        if time.monotonic() > deadline:
            break
    return saved


def _named(rows: Iterable[Row], new: sqlite3.Connection) -> Iterator[Row]:
    """The blocks whose assets and channels are all among the names saved."""
    assets, channels = read_names(new, "asset"), read_names(new, "channel")
    lost = 0
    for row in rows:
        data = row[-1]
        try:
            blocks.unpack(data if isinstance(data, bytes) else b"", assets, channels)
        except ValueError:
            lost += 1
            continue
        yield row
    if lost:
        logger.warning("store_blocks_lost blocks=%d (damaged, or of channels whose names are lost)", lost)


def _rows(part: _Part, old: sqlite3.Connection) -> Iterator[Row]:
    """The rows from both ends up to what cannot be read; where only the newest are wanted, from that end."""
    after = _FIRST
    if part.newest == _ALL:
        try:
            for row in old.execute(part.select("ASC"), (after, _ALL)):
                after = row[0]
                yield row
        except _UNREADABLE as error:
            logger.warning("store_page_lost table=%s after=%d error=%s", part.table, after, error)
        else:
            return
    with suppress(*_UNREADABLE):
        yield from old.execute(part.select("DESC"), (after, part.newest))
