"""The one writer: a batch of the engine becomes one transaction, fsynced before `commit` returns (promises G1, G2)."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from sqlite_utils import Database

from edge_agent.core.types import LogLine, Outgoing, Reading
from edge_agent.errors import StoreError
from edge_agent.ports import Batch
from edge_agent.store import blocks, quarantine, records, retention
from edge_agent.store.database import StoreSettings, open_database, transaction
from edge_agent.store.faults import is_damage, primary_code, store_error
from edge_agent.store.stored_blocks import NameTable, StoredBlocks

ALARM_LANE, STATE_LANE = 0, 1
CHECKPOINT_COMMITS = 200  # of 3 to 6 pages each: about the 1000 pages at which SQLite would do it by itself
_SUPERSEDE = """
DELETE FROM outbox WHERE sent IS NULL AND lane = 1 AND id NOT IN (
    SELECT max(id) FROM outbox WHERE sent IS NULL AND lane = 1 GROUP BY topic
)
"""


def open_journal(settings: StoreSettings, *, now: Callable[[], float] = time.time) -> SqliteJournal:
    """The journal, a damaged file set aside and the schema up to date; `now` dates the rows of the outbox.

    Raises:
        StoreError: the file belongs to something else or to a newer agent, or cannot be opened for writing.
    """
    db, quarantined = open_database(settings)
    try:
        return SqliteJournal(db, settings, quarantined=quarantined, now=now)
    except sqlite3.Error as error:
        db.close()
        if is_damage(error):
            quarantine.mark_damaged(settings.path)
        raise store_error(error, settings.path, "read its names") from error


class SqliteJournal:
    """The journal in an SQLite file. Used by one thread at a time."""

    def __init__(
        self, db: Database, settings: StoreSettings, *, quarantined: Path | None, now: Callable[[], float]
    ) -> None:
        self.quarantined = quarantined  # where a damaged file was put when this one was opened
        self.damaged = False  # SQLite has called the file malformed; the next start sets it aside
        self._db, self._conn, self._settings, self._now = db, db.conn, settings, now
        self._commits = 0  # since the last checkpoint
        self._assets = NameTable(self._conn, "asset")
        self._channels = NameTable(self._conn, "channel")

    # ------------------------------------------------------------------------------------------------ writing

    def commit(self, batch: Batch) -> None:
        """Write a batch in one transaction and fsync it; a journal at its size limit drops its oldest readings for it.

        Raises:
            StoreError: nothing of the batch was written.
        """
        if not (batch or batch.seen):
            return
        self._commits += 1
        self._keep_reserve(batch)
        with self._mapped("write a batch"):
            try:
                self._transact(batch)
            except sqlite3.Error as error:
                if primary_code(error) != sqlite3.SQLITE_FULL:
                    raise
                if not retention.make_room(self._conn, self._settings.max_bytes):
                    raise
                self._transact(batch)

    def prune(self, now: float) -> int:
        """Delete what is past its retention, give space back; number of rows deleted.

        With a clock that cannot be trusted pass 0.0: nothing is old then, and only the size limit acts.

        Raises:
            StoreError: it could not be finished; what was deleted until then stays so.
        """
        with self._mapped("delete what is past its retention"):
            return retention.prune(self._conn, self._settings, now)

    def checkpoint(self) -> None:
        """Bring the write-ahead log into the file after some commits: two fsyncs more than a commit has.

        Raises:
            StoreError: it could not be done; nothing is lost.
        """
        if self._commits >= CHECKPOINT_COMMITS:
            self._commits = 0
            with self._mapped("bring its log into the file"):
                self._conn.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()

    def close(self) -> None:
        """Checkpoint and close."""
        with suppress(sqlite3.Error):  # what is in the log is safe there; the next start takes it over
            self._conn.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        self._db.close()

    # ------------------------------------------------------------------------------------------------ reading

    def seen(self) -> dict[int, bytes]:
        """Packet id → mark of the newest QoS 1 messages, oldest first: committed, but perhaps not acknowledged."""
        with self._mapped("read the messages seen"):
            rows = self._conn.execute(records.SELECT_SEEN).fetchall()
        found: dict[int, bytes] = {}
        for mid, mark in (one for (data,) in rows for one in records.unpack_seen(data)):
            found.pop(mid, None)  # what was seen last stands last
            found[mid] = mark
        return found

    def states(self) -> dict[str, bytes]:
        """All named state blobs, as the last commits left them."""
        with self._mapped("read the state"):
            return dict(self._conn.execute("SELECT name, data FROM state WHERE typeof(data) = 'blob'").fetchall())

    def readings_since(self, block: int) -> Sequence[tuple[int, list[Reading]]]:
        """The blocks of readings after a block id, in order of commit; each is read when it is looked at."""
        with self._mapped("read the readings"):
            rows = self._conn.execute("SELECT id FROM reading_block WHERE id > ? ORDER BY id", (block,)).fetchall()
            return StoredBlocks(self._conn, self._settings.path, (row for (row,) in rows))

    def last_block(self) -> int:
        """Id of the newest block of readings, 0 in an empty journal."""
        with self._mapped("read the readings"):
            return int(self._conn.execute("SELECT coalesce(max(id), 0) FROM reading_block").fetchall()[0][0])

    def recent_logs(self, since: float) -> list[LogLine]:
        """Log lines not older than `since` (event time), oldest first."""
        with self._mapped("read the log lines"):
            return [LogLine(*row) for row in self._conn.execute(records.SELECT_LOGS, (since,)).fetchall()]

    # ------------------------------------------------------------------------------------------------ one batch

    def _keep_reserve(self, batch: Batch) -> None:
        """Leave the last free space of the disk to alarms."""
        if batch.events or any(message.lane == ALARM_LANE for message in batch.outgoing):
            return
        path, reserve = self._settings.path, self._settings.reserve_bytes
        disk = os.statvfs(path.parent)
        free = disk.f_bavail * disk.f_frsize
        if free < reserve:
            raise StoreError(
                f"journal {path}: {free} bytes are free on its disk, the last {reserve} are kept for alarms",
                hint="free space on the disk: delete or move what does not belong to the agent",
            )

    def _transact(self, batch: Batch) -> None:
        committed = False
        try:
            with transaction(self._conn):
                self._write(batch)
            committed = True
        finally:
            self._assets.settle(committed=committed)
            self._channels.settle(committed=committed)

    def _write(self, batch: Batch) -> None:
        conn, clock = self._conn, batch.clock
        if batch.readings:
            conn.execute(records.INSERT_BLOCK, self._block_row(batch.readings, clock))
        conn.executemany(records.INSERT_LOG, (records.log_row(line, clock) for line in batch.logs))
        conn.executemany(records.INSERT_VERDICT, (records.verdict_row(v, clock) for v in batch.verdicts))
        conn.executemany(records.INSERT_EVENT, (records.event_row(event, clock) for event in batch.events))
        conn.executemany("INSERT OR REPLACE INTO state(name, data) VALUES (?, ?)", batch.states.items())
        self._write_outbox(batch.sent, batch.outgoing)
        if batch.seen:
            newest = conn.execute(records.INSERT_SEEN, (len(batch.seen), records.pack_seen(batch.seen))).lastrowid or 0
            conn.execute(records.FORGET_SEEN, (newest - max(batch.seen_kept, len(batch.seen)),))

    def _block_row(self, readings: list[Reading], clock: str) -> records.Row:
        names = {reading.asset for reading in readings}
        assets = self._assets.learn(names)
        channels = self._channels.learn({reading.channel for reading in readings})
        times = [reading.time for reading in readings]
        data = blocks.pack(readings, assets, channels)
        return (len(names), min(times), max(times), clock, len(readings), data)

    def _write_outbox(self, sent: list[int], outgoing: list[Outgoing]) -> None:
        """Mark what was sent, add what is new; of unsent states of one topic only the newest is worth sending."""
        now = self._now()
        self._conn.executemany("UPDATE outbox SET sent = ? WHERE id = ? AND sent IS NULL", ((now, row) for row in sent))
        self._conn.executemany(records.INSERT_OUTGOING, (records.outgoing_row(message, now) for message in outgoing))
        if any(message.lane == STATE_LANE for message in outgoing):
            self._conn.execute(_SUPERSEDE)

    @contextmanager
    def _mapped(self, doing: str) -> Iterator[None]:
        """A context in which SQLite's errors become ours, and damage is remembered for the next start."""
        try:
            yield
        except sqlite3.Error as error:
            if is_damage(error):
                self.damaged = True
                quarantine.mark_damaged(self._settings.path)
            raise store_error(error, self._settings.path, doing) from error
