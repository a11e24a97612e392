"""The one writer: a batch of the engine becomes one transaction, fsynced before `commit` returns (promises G1, G2)."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from sqlite_utils import Database

from edge_agent.core.types import FUTURE, AlarmEvent, CommandRecord, LogLine, Reading
from edge_agent.errors import StoreError
from edge_agent.ports import Batch
from edge_agent.store import blocks, quarantine, records, retention, shedding
from edge_agent.store.database import StoreSettings, open_database, transaction
from edge_agent.store.faults import is_damage, primary_code, store_error
from edge_agent.store.salvage import salvage
from edge_agent.store.seen_blocks import SeenBlocks
from edge_agent.store.stored_blocks import NameTable, StoredBlocks
from edge_agent.store.unsaved import may_try, take_note_away, unsaved

ALARM_LANE, STATE_LANE = 0, 1
CHECKPOINT_COMMITS = 200  # of 3 to 6 pages each: about the 1000 pages at which SQLite would do it by itself
OUTBOX_LOOK = 500  # new messages between two looks at the outbox's budget: so far it may be passed
_AGAIN = """
UPDATE outbox SET sent = NULL, created = ? WHERE sent IS NOT NULL AND id IN (
    SELECT max(id) FROM outbox WHERE retain = 1 GROUP BY topic
)
"""
_SUPERSEDE = """
DELETE FROM outbox WHERE sent IS NULL AND lane = 1 AND id NOT IN (
    SELECT max(id) FROM outbox WHERE sent IS NULL AND lane = 1 GROUP BY grp
)
"""


def _uncounted(_cause: str, _count: int) -> None:
    """Take note of nothing."""


def open_journal(
    settings: StoreSettings, *, now: Callable[[], float] = time.time, on_shed: shedding.Shed = _uncounted
) -> SqliteJournal:
    """The journal, a damaged file set aside and the schema up to date.

    `now` dates the rows of the outbox; `on_shed` is told what was lost for want of room: cause, and how many.

    Raises:
        StoreError: the file belongs to something else or to a newer agent, or cannot be opened for writing.
    """
    db, set_aside = open_database(settings)
    try:
        set_aside = _take_over(settings.path, db.conn, set_aside)
        return SqliteJournal(db, settings, set_aside=set_aside, now=now, on_shed=on_shed)
    except sqlite3.Error as error:
        db.close()
        if is_damage(error):
            quarantine.mark_damaged(settings.path)
        raise store_error(error, settings.path, "read its names") from error


def _take_over(
    path: Path, conn: sqlite3.Connection, set_aside: quarantine.SetAside | None
) -> quarantine.SetAside | None:
    """Save what can be read of the file set aside, now or before a stop that came in between: that file, if any."""
    waiting = unsaved(path)
    if waiting is None:
        if set_aside is not None:  # the disk took no note
            salvage(set_aside.path, conn)
        return set_aside
    if may_try(path, waiting):
        salvage(waiting.path, conn)
    take_note_away(path)
    return set_aside or quarantine.SetAside(waiting.path, waiting.reason)


class SqliteJournal:
    """The journal in an SQLite file. Used by one thread at a time."""

    def __init__(
        self,
        db: Database,
        settings: StoreSettings,
        *,
        set_aside: quarantine.SetAside | None,
        now: Callable[[], float],
        on_shed: shedding.Shed,
    ) -> None:
        self.set_aside = set_aside  # the damaged file that lay here when this one was opened
        self.damaged = False  # SQLite has called the file malformed; the next start sets it aside
        self._db, self._conn, self._settings, self._now = db, db.conn, settings, now
        self._on_shed = on_shed
        self._commits = 0  # since the last checkpoint
        self._outgoing = OUTBOX_LOOK  # new messages since the last look; what a run before has left is looked at soon
        self._assets = NameTable(self._conn, "asset")
        self._channels = NameTable(self._conn, "channel")
        self._seen = SeenBlocks(self._conn)

    @property
    def quarantined(self) -> Path | None:
        """Where a damaged file was put when this one was opened."""
        return None if self.set_aside is None else self.set_aside.path

    # ------------------------------------------------------------------------------------------------ writing

    def commit(self, batch: Batch) -> None:
        """Write a batch in one transaction and fsync it; a journal at its size limit drops its oldest rows for it.

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
                if not shedding.make_room(self._conn, self._settings.max_bytes, self._on_shed):
                    raise
                self._transact(batch)

    def prune(self, now: float) -> int:
        """Delete what is past its retention, give space back; number of rows deleted.

        With a clock that cannot be trusted pass 0.0: nothing is old then, and only the size limit acts.

        Raises:
            StoreError: it could not be finished; what was deleted until then stays so.
        """
        with self._mapped("delete what is past its retention"):
            return retention.prune(self._conn, self._settings, now, self._on_shed)

    def checkpoint(self) -> None:
        """Bring the write-ahead log into the file after some commits: two fsyncs more than a commit has.

        After so many new messages the outbox is brought back into its budget.

        Raises:
            StoreError: it could not be done; nothing is lost.
        """
        if self._outgoing >= OUTBOX_LOOK:
            self._outgoing = 0
            with self._mapped("keep its outbox in bounds"):
                shedding.keep_to_outbox_budget(self._conn, self._settings, self._on_shed)
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
            return self._seen.read()

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

    def command(self, request_id: str) -> CommandRecord | None:
        """What came of a command, None where none has this request id."""
        with self._mapped("read the commands"):
            rows = self._conn.execute(f"{records.SELECT_COMMANDS} WHERE request_id = ?", (request_id,)).fetchall()
        return records.command_from_row(rows[0]) if rows else None

    def newest_event(self, alarm: str) -> AlarmEvent | None:
        """The newest revision of an alarm that people were told; None where there is none, or it cannot be read."""
        with self._mapped("read the alarm events"):
            for (text,) in self._conn.execute(records.SELECT_EVENTS, (alarm,)).fetchall():
                with suppress(ValueError):
                    event = records.event_from_json(text)
                    if not event.historical:
                        return event
        return None

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
            self._seen.settle(committed=committed)

    def _write(self, batch: Batch) -> None:
        conn, clock = self._conn, batch.clock
        if batch.readings:
            conn.execute(records.INSERT_BLOCK, self._block_row(batch.readings, clock))
        conn.executemany(records.INSERT_LOG, (records.log_row(line, clock) for line in batch.logs))
        conn.executemany(records.INSERT_VERDICT, (records.verdict_row(v, clock) for v in batch.verdicts))
        conn.executemany(records.INSERT_EVENT, (records.event_row(event, clock) for event in batch.events))
        conn.executemany(records.INSERT_COMMAND, (records.command_row(command, clock) for command in batch.commands))
        conn.executemany("INSERT OR REPLACE INTO state(name, data) VALUES (?, ?)", batch.states.items())
        self._write_outbox(batch)
        if batch.seen:
            self._seen.add(batch.seen, batch.seen_kept)

    def _block_row(self, readings: list[Reading], clock: str) -> records.Row:
        names = {reading.asset for reading in readings}
        assets = self._assets.learn(names)
        channels = self._channels.learn({reading.channel for reading in readings})
        times = [reading.time for reading in readings if not reading.channel.startswith(FUTURE)] or [self._now()]
        data = blocks.pack(readings, assets, channels)
        return (len(names), min(times), max(times), clock, len(readings), data)

    def _write_outbox(self, batch: Batch) -> None:
        """Mark what was sent, add what is new; of unsent states of one group only the newest is worth sending."""
        now, conn = self._now(), self._conn
        conn.executemany("UPDATE outbox SET sent = ? WHERE id = ? AND sent IS NULL", ((now, row) for row in batch.sent))
        if batch.again:
            conn.execute(_AGAIN, (now,))
        conn.executemany(records.INSERT_OUTGOING, (records.outgoing_row(message, now) for message in batch.outgoing))
        if batch.again or any(message.lane == STATE_LANE for message in batch.outgoing):
            conn.execute(_SUPERSEDE)
        self._outgoing += len(batch.outgoing)

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
